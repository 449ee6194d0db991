"""Mean and variance normalisation over an example, its group (speaker, writer) or the corpus."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32, Float64

from seqlabel.config import Config

STD_FLOOR = 1e-4
"""Features that hardly move are divided by this instead: constants become zeros, not infinities."""


class NormalizationConfig(Config, frozen=True):
    """What mean and standard deviation are taken over.

    Attributes:
        scope: the example itself, all examples of its group, or the training corpus (kept in the model file).
        variance: divide by the standard deviation, too.
    """

    scope: Literal["example", "group", "corpus"] = "example"
    variance: bool = True

    def build(self) -> "Normalizer":
        """Returns a normaliser; it has to be fitted unless the scope is `example`."""
        return Normalizer(self)


@dataclass(frozen=True, slots=True)
class Statistics:
    """Mean and standard deviation of every feature."""

    mean: Float32[np.ndarray, " F"]
    std: Float32[np.ndarray, " F"]


class Normalizer:
    """Subtracts the mean and divides by the standard deviation of the configured scope."""

    def __init__(self, config: NormalizationConfig) -> None:
        self.config = config
        self.corpus: Statistics | None = None
        self.groups: dict[str, Statistics] = {}

    def __call__(
        self, features: Float32[np.ndarray, "T F"], group: str | None = None
    ) -> Float32[np.ndarray, "T F"]:
        """Returns the normalised frames; a group that was not fitted is normalised by the example itself."""
        statistics = self.corpus
        if self.config.scope == "group" and group is not None:
            statistics = self.groups.get(group)
        if statistics is None:
            statistics = Sums.of(features).statistics()
        normal: Float32[np.ndarray, "T F"] = features - statistics.mean
        if self.config.variance:
            normal /= statistics.std
        return normal

    def fit(self, examples: Iterable[tuple[Float32[np.ndarray, "T F"], str | None]]) -> None:
        """Learns the statistics of the corpus or of its groups from (features, group)."""
        running = self.running()
        for features, group in examples:
            running.add(features, group)
        running.finish()

    def running(self) -> "RunningFit":
        """Returns what learns from one example after the other."""
        return RunningFit(self)

    def state(self) -> dict[str, np.ndarray]:
        """Returns what a model file has to keep: those of the corpus, not those of groups."""
        return {} if self.corpus is None else {"mean": self.corpus.mean, "std": self.corpus.std}

    def set_state(self, state: dict[str, np.ndarray]) -> None:
        """Takes what `state` gave."""
        if state:
            self.corpus = Statistics(state["mean"], state["std"])


@dataclass(frozen=True, slots=True)
class Sums:
    """Running sums in double precision, so that a corpus of any length loses nothing."""

    count: int
    total: Float64[np.ndarray, " F"]
    squares: Float64[np.ndarray, " F"]

    @classmethod
    def of(cls, features: Float32[np.ndarray, "T F"]) -> "Sums":
        """Returns the sums over one example."""
        exact = features.astype(np.float64)
        return cls(len(exact), exact.sum(axis=0), np.square(exact).sum(axis=0))

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(self.count + other.count, self.total + other.total, self.squares + other.squares)

    def statistics(self) -> Statistics:
        """Returns mean and standard deviation, the latter not below a floor."""
        mean = self.total / self.count
        variance = np.maximum(self.squares / self.count - mean**2, 0.0)
        return Statistics(
            mean.astype(np.float32), np.maximum(np.sqrt(variance), STD_FLOOR).astype(np.float32)
        )


class RunningFit:
    """The sums over the examples so far, of the corpus or of each group, for a normaliser."""

    def __init__(self, normalizer: Normalizer) -> None:
        self.normalizer = normalizer
        self.sums: dict[str | None, Sums] = {}

    def add(self, features: Float32[np.ndarray, "T F"], group: str | None) -> None:
        """Counts an example."""
        scope = self.normalizer.config.scope
        key = None if scope == "corpus" else group
        if scope == "corpus" or (scope == "group" and group is not None):
            sums = Sums.of(features)
            self.sums[key] = self.sums[key] + sums if key in self.sums else sums

    def finish(self) -> None:
        """Gives the normaliser its statistics."""
        for group, sums in self.sums.items():
            if group is None:
                self.normalizer.corpus = sums.statistics()
            else:
                self.normalizer.groups[group] = sums.statistics()
