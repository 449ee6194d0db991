import json
from pathlib import Path

import pytest

from seqlabel.run_log import RunLog


def metrics(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_line_is_said_on_the_terminal_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    RunLog(tmp_path, append=False).line("reading 3 files [train]")
    assert (tmp_path / "train.log").read_text() == "reading 3 files [train]\n"
    captured = capsys.readouterr()
    assert captured.err == "reading 3 files [train]\n"
    assert captured.out == ""


def test_long_lines_are_not_broken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    RunLog(tmp_path, append=False).line("word " * 100 + "end")
    assert capsys.readouterr().err.count("\n") == 1


def test_what_is_only_written_stays_off_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    RunLog(tmp_path, append=False).write("  'é': unreadable")
    assert (tmp_path / "train.log").read_text(encoding="utf-8") == "  'é': unreadable\n"
    assert capsys.readouterr().err == ""


def test_an_epoch_is_one_json_object_and_one_line(tmp_path: Path) -> None:
    log = RunLog(tmp_path, append=False)
    log.epoch({"epoch": 1, "dev": {"cer": 0.5}}, "epoch 1 CER 50 %")
    log.epoch({"epoch": 2, "dev": {"cer": 0.25}}, "epoch 2 CER 25 %")
    assert metrics(tmp_path) == [{"epoch": 1, "dev": {"cer": 0.5}}, {"epoch": 2, "dev": {"cer": 0.25}}]
    assert (tmp_path / "train.log").read_text().splitlines() == ["epoch 1 CER 50 %", "epoch 2 CER 25 %"]


def test_a_new_run_starts_an_empty_log_and_a_resumed_one_goes_on(tmp_path: Path) -> None:
    RunLog(tmp_path, append=False).epoch({"epoch": 1}, "one")
    RunLog(tmp_path, append=True).epoch({"epoch": 2}, "two")
    assert (tmp_path / "train.log").read_text() == "one\ntwo\n"
    assert [line["epoch"] for line in metrics(tmp_path)] == [1, 2]
    RunLog(tmp_path, append=False)
    assert (tmp_path / "train.log").read_text() == (tmp_path / "metrics.jsonl").read_text() == ""


def test_epochs_that_will_be_run_again_are_taken_out(tmp_path: Path) -> None:
    log = RunLog(tmp_path, append=False)
    for epoch in (1, 2, 3):
        log.epoch({"epoch": epoch}, str(epoch))
    log.forget_after(2, 0)
    log.epoch({"epoch": 3, "again": True}, "3")
    assert metrics(tmp_path) == [{"epoch": 1}, {"epoch": 2}, {"epoch": 3, "again": True}]


def test_a_run_without_metrics_has_none_to_forget(tmp_path: Path) -> None:
    RunLog(tmp_path, append=True).forget_after(0, 0)
    assert not (tmp_path / "metrics.jsonl").exists()


def test_bars_leave_nothing_behind_where_there_is_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = RunLog(tmp_path, append=False)
    with log.bar(0, 2, 3, 1) as advance:
        advance(0.5)
    with log.bar_of("reading", 2) as count:
        count()
    assert capsys.readouterr() == ("", "")
    assert (tmp_path / "train.log").read_text() == ""
