import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from seqlabel.tracker import open_tracker
from seqlabel.training import train
from tests.blocks import TrainedRun
from tests.nursery import CONFIG, ended, forked, make_corpus

tensorboard = pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:tensorboard")


def points(folder: Path, name: str) -> list[tuple[int, float]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder)).Reload()
    return [(event.step, event.value) for event in found.Scalars(name)]


def metrics(epoch: int, loss: float = 0.5) -> dict[str, object]:
    return {
        "epoch": epoch,
        "num_steps": 10 * epoch,
        "train_loss": loss,
        "dev": {"cer": 0.25},
        "doctor": ["a"],
    }


def test_each_epoch_is_a_point_of_each_curve(tmp_path: Path) -> None:
    tracker = open_tracker("tensorboard", tmp_path, [])
    for epoch in (1, 2):
        tracker.epoch(metrics(epoch, epoch / 4))
    tracker.close()
    assert points(tmp_path / "tensorboard", "train_loss") == [(10, 0.25), (20, 0.5)]
    assert points(tmp_path / "tensorboard", "dev/cer") == [(10, 0.25), (20, 0.25)]


def test_points_after_the_state_that_a_run_goes_on_from_are_taken_out(tmp_path: Path) -> None:
    first = open_tracker("tensorboard", tmp_path, [])
    for epoch in (1, 2, 3):
        first.epoch(metrics(epoch))
    # Not closed: as if it had been killed. What is torn at the end of its file is passed over.
    [file] = (tmp_path / "tensorboard").iterdir()
    file.write_bytes(file.read_bytes() + file.read_bytes()[:15])
    second = open_tracker("tensorboard", tmp_path, [metrics(1), metrics(2)])
    second.epoch(metrics(3, 0.125))
    second.go_back([metrics(1)])
    second.epoch(metrics(2, 0.75))
    second.close()
    assert points(tmp_path / "tensorboard", "train_loss") == [(10, 0.5), (20, 0.75)]


def test_a_run_that_takes_it_up_late_has_all_its_epochs(tmp_path: Path) -> None:
    tracker = open_tracker("tensorboard", tmp_path, [metrics(1), metrics(2)])
    tracker.epoch(metrics(3))
    tracker.close()
    assert [step for step, _ in points(tmp_path / "tensorboard", "train_loss")] == [10, 20, 30]


@pytest.mark.slow
def test_killed_runs_neither_lose_nor_double_points(tmp_path: Path) -> None:
    # In a process of its own, which forks; this one has threads.
    program = (
        "import sys, pathlib, tests.test_tracker as test; test.kill_a_tracked_run(pathlib.Path(sys.argv[1]))"
    )
    root = Path(__file__).resolve().parents[1]
    environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 5
    log = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert len(log) == 12
    assert [step for step, _ in points(tmp_path / "run" / "tensorboard", "train_loss")] == [
        6 * epoch for epoch in range(1, 13)
    ]


def kill_a_tracked_run(folder: Path) -> None:
    """Kills a run that keeps its figures for TensorBoard five times and more, and prints how often."""
    make_corpus(folder)
    config = replace(CONFIG, training=replace(CONFIG.training, num_epochs=12))
    train(config, folder / "warm", folder, "cpu", "tensorboard")
    kills = 0
    log = folder / "run" / "metrics.jsonl"
    for wanted in (1, 3, 5, 7, 9, 99):
        pid = forked(lambda: train(config, folder / "run", folder, "cpu", "tensorboard"))
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            if log.exists() and log.read_text().count("\n") >= wanted:
                os.kill(pid, signal.SIGKILL)
                ended(pid)
                kills += 1
                break
            time.sleep(0.002)
    print(kills)


def test_without_its_package_it_is_one_line(
    refusal: Callable[..., str], trained_run: TrainedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    words = ("train", trained_run.recipe, "--data-dir", trained_run.data, "--run-dir", tmp_path / "run")
    said = refusal(*words, "--tracker", "tensorboard")
    assert said.startswith("--tracker tensorboard: the package tensorboard is not installed here")
    assert not (tmp_path / "run").exists()
