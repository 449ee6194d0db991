from pathlib import Path

import pytest
import torch
from torch import Tensor

from seqlabel.checkpoint import Progress, is_better, load_checkpoint, random_state, restore, save_checkpoint
from seqlabel.encoders import ConvLayerConfig, ConvRecurrentConfig, RecurrentConfig
from seqlabel.errors import ModelFileError
from seqlabel.experiment import DataConfig, ExperimentConfig
from seqlabel.features import MatrixConfig
from seqlabel.frontend import FrontendConfig
from seqlabel.model import Model
from seqlabel.optimization import build_optimizer
from seqlabel.tensor_files import read_tensors

CONFIG = ExperimentConfig(
    name="tiny",
    data=DataConfig(directory="data/tiny"),
    frontend=FrontendConfig(feature=MatrixConfig(dim=4)),
    encoder=ConvRecurrentConfig(
        layers=(ConvLayerConfig(channels=2, pool=(2, 1)),),
        recurrent=RecurrentConfig(hidden_size=3, num_layers=1, dropout=0.5),
    ),
)
PROGRESS = Progress(
    experiment=CONFIG,
    precision="float32",
    epoch=3,
    batch=2,
    num_steps=17,
    num_skipped=1,
    loss_sum=0.1 + 0.2,
    num_tokens=40,
    seconds=12.25,
    dev_errors=(0.9, 1 / 3, 0.5),
    best_step=20,
)


class Run:
    """What a checkpoint holds: a model, its average and its optimiser."""

    def __init__(self, seed: int) -> None:
        torch.manual_seed(seed)
        self.model = Model(CONFIG.encoder, 4, 3)
        self.average = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        self.optimizer = build_optimizer(self.model, CONFIG)

    def step(self) -> None:
        emissions = self.model(torch.randn(2, 8, 4), torch.tensor([8, 5]))
        self.optimizer.zero_grad()
        emissions.log_probs.square().mean().backward()
        self.optimizer.step()
        for name, tensor in self.model.state_dict().items():
            if tensor.is_floating_point():
                self.average[name].lerp_(tensor, 0.1)

    def state(self) -> dict[str, Tensor]:
        return {name: tensor.clone() for name, tensor in self.model.state_dict().items()} | {
            f"average.{name}": tensor.clone() for name, tensor in self.average.items()
        }

    def save(self, path: Path) -> Path:
        save_checkpoint(
            path, PROGRESS, self.model, self.average, self.optimizer, [random_state(torch.device("cpu"))]
        )
        return path


def trained(num_steps: int, seed: int = 1) -> Run:
    run = Run(seed)
    for _ in range(num_steps):
        run.step()
    return run


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return trained(2).save(tmp_path / "checkpoint.safetensors")


def test_progress_comes_back_exactly(file: Path) -> None:
    progress, _ = load_checkpoint(file)
    assert progress == PROGRESS


def test_a_restored_run_takes_the_same_steps_as_the_one_that_was_saved(tmp_path: Path) -> None:
    run = trained(3)
    path = run.save(tmp_path / "checkpoint.safetensors")
    run.step()
    other = Run(seed=99)
    _, tensors = load_checkpoint(path)
    restore(tensors, other.model, other.average, other.optimizer)
    other.step()
    assert same(run.state(), other.state())


def test_restoring_copies_so_that_further_steps_leave_the_checkpoint_alone(file: Path) -> None:
    _, tensors = load_checkpoint(file)
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    run = Run(seed=99)
    restore(tensors, run.model, run.average, run.optimizer)
    run.step()
    assert all(
        torch.equal(tensors[name], before[name])
        for name in tensors
        if name.startswith(("model.", "average."))
    )


def test_a_checkpoint_before_the_first_step_can_be_restored(tmp_path: Path) -> None:
    run = trained(0)
    path = run.save(tmp_path / "checkpoint.safetensors")
    run.step()
    other = Run(seed=99)
    restore(load_checkpoint(path)[1], other.model, other.average, other.optimizer)
    other.step()
    assert same(run.state(), other.state())


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_checkpoint_is_refused(share: float, file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ModelFileError, match=r"checkpoint\.safetensors: not a whole safetensors file"):
        load_checkpoint(file)


def test_what_is_no_checkpoint_is_refused(file: Path) -> None:
    from safetensors.torch import save_file

    tensors, metadata = read_tensors(file)
    del metadata["checksum"]  # as in files from before there were any
    for other in (
        {"format": "seqlabel"},
        metadata | {"progress": "{}"},
        metadata | {"progress": metadata["progress"].replace('"num_steps"', '"num_steeps"')},
    ):
        save_file(tensors, file, other)
        with pytest.raises(ModelFileError, match=r"checkpoint\.safetensors: not a checkpoint.*new --run-dir"):
            load_checkpoint(file)


def test_a_checkpoint_written_by_torch_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    torch.save({"progress": 1}, path)
    with pytest.raises(ModelFileError, match="not a whole safetensors file"):
        load_checkpoint(path)


def test_a_write_that_fails_leaves_the_old_checkpoint(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = file.read_bytes()

    def half_written(tensors: object, path: Path, metadata: object) -> None:
        path.write_bytes(before[:100])
        raise OSError("no space left on device")

    monkeypatch.setattr("seqlabel.tensor_files.save_file", half_written)
    with pytest.raises(ModelFileError, match="no space left"):
        trained(1).save(file)
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_only_a_lower_error_than_all_before_is_better() -> None:
    assert is_better(0.5, ())
    assert is_better(0.5, (0.9, 0.6))
    assert not is_better(0.5, (0.9, 0.5))
    assert not is_better(0.5, (0.4, 0.9))
