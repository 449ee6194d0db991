"""A short run of the fuzzer over every reader: `python -m tests.fuzz READER --count 100000` is the long one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

READERS = (
    "wav", "sphere", "flac", "ogg", "audio", "mp3", "png", "jpeg", "tiff", "image", "npy", "mfc", "ark",
    "ark_text", "alto", "page", "page_writing", "inkml", "whiteboard", "unipen", "ink_json", "ink", "symbols",
    "manifest", "metadata_csv", "kaldi", "kaldi_scp", "line_texts", "arpa", "arpa_gz", "lexicon", "rules",
    "rules_json", "hypotheses", "texts", "model", "checkpoint", "overrides", "unix_compress", "corpus_lines",
)  # fmt: skip
COUNT = 250


@pytest.fixture(scope="module")
def outcomes() -> dict[str, dict[str, Any]]:
    """What came of each reader; one process for all of them, since starting one takes longer than reading."""
    root = Path(__file__).resolve().parents[2]
    environment = {name: value for name, value in os.environ.items() if name != "SEQLABEL_DATA"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "all", "--count", str(COUNT), "--seed", "7", "--json"],
        cwd=root,
        env=environment | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stderr
    return {found["reader"]: found for found in map(json.loads, done.stdout.splitlines())}


def test_every_reader_is_run(outcomes: dict[str, dict[str, Any]]) -> None:
    assert sorted(outcomes) == sorted(READERS)


@pytest.mark.parametrize("reader", READERS)
def test_damaged_files_are_read_or_refused_in_one_line(
    reader: str, outcomes: dict[str, dict[str, Any]]
) -> None:
    found = outcomes[reader]
    assert found["findings"] == []
    assert found["num_read"] + found["num_refused"] == COUNT
    # Were nothing read or nothing refused, the damage would be too great or too small to find anything.
    assert found["num_read"] > 0 and found["num_refused"] > 0
