"""pyctcdecode and flashlight-text, for the benchmarks of decoding."""

import json
import os
import subprocess
import tempfile
import venv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np


class Peers:
    """A process that decodes with the peers when told, in an environment of their own, one thread."""

    def __init__(
        self, folder: Path, emissions: Sequence[np.ndarray], labels: Sequence[str], beam_width: int
    ) -> None:
        self.python = folder / "bin" / "python"
        if not self.python.exists():
            venv.create(folder, with_pip=True)
            packages = ["pyctcdecode", "flashlight-text", "numpy<2"]
            subprocess.run([self.python, "-m", "pip", "install", "--quiet", *packages], check=True)
        self.emissions, self.labels, self.beam_width = emissions, labels, beam_width

    def __enter__(self) -> "Peers":
        self.folder = tempfile.TemporaryDirectory()
        arrays: dict[str, Any] = {f"{i:05d}": rows for i, rows in enumerate(self.emissions)}
        path = Path(self.folder.name) / "emissions.npz"
        np.savez(path, **arrays)
        script = Path(__file__).with_name("peers_process.py")
        command = [str(self.python), str(script), str(path), json.dumps(self.labels), str(self.beam_width)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
        )
        return self

    def decode(self, name: str, n_best: int = 1) -> tuple[float, list[list[tuple[str, float]]]]:
        """Returns the seconds that a peer took, and up to `n_best` texts with their scores for each example."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the peers' process has no pipes")
        self.process.stdin.write(f"{name} {n_best}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return float(answer["seconds"]), answer["found"]

    def runner(self, name: str, texts: dict[str, list[str]]) -> Callable[[], float]:
        """Returns a function that decodes with a peer, keeps the best texts and returns the seconds."""

        def run() -> float:
            seconds, found = self.decode(name)
            texts[name] = [best[0][0] for best in found]
            return seconds

        return run

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()
