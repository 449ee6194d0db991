"""A process that has imported everything and forks trainings that are killed: `python -m tests.nursery TASK FOLDER`.

A forked process dies by SIGKILL as any other does, and need not import PyTorch again, which takes longer than the
training. The tasks print one JSON object; `tests/test_killed_runs.py` starts them.
"""

import hashlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from msgspec.structs import replace

from seqlabel.encoders import RecurrentConfig
from seqlabel.errors import SeqlabelError
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import MatrixConfig
from seqlabel.frontend import FrontendConfig
from seqlabel.manifest import write_manifest
from seqlabel.model_file import read_header
from seqlabel.records import Example
from seqlabel.tensor_files import read_tensors
from seqlabel.training import train

# All that draws numbers, batches of two and a checkpoint after every step.
CONFIG = ExperimentConfig(
    name="tiny",
    data=DataConfig(directory="unused", batch_size=2, join_share=0.5),
    frontend=FrontendConfig(feature=MatrixConfig(dim=3)),
    encoder=RecurrentConfig(hidden_size=4, num_layers=2, dropout=0.3, recurrent_dropout=0.2),
    training=TrainingConfig(
        num_epochs=3,
        learning_rate=0.02,
        weight_noise=0.05,
        num_threads=1,
        precision="float32",
        checkpoint_seconds=0.0,
    ),
)


def make_corpus(folder: Path, num_examples: int = 12) -> None:
    rng = np.random.default_rng(1)
    examples = []
    for number in range(num_examples):
        path = folder / f"{number}.npy"
        text = "abba"[: 1 + number % 4]
        frames = np.repeat([[1.0, 0, 0] if token == "a" else [0, 1.0, 0] for token in text], 6, axis=0)
        np.save(path, (frames + rng.normal(scale=0.2, size=frames.shape)).astype(np.float32))
        examples.append(Example(id=str(number), source=path, text=text))
    write_manifest(folder / "train.jsonl", examples)
    write_manifest(folder / "dev.jsonl", examples[:4])


def state(run: Path) -> dict[str, Any]:
    """Hashes of all that a run is, times left out, and which epochs its records name."""
    found: dict[str, Any] = {}
    for name in ("checkpoint", "best", "last"):
        tensors, metadata = read_tensors(run / f"{name}.safetensors")
        digest = hashlib.sha256()
        for key, tensor in sorted(tensors.items()):
            digest.update(f"{key} {tensor.shape}".encode() + tensor.numpy().tobytes())
        found[name] = digest.hexdigest()
        if name == "checkpoint":
            progress = json.loads(metadata["progress"])
            for epoch in progress["epochs"]:
                del epoch["waiting_share"]
            found["progress"] = {key: value for key, value in progress.items() if "seconds" not in key}
        else:
            summary = read_header(run / f"{name}.safetensors").summary
            found[f"{name} summary"] = repr(replace(summary, minutes=0, finished_at=""))
    metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for line in metrics:
        for key in ("seconds", "frames_per_second", "waiting_share"):
            del line[key]
        line["doctor"] = [remark for remark in line["doctor"] if "waited for data" not in remark]
    found["metrics"] = metrics
    lines = (run / "train.log").read_text().splitlines()
    found["log"] = [
        line.split("  loss")[0]
        for line in lines
        if line.startswith("epoch ") and "waited for data" not in line
    ]
    return found


def forked(work: Callable[[], object]) -> int:
    """Starts a process that does the work and then ends; its exit code says how."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
        work()
        code = 0
    except SeqlabelError:
        code = 2
    finally:
        os._exit(code)


def ended(pid: int) -> int:
    """Waits for a process and returns its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill_at_random_moments(folder: Path, least: int = 40) -> dict[str, Any]:
    """Kills one run again and again until it has ended, and begins anew until there were `least` kills."""
    rng = random.Random(1)
    config = replace(CONFIG, training=replace(CONFIG.training, num_epochs=25))
    train(config, folder / "whole", folder, "cpu")
    expected = state(folder / "whole")
    kills, runs, differing = 0, 0, []
    while kills < least:
        run = folder / f"run{runs}"
        while True:
            pid = forked(lambda run=run: train(config, run, folder, "cpu"))
            time.sleep(rng.uniform(0.03, 0.25))
            if os.waitpid(pid, os.WNOHANG) == (0, 0):
                os.kill(pid, signal.SIGKILL)
                code = ended(pid)
                kills += code == -signal.SIGKILL
                if code == -signal.SIGKILL:
                    continue
            break
        found = state(run)
        differing += [key for key in expected if found[key] != expected[key]]
        differing += [name for name in os.listdir(run) if name.endswith(".tmp")]
        runs += 1
    return {"kills": kills, "runs": runs, "differing": differing}


POINTS = {"fsync", "replace", "link", "unlink", "write", "open", "close", "serialize_file", "flush", "mkdir"}
"""C functions before which a process is killed: nothing else changes what is on the disk."""


