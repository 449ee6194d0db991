"""Microphones, distances and loudspeakers: a smooth frequency response drawn anew for each example."""

from typing import Annotated

import msgspec
import numpy as np
from jaxtyping import Float32, Float64
from scipy import fft

from seqlabel.augmentations.loudness import as_loud_as
from seqlabel.augmentations.telephone import SILENCE_SECONDS
from seqlabel.config import Config, Probability
from seqlabel.records import Signal, Waveform

LOWEST_HZ = 62.5
"""The gain of all that lies below is that of here."""


class EqualizerConfig(Config, frozen=True, tag="equalizer"):
    """Some frequencies louder, others fainter.

    Gains are drawn from a normal distribution for frequencies at the same distance from each other in octaves, and
    lie on lines between them.

    Attributes:
        probability: of a change.
        gain_db: standard deviation of the gains.
        octaves: distance of two frequencies that have a gain of their own.
    """

    probability: Probability = 0.5
    gain_db: Annotated[float, msgspec.Meta(ge=0, le=40)] = 5.0
    octaves: Annotated[float, msgspec.Meta(ge=0.1)] = 1.0

    def build(self) -> "Equalizer":
        """Returns the augmentation."""
        return Equalizer(self)


class Equalizer:
    """Filters a waveform; leaves other signals alone.

    The filter has no delay, and the mean power of the waveform stays.
    """

    def __init__(self, config: EqualizerConfig) -> None:
        self.config = config

    def __call__(self, signal: Signal, rng: np.random.Generator) -> Signal:
        """Returns the waveform with a frequency response that is drawn from `rng`."""
        if not isinstance(signal, Waveform) or rng.random() >= self.config.probability:
            return signal
        samples, rate = signal.samples, signal.sample_rate
        if not len(samples):
            return signal
        # Filters of the Fourier transform go round in a circle: what rings on is to ring in silence.
        size = fft.next_fast_len(len(samples) + round(SILENCE_SECONDS * rate), real=True)
        spectrum = fft.rfft(samples, size)
        spectrum *= self._gains(np.arange(len(spectrum)) * (rate / size), rng)
        return Waveform(as_loud_as(samples, fft.irfft(spectrum, size)[: len(samples)]), rate)

    def _gains(
        self, hertz: Float64[np.ndarray, " num_bins"], rng: np.random.Generator
    ) -> Float32[np.ndarray, " num_bins"]:
        place = np.log2(np.maximum(hertz, LOWEST_HZ) / LOWEST_HZ) / self.config.octaves
        decibels = rng.normal(0.0, self.config.gain_db, int(place[-1]) + 2)
        gains: Float32[np.ndarray, " num_bins"] = 10 ** (
            np.interp(place, np.arange(len(decibels)), decibels) / 20
        ).astype(np.float32)
        return gains
