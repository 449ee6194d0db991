"""Peers in an environment of their own, as a process that does what it is told and answers in JSON, a line each."""

import json
import os
import subprocess
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def python_with(folder: Path, packages: Sequence[str]) -> Path:
    """Returns the Python of an environment with these packages, made at the first use."""
    python = folder / "bin" / "python"
    done = folder / ".installed"
    if not done.exists() or done.read_text() != " ".join(packages):
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        done.write_text(" ".join(packages))
    return python


class PeerProcess:
    """A script of this folder that runs with a peer's Python, and is ended with the `with` statement."""

    def __init__(self, python: Path, script: str, arguments: Sequence[str], num_threads: int = 1) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [str(python), str(Path(__file__).with_name(script)), *arguments],
            stdin=pipe,
            stdout=pipe,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": str(num_threads)},
        )

    def ask(self, line: str) -> dict[str, Any]:
        """Returns the answer to one line.

        Raises:
            RuntimeError: the process has ended.
        """
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the peer's process has no pipes")
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the peer's process ended with {self.process.wait()} at {line!r}")
        found: dict[str, Any] = json.loads(answer)
        return found

    def __enter__(self) -> "PeerProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()
