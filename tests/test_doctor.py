import json
from pathlib import Path

import pytest
import torch
from msgspec.structs import replace

from seqlabel.ctc import Emissions
from seqlabel.doctor import PLATEAU_STEPS, EmissionCounts, EpochFigures, Settings, diagnose
from seqlabel.training import train
from tests.nursery import CONFIG, make_corpus

SETTINGS = Settings(num_epochs=20, learning_rate=0.002, gradient_clip=5.0)
WELL = EpochFigures(
    epoch=12,
    num_steps=3000,
    num_skipped=0,
    train_loss=0.3,
    dev_error=0.1,
    blank_rate=0.7,
    emitted_length=11.8,
    target_length=12.0,
    gradient_norm=0.6,
    clipped_share=0.02,
    waiting_share=0.05,
)


def history(*changes: dict[str, float]) -> list[EpochFigures]:
    return [replace(WELL, epoch=number + 1, **change) for number, change in enumerate(changes)]


def curve(name: str, *values: float, **also: list[float]) -> list[EpochFigures]:
    return history(
        *(
            {name: value, **{key: given[index] for key, given in also.items()}}
            for index, value in enumerate(values)
        )
    )


def test_nothing_is_said_when_all_is_well() -> None:
    falling = curve("dev_error", 0.5, 0.3, 0.2, 0.15, train_loss=[2.0, 1.0, 0.5, 0.4])
    assert diagnose(falling, SETTINGS) == []
    assert diagnose([WELL], SETTINGS) == []


def test_a_plateau_is_normal_at_first_and_later_it_is_not() -> None:
    plateau = replace(WELL, emitted_length=0.1, blank_rate=0.998, num_steps=500)
    [early] = diagnose([plateau], SETTINGS)
    assert early == (
        "still in the blank plateau (100 % blanks, 0.1 tokens read where 12.0 stand), normal before step 2000"
    )
    [late] = diagnose([replace(plateau, num_steps=PLATEAU_STEPS + 1)], SETTINGS)
    assert late.startswith("still in the blank plateau after step 2001") and "learning rate 0.002" in late


def test_a_network_that_reads_nothing_any_more_is_told() -> None:
    [line] = diagnose([WELL, replace(WELL, epoch=13, emitted_length=0.0)], SETTINGS)
    assert line.startswith("reads nothing any more since epoch 13")


def test_a_dev_error_that_rises_while_the_loss_falls_is_told_and_accidents_are_not() -> None:
    losses = [0.5, 0.4, 0.3, 0.2]
    [line] = diagnose(curve("dev_error", 0.10, 0.11, 0.12, 0.13, train_loss=losses), SETTINGS)
    assert line.startswith("the dev error rises (10.0, 11.0, 12.0, 13.0 %, lowest after epoch 1)")
    assert "stop, or regularise more" in line
    assert diagnose(curve("dev_error", 0.10, 0.13, 0.12, 0.13, train_loss=losses), SETTINGS) == []
    assert diagnose(curve("dev_error", 0.005, 0.006, 0.007, 0.008, train_loss=losses), SETTINGS) == []
    assert (
        diagnose(curve("dev_error", 0.10, 0.11, 0.12, 0.13, train_loss=[0.5, 0.4, 0.3, 0.4]), SETTINGS) == []
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"num_skipped": 3}, "3 steps were left out"),
        ({"num_skipped": 1}, "1 step was left out"),
        ({"clipped_share": 0.97, "gradient_norm": 41.0}, "the gradient was clipped at 97 % of the steps"),
        ({"waiting_share": 0.4}, "the network waited for data 40 % of the time"),
        (
            {"emitted_length": 15.1},
            "reads 15.1 tokens where 12.0 stand: look whether the transcripts are whole",
        ),
        ({"emitted_length": 6.0}, "reads 6.0 tokens where 12.0 stand: look whether the transcripts say more"),
    ],
)
def test_what_is_wrong_is_one_line(change: dict[str, float], said: str) -> None:
    [line] = diagnose([replace(WELL, **change)], SETTINGS)
    assert line.startswith(said)


def test_lengths_are_no_matter_before_half_of_the_run_nor_without_a_blank() -> None:
    assert diagnose([replace(WELL, epoch=3, emitted_length=6.0)], SETTINGS) == []
    assert diagnose([replace(WELL, blank_rate=None, emitted_length=1.0)], SETTINGS) == []


def test_a_loss_that_rises_is_told() -> None:
    [line] = diagnose(curve("train_loss", 1.0, 1.2, 1.4, 1.6), SETTINGS)
    assert line.startswith("the training loss rises (1.000, 1.200, 1.400, 1.600)")


def test_emissions_are_counted_over_valid_frames() -> None:
    probs = torch.tensor([[[0.9, 0.1], [0.2, 0.8], [0.9, 0.1]], [[0.6, 0.4], [torch.nan, 0.5], [0.1, 0.9]]])
    first = EmissionCounts.of(Emissions(probs.log(), torch.tensor([2, 2])))
    assert first == (4, 2, 1)
    assert first.plus(EmissionCounts(1, 1, 0)) == (5, 3, 1)


def test_a_real_run_in_its_plateau_is_told_so_and_its_figures_are_kept(tmp_path: Path) -> None:
    make_corpus(tmp_path)
    train(replace(CONFIG, training=replace(CONFIG.training, num_epochs=2)), tmp_path / "run", tmp_path, "cpu")
    metrics = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    log = (tmp_path / "run" / "train.log").read_text()
    assert (
        log.count("  doctor: still in the blank plateau (100 % blanks, 0.0 tokens read where 2.5 stand)") == 2
    )
    for line in metrics:
        assert (line["blank_rate"], line["emitted_length"], line["target_length"]) == (1.0, 0.0, 2.5)
        assert 0 <= line["waiting_share"] <= 1
        assert line["gradient_norm"] > 0
        assert line["doctor"][0].startswith("still in the blank plateau")


def test_a_real_run_that_learns_is_told_nothing_at_its_end(tmp_path: Path) -> None:
    make_corpus(tmp_path, 24)
    training = replace(
        CONFIG.training, num_epochs=40, learning_rate=0.03, weight_noise=0.0, checkpoint_seconds=120.0
    )
    encoder = replace(CONFIG.encoder, hidden_size=12, dropout=0.0, recurrent_dropout=0.0, num_layers=1)
    config = replace(CONFIG, training=training, encoder=encoder, data=replace(CONFIG.data, join_share=0.0))
    train(config, tmp_path / "run", tmp_path, "cpu")
    last = json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["dev"]["cer"] < 0.1
    assert [remark for remark in last["doctor"] if "waited for data" not in remark] == []
    assert last["emitted_length"] == pytest.approx(2.5, abs=0.3)
