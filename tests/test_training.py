import dataclasses
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from seqlabel.checkpoint import Progress, load_checkpoint
from seqlabel.ctc import distance_from_uniform
from seqlabel.data import collate
from seqlabel.encoders import ConvLayerConfig, ConvRecurrentConfig, RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import MatrixConfig
from seqlabel.frontend import FrontendConfig
from seqlabel.manifest import write_manifest
from seqlabel.model import Model
from seqlabel.optimization import Answering, Losses, losses_of, noisy_weights
from seqlabel.records import Example
from seqlabel.stopping import TrainingStopped
from seqlabel.tensor_files import read_tensors
from seqlabel.training import Trainer, train

CONFIG = ExperimentConfig(
    name="tiny",
    data=DataConfig(directory="unused", batch_size=2),
    frontend=FrontendConfig(feature=MatrixConfig(dim=3)),
    encoder=RecurrentConfig(hidden_size=5, num_layers=1),
    training=TrainingConfig(num_epochs=3, num_threads=1, precision="float32"),
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    examples = []
    for number in range(6):
        path = tmp_path / f"{number}.npy"
        np.save(path, rng.normal(size=(12 + number, 3)).astype(np.float32))
        examples.append(Example(id=str(number), source=path, text="abba"[: 1 + number % 4]))
    write_manifest(tmp_path / "train.jsonl", examples)
    write_manifest(tmp_path / "dev.jsonl", examples[:2])
    write_manifest(
        tmp_path / "drawn.jsonl", [dataclasses.replace(each, id=f"drawn {each.id}") for each in examples]
    )
    return tmp_path


RANDOM = replace(
    CONFIG,
    encoder=RecurrentConfig(
        hidden_size=5,
        num_layers=2,
        recurrent_dropout=0.2,
        zoneout=0.1,
        variational_dropout=True,
        peepholes=True,
    ),
    training=replace(
        CONFIG.training, weight_noise=0.05, consistency=0.2, label_smoothing=0.1, minimum_risk=0.5
    ),
    data=replace(
        CONFIG.data, join_share=0.5, shortest_first=2, auxiliary=("drawn.jsonl",), auxiliary_epochs=3
    ),
)


@pytest.mark.parametrize("config", [CONFIG, RANDOM], ids=["plain", "with all that is random"])
def test_a_run_stopped_within_an_epoch_ends_bit_for_bit_like_an_uninterrupted_one(
    config: ExperimentConfig, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(config, tmp_path / "whole", data, "cpu")
    step = Trainer._step

    def step_and_ask_to_stop(trainer: Trainer, batch: object) -> float:
        if trainer.progress.num_steps == 4:
            trainer.stop_requested.set()
        return step(trainer, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_step", step_and_ask_to_stop)
        with pytest.raises(TrainingStopped):
            train(config, tmp_path / "stopped", data, "cpu")
    train(config, tmp_path / "stopped", data, "cpu")
    whole, _ = read_tensors(tmp_path / "whole" / "checkpoint.safetensors")
    resumed, _ = read_tensors(tmp_path / "stopped" / "checkpoint.safetensors")
    assert whole.keys() == resumed.keys()
    assert all(whole[name].equal(resumed[name]) for name in whole)


def test_training_stops_when_its_patience_in_steps_is_at_an_end(data: Path, tmp_path: Path) -> None:
    # With a rate of nearly nothing no epoch of three steps is better than the first.
    training = replace(CONFIG.training, num_epochs=9, learning_rate=1e-12, patience=6)
    train(replace(CONFIG, training=training), tmp_path / "run", data, "cpu")
    progress, _ = load_checkpoint(tmp_path / "run" / "checkpoint.safetensors")
    assert (progress.epoch, progress.num_steps, progress.best_step) == (3, 9, 3)


def test_label_smoothing_leaves_the_rest_of_one_to_the_texts() -> None:
    torch.manual_seed(1)
    model = Model(RecurrentConfig(hidden_size=4, num_layers=1, dropout=0.0), 3, 4)
    batch = collate([("a", np.ones((9, 3), np.float32), [1, 2]), ("b", np.zeros((6, 3), np.float32), [3])])

    def losses(label_smoothing: float) -> Losses:
        training = replace(CONFIG.training, label_smoothing=label_smoothing)
        found = losses_of(Answering(model), model, batch, torch.device("cpu"), torch.float32, 1, training)
        return Losses(*(part.detach() for part in found))

    plain, smoothed = losses(0.0), losses(0.1)
    sureness = distance_from_uniform(model(batch.features, batch.feature_lengths)).sum().detach()
    assert float(sureness) > 0
    torch.testing.assert_close(smoothed.total, 0.9 * plain.total + 0.1 * sureness)
    assert smoothed.of_answer.equal(plain.of_answer)


@pytest.mark.parametrize("num_views", [1, 2])
def test_expected_errors_of_each_view_are_added_to_the_loss_of_the_texts(num_views: int) -> None:
    torch.manual_seed(1)
    recurrent = RecurrentConfig(hidden_size=4, num_layers=1, dropout=0.0)
    stem = (ConvLayerConfig(channels=2),)
    model = Model(ConvRecurrentConfig(layers=stem, dropout=0.0, recurrent=recurrent), 3, 4)
    batch = collate([("a", np.ones((9, 3), np.float32), [1]), ("b", np.zeros((6, 3), np.float32), [2, 3, 2])])
    with torch.no_grad():
        model.head.weight.mul_(0.0)
        model.head.bias.copy_(torch.tensor([0.0, 50.0, 0.0, 0.0]))  # reads token 1 alone, whatever comes

    def total(weight: float) -> float:
        training = replace(CONFIG.training, minimum_risk=weight)
        found = losses_of(
            Answering(model), model, batch, torch.device("cpu"), torch.float32, num_views, training
        )
        return float(found.total.detach())

    # The first text is right, all of the second is wrong: as many errors in one view as on average of two.
    assert total(1.5) - total(0.0) == pytest.approx(1.5 * (0 + 3), rel=1e-4)


def test_choosing_the_precision_leaves_no_trace_in_the_run(data: Path, tmp_path: Path) -> None:
    """Batch normalisation counts batches and moves its averages; the timed steps must not."""

    def run(precision: Literal["auto", "float32", "bfloat16"]) -> tuple[Progress, dict[str, torch.Tensor]]:
        stem = (ConvLayerConfig(channels=2),)
        encoder = ConvRecurrentConfig(layers=stem, recurrent=RecurrentConfig(hidden_size=4, num_layers=1))
        training = replace(CONFIG.training, num_epochs=1, precision=precision)
        folder = tmp_path / precision
        train(replace(CONFIG, encoder=encoder, training=training), folder, data, "cpu")
        return load_checkpoint(folder / "checkpoint.safetensors")

    progress, chosen = run("auto")
    _, named = run(progress.precision)
    assert chosen.keys() == named.keys()
    assert all(chosen[name].equal(named[name]) for name in chosen)


def test_noise_is_in_matrices_while_a_gradient_is_computed_and_then_gone() -> None:
    torch.manual_seed(1)
    model = Model(RecurrentConfig(hidden_size=64, num_layers=1), 64, 64)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    with noisy_weights(model, 0.1):
        for name, parameter in model.named_parameters():
            noise = parameter.detach() - before[name]
            assert float(noise.std()) == pytest.approx(0.1 if parameter.ndim > 1 else 0, abs=0.01)
    assert all(torch.equal(parameter, before[name]) for name, parameter in model.named_parameters())


def test_noise_is_gone_after_an_error_too() -> None:
    model = Model(RecurrentConfig(hidden_size=4, num_layers=1), 3, 3)
    before = model.head.weight.detach().clone()
    with pytest.raises(KeyError), noisy_weights(model, 0.1):
        raise KeyError
    assert torch.equal(model.head.weight, before)
