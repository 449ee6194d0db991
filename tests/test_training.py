from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from seqlabel.checkpoint import Progress, load_checkpoint
from seqlabel.encoders import ConvLayerConfig, ConvRecurrentConfig, RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import MatrixConfig
from seqlabel.frontend import FrontendConfig
from seqlabel.manifest import write_manifest
from seqlabel.model_file import read_tensors
from seqlabel.records import Example
from seqlabel.training import Trainer, TrainingStopped, train

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
    return tmp_path


def test_a_run_stopped_within_an_epoch_ends_bit_for_bit_like_an_uninterrupted_one(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(CONFIG, tmp_path / "whole", data, "cpu")
    step = Trainer._step

    def step_and_ask_to_stop(trainer: Trainer, batch: object) -> float:
        if trainer.progress.num_steps == 4:
            trainer.stop_requested.set()
        return step(trainer, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_step", step_and_ask_to_stop)
        with pytest.raises(TrainingStopped):
            train(CONFIG, tmp_path / "stopped", data, "cpu")
    train(CONFIG, tmp_path / "stopped", data, "cpu")
    whole, _ = read_tensors(tmp_path / "whole" / "checkpoint.safetensors")
    resumed, _ = read_tensors(tmp_path / "stopped" / "checkpoint.safetensors")
    assert whole.keys() == resumed.keys()
    assert all(whole[name].equal(resumed[name]) for name in whole)


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
