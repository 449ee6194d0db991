"""One way to an error rate: training, `evaluate` and `score` agree, and nothing but the model and the data counts."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import seqlabel.evaluation
import seqlabel.recognizer
from seqlabel.model_file import read_header
from tests.blocks import TrainedRun, rates_of

Run = Callable[..., tuple[int, str, str]]


def test_the_dev_error_in_the_model_file_is_that_of_evaluate_and_of_score(
    trained_run: TrainedRun, run: Run, tmp_path: Path
) -> None:
    dev, out = trained_run.data / "dev.jsonl", tmp_path / "out.jsonl"
    summary = read_header(trained_run.model).summary
    evaluated = json.loads(run("evaluate", trained_run.model, dev, "--json", "--out", out)[1])
    scored = json.loads(run("score", dev, out, "--json")[1])
    for rates in (evaluated, scored):
        assert rates["cer"] == summary.dev_cer
        assert rates["wer"] == summary.dev_wer
        assert rates["ser"] == summary.dev_ser


@pytest.mark.parametrize("size", [1, 3, 32])
def test_the_batch_size_changes_no_score(
    size: int, trained_run: TrainedRun, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before, after = tmp_path / "before.jsonl", tmp_path / "after.jsonl"
    test = trained_run.data / "test.jsonl"
    found = []
    for out in (before, after):
        found.append(rates_of(run("evaluate", trained_run.model, test, "--json", "--out", out)[1]))
        monkeypatch.setattr(seqlabel.evaluation, "BATCH_SIZE", size)
    assert found[0] == found[1]
    assert texts(after) == texts(before)


def texts(path: Path) -> list[tuple[str, str]]:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [(row["id"], row["hypothesis"]) for row in rows]


@pytest.mark.parametrize("num_threads", [1, 2, 3])
def test_the_number_of_threads_changes_no_score(num_threads: int, trained_run: TrainedRun, run: Run) -> None:
    test = trained_run.data / "test.jsonl"
    before = torch.get_num_threads()
    rates = json.loads(run("evaluate", trained_run.model, test, "--json")[1])
    try:
        torch.set_num_threads(num_threads)
        found = json.loads(run("evaluate", trained_run.model, test, "--json")[1])
    finally:
        torch.set_num_threads(before)
    for name in ("cer", "wer", "ser"):
        assert found[name] == rates[name]


@pytest.mark.parametrize("chunk", [1, 5])
def test_the_files_that_are_read_at_once_change_no_text(
    chunk: int, trained_run: TrainedRun, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = trained_run.data / "test"
    before = run("transcribe", trained_run.model, folder)[1]
    monkeypatch.setattr(seqlabel.recognizer, "CHUNK", chunk)
    assert run("transcribe", trained_run.model, folder)[1] == before
