"""RNN, LSTM and GRU, reading one way and both ways, at equal size and on equal terms: table, curves, significance.

    python -m recipes.architectures.compare [--data-dir data] [--run-dir runs/architectures] [--only TASK ...]

Three tasks: the letters of AN4 frame by frame (`frames`; its labels are the best paths of the aligner, the model of
recipes/an4), AN4 read by CTC (`an4`), and strings of pendigits read by CTC (`pendigits`). Six networks of one hidden
layer, each with as many weights as the BLSTM of its task within 5 %, three seeds, the same epochs, learning rate,
noise and data in the same order. Writes results.jsonl, report.md and curves.png into the run folder. Stopped, it goes
on where it was; what is finished is not trained again.

Source of the comparison: Graves and Schmidhuber, "Framewise phoneme classification with bidirectional LSTM and other
neural network architectures", Neural Networks 18, 2005.
"""

import argparse
import itertools
import json
import multiprocessing
import os
import statistics
import sys
import time
from collections import defaultdict
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from msgspec.structs import replace

from recipes.an4.an4 import config as an4
from recipes.pendigits.pendigits import config as pendigits
from seqlabel import Recognizer
from seqlabel.augmentations import PenWarpConfig
from seqlabel.encoders import RecurrentConfig
from seqlabel.errors import ConfigError, SeqlabelError
from seqlabel.experiment import ExperimentConfig
from seqlabel.features import PenConfig
from seqlabel.frontend import Frontend
from seqlabel.manifest import read_manifest, write_manifest
from seqlabel.objectives import FramewiseConfig
from seqlabel.records import Example
from seqlabel.run_log import duration
from seqlabel.schedules import OneCycleConfig
from seqlabel.training import TrainingStopped, train

Cell = Literal["rnn", "lstm", "gru"]
Way = Literal["forward", "both"]

NETWORKS: dict[str, tuple[Cell, Way]] = {
    "RNN": ("rnn", "forward"),
    "BRNN": ("rnn", "both"),
    "LSTM": ("lstm", "forward"),
    "BLSTM": ("lstm", "both"),
    "GRU": ("gru", "forward"),
    "BGRU": ("gru", "both"),
}
SEEDS = (1, 2, 3)
SPLITS = ("train", "dev", "test")


@dataclass(frozen=True)
class Task:
    """What is learnt: a recipe for all but the network, the BLSTM's cells, and how its error is called.

    Attributes:
        config: the recipe that gives data, features, objective and training.
        folder: of the manifests, below the data folder.
        hidden_size: cells in each direction of the BLSTM.
        num_tokens: classes of the head, the blank included.
        measure: the error rate in the table.
    """

    config: ExperimentConfig
    folder: str
    hidden_size: int
    num_tokens: int
    measure: Literal["fer", "cer"]


TASKS = {
    "frames": Task(
        replace(
            an4,
            objective=FramewiseConfig(),
            training=replace(an4.training, num_epochs=12, learning_rate=3e-3),
        ),
        "an4_labels",
        96,
        29,
        "fer",
    ),
    "an4": Task(replace(an4, training=replace(an4.training, num_epochs=48)), "an4", 96, 29, "cer"),
    "pendigits": Task(
        replace(
            pendigits,
            # The table is older than other ways of the pen, bends, smaller cells and a rate that stays high.
            frontend=replace(
                pendigits.frontend,
                feature=PenConfig(step=0.1, context_cells=5, cell_size=0.25),
                signal_augmentations=(PenWarpConfig(slant=0.25, stretch=0.2, wave=0.06),),
            ),
            training=replace(
                pendigits.training, num_epochs=8, schedule=OneCycleConfig(), average_decay=0.995
            ),
        ),
        "pendigits",
        64,
        11,
        "cer",
    ),
}


def num_weights(cell: Cell, way: Way, hidden_size: int, input_dim: int, num_tokens: int) -> int:
    """Returns the weights and biases of one recurrent layer in its directions and of the head over it."""
    gates, directions = {"rnn": 1, "gru": 3, "lstm": 4}[cell], 2 if way == "both" else 1
    layer = directions * gates * hidden_size * (input_dim + hidden_size + 2)
    return layer + num_tokens * (directions * hidden_size + 1)


def equal_size(cell: Cell, way: Way, task: Task, input_dim: int) -> int:
    """Returns the number of cells with which a network has as many weights as the task's BLSTM, within 5 %."""
    wanted = num_weights("lstm", "both", task.hidden_size, input_dim, task.num_tokens)

    def difference(size: int) -> int:
        return abs(num_weights(cell, way, size, input_dim, task.num_tokens) - wanted)

    size = min(range(1, 12 * task.hidden_size), key=difference)
    if difference(size) > 0.05 * wanted:
        raise ConfigError(f"no {cell} has {wanted:,} weights within 5 %; the nearest has {size} cells")
    return size


