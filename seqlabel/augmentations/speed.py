"""Faster and slower speech: the rows of a matrix or the samples of a waveform, resampled along time.

Source: Ko et al., "Audio augmentation for speech recognition", Interspeech 2015 (for waveforms, where the pitch
moves along with the speed). For matrices only the time axis moves.
"""

from typing import Literal

import numpy as np

from seqlabel.augmentations.resampling import resampled
from seqlabel.config import Config, Positive
from seqlabel.records import Matrix, Signal, Waveform


class SpeedConfig(Config, frozen=True, tag="speed"):
    """Speed factor drawn uniformly from [slowest, fastest]; 1.1 is a tenth faster.

    Attributes:
        slowest, fastest: the range.
        interpolation: between samples, a straight "line", or a "filter" (soxr). A line damps 5 kHz of 16 by 3 dB and
            mirrors it at -13 dB, and takes twice as long; as an augmentation that is not worse (recipes/fsdd).
    """

    slowest: Positive = 0.85
    fastest: Positive = 1.15
    interpolation: Literal["line", "filter"] = "line"

    def build(self) -> "Speed":
        """Returns the augmentation."""
        return Speed(self)


class Speed:
    """Changes the speed of a waveform or a matrix, whose rows are joined by lines; leaves other signals alone."""

    def __init__(self, config: SpeedConfig) -> None:
        self.config = config

    def __call__(self, signal: Signal, rng: np.random.Generator) -> Signal:
        """Returns the signal at a speed drawn from `rng`."""
        speed = rng.uniform(self.config.slowest, self.config.fastest)
        match signal:
            case Matrix(values):
                return Matrix(resample_rows(values, speed))
            case Waveform(samples, sample_rate) if self.config.interpolation == "line":
                return Waveform(resample_rows(samples[:, None], speed)[:, 0], sample_rate)
            case Waveform(samples, sample_rate):
                return Waveform(
                    resampled(samples, 1 / speed, max(1, round(len(samples) / speed))), sample_rate
                )
            case _:
                return signal


def resample_rows(values: np.ndarray, speed: float) -> np.ndarray:
    """Returns (round(T / speed), F) rows, linearly interpolated; never fewer than one."""
    num_rows = max(1, round(len(values) / speed))
    position = np.linspace(0, len(values) - 1, num_rows, dtype=np.float64)
    left = position.astype(np.int64)
    right = np.minimum(left + 1, len(values) - 1)
    weight = (position - left).astype(np.float32)[:, None]
    return values[left] * (1 - weight) + values[right] * weight
