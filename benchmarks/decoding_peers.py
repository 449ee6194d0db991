"""pyctcdecode and flashlight-text, for the benchmarks of decoding."""

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peer_environment import PeerProcess, python_with


class Peers:
    """A process that decodes with the peers when told, in an environment of their own, one thread."""

    def __init__(
        self, folder: Path, emissions: Sequence[np.ndarray], labels: Sequence[str], beam_width: int
    ) -> None:
        self.python = python_with(folder, ["pyctcdecode", "flashlight-text", "numpy<2"])
        self.emissions, self.labels, self.beam_width = emissions, labels, beam_width

    def __enter__(self) -> "Peers":
        self.folder = tempfile.TemporaryDirectory()
        arrays: dict[str, Any] = {f"{i:05d}": rows for i, rows in enumerate(self.emissions)}
        path = Path(self.folder.name) / "emissions.npz"
        np.savez(path, **arrays)
        arguments = [str(path), json.dumps(self.labels), str(self.beam_width)]
        self.process = PeerProcess(self.python, "peers_process.py", arguments)
        return self

    def decode(self, name: str, n_best: int = 1) -> tuple[float, list[list[tuple[str, float]]]]:
        """Returns the seconds that a peer took, and up to `n_best` texts with their scores for each example."""
        answer = self.process.ask(f"{name} {n_best}")
        return float(answer["seconds"]), answer["found"]

    def runner(self, name: str, texts: dict[str, list[str]]) -> Callable[[], float]:
        """Returns a function that decodes with a peer, keeps the best texts and returns the seconds."""

        def run() -> float:
            seconds, found = self.decode(name)
            texts[name] = [best[0][0] for best in found]
            return seconds

        return run

    def __exit__(self, *_: object) -> None:
        self.process.__exit__()
        self.folder.cleanup()
