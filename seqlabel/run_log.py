"""What a run says: lines on the terminal and in train.log, a progress bar, and metrics.jsonl for machines."""

import json
import math
import os
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
        """Says one line on an epoch and keeps its figures as one JSON object."""
        if self.is_quiet:
            return
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(metrics) + "\n")
        self.line(text)

    def forget_epochs_after(self, epoch: int) -> None:
        """Takes out the figures of epochs that a checkpoint does not know, since they will be run again."""
        if self.is_quiet or not self.metrics.exists():
            return
        kept = [line for line in self.metrics.read_text().splitlines() if _epoch_of(line) <= epoch]
        temporary = self.metrics.with_name(f".{self.metrics.name}.{os.getpid()}.tmp")
        temporary.write_text("".join(line + "\n" for line in kept))
        temporary.replace(self.metrics)

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


def _epoch_of(line: str) -> float:
    """The epoch of a line of metrics.jsonl; infinite for the half of a line that a killed process left."""
    try:
        return int(json.loads(line)["epoch"])
    except ValueError:
        return math.inf


def duration(seconds: float) -> str:
    """Returns a time as people say it.

    Example:
        >>> duration(42), duration(200), duration(5000)
        ('42 s', '3.3 min', '1.4 h')
    """
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
