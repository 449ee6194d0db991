"""Several processes on this machine, as torchrun starts them, over Gloo."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from seqlabel.checkpoint import load_checkpoint
from seqlabel.errors import ConfigError
from seqlabel.manifest import write_manifest
from seqlabel.processes import Processes, joined_processes
from seqlabel.records import Example

RECIPE = """
from seqlabel.encoders import RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import MatrixConfig
from seqlabel.frontend import FrontendConfig

config = ExperimentConfig(
    name="tiny",
    data=DataConfig(directory="data", batch_size=5),
    frontend=FrontendConfig(feature=MatrixConfig(dim=3)),
    encoder=RecurrentConfig(hidden_size=8, num_layers=2, dropout=0.0),
    training=TrainingConfig(num_epochs=8, learning_rate=1e-2, num_threads=1, precision="float32"),
)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    (tmp_path / "data").mkdir()
    examples = []
    for number in range(16):
        path = tmp_path / "data" / f"{number}.npy"
        np.save(path, rng.normal(size=(12 + number, 3)).astype(np.float32))
        examples.append(Example(id=str(number), source=path, text="abba"[: 1 + number % 4]))
    write_manifest(tmp_path / "data" / "train.jsonl", examples)
    write_manifest(tmp_path / "data" / "dev.jsonl", examples[:3])
    (tmp_path / "tiny.py").write_text(RECIPE)
    return tmp_path


def command(num_processes: int, run_dir: str, *more: str, num_restarts: int = 3) -> list[str]:
    program = [sys.executable]
    if num_processes > 1:
        program += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={num_processes}"]
        program += [f"--max-restarts={num_restarts}", "--monitor-interval=0.1"]
    return [*program, "-m", "seqlabel", "train", "tiny.py", "--run-dir", run_dir, "--device", "cpu", *more]


def environment() -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[1])
    return {**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"}


def run(
    folder: Path, num_processes: int, run_dir: str, *more: str, num_restarts: int = 3
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(num_processes, run_dir, *more, num_restarts=num_restarts),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=200,
    )


@contextmanager
def started(folder: Path, run_dir: str, *more: str) -> Iterator[subprocess.Popen[str]]:
    """Two processes that have finished a few epochs; gone afterwards, whatever happens."""
    process = subprocess.Popen(
        command(2, run_dir, *more),
        cwd=folder,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        log = folder / run_dir / "metrics.jsonl"
        _wait_until(lambda: log.exists() and log.read_text().count("\n") >= 3)
        yield process
    finally:
        if process.poll() is None:
            for worker in _children_that_train(process.pid):
                os.kill(worker, signal.SIGKILL)
            process.kill()
            process.communicate()


def metrics(folder: Path, run_dir: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / run_dir / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_two_processes_learn_what_one_learns_from_the_same_batches(folder: Path) -> None:
    alone, together = run(folder, 1, "alone"), run(folder, 2, "together")
    assert (alone.returncode, together.returncode) == (0, 0), alone.stderr + together.stderr
    assert "2 processes" in together.stderr
    assert together.stdout.count("best.safetensors") == alone.stdout.count("best.safetensors")
    for one, two in zip(metrics(folder, "alone"), metrics(folder, "together"), strict=True):
        assert two["train_loss"] == pytest.approx(one["train_loss"], rel=1e-4)
        assert two["dev"] == one["dev"]
    (_, first), (_, second) = (
        load_checkpoint(folder / name / "checkpoint.safetensors") for name in ("alone", "together")
    )
    for name in first:
        if name.startswith("model."):
            torch.testing.assert_close(second[name], first[name], rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_a_run_goes_on_by_itself_after_a_worker_was_killed(folder: Path) -> None:
    epochs = ("--training.num-epochs", "60")
    with started(folder, "killed", *epochs) as process:
        workers = _children_that_train(process.pid)
        assert len(workers) == 2
        os.kill(workers[1], signal.SIGKILL)
        _, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    assert "going on after" in errors
    assert [line["epoch"] for line in metrics(folder, "killed")] == list(range(1, 61))


@pytest.mark.slow
def test_all_processes_stop_at_the_same_step_and_go_on_bit_for_bit(folder: Path) -> None:
    epochs = ("--training.num-epochs", "60", "--encoder.dropout", "0.3")
    assert run(folder, 2, "whole", *epochs).returncode == 0
    with started(folder, "stopped", *epochs) as process:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=200)
    assert errors.count("stopped after") == 1, errors
    assert len(metrics(folder, "stopped")) < 60
    assert run(folder, 2, "stopped", *epochs).returncode == 0
    (_, first), (_, second) = (
        load_checkpoint(folder / name / "checkpoint.safetensors") for name in ("whole", "stopped")
    )
    assert first.keys() == second.keys()
    assert all(first[name].equal(second[name]) for name in first)


@pytest.mark.slow
def test_what_is_wrong_is_said_and_ends_all_processes(folder: Path) -> None:
    assert run(folder, 2, "run", "--training.num-epochs", "1").returncode == 0
    found = run(folder, 2, "run", "--training.num-epochs", "2", num_restarts=0)
    assert found.returncode != 0
    assert "holds a run with other settings (training.num_epochs: 1 there, 2 now)" in found.stderr
    assert "Traceback" not in found.stderr.partition("failed (exitcode")[0]


def test_one_alone_has_everything_and_exchanges_nothing() -> None:
    alone = Processes()
    assert alone.is_first
    assert alone.share([1, 2, 3]) == [1, 2, 3]
    assert alone.sum([1.5, True], torch.device("cpu")) == [1.5, 1.0]
    assert alone.gathered("a") == ["a"] and alone.from_first("b") == "b"


def test_the_parts_of_a_batch_are_shared_out_in_turn() -> None:
    assert [list(Processes(rank, 3).share("abcdefg")) for rank in range(3)] == [
        list("adg"),
        list("be"),
        list("cf"),
    ]


@pytest.mark.parametrize("told", ["two", "", "-1", "1.5"])
def test_a_number_of_processes_that_is_none_is_refused(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", told)
    with (
        pytest.raises(ConfigError, match=f"^WORLD_SIZE={told}: expected"),
        joined_processes(torch.device("cpu")),
    ):
        pass


@pytest.mark.slow
def test_processes_with_other_data_are_told(folder: Path) -> None:
    # As where the data folder of one machine is an old copy.
    for rank in range(2):
        texts = ("ab", "aab")[rank]
        (folder / f"data{rank}").mkdir()
        source = folder / "data" / "0.npy"
        examples = [Example(id=str(number), source=source, text=texts) for number in range(4)]
        for name in ("train", "dev"):
            write_manifest(folder / f"data{rank}" / f"{name}.jsonl", examples)
    recipe = (folder / "tiny.py").read_text()
    (folder / "tiny.py").write_text(f"import os\n{recipe}".replace('"data"', "f\"data{os.environ['RANK']}\""))
    found = run(folder, 2, "run", num_restarts=0)
    assert found.returncode != 0
    assert "run: the processes of this training have other data or settings than each other" in found.stderr
    assert "Traceback" not in found.stderr.partition("failed (exitcode")[0]


def _wait_until(is_true: object, seconds: float = 120) -> None:
    assert callable(is_true)
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.05)


def _children_that_train(pid: int) -> list[int]:
    found = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True, check=True
    )
    return [int(line.split()[0]) for line in found.stdout.splitlines() if "seqlabel train" in line]
