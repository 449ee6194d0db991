"""What a run says: lines on the terminal and in train.log, a progress bar, and metrics.jsonl for machines."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class RunLog:
    """Writes to the terminal (standard error) and to the run folder."""

    def __init__(self, run_dir: Path, *, append: bool) -> None:
        self.text = run_dir / "train.log"
        self.metrics = run_dir / "metrics.jsonl"
        self.console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
        if not append:
            self.text.write_text("")
            self.metrics.write_text("")

    def line(self, text: str) -> None:
        """Says one line to both."""
        self.console.print(text, markup=False)
        self.write(text)

    def write(self, text: str) -> None:
        """Says one line to the log file only."""
        with self.text.open("a", encoding="utf-8") as file:
            file.write(text + "\n")

    def epoch(self, metrics: dict[str, object], text: str) -> None:
        """Says one line on an epoch and keeps its figures as one JSON object."""
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(metrics) + "\n")
        self.line(text)

    def forget_epochs_after(self, epoch: int) -> None:
        """Takes out the figures of epochs that a checkpoint does not know, since they will be run again."""
        if not self.metrics.exists():
            return
        kept = [line for line in self.metrics.read_text().splitlines() if json.loads(line)["epoch"] <= epoch]
        self.metrics.write_text("".join(line + "\n" for line in kept))

    @contextmanager
    def bar(
        self, epoch: int, num_epochs: int, num_batches: int, done: int
    ) -> Iterator[Callable[[float], None]]:
        """Shows a bar over the batches of an epoch; the function that it gives takes the loss so far."""
        with self._progress("{task.fields[loss]}") as progress:
            task = progress.add_task(
                f"epoch {epoch + 1}/{num_epochs}", total=num_batches, completed=done, loss=""
            )

            def advance(loss: float) -> None:
                progress.update(task, advance=1, loss=f"loss {loss:.3f}")

            yield advance

    @contextmanager
    def bar_of(self, what: str, total: int) -> Iterator[Callable[[], None]]:
        """Shows a bar over `total` things; the function that it gives counts one."""
        with self._progress("") as progress:
            task = progress.add_task(what, total=total)

            def advance() -> None:
                progress.update(task, advance=1)

            yield advance

    def _progress(self, extra: str) -> Progress:
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn(extra),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
