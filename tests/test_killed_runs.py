"""Runs that are killed and gone on with end bit for bit like one that nobody disturbed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
MEMORY = Path("/dev/shm")
"""Files of a RAM disk are killed like others, and syncing them takes no time."""


def nursery(task: str, folder: Path, **settings: str) -> dict[str, Any]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **settings}
    with TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else folder) as place:
        done = subprocess.run(
            [sys.executable, "-m", "tests.nursery", task, place],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_a_run_killed_at_random_moments_ends_like_an_undisturbed_one(tmp_path: Path) -> None:
    found = nursery("kill_at_random_moments", tmp_path)
    assert found["kills"] >= 40
    assert found["differing"] == []


@pytest.mark.slow
def test_a_run_killed_between_two_steps_of_writing_ends_like_an_undisturbed_one(tmp_path: Path) -> None:
    found = nursery("kill_at_every_point", tmp_path, NURSERY_STEP="3")
    assert found["kills"] >= 30
    assert found["differing"] == []
    assert found["code"] == 0


@pytest.mark.slow
def test_a_run_killed_within_a_write_ends_like_an_undisturbed_one(tmp_path: Path) -> None:
    found = nursery("kill_within_writes", tmp_path)
    assert found["kills"] >= 10
    assert found["differing"] == []


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_with_room_again_the_run_ends_like_an_undisturbed_one(
    tmp_path: Path,
) -> None:
    found = nursery("fill_the_disk", tmp_path)
    assert found["refusals"] >= 10
    assert found["differing"] == []
    assert all("make room on the disk" in line and "\n" not in line for line in found["lines"])
