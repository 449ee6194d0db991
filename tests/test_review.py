import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from seqlabel.model_file import read_header, set_decoding
from tests.blocks import TrainedRun

Run = Callable[..., tuple[int, str, str]]


def test_training_calibrates_the_model_that_it_keeps(trained_run: TrainedRun, run: Run) -> None:
    calibration = read_header(trained_run.model).calibration
    assert calibration is not None
    _, out, _ = run("info", trained_run.model)
    assert "confidences calibrated: tokens temperature" in out


def test_the_lines_with_most_errors_to_expect_come_first(trained_run: TrainedRun, run: Run) -> None:
    folder = trained_run.data / "test"
    code, out, err = run("transcribe", trained_run.model, folder, "--review")
    rows = [line.split("\t") for line in out.splitlines()]
    assert (code, len(rows)) == (0, 12)
    errors = [float(row[0]) for row in rows]
    assert errors == sorted(errors, reverse=True)
    assert {row[2] for row in rows} == {str(path) for path in folder.iterdir()}
    assert err.startswith("12 lines, ")
    assert err.endswith("% of the characters likely to be wrong\n")


def test_json_has_the_same_order(trained_run: TrainedRun, run: Run) -> None:
    folder = trained_run.data / "test"
    _, out, err = run("transcribe", trained_run.model, folder, "--review", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    errors = [row["expected_errors"] for row in rows]
    assert errors == sorted(errors, reverse=True)
    assert {"path", "text", "words", "tokens"} <= rows[0].keys()
    assert err == ""


def test_doubtful_words_stand_in_brackets() -> None:
    from seqlabel.records import Hypothesis, Span
    from seqlabel.review import marked

    words = tuple(
        Span(text=text, start_frame=0, end_frame=1, confidence=confidence)
        for text, confidence in (("we", 0.9), ("sow", 0.2), ("tho", 0.4), ("sea", 0.6), ("tnere", 0.1))
    )
    read = Hypothesis(text="we sow tho sea tnere", token_ids=(), score=0.0, words=words)
    assert marked(read) == "we [sow tho] sea [tnere]"


@pytest.fixture
def uncalibrated(trained_run: TrainedRun, tmp_path: Path) -> Path:
    model = tmp_path / "model.safetensors"
    shutil.copy(trained_run.model, model)
    from seqlabel.decoders import GreedyConfig
    from seqlabel.language_model import LanguageModels

    set_decoding(model, GreedyConfig(), LanguageModels())
    return model


def test_a_model_without_calibration_says_what_to_do(
    uncalibrated: Path, trained_run: TrainedRun, run: Run, refusal: Callable[..., str]
) -> None:
    assert "run `seqlabel calibrate" in refusal("transcribe", uncalibrated, trained_run.data, "--review")
    dev = trained_run.data / "dev.jsonl"
    before = read_header(uncalibrated)
    assert run("calibrate", uncalibrated, dev, "--dry-run")[0] == 0
    assert read_header(uncalibrated) == before
    code, out, _ = run("calibrate", uncalibrated, dev)
    assert code == 0
    assert "temperature" in out
    # Training has done the same on the same set.
    assert read_header(uncalibrated).calibration == read_header(trained_run.model).calibration
    assert run("transcribe", uncalibrated, trained_run.data / "test", "--review")[0] == 0


def test_n_best_and_review_do_not_go_together(trained_run: TrainedRun, refusal: Callable[..., str]) -> None:
    words = ("transcribe", trained_run.model, trained_run.data, "--review", "--json", "--n-best", 2)
    assert refusal(*words) == "--review is of the best reading; leave --n-best out"


def test_the_report_has_the_confidences(trained_run: TrainedRun, run: Run, tmp_path: Path) -> None:
    test = trained_run.data / "test.jsonl"
    code, out, _ = run("evaluate", trained_run.model, test, "--report", tmp_path)
    assert code == 0
    assert "expected from confidences alone: " in out
    found = json.loads((tmp_path / "report.json").read_text())["reliability"]
    bins = found["tokens"]["bins"]
    assert sum(each["count"] for each in bins) > 20
    assert all(0 <= each["share_right"] <= 1 for each in bins)
    for name in ("report.md", "report.html"):
        assert "Confidences" in (tmp_path / name).read_text()
    assert "expected_error" in json.loads(run("evaluate", trained_run.model, test, "--json")[1])
