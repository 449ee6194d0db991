"""What a run folder says and keeps when something went wrong in it."""

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from torch import Tensor

from seqlabel.ctc import Emissions
from seqlabel.data import Batch
from seqlabel.encoders import RecurrentConfig
from seqlabel.errors import ConfigError, ManifestError, ModelFileError
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import MatrixConfig
from seqlabel.frontend import FrontendConfig
from seqlabel.manifest import write_manifest
from seqlabel.objectives import Ctc
from seqlabel.records import Example
from seqlabel.run_log import RunLog
from seqlabel.stopping import TrainingStopped
from seqlabel.tensor_files import save_tensors
from seqlabel.training import Trainer, train

CONFIG = ExperimentConfig(
    name="tiny",
    data=DataConfig(directory="unused", batch_size=1),
    frontend=FrontendConfig(feature=MatrixConfig(dim=2)),
    encoder=RecurrentConfig(hidden_size=2, num_layers=1),
    training=TrainingConfig(num_epochs=1, num_threads=1, precision="float32"),
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    examples = []
    for number in range(3):
        path = tmp_path / f"{number}.npy"
        np.save(path, np.random.default_rng(number).normal(size=(8, 2)).astype(np.float32))
        examples.append(Example(id=str(number), source=path, text="ab"))
    for name in ("train", "dev"):
        write_manifest(tmp_path / f"{name}.jsonl", examples)
    return tmp_path


def test_a_checkpoint_of_other_settings_is_refused_without_config_json_too(data: Path) -> None:
    train(CONFIG, data / "run", data, "cpu")
    (data / "run" / "config.json").unlink()
    faster = msgspec.structs.replace(CONFIG.training, learning_rate=0.5)
    with pytest.raises(ConfigError, match=r"training\.learning_rate: 0\.002 there, 0\.5 now"):
        train(msgspec.structs.replace(CONFIG, training=faster), data / "run", data, "cpu")


def test_a_run_stopped_in_its_first_epoch_does_not_go_on_with_other_data(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Trainer._step

    def step_and_ask_to_stop(trainer: Trainer, batch: Batch) -> float:
        trainer.stop_requested.set()
        return step(trainer, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_step", step_and_ask_to_stop)
        with pytest.raises(TrainingStopped):
            train(CONFIG, data / "run", data, "cpu")
    manifest = data / "train.jsonl"
    manifest.write_text(manifest.read_text().replace('"ab"', '"ba"'))
    with pytest.raises(ConfigError, match="started with other data"):
        train(CONFIG, data / "run", data, "cpu")


def test_a_damaged_config_json_does_not_lose_the_run(data: Path) -> None:
    train(CONFIG, data / "run", data, "cpu")
    (data / "run" / "config.json").write_text('{"name": "ti')
    train(CONFIG, data / "run", data, "cpu")
    assert json.loads((data / "run" / "config.json").read_text())["name"] == "tiny"


def test_a_step_that_was_left_out_leaves_the_metrics_valid_json(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def loss_once_nan(
        objective: Ctc, emissions: Emissions, targets: Tensor, target_lengths: Tensor
    ) -> Tensor:
        calls.append(1)
        return emissions.log_probs.sum(dim=(1, 2)) * (torch.nan if len(calls) == 2 else 1.0)

    monkeypatch.setattr(Ctc, "losses", loss_once_nan)
    train(CONFIG, data / "run", data, "cpu")
    metrics = metrics_of(data / "run")
    assert metrics["num_skipped"] == 1
    assert isinstance(metrics["gradient_norm"], float)


def test_frames_per_second_are_those_of_the_whole_epoch_and_not_since_the_last_checkpoint(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Trainer._step

    def slow_step(trainer: Trainer, batch: Batch) -> float:
        time.sleep(0.02)
        return step(trainer, batch)

    monkeypatch.setattr(Trainer, "_step", slow_step)
    often = msgspec.structs.replace(CONFIG.training, checkpoint_seconds=0.0)
    train(msgspec.structs.replace(CONFIG, training=often), data / "run", data, "cpu")
    num_frames = 3 * 8
    assert metrics_of(data / "run")["frames_per_second"] <= num_frames / (3 * 0.02)


def test_half_a_line_of_a_killed_process_is_forgotten(tmp_path: Path) -> None:
    log = RunLog(tmp_path, append=False)
    (tmp_path / "metrics.jsonl").write_text('{"epoch": 1}\n{"epoch": 2, "trai')
    log.forget_after(2, 0)
    assert (tmp_path / "metrics.jsonl").read_text() == '{"epoch": 1}\n'
    assert sorted(path.name for path in tmp_path.iterdir()) == ["metrics.jsonl", "train.log"]


def test_a_dev_set_without_any_text_is_refused_before_training(data: Path) -> None:
    write_manifest(data / "dev.jsonl", [Example(id="mute", source=data / "0.npy", text="")])
    with pytest.raises(ManifestError, match=r"dev\.jsonl: no example has a text"):
        train(CONFIG, data / "run", data, "cpu")


def test_a_model_that_cannot_be_written_is_an_error_for_the_user(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"model\.safetensors: cannot be written"):
        save_tensors(tmp_path / "missing" / "model.safetensors", {"a": torch.zeros(1)}, {})


def metrics_of(run_dir: Path) -> dict[str, Any]:
    """The figures of the first epoch; msgspec takes neither NaN nor Infinity for JSON."""
    return msgspec.json.decode((run_dir / "metrics.jsonl").read_bytes().splitlines()[0], type=dict[str, Any])