def killed_at(number: int, work: Callable[[], object]) -> Callable[[], None]:
    """Returns the work, which kills its process before its n-th call of one of the points in our own modules."""

    def wrapped() -> None:
        count = 0

        def look(frame: FrameType, event: str, argument: object) -> None:
            nonlocal count
            if event == "c_call" and argument.__name__ in POINTS and is_ours(frame):
                count += 1
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.setprofile(look)
        work()

    return wrapped


def is_ours(frame: FrameType | None) -> bool:
    """Whether one of the modules that write called, directly or through the standard library."""
    for _ in range(4):
        if frame is None:
            return False
        if Path(frame.f_code.co_filename).stem in (
            "whole_files",
            "tensor_files",
            "run_log",
            "run_folder",
            "torch",
        ):
            return True
        frame = frame.f_back
    return False


def kill_at_every_point(folder: Path) -> dict[str, Any]:
    """Kills a run of two short epochs at one point of its writing after the other, and goes on with it to its end.

    With `NURSERY_STEP=3` every third point is tried; all of them take three times as long.
    """
    data = replace(CONFIG.data, batch_size=12)
    config = replace(CONFIG, data=data, training=replace(CONFIG.training, num_epochs=2))
    train(config, folder / "whole", folder, "cpu")
    expected = state(folder / "whole")
    kills, differing = 0, []
    run = folder / "run"

    def work() -> None:
        train(config, run, folder, "cpu")

    for number in range(1, 10_000, int(os.environ.get("NURSERY_STEP", "1"))):
        code = ended(forked(killed_at(number, work)))
        if code != -signal.SIGKILL:
            break
        kills += 1
        assert ended(forked(work)) == 0, number
        found = state(run)
        differing += [f"{number}: {key}" for key in expected if found[key] != expected[key]]
        differing += [f"{number}: {name}" for name in os.listdir(run) if name.endswith(".tmp")]
        shutil.rmtree(run)
    return {"kills": kills, "differing": differing, "code": code}


def kill_within_writes(folder: Path) -> dict[str, Any]:
    """Has the kernel kill runs within a write, at the byte where a file reaches a limit."""
    config = replace(CONFIG, training=replace(CONFIG.training, num_epochs=2))
    train(config, folder / "whole", folder, "cpu")
    expected = state(folder / "whole")
    size = (folder / "whole" / "checkpoint.safetensors").stat().st_size
    kills, differing, torn = 0, [], 0
    for limit in np.linspace(300, size - 1, 12).astype(int).tolist():
        run = folder / f"run{limit}"

        def limited(run: Path = run, limit: int = limit) -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            train(config, run, folder, "cpu")

        kills += ended(forked(limited)) == -signal.SIGXFSZ
        torn += any(name.endswith(".tmp") for name in os.listdir(run))
        assert ended(forked(lambda run=run: train(config, run, folder, "cpu"))) == 0, limit
        found = state(run)
        differing += [f"{limit}: {key}" for key in expected if found[key] != expected[key]]
        differing += [f"{limit}: {name}" for name in os.listdir(run) if name.endswith(".tmp")]
    return {"kills": kills, "torn": torn, "differing": differing}


def fill_the_disk(folder: Path) -> dict[str, Any]:
    """Has every write beyond a limit fail, as on a full disk, looks at what is left, and goes on without the limit.

    The limit is that of the size of a file, which fails with EFBIG where a full disk has ENOSPC: both come from the
    same system call, and no rights are needed for it.
    """
    config = replace(CONFIG, training=replace(CONFIG.training, num_epochs=2))
    train(config, folder / "whole", folder, "cpu")
    expected = state(folder / "whole")
    sizes = {name: (folder / "whole" / name).stat().st_size for name in os.listdir(folder / "whole")}
    refusals, differing, lines = 0, [], []
    # The times in a checkpoint have more digits in one run than in the next.
    for limit in np.linspace(100, max(sizes.values()) - 500, 14).astype(int).tolist():
        run = folder / f"run{limit}"

        reader, writer = os.pipe()

        def limited(run: Path = run, limit: int = limit, writer: int = writer) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            try:
                train(config, run, folder, "cpu")
            except SeqlabelError as error:
                # Not into a file: those are limited.
                os.write(writer, f"{error}\n".encode())
                raise

        code = ended(forked(limited))
        os.close(writer)
        with open(reader) as told:
            lines += told.read().splitlines()
        refusals += code == 2
        differing += [f"{limit}: code {code}"] * (code != 2)
        for path in run.glob("*.safetensors"):
            read_tensors(path)  # whole, whatever it is
        differing += [f"{limit}: {name}" for name in os.listdir(run) if name.endswith(".tmp")]
        assert ended(forked(lambda run=run: train(config, run, folder, "cpu"))) == 0, limit
        found = state(run)
        differing += [f"{limit}: {key}" for key in expected if found[key] != expected[key]]
    return {"refusals": refusals, "lines": lines, "differing": differing}


def main() -> None:
    task, folder = globals()[sys.argv[1]], Path(sys.argv[2])
    make_corpus(folder)
    start = time.monotonic()
    print(json.dumps(task(folder) | {"seconds": time.monotonic() - start}))


if __name__ == "__main__":
    main()
