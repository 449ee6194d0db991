"""Mean and variance normalisation: over an example, a sliding window, the group (speaker, writer) or the corpus."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32, Float64, Int64

from seqlabel.config import Config
from seqlabel.errors import ConfigError

STD_FLOOR = 1e-4
"""Features that hardly move are divided by this instead: constants become zeros, not infinities."""


class NormalizationConfig(Config, frozen=True):
    """What mean and standard deviation are taken over.

    Attributes:
        scope: the example itself, all examples of its group, the training corpus (kept in the model file), or a window
            of frames that slides over the example (Kaldi's `apply-cmvn-sliding`).
        variance: divide by the standard deviation, too.
        follows_augmentation: statistics of a group or a corpus move with what the augmentations of signals did to an
            example: a voice in noise is normalised as if all that it ever said had been said in that noise. Without it
            training sees examples whose noise, room and microphone are not normalised away, as those of a speaker
            whose every recording has them will be. Costs the features of the unchanged signal as well.
        window: frames of the window.
        window_centred: the frame stands in the middle of its window, which at the ends of the example stays within it;
            otherwise at the end of it, `window` frames before it count as well as itself, as in Kaldi.
        least_window: where it is not centred, the frames that the first ones are normalised over.

    Raises:
        ConfigError: a window of less than 1 frame.
    """

    scope: Literal["example", "group", "corpus", "window"] = "example"
    variance: bool = True
    follows_augmentation: bool = False
    window: int = 600
    window_centred: bool = True
    least_window: int = 100

    def __post_init__(self) -> None:
        if self.window < 1 or self.least_window < 1:
            raise ConfigError(
                f"normalization: window {self.window} and least_window {self.least_window}, expected at least 1 frame"
            )

    def build(self) -> "Normalizer":
        """Returns a normaliser; it has to be fitted unless the scope is `example`."""
        return Normalizer(self)


@dataclass(frozen=True, slots=True)
class Statistics:
    """Mean and standard deviation of every feature."""

    mean: Float32[np.ndarray, " F"]
    std: Float32[np.ndarray, " F"]

    def moved(self, before: "Statistics", after: "Statistics") -> "Statistics":
        """Returns these after the stretch and the shift that took those of some of the frames from one to the other."""
        stretch = after.std / before.std
        return Statistics(after.mean + (self.mean - before.mean) * stretch, self.std * stretch)


class Normalizer:
    """Subtracts the mean and divides by the standard deviation of the configured scope."""

    def __init__(self, config: NormalizationConfig) -> None:
        self.config = config
        self.corpus: Statistics | None = None
        self.groups: dict[str, Statistics] = {}

    def __call__(
        self,
        features: Float32[np.ndarray, "T F"],
        group: str | None = None,
        unchanged: Float32[np.ndarray, "U F"] | None = None,
    ) -> Float32[np.ndarray, "T F"]:
        """Returns the normalised frames; a group that was not fitted is normalised by the example itself.

        `unchanged` are the frames before an augmentation that the statistics are to follow.
        """
        if self.config.scope == "window":
            return over_windows(features, self.config)
        statistics = self.corpus
        if self.config.scope == "group" and group is not None:
            statistics = self.groups.get(group)
        if statistics is None:
            statistics = Sums.of(features).statistics()
        elif unchanged is not None:
            statistics = statistics.moved(Sums.of(unchanged).statistics(), Sums.of(features).statistics())
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


def over_windows(
    features: Float32[np.ndarray, "T F"], config: NormalizationConfig
) -> Float32[np.ndarray, "T F"]:
    """Returns each frame normalised over the window that it stands in, at a cost that does not grow with the window.

    The windows are those of Kaldi's `SlidingWindowCmnInternal` (feat/feature-functions.cc).
    """
    num_frames = len(features)
    at = np.arange(num_frames)
    if config.window_centred:
        start = at - config.window // 2
        end = start + config.window - np.minimum(start, 0)
    else:
        start, end = at - config.window, np.maximum(at + 1, config.least_window)
    start = np.maximum(np.maximum(start, 0) - np.maximum(end - num_frames, 0), 0)
    end = np.minimum(end, num_frames)
    # Sums of what is left over a mean: those of the values themselves would lose the variance in large means.
    exact = features.astype(np.float64)
    exact -= exact.mean(axis=0)
    count = (end - start)[:, None]
    mean = _sums_between(exact, start, end) / count
    normal = exact - mean
    if config.variance:
        variance = _sums_between(np.square(exact), start, end) / count - np.square(mean)
        normal /= np.maximum(np.sqrt(np.maximum(variance, 0.0)), STD_FLOOR)
    single: Float32[np.ndarray, "T F"] = normal.astype(np.float32)
    return single


def _sums_between(
    values: Float64[np.ndarray, "T F"], start: Int64[np.ndarray, " T"], end: Int64[np.ndarray, " T"]
) -> Float64[np.ndarray, "T F"]:
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    between: Float64[np.ndarray, "T F"] = sums[end] - sums[start]
    return between


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
