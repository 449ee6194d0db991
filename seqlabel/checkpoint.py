"""The state of an unfinished run: all that a later process needs to go on bit for bit."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import torch
from torch import Tensor

from seqlabel.config import Config
from seqlabel.doctor import EpochFigures
from seqlabel.errors import ModelFileError, SeqlabelError
from seqlabel.experiment import ExperimentConfig
from seqlabel.model import Model
from seqlabel.tensor_files import read_tensors, save_tensors


class Progress(Config, frozen=True):
    """How far a run has come.

    Attributes:
        experiment: the settings it was started with.
        precision: that chosen at its start; None before that.
        num_threads: those chosen at its start, or named since; None before that.
        epoch: finished epochs.
        batch: finished batches of the epoch under way.
        num_steps: optimiser steps taken.
        num_skipped: steps left out because the loss or the gradient was not finite.
        loss_sum, num_tokens: of the epoch under way, in nats and target tokens.
        seconds: training time so far, stops not counted.
        dev_errors: dev error after each epoch, by the measure of the objective (CTC: CER).
        best_step: optimiser steps taken when the dev error was lowest; 0 before the first epoch ended.
        data_digest: of the tokens and examples that it learns from and is judged by.
        learning_rate: of the last step.
        rate_share: what the learning rate of the schedule is multiplied by; halved with each return.
        num_returns: how often the run went back to an earlier state because it diverged (`divergence`).
        returned_to: optimiser steps of the state that it went back to last; None if it never did.
        recent_skips: which of the last attempted steps were left out, counted over the run from 1.
        epoch_skipped: steps left out of the epoch under way.
        epoch_frames, epoch_seconds, epoch_waiting: frames learnt from in the epoch under way, the time that it took,
            and the part of it in which there were no data yet.
        epochs: the figures of each finished epoch.
    """

    experiment: ExperimentConfig
    precision: str
    num_threads: int | None = None
    epoch: int = 0
    batch: int = 0
    num_steps: int = 0
    num_skipped: int = 0
    loss_sum: float = 0.0
    num_tokens: int = 0
    seconds: float = 0.0
    dev_errors: tuple[float, ...] = ()
    best_step: int = 0
    data_digest: str | None = None
    learning_rate: float | None = None
    rate_share: float = 1.0
    num_returns: int = 0
    returned_to: int | None = None
    recent_skips: tuple[int, ...] = ()
    epoch_skipped: int = 0
    epoch_frames: int = 0
    epoch_seconds: float = 0.0
    epoch_waiting: float = 0.0
    epochs: tuple[EpochFigures, ...] = ()

    @property
    def num_attempts(self) -> int:
        """Steps taken and left out."""
        return self.num_steps + self.num_skipped

    @property
    def is_sound(self) -> bool:
        """Whether the last step was one that could be taken."""
        return not self.recent_skips or self.recent_skips[-1] < self.num_attempts


def random_state(device: torch.device) -> dict[str, Tensor]:
    """Returns the state of PyTorch's generators that a training on the device draws from."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":  # a run on the CPU must not wake a GPU that others may have filled
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def save_checkpoint(
    path: Path,
    progress: Progress,
    model: Model,
    average: dict[str, Tensor],
    optimizer: torch.optim.Optimizer,
    random_states: Sequence[dict[str, Tensor]],
    gradient_norms: Sequence[float] = (),
    previous: Path | None = None,
) -> None:
    """Writes weights, averaged weights, optimiser state, random states and progress as one safetensors file.

    There is one random state (`random_state`) for each process that trains. The gradient norms are those of the epoch
    under way. The checkpoint that was there before becomes `previous`, where that is given.

    Raises:
        ModelFileError: it cannot be written; the one that was there before stays.
    """
    tensors = {f"model.{name}": tensor.detach().cpu() for name, tensor in model.state_dict().items()}
    tensors |= {f"average.{name}": tensor.cpu() for name, tensor in average.items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": value.cpu() for name, value in state.items()}
    for rank, state in enumerate(random_states):
        tensors |= {f"random.{rank}.{name}": value for name, value in state.items()}
    tensors["epoch.gradient_norms"] = torch.tensor(gradient_norms, dtype=torch.float64)
    metadata = {"format": "seqlabel checkpoint", "progress": msgspec.json.encode(progress).decode()}
    save_tensors(path, {name: tensor.contiguous() for name, tensor in tensors.items()}, metadata, previous)


def load_checkpoint(path: Path) -> tuple[Progress, dict[str, Tensor]]:
    """Returns the progress and the tensors of a checkpoint.

    Raises:
        ModelFileError: not a checkpoint, or damaged.
    """
    tensors, metadata = read_tensors(path)
    try:
        return msgspec.json.decode(metadata["progress"], type=Progress), tensors
    except (KeyError, msgspec.MsgspecError, SeqlabelError, ValueError, RecursionError) as error:
        raise ModelFileError(
            f"{path}: not a checkpoint of this version ({error}); start in a new --run-dir"
        ) from error


def restore(
    tensors: dict[str, Tensor],
    model: Model,
    average: dict[str, Tensor],
    optimizer: torch.optim.Optimizer,
    rank: int = 0,
) -> None:
    """Puts the tensors of a checkpoint back where they came from.

    A process that was not there when it was written keeps the random state that it has.
    """
    model.load_state_dict(_under("model.", tensors))
    for name, tensor in _under("average.", tensors).items():
        average[name].copy_(tensor)
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _under("optimizer.", tensors).items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    states = _under(f"random.{rank}.", tensors)
    if "cpu" in states:
        torch.set_rng_state(states["cpu"])
    device = next(model.parameters()).device
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)


def gradient_norms(tensors: dict[str, Tensor]) -> list[float]:
    """Returns the gradient norms of the epoch under way; old checkpoints have none."""
    found: list[float] = tensors.get("epoch.gradient_norms", torch.zeros(0)).tolist()
    return found


def is_better(error: float, errors: tuple[float, ...]) -> bool:
    """Returns whether a dev error is lower than all before it."""
    return not errors or error < min(errors)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
