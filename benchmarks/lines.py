"""Text lines on pages: training, reading and cutting them out, against kraken.

    taskset -c 1 python -m benchmarks.lines [PAGES] [--lines 200] [--rounds 3] [--steps 12] [--cores 1]

PAGES is a folder of ALTO files with their images (Testaments de poilus); the first pages that have `--lines` lines with
a text are taken. Both train and read what is in them, in processes that take turns, so that a busy machine is unfair to
none; medians over the rounds, after one that does not count. kraken is installed at the first use into an environment
of its own (`--peers`, some gigabytes).

train: steps of the poilus recipe (its network, batches, augmentation) and of `ketos train` with kraken's default
network, batches of 16 and augmentation, its data set compiled before, its network prepared by two steps of each round.
read lines: from line images in memory to texts. read pages: from files to texts, as `transcribe` and `kraken ocr` do.
kraken reads in batches of 1, its default, and of 16; the faster counts. Both networks have hardly been trained: a speed
is measured here, and nothing about errors. cut lines: from grey pages in memory. cut pages: from files to line images.

`--precision` is seqlabel's: bfloat16 where the processor has it, which is what the recipe finds fastest, or float32.
kraken computes in float32, its default. `--cores` is how many processor cores both may use (of those that `taskset`
leaves). Beside the lines per second stand those per second of processor time, which say more than the clock on a
machine where other programs run.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peer_environment import PeerProcess, python_with
from recipes.poilus.poilus import config as poilus
from seqlabel.errors import SeqlabelError

# isort: split
import numpy as np
import torch
from msgspec.structs import replace

from seqlabel.data import ahead
from seqlabel.devices import has_fast_bfloat16, prepare_arithmetic
from seqlabel.evaluation import decode
from seqlabel.experiment import DataConfig, ExperimentConfig
from seqlabel.formats import Page, cut_page_line, page_image, read_line_image, read_page
from seqlabel.manifest import read_manifests, without_untold_lines, write_manifest
from seqlabel.page_reading import read_page_with
from seqlabel.processes import Processes
from seqlabel.recognizer import Precision, Recognizer
from seqlabel.records import LineImage
from seqlabel.run_log import RunLog
from seqlabel.training import Trainer
from seqlabel.training_set import prepare

KRAKEN = "kraken==7.1.1"
TASKS = ("train", "read lines", "read pages", "cut lines", "cut pages")
BATCHES = (1, 16)


@dataclass(slots=True)
class Rates:
    """Lines per second, and per second of the processor, of each round."""

    by_clock: list[float] = field(default_factory=list)
    by_processor: list[float] = field(default_factory=list)

    def add(self, lines: int, seconds: float, processor_seconds: float) -> None:
        """Keeps the rates of one more round."""
        self.by_clock.append(lines / seconds)
        self.by_processor.append(lines / processor_seconds)

    def medians(self) -> tuple[float, float]:
        """Returns the median rates."""
        return statistics.median(self.by_clock), statistics.median(self.by_processor)


class Ours:
    """seqlabel at the same tasks; each returns the number of its lines."""

    def __init__(
        self, pages: list[Path], folder: Path, num_cores: int, num_steps: int, precision: Precision
    ) -> None:
        self.pages, self.num_steps = pages, num_steps
        prepare_arithmetic(num_cores)
        examples = [line for part in read_manifests(pages) for line in without_untold_lines(part)]
        write_manifest(folder / "train.jsonl", examples)
        write_manifest(folder / "dev.jsonl", examples[:8])
        config = _recipe(folder, num_cores, precision)
        self.config = config
        log = RunLog(folder, append=False)
        torch.manual_seed(config.training.seed)
        self.trainer = Trainer(
            config, folder, prepare(config, folder, log), torch.device("cpu"), log, Processes()
        )
        self.trainer.progress = replace(self.trainer.progress, precision=precision, num_threads=num_cores)
        self.epoch = 0
        self.train(2)
        if (found := self.trainer._evaluate()) is None:
            raise SystemExit("the model says NaN")
        self.trainer._finish_epoch(*found)
        self.recognizer = Recognizer.load(folder / "last.safetensors", "cpu", precision=precision)
        torch.set_num_threads(num_cores)
        self.loaded = [self._page(path) for path in pages]
        self.lines = [image for page, pixels in self.loaded for image in _cut(page, pixels)]

    def train(self, num_steps: int | None = None) -> int:
        """Takes training steps on batches that are made ahead, as in an epoch; over as many epochs as it takes."""
        trainer, data = self.trainer, self.config.data
        num_lines, left = 0, num_steps or self.num_steps
        trainer.model.train()
        while left:
            self.epoch += 1
            order = trainer.maker.order(self.epoch, data.batch_size, data.batch_frames)[:left]
            left -= len(order)
            for batch in ahead(lambda indices: trainer.maker.batch(self.epoch, indices), order):
                trainer._step(batch)
                num_lines += len(batch.ids)
        return num_lines

    def read_lines(self) -> int:
        """Reads line images that are in memory."""
        loaded = self.recognizer.loaded
        features = [loaded.frontend(image) for image in self.lines]
        found = decode(
            loaded.model,
            self.recognizer.decoder,
            features,
            self.recognizer.device,
            precision=self.recognizer.precision,
        )
        return len(found)

    def read_pages(self) -> int:
        """Reads pages from the disk."""
        return sum(len(read_page_with(self.recognizer, path, places=False).lines) for path in self.pages)

    def cut_lines(self) -> int:
        """Cuts the lines out of pages that are in memory."""
        return sum(len(_cut(page, pixels)) for page, pixels in self.loaded)

    def cut_pages(self) -> int:
        """Cuts the lines out of pages on the disk."""
        return sum(len(_cut(*self._page(path))) for path in self.pages)

    def _page(self, path: Path) -> tuple[Page, np.ndarray]:
        page = read_page(path)
        return page, read_line_image(page_image(path, page)).pixels


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", metavar="PAGES", type=Path, nargs="?", default=_poilus())
    parser.add_argument("--lines", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--steps", type=int, default=12, help="of kraken, with 16 lines each; twice as many of ours"
    )
    parser.add_argument("--cores", type=int, default=1)
    default = "bfloat16" if has_fast_bfloat16(torch.device("cpu")) else "float32"
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default=default)
    parser.add_argument("--only", nargs="+", choices=TASKS, default=TASKS)
    parser.add_argument("--peers", type=Path, default=Path(".peers") / "kraken")
    arguments = parser.parse_args()
    allowed = sorted(os.sched_getaffinity(0))
    if arguments.cores > len(allowed):
        sys.exit(f"--cores {arguments.cores}: this process may use {len(allowed)} only")
    python = python_with(arguments.peers, [KRAKEN])
    os.sched_setaffinity(0, allowed[: arguments.cores])  # children inherit it
    pages = _pages(arguments.folder, arguments.lines)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        setup = {
            "pages": [str(page.resolve()) for page in pages],
            "folder": name,
            "cores": arguments.cores,
            "steps": arguments.steps,
        }
        with PeerProcess(python, "kraken_process.py", [json.dumps(setup)], arguments.cores) as kraken:
            print(
                f"{len(pages)} pages, {arguments.cores} of {os.cpu_count()} cores, "
                f"seqlabel in {arguments.precision}, {KRAKEN}",
                flush=True,
            )
            kraken.ask("prepare")
            # Twice the steps, since the recipe's batches are half as large.
            ours = Ours(pages, folder, arguments.cores, 2 * arguments.steps, arguments.precision)
            rates = _measure(ours, kraken, arguments.only, arguments.rounds)
    _print(rates, arguments.only)


def _measure(ours: Ours, kraken: PeerProcess, tasks: list[str], num_rounds: int) -> dict[str, Rates]:
    work: dict[str, Callable[[], int]] = {task: getattr(ours, task.replace(" ", "_")) for task in tasks}
    rates: dict[str, Rates] = {}
    for turn in range(num_rounds + 1):
        for task in tasks:
            start, processor_start = time.perf_counter(), _processor_seconds()
            num_lines = work[task]()
            measured = time.perf_counter() - start, _processor_seconds() - processor_start
            if turn:
                rates.setdefault(task, Rates()).add(num_lines, *measured)
            for line in [f"{task} {size}" for size in BATCHES] if task.startswith("read") else [task]:
                answer = kraken.ask(line)
                if turn:
                    found = rates.setdefault(f"kraken {line}", Rates())
                    found.add(answer["lines"], answer["seconds"], answer["processor_seconds"])
        print(f"round {turn} of {num_rounds}", file=sys.stderr, flush=True)
    return rates


def _print(rates: dict[str, Rates], tasks: list[str]) -> None:
    print(f"{'lines per second':<18}{'seqlabel':>10}{'kraken':>10}{'ratio':>8}   {'of the processor':>28}")
    for task in tasks:
        mine = rates[task].medians()
        theirs = {name: found for name, found in rates.items() if name.startswith(f"kraken {task}")}
        name = max(theirs, key=lambda one: theirs[one].medians()[1])
        peer = theirs[name].medians()
        batch = f"   batches of {name.rsplit(maxsplit=1)[1]}" if task.startswith("read") else ""
        print(
            f"{task:<18}{mine[0]:10.1f}{peer[0]:10.1f}{mine[0] / peer[0]:7.1f}x   "
            f"{mine[1]:9.1f}{peer[1]:10.1f}{mine[1] / peer[1]:8.1f}x{batch}"
        )


def _recipe(folder: Path, num_cores: int, precision: Precision) -> ExperimentConfig:
    data = DataConfig(
        directory=str(folder),
        offenders="leave_out",
        batch_size=poilus.data.batch_size,
        batch_frames=poilus.data.batch_frames,
    )
    training = replace(poilus.training, num_threads=num_cores, precision=precision)
    return replace(poilus, name="lines", data=data, training=training)


def _pages(folder: Path, num_lines: int) -> list[Path]:
    """Returns the first pages that have so many lines with a text."""
    found: list[Path] = []
    count = 0
    for path in sorted(folder.glob("*.xml")):
        if count >= num_lines:
            break
        lines = read_page(path).lines
        count += sum(1 for line in lines if line.text.strip())
        found += [path] if lines else []
    if count < num_lines:
        sys.exit(f"{folder}: {count} lines with a text on its pages, expected {num_lines}")
    return found


def _cut(page: Page, pixels: np.ndarray) -> list[LineImage]:
    found = []
    for line in page.lines:
        try:
            found.append(cut_page_line(pixels, line)[0])
        except SeqlabelError:  # no area on the page
            continue
    return found


def _processor_seconds() -> float:
    return time.process_time()


def _poilus() -> Path:
    return Path(os.environ.get("SEQLABEL_DATA") or Path("..") / "shared" / "data") / "poilus"


if __name__ == "__main__":
    main()
