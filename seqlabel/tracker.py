"""Figures of a run for programs that draw them: TensorBoard's event files beside metrics.jsonl.

An epoch is a point at the number of optimiser steps that it ended with.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from seqlabel.errors import ConfigError

TrackerName = Literal["none", "tensorboard"]
MOST_WAITING = 2.0
"""Seconds in which a clock that runs comes to its next second."""


class NoTracker:
    """Takes the figures of each epoch and keeps none of them."""

    def epoch(self, metrics: Mapping[str, object]) -> None:
        """Passes the figures over; they stand in metrics.jsonl."""

    def go_back(self, before: Sequence[Mapping[str, object]]) -> None:
        """Has nothing to take out."""

    def close(self) -> None:
        """Has nothing open."""


class TensorBoardTracker:
    """Writes event files into a folder, with the figures of the epochs that were before it if it finds it empty."""

    def __init__(self, folder: Path, before: Sequence[Mapping[str, object]]) -> None:
        self.folder = folder
        is_new = not any(folder.glob("events.out.tfevents.*"))
        self.writer = self._open(before)
        if is_new:
            for metrics in before:
                self.epoch(metrics)

    def _open(self, before: Sequence[Mapping[str, object]]) -> Any:
        # A SummaryWriter, which is not imported before it is wanted.
        from torch.utils.tensorboard import SummaryWriter

        # TensorBoard reads event files in the order of the seconds in their names, and what one begins with takes
        # out later points of those before it: a file of the same second could come first.
        newest = max((_second_of(path) for path in self.folder.glob("events.out.tfevents.*")), default=0)
        end = time.monotonic() + MOST_WAITING
        while int(time.time()) <= newest and time.monotonic() < end:
            time.sleep(0.02)
        # Not by the steps of the run: one that goes on at the end of an epoch has those of a point that comes again.
        num_steps = _steps_of(before[-1]) if before else 0
        return SummaryWriter(str(self.folder), purge_step=num_steps + 1)

    def epoch(self, metrics: Mapping[str, object]) -> None:
        """Adds a point to each curve, named as in metrics.jsonl, those of dev as `dev/cer` and so on."""
        step = _steps_of(metrics)
        for name, value in _curves("", metrics):
            self.writer.add_scalar(name, value, step)
        self.writer.flush()

    def go_back(self, before: Sequence[Mapping[str, object]]) -> None:
        """Begins a new file that takes out all points but those of these epochs."""
        self.writer.close()
        self.writer = self._open(before)

    def close(self) -> None:
        """Writes what is still waiting and closes the file."""
        self.writer.close()


Tracker = NoTracker | TensorBoardTracker


def check_tracker(name: TrackerName) -> None:
    """Says before the work that a tracker cannot be had.

    Raises:
        ConfigError: its package is not installed, or does not go with this PyTorch.
    """
    if name == "tensorboard":
        try:
            import torch.utils.tensorboard  # noqa: F401
        except ImportError as error:
            raise ConfigError(
                f"--tracker tensorboard: the package tensorboard is not installed here ({error}); install it with "
                "`pip install tensorboard`, or leave --tracker out"
            ) from error


def open_tracker(name: TrackerName, run_dir: Path, before: Sequence[Mapping[str, object]]) -> Tracker:
    """Returns the tracker of that name for a run with these epochs, lines of metrics.jsonl, behind it."""
    if name == "none":
        return NoTracker()
    return TensorBoardTracker(run_dir / "tensorboard", before)


def _curves(prefix: str, metrics: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    for key, value in metrics.items():
        if isinstance(value, Mapping):
            yield from _curves(f"{prefix}{key}/", value)
        elif isinstance(value, int | float) and key != "num_steps":
            yield f"{prefix}{key}", value


def _steps_of(metrics: Mapping[str, object]) -> int:
    found = metrics["num_steps"]
    if not isinstance(found, int):
        raise TypeError(f"num_steps {found!r}: expected a whole number")
    return found


def _second_of(path: Path) -> int:
    second = path.name.removeprefix("events.out.tfevents.").partition(".")[0]
    return int(second) if second.isdecimal() else 0
