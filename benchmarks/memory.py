"""What training takes of memory: over the size of the corpus, and over epochs.

    python -m benchmarks.memory [--lines 1000000] [--steps 100] [--epochs 30]

Makes a manifest of a million lines that name few files (20 matrices of 40 to 60 frames, texts of 20 to 40 letters),
trains some steps of it, and prints the most memory that the process had (peak resident size) beside that of the same
training on 100 lines, whose difference is what the corpus costs; and the time until the first step. Then trains a small
corpus for many epochs and prints the resident size after each tenth of them. Each training is a process of its own.
"""

import argparse
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

NUM_FILES = 20


def make_corpus(folder: Path, num_lines: int) -> None:
    rng = random.Random(1)
    numbers = np.random.default_rng(1)
    for file in range(NUM_FILES):
        np.save(folder / f"{file}.npy", numbers.normal(size=(60 + file, 13)).astype(np.float32))
    letters = "abcdefghijklmnopqrstuvwxyz "
    for name, count in (("train", num_lines), ("dev", 20)):
        with (folder / f"{name}.jsonl").open("w") as manifest:
            for number in range(count):
                text = "".join(rng.choices(letters, k=rng.randint(20, 40))).strip() or "a"
                row = {
                    "id": f"{name}/speaker{number % 1000:04d}/utterance{number:07d}",
                    "source": f"{number % NUM_FILES}.npy",
                    "text": text,
                    "group": f"speaker{number % 1000:04d}",
                }
                manifest.write(json.dumps(row) + "\n")


def train_steps(folder: Path, num_steps: int, num_epochs: int) -> dict[str, object]:
    """Trains in this process, and ends after that many steps where it has not ended before."""
    import resource

    from seqlabel.encoders import RecurrentConfig
    from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
    from seqlabel.features import MatrixConfig
    from seqlabel.frontend import FrontendConfig
    from seqlabel.training import Trainer, TrainingStopped, train

    config = ExperimentConfig(
        name="memory",
        data=DataConfig(directory=str(folder), batch_size=16),
        frontend=FrontendConfig(feature=MatrixConfig(dim=13)),
        encoder=RecurrentConfig(hidden_size=64, num_layers=1),
        training=TrainingConfig(num_epochs=num_epochs, num_threads=1, precision="float32"),
    )
    start = time.monotonic()
    first: list[float] = []
    sizes: list[float] = []
    step, evaluate = Trainer._step, Trainer._evaluate

    def counted_step(trainer: Trainer, batch: object) -> float:
        first.append(time.monotonic() - start)
        if len(first) >= num_steps:
            trainer.stop_requested.set()
        return step(trainer, batch)  # type: ignore[arg-type]

    def measured(trainer: Trainer) -> object:
        found = evaluate(trainer)
        sizes.append(resident_megabytes())
        return found

    Trainer._step = counted_step  # type: ignore[method-assign, assignment]
    Trainer._evaluate = measured  # type: ignore[method-assign, assignment]
    with contextlib.suppress(TrainingStopped):
        train(config, folder / "run", folder, "cpu")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"peak": peak, "first_step": first[0], "steps": len(first), "sizes": sizes}


def resident_megabytes() -> float:
    """The resident size of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def measured(num_lines: int, num_steps: int, num_epochs: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        make_corpus(Path(folder), num_lines)
        words = ["--child", folder, "--steps", str(num_steps), "--epochs", str(num_epochs)]
        command = [sys.executable, "-m", "benchmarks.memory", *words]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True
        )
        found: dict[str, object] = json.loads(done.stdout)
        return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child is not None:
        print(json.dumps(train_steps(arguments.child, arguments.steps, arguments.epochs)))
        return
    few = measured(100, arguments.steps, 100)
    many = measured(arguments.lines, arguments.steps, 1)
    more = float(str(many["peak"])) - float(str(few["peak"]))
    print(
        f"{arguments.lines:,} lines: peak {many['peak']:.0f} MB, with 100 lines {few['peak']:.0f} MB, "
        f"{more:.0f} MB for the corpus; first step after {many['first_step']:.0f} s "
        f"(100 lines {few['first_step']:.1f} s)"
    )
    epochs = measured(400, 10**9, arguments.epochs)
    sizes = epochs["sizes"]
    assert isinstance(sizes, list)
    shown = "  ".join(f"{size:.0f}" for size in sizes[:: max(1, len(sizes) // 10)])
    print(f"400 lines, {arguments.epochs} epochs: resident MB after one epoch in ten: {shown}")


if __name__ == "__main__":
    main()
