"""`seqlabel score` as a user types it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from seqlabel.manifest import read_manifest
from tests.blocks import RATE_KEYS, TrainedRun

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]


def test_text_files_are_scored_line_by_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("one two\nsix\n")
    (tmp_path / "h.txt").write_text("one too\nsix\n")
    assert run("score", tmp_path / "r.txt", tmp_path / "h.txt") == (
        0,
        "CER   10.00 %  1 error  in 10 characters  1 substituted, 0 deleted, 0 inserted\n"
        "WER   33.33 %  1 error  in  3 words       1 substituted, 0 deleted, 0 inserted\n"
        "SER   50.00 %  1 wrong  of  2 examples\n"
        "no 95 % intervals: too little differs among 2 lines; no groups are known, so lines count as independent\n",
        "",
    )


def test_manifests_are_scored_by_id(run: Run, trained_run: TrainedRun, tmp_path: Path) -> None:
    manifest = trained_run.data / "test.jsonl"
    lines = [json.dumps({"id": e.id, "text": e.text}) for e in reversed(read_manifest(manifest))]
    (tmp_path / "h.jsonl").write_text("\n".join(lines))
    code, out, _ = run("score", manifest, tmp_path / "h.jsonl", "--json")
    found = json.loads(out)
    assert (code, list(found)) == (0, [*RATE_KEYS, "intervals"])
    assert (found["cer"], found["ser"], found["num_examples"]) == (0, 0, 12)


def test_a_rate_without_a_reference_is_null_in_json(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("\n")
    (tmp_path / "h.txt").write_text("x\n")
    _, out, _ = run("score", tmp_path / "r.txt", tmp_path / "h.txt", "--json")
    assert json.loads(out)["cer"] is None


@pytest.mark.parametrize(
    ("reference", "hypothesis", "said"),
    [
        ("a\nb\n", "a\n", "found 1 lines, expected the 2"),
        ("", "", "nothing to score"),
        ('{"id": "1", "text": "a"}', '{"id": "2", "text": "a"}', "1 of the 1 ids"),
        ('{"id": "1", "text": "a"}', "{", "not JSON"),
    ],
)
def test_files_that_do_not_belong_together_are_one_line(
    reference: str, hypothesis: str, said: str, refusal: Refusal, tmp_path: Path
) -> None:
    suffix = ".jsonl" if reference.startswith("{") else ".txt"
    for name, content in (("r", reference), ("h", hypothesis)):
        (tmp_path / f"{name}{suffix}").write_text(content)
    assert said in refusal("score", tmp_path / f"r{suffix}", tmp_path / f"h{suffix}")
