"""What a run says: lines on the terminal and in train.log, a progress bar, and metrics.jsonl for machines."""

import json
import math
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from seqlabel.whole_files import write_whole

_PLACE = re.compile(rb"epoch +(\d+)/\d+  (?:step +(\d+)  )?")
"""How lines of train.log begin that belong to an epoch, or to a step of it."""
LINE_SECONDS = 60.0
"""Without a terminal, a long epoch is heard of this often."""


class RunLog:
    """Writes to the terminal (standard error) and to the run folder; a quiet one does neither."""

    def __init__(self, run_dir: Path, *, append: bool, is_quiet: bool = False) -> None:
        self.text = run_dir / "train.log"
        self.metrics = run_dir / "metrics.jsonl"
        self.is_quiet = is_quiet
        self.console = Console(file=sys.stderr, highlight=False, soft_wrap=True, quiet=is_quiet)
        if not append and not is_quiet:
            self.text.write_text("")
            self.metrics.write_text("")
        elif not is_quiet:
            _end_line(self.text)

    def line(self, text: str) -> None:
        """Says one line to both."""
        self.say(text)
        self.write(text)

    def say(self, text: str) -> None:
        """Says one line on the terminal only."""
        self.console.print(text, markup=False)

    def write(self, text: str) -> None:
        """Says one line to the log file only."""
        if self.is_quiet:
            return
        with self.text.open("a", encoding="utf-8") as file:
            file.write(text + "\n")

    def epoch(self, metrics: dict[str, object], text: str) -> None:
        """Says one line on an epoch and keeps its figures as one JSON object, which is on the disk afterwards."""
        if self.is_quiet:
            return
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(metrics) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.line(text)

    def epochs(self) -> Iterator[dict[str, object]]:
        """Yields the figures that were kept of each epoch."""
        if self.metrics.exists():
            for line in self.metrics.read_bytes().splitlines():
                if math.isfinite(_epoch_of(line)):
                    yield json.loads(line)

    def forget_after(self, epoch: int, batch: int) -> None:
        """Takes out what was said after that many epochs and batches, since it will be run, and said, again."""
        self.forget_metrics_after(epoch)
        self._keep(self.text, lambda line: _place_of(line) <= (epoch, batch))

    def forget_metrics_after(self, epoch: int) -> None:
        """Takes out the figures of later epochs, and the half of a line."""
        self._keep(self.metrics, lambda line: _epoch_of(line) <= epoch)

    def _keep(self, path: Path, stays: Callable[[bytes], bool]) -> None:
        if self.is_quiet or not path.exists():
            return
        before = path.read_bytes()
        kept = b"".join(line + b"\n" for line in before.split(b"\n") if line and stays(line))
        if kept != before:
            write_whole(path, kept)

    @contextmanager
    def bar(
        self, epoch: int, num_epochs: int, num_batches: int, done: int, seconds: float = 0.0
    ) -> Iterator[Callable[[float], None]]:
        """Shows a bar over the batches of an epoch; the function that it gives takes the loss so far.

        It names the steps a second and the time that the whole run still takes, where `seconds` is what the run
        has taken until now. Without a terminal, a long epoch says the same in a line a minute.
        """
        first, start = done, time.monotonic()
        next_line = start + LINE_SECONDS
        with progress_bar(self.console, "{task.fields[rate]}") as progress:
            name = f"epoch {epoch + 1}/{num_epochs}"
            task = progress.add_task(name, total=num_batches, completed=done, rate="")

            def advance(loss: float) -> None:
                nonlocal done, next_line
                done += 1
                now = time.monotonic()
                share = (epoch + done / num_batches) / num_epochs
                left = (seconds + now - start) / share * (1 - share)
                rate = f"{(done - first) / max(now - start, 1e-9):.1f} steps/s  loss {loss:.3f}  {duration(left)} left"
                progress.update(task, advance=1, rate=rate)
                if now > next_line and not self.console.is_terminal:
                    self.say(f"{name}  step {done}/{num_batches}  {rate}")
                    next_line = now + LINE_SECONDS

            yield advance

    @contextmanager
    def bar_of(self, what: str, total: int) -> Iterator[Callable[[], None]]:
        """Shows a bar over `total` things; the function that it gives counts one."""
        with bar_of(self.console, what, total) as advance:
            yield advance


@contextmanager
def bar_of(console: Console, what: str, total: int) -> Iterator[Callable[[], None]]:
    """Shows a bar over `total` things on a terminal, and nothing elsewhere; the function that it gives counts one."""
    with progress_bar(console, "") as progress:
        task = progress.add_task(what, total=total)

        def advance() -> None:
            progress.update(task, advance=1)

        yield advance


def progress_bar(console: Console, last_column: str) -> Progress:
    """Returns a bar that ends with `last_column` and that leaves nothing behind."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn(last_column) if last_column else TimeRemainingColumn(),
        console=console,
        transient=True,
        # What goes to a file must not be drawn on the terminal instead.
        redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),
        disable=not console.is_terminal,
    )


def _epoch_of(line: bytes) -> float:
    """The epoch of a line of metrics.jsonl; infinite for the half of a line that a killed process left."""
    try:
        return int(json.loads(line)["epoch"])
    except (ValueError, TypeError, KeyError):
        return math.inf


def _place_of(line: bytes) -> tuple[int, int]:
    """How many epochs were finished, and how many steps of the next, when a line of train.log was written.

    Lines that do not say it are told as they were: from before everything.
    """
    match = _PLACE.match(line)
    if match is None:
        return -1, 0
    return (int(match[1]), 0) if match[2] is None else (int(match[1]) - 1, int(match[2]))


def _end_line(path: Path) -> None:
    """Ends the line that a killed process did not end."""
    if path.exists() and path.stat().st_size:
        with path.open("rb+") as file:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")


def duration(seconds: float) -> str:
    """Returns a time as people say it.

    Example:
        >>> duration(42), duration(200), duration(5000)
        ('42 s', '3.3 min', '1.4 h')
    """
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