def experiment(name: str, network: str, seed: int) -> ExperimentConfig:
    """Returns the run of one network on one task."""
    task, (cell, way) = TASKS[name], NETWORKS[network]
    size = equal_size(cell, way, task, Frontend(task.config.frontend).dim)
    encoder = RecurrentConfig(hidden_size=size, num_layers=1, dropout=0.3, cell=cell, direction=way)
    training = replace(task.config.training, seed=seed, precision="float32", num_threads=1)
    return replace(task.config, name=f"{name}-{network}-{seed}", encoder=encoder, training=training)


def write_labels(aligner: Path, data_dir: Path) -> None:
    """Aligns AN4 with a model and writes the manifests with labels; what is there stays."""
    folder = data_dir / "an4_labels"
    for split in SPLITS:
        if (folder / f"{split}.jsonl").exists():
            continue
        if not aligner.exists():
            raise ConfigError(
                f"{aligner}: no model to align AN4 with; run `seqlabel train recipes/an4/an4.py`, or give --aligner"
            )
        aligned, offenders = Recognizer.load(aligner).align(data_dir / "an4" / f"{split}.jsonl")
        if offenders:
            print(
                f"{split}: {len(offenders)} examples cannot be aligned, first {offenders[0]}", file=sys.stderr
            )
        write_manifest(folder / f"{split}.jsonl", aligned)


def measure(name: str, network: str, seed: int, model: Path, data: Path) -> dict[str, Any]:
    """Returns the test error of a model, and the errors of each speaker or writer (frames, or characters)."""
    recognizer = Recognizer.load(model)
    encoder = recognizer.header.experiment.encoder
    examples = read_manifest(data / "test.jsonl")
    evaluation = recognizer.evaluate(examples)
    members: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        members[example.group or example.id].append(example)
    groups = {}
    for group, own in members.items():
        rates = recognizer.evaluate(own).rates
        counts = rates.frames if TASKS[name].measure == "fer" and rates.frames else rates.characters
        groups[group] = counts.errors
    return {
        "task": name,
        "network": network,
        "seed": seed,
        "cells": encoder.hidden_size if isinstance(encoder, RecurrentConfig) else None,
        "weights": recognizer.header.num_parameters,
        "minutes": recognizer.header.summary.minutes,
        "error": getattr(evaluation.rates, TASKS[name].measure),
        "cer": evaluation.rates.cer,
        "groups": groups,
    }


def significance(one: dict[str, int], other: dict[str, int]) -> float:
    """Returns the two-sided p of a paired permutation test: how often chance alone parts the groups as far.

    The difference of each speaker or writer may as well have had the other sign; all signs are tried for up to 16
    groups, else 20,000 drawn ones.
    """
    names = sorted(one)
    differences = np.array([one[name] - other[name] for name in names], np.float64)
    if len(names) <= 16:
        signs = np.array(list(itertools.product((-1, 1), repeat=len(names))))
    else:
        signs = np.random.default_rng(1).choice((-1, 1), size=(20_000, len(names)))
    found = np.abs(signs @ differences)
    return float((found >= abs(differences.sum()) - 1e-9).mean())


def summed(results: list[dict[str, Any]]) -> dict[str, int]:
    """Returns the errors of each group over all seeds."""
    total: dict[str, int] = defaultdict(int)
    for result in results:
        for group, errors in result["groups"].items():
            total[group] += errors
    return total


def report(results: list[dict[str, Any]]) -> str:
    """Returns the table of means and spreads as Markdown, BLSTM's difference from each other network judged."""
    lines = [
        "| task | network | cells | weights | error | CER | p against BLSTM | minutes |",
        "|" + "---|" * 8,
    ]
    for name, task in TASKS.items():
        by_network = {
            network: [r for r in results if (r["task"], r["network"]) == (name, network)]
            for network in NETWORKS
        }
        for network, runs in by_network.items():
            if not runs:
                continue
            error, cer = (_spread([run[key] for run in runs]) for key in ("error", "cer"))
            is_judged = network != "BLSTM" and len(by_network["BLSTM"]) == len(runs)
            p_value = significance(summed(by_network["BLSTM"]), summed(runs)) if is_judged else 1.0
            shown = f"{p_value:.3f}" if p_value >= 0.001 else "< 0.001"
            p = shown if is_judged else ""
            minutes = statistics.mean(run["minutes"] for run in runs)
            size = f"{runs[0]['cells']} | {runs[0]['weights']:,}"
            lines.append(
                f"| {name} ({task.measure.upper()}) | {network} | {size} | {error} | {cer} | {p} | {minutes:.1f} |"
            )
    return "\n".join(lines) + "\n"


def _spread(rates: list[float]) -> str:
    mean = f"{100 * statistics.mean(rates):.2f} %"
    return f"{mean} ± {100 * statistics.stdev(rates):.2f}" if len(rates) > 1 else mean


