"""Networks that really diverge: steps are left out and named, runs go back, and nothing good is written over."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from seqlabel.checkpoint import Progress, load_checkpoint
from seqlabel.data import Batch
from seqlabel.divergence import (
    MOST_RETURNS,
    MOST_SKIPPED,
    WINDOW,
    after_return,
    after_step,
    diverges,
    ends_badly,
    is_lost,
)
from seqlabel.errors import DivergenceError
from seqlabel.model_file import load_model
from seqlabel.optimization import are_finite
from seqlabel.stopping import TrainingStopped
from seqlabel.training import Trainer, train
from tests.nursery import CONFIG, make_corpus


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    make_corpus(tmp_path)
    return tmp_path


def test_an_absurd_learning_rate_ends_with_one_line_and_no_lost_weights_on_the_disk(corpus: Path) -> None:
    training = replace(CONFIG.training, learning_rate=1e38, num_epochs=30)
    with pytest.raises(DivergenceError) as refusal:
        train(replace(CONFIG, training=training), corpus / "run", corpus, "cpu")
    message = str(refusal.value)
    assert "the training diverges" in message and f"went back {MOST_RETURNS} times" in message
    assert "\n" not in message
    for path in (corpus / "run").glob("checkpoint*.safetensors"):
        _, tensors = load_checkpoint(path)
        assert are_finite({name: tensor for name, tensor in tensors.items() if name.startswith("model.")}), (
            path
        )
    for path in (corpus / "run").glob("[bl]*.safetensors"):
        assert are_finite(load_model(path, torch.device("cpu")).model.state_dict()), path


def test_a_run_that_diverges_goes_back_until_it_learns_and_stops_change_nothing(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A rate with which this network diverges, and with a 16th of which it does not.
    config = replace(CONFIG, training=replace(CONFIG.training, learning_rate=3000.0, num_epochs=2))
    train(config, corpus / "whole", corpus, "cpu")
    whole, tensors = load_checkpoint(corpus / "whole" / "checkpoint.safetensors")
    assert whole.epoch == 2
    assert 1 <= whole.num_returns <= MOST_RETURNS
    assert whole.rate_share == 0.5**whole.num_returns
    step = Trainer._step
    attempts = []

    def step_and_ask_to_stop(trainer: Trainer, batch: Batch) -> float:
        attempts.append(batch)
        if len(attempts) % 4 == 0:
            trainer.stop_requested.set()
        return step(trainer, batch)

    monkeypatch.setattr(Trainer, "_step", step_and_ask_to_stop)
    num_stops = 0
    while True:
        try:
            train(config, corpus / "stopped", corpus, "cpu")
            break
        except TrainingStopped:
            num_stops += 1
    stopped, resumed = load_checkpoint(corpus / "stopped" / "checkpoint.safetensors")
    assert num_stops >= 3
    assert (stopped.num_returns, stopped.dev_errors) == (whole.num_returns, whole.dev_errors)
    assert tensors.keys() == resumed.keys()
    assert all(tensors[name].equal(resumed[name]) for name in tensors)


def test_an_example_without_a_finite_loss_is_left_out_by_name_and_the_others_are_learnt(corpus: Path) -> None:
    # Finite in the file; the product with the weights is not.
    frames = np.load(corpus / "3.npy")
    frames[4] = 3e38
    np.save(corpus / "3.npy", frames)
    frontend = replace(CONFIG.frontend, normalization=None)
    config = replace(CONFIG, frontend=frontend, data=replace(CONFIG.data, batch_size=1, join_share=0.0))
    manifest = (corpus / "train.jsonl").read_text().splitlines(keepends=True)
    (corpus / "dev.jsonl").write_text("".join(manifest[:3]))
    train(config, corpus / "run", corpus, "cpu")
    log = (corpus / "run" / "train.log").read_text()
    skipped = [line for line in log.splitlines() if "left out: loss" in line]
    assert skipped
    assert all(line.endswith("examples '3'") for line in skipped)
    metrics = [json.loads(line) for line in (corpus / "run" / "metrics.jsonl").read_text().splitlines()]
    assert metrics[-1]["num_skipped"] == len(skipped)
    assert metrics[-1]["num_steps"] == 12 * CONFIG.training.num_epochs - len(skipped)


PROGRESS = Progress(experiment=CONFIG, precision="float32")


def stepped(progress: Progress, taken: str) -> Progress:
    for letter in taken:
        progress = after_step(progress, 1.0, 2, is_taken=letter == "+")
    return progress


def test_only_many_left_out_among_the_last_steps_are_a_divergence() -> None:
    assert not diverges(stepped(PROGRESS, "-" * (MOST_SKIPPED - 1)))
    assert diverges(stepped(PROGRESS, "-" * MOST_SKIPPED))
    assert not diverges(stepped(PROGRESS, ("-" + "+" * (WINDOW // MOST_SKIPPED)) * 40))


def test_a_step_that_was_left_out_adds_neither_loss_nor_tokens() -> None:
    found = stepped(PROGRESS, "+-+")
    assert (found.num_steps, found.num_skipped, found.loss_sum, found.num_tokens) == (2, 1, 2.0, 4)
    assert (found.batch, found.is_sound) == (3, True)
    assert not stepped(found, "-").is_sound


def test_going_back_halves_the_rate_each_time_whatever_state_it_goes_back_to() -> None:
    written = stepped(PROGRESS, "+++")
    first = after_return(written, stepped(written, "-" * 10))
    second = after_return(written, stepped(first, "-" * 10))
    assert (first.rate_share, second.rate_share) == (0.5, 0.25)
    assert (second.num_returns, second.recent_skips, second.num_steps) == (2, (), 3)


def test_a_state_from_which_no_step_could_be_taken_is_lost() -> None:
    written = stepped(PROGRESS, "+++")
    returned = after_return(written, stepped(written, "-" * 10))
    assert not is_lost(written, stepped(written, "-" * 10))
    assert is_lost(written, stepped(returned, "-" * 10))
    assert not is_lost(written, stepped(returned, "+" + "-" * 10))


def test_an_epoch_whose_last_steps_were_left_out_ends_badly() -> None:
    assert ends_badly(stepped(PROGRESS, "+--"))
    assert not ends_badly(stepped(PROGRESS, "--+-"))
    assert not ends_badly(stepped(PROGRESS, "--+"))
    assert not ends_badly(PROGRESS)
