"""Vocal tract length perturbation of given cepstra, for corpora that publish no audio.

A warp of the frequency axis is a linear map of the log-mel spectrum, and so of the cepstra: with D the cosine
transform, the warped cepstra are D W D+ c, where W interpolates the mel bands and D+ is D's pseudo-inverse.

Source: Jaitly and Hinton, "Vocal tract length perturbation improves speech recognition", ICML workshop 2013;
Umesh et al., "A simple approach to non-uniform vowel normalization", ICASSP 2002 (the linear map).
"""

import numpy as np

from seqlabel.config import Config, Count, FromZero, Positive
from seqlabel.records import Matrix, Signal


class CepstralWarpConfig(Config, frozen=True, tag="cepstral_warp"):
    """Frequency axis scaled by a factor drawn from [1 - strength, 1 + strength], in Hz.

    Attributes:
        strength: largest relative change of the frequencies.
        num_mel_filters, low_hz, high_hz: the filter bank that the cepstra were computed from.
    """

    strength: FromZero = 0.12
    num_mel_filters: Count = 40
    low_hz: FromZero = 130.0
    high_hz: Positive = 6800.0

    def build(self) -> "CepstralWarp":
        """Returns the augmentation."""
        return CepstralWarp(self)


class CepstralWarp:
    """Warps the frequency axis behind a matrix of cepstra; leaves other signals alone."""

    def __init__(self, config: CepstralWarpConfig) -> None:
        self.config = config

    def __call__(self, signal: Signal, rng: np.random.Generator) -> Signal:
        """Returns the cepstra of the same speech from a vocal tract whose length is drawn from `rng`."""
        factor = rng.uniform(1 - self.config.strength, 1 + self.config.strength)
        if not isinstance(signal, Matrix):
            return signal
        values = signal.values @ self.warp(factor, signal.values.shape[1]).T
        return Matrix(values.astype(np.float32))

    def warp(self, factor: float, num_cepstra: int) -> np.ndarray:
        """Returns the (num_cepstra, num_cepstra) map of cepstra for frequencies scaled by `factor`."""
        num_filters = self.config.num_mel_filters
        band = np.arange(num_filters)
        cosines = np.cos(np.pi * np.arange(num_cepstra)[:, None] * (band + 0.5) / num_filters)
        low, high = mel(self.config.low_hz), mel(self.config.high_hz)
        centre_mel = low + (band + 1) * (high - low) / (num_filters + 1)
        source_mel = mel(np.clip(hertz(centre_mel) * factor, self.config.low_hz, self.config.high_hz))
        position = np.clip((source_mel - low) * (num_filters + 1) / (high - low) - 1, 0, num_filters - 1)
        left = np.minimum(position.astype(np.int64), num_filters - 2)
        weight = position - left
        interpolation = np.zeros((num_filters, num_filters))
        interpolation[band, left] = 1 - weight
        interpolation[band, left + 1] += weight
        return np.asarray(cosines @ interpolation @ np.linalg.pinv(cosines))


def mel(hertz_value: "float | np.ndarray") -> "np.ndarray":
    """Returns mel for hertz (O'Shaughnessy's formula, as in HTK and Sphinx)."""
    return np.asarray(2595.0 * np.log10(1.0 + np.asarray(hertz_value) / 700.0))


def hertz(mel_value: "float | np.ndarray") -> "np.ndarray":
    """Returns hertz for mel."""
    return np.asarray(700.0 * (10.0 ** (np.asarray(mel_value) / 2595.0) - 1.0))