def draw(run_dir: Path, path: Path) -> None:
    """Draws the dev error of each network against the epoch, the mean of the seeds, a panel for each task."""
    try:
        import matplotlib
    except ImportError as error:
        raise ConfigError(
            "matplotlib is not installed; `pip install matplotlib`, and run this again"
        ) from error
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(TASKS), figsize=(5 * len(TASKS), 4), squeeze=False)
    for panel, (name, task) in zip(panels[0], TASKS.items(), strict=True):
        for network in NETWORKS:
            curves = []
            for metrics in sorted(run_dir.glob(f"{name}/{network}-*/metrics.jsonl")):
                epochs = [json.loads(line) for line in metrics.read_text().splitlines()]
                curves.append([100 * epoch["dev"][task.measure] for epoch in epochs])
            if curves:
                shortest = min(map(len, curves))
                mean = np.mean([curve[:shortest] for curve in curves], axis=0)
                style = "-" if NETWORKS[network][1] == "both" else "--"
                panel.plot(range(1, shortest + 1), mean, style, label=network)
        panel.set_title(name)
        panel.set_xlabel("epoch")
        panel.set_ylabel(f"dev {task.measure.upper()} in %")
        panel.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> int:
    """Trains what is missing, and writes the report; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--run-dir", type=Path, default=Path("runs/architectures"))
    parser.add_argument("--aligner", type=Path, default=Path("runs/an4/best.safetensors"))
    parser.add_argument("--only", nargs="+", choices=tuple(TASKS), default=tuple(TASKS))
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    parser.add_argument(
        "--jobs", type=int, default=2, help="trainings at a time, one thread each (default: 2)"
    )
    arguments = parser.parse_args()
    try:
        return compare(arguments)
    except (KeyboardInterrupt, TrainingStopped):
        print("compare: stopped, all of it is kept; the same command goes on", file=sys.stderr)
        return 130
    except SeqlabelError as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2


def folder_of(run_dir: Path, seed: int, name: str, network: str) -> Path:
    """Returns the run folder of one network on one task."""
    return run_dir / name / f"{network}-{seed}"


def train_and_measure(run_dir: Path, data_dir: Path, seed: int, name: str, network: str) -> dict[str, Any]:
    """Trains one network on one task, or goes on with it, and keeps its test error."""
    folder, data = folder_of(run_dir, seed, name, network), data_dir / TASKS[name].folder
    model = train(experiment(name, network, seed), folder, data).best_model
    result = measure(name, network, seed, model, data)
    (folder / "result.json").write_text(json.dumps(result))
    return result


def _side_by_side(missing: list[tuple[int, str, str]], run_dir: Path, data_dir: Path, jobs: int) -> None:
    """Trains several networks at a time, in processes of their own, and says a line as each is done."""
    begun = time.monotonic()
    spawn = multiprocessing.get_context("spawn")  # PyTorch's threads do not survive a fork
    pool = ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_be_quiet)
    waiting = list(missing)
    running: set[Future[dict[str, Any]]] = set()
    number = 0
    try:
        while waiting or running:
            # No more than can run: what a pool has accepted is trained even after Ctrl-C.
            while waiting and len(running) < jobs:
                running.add(pool.submit(train_and_measure, run_dir, data_dir, *waiting.pop(0)))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                number += 1
                result = future.result()
                spent = time.monotonic() - begun
                print(
                    f"{number}/{len(missing)}  {result['task']} {result['network']} seed {result['seed']}: "
                    f"{TASKS[result['task']].measure.upper()} {100 * result['error']:.2f} %  "
                    f"{duration(spent)} done, {duration(spent / number * (len(missing) - number))} left",
                    flush=True,
                )
    finally:
        pool.shutdown()


def _be_quiet() -> None:
    """Keeps the progress of a training among others to its log."""
    sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115


def compare(arguments: argparse.Namespace) -> int:
    """Trains what is missing, seed by seed, so that a stopped comparison is fair to all networks."""
    run_dir: Path = arguments.run_dir
    order = itertools.product(arguments.seeds, arguments.only, NETWORKS)
    missing = [run for run in order if not (folder_of(run_dir, *run) / "result.json").exists()]
    if any(name == "frames" for _, name, _ in missing):
        write_labels(arguments.aligner, arguments.data_dir)
    if arguments.jobs == 1:
        for run in missing:
            train_and_measure(run_dir, arguments.data_dir, *run)
    elif missing:
        _side_by_side(missing, run_dir, arguments.data_dir, arguments.jobs)
    results = [json.loads(path.read_text()) for path in sorted(run_dir.glob("*/*/result.json"))]
    (run_dir / "results.jsonl").write_text("".join(json.dumps(result) + "\n" for result in results))
    (run_dir / "report.md").write_text(report(results))
    draw(run_dir, run_dir / "curves.png")
    print(report(results))
    print(f"{run_dir / 'report.md'}, {run_dir / 'curves.png'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
