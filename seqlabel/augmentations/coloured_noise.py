"""Noise of a given colour, made on the fly: white, pink, brown, speech-shaped, and babble.

Sources: Byrne et al., "An international comparison of long-term average speech spectra", JASA 96, 1994 (the shape of
`speech`: level to 500 Hz, then about 9 dB less with each octave); Dreschler et al., "ICRA noises", Audiology 40, 2001
(speech-shaped noise whose bands below 850 Hz, to 2500 Hz and above rise and fall by themselves: `babble`).
"""

import itertools
from typing import Literal

import numpy as np
from jaxtyping import Float32
from scipy import fft

Colour = Literal["white", "pink", "brown", "speech", "babble"]

LOWEST_HZ = 50.0
"""Pink and brown noise are level below: their power is not to lie where nobody hears it."""
BABBLE_BORDERS_HZ = (850.0, 2500.0)
SYLLABLES_A_SECOND = 4.0
BABBLE_DEVIATION = 0.7
"""Standard deviation of the natural logarithm of a band's level, some 6 dB."""


def coloured_noise(
    colour: Colour, num_samples: int, sample_rate: int, rng: np.random.Generator
) -> Float32[np.ndarray, " num_samples"]:
    """Returns Gaussian noise of one colour, drawn from `rng`, at no particular level."""
    if colour == "white":
        return rng.standard_normal(num_samples, dtype=np.float32)
    size = fft.next_fast_len(max(2, num_samples), real=True)
    hertz = np.arange(size // 2 + 1, dtype=np.float32) * np.float32(sample_rate / size)
    # The real and the imaginary parts of noise are noise: the spectrum is drawn, not computed.
    spectrum = rng.standard_normal(2 * len(hertz), dtype=np.float32).view(np.complex64) * _shape(
        colour, hertz
    )
    if colour != "babble":
        noise: Float32[np.ndarray, " num_samples"] = fft.irfft(spectrum, size)[:num_samples]
        return noise
    total = np.zeros(num_samples, np.float32)
    ends = [0, *np.searchsorted(hertz, BABBLE_BORDERS_HZ).tolist(), len(hertz)]
    for first, last in itertools.pairwise(ends):
        band = np.zeros_like(spectrum)
        band[first:last] = spectrum[first:last]
        level = _slow_level(num_samples, sample_rate, rng)
        total += fft.irfft(band, size)[:num_samples] * level
    return total


def _shape(colour: Colour, hertz: Float32[np.ndarray, " K"]) -> Float32[np.ndarray, " K"]:
    """The magnitude at each frequency; nothing at 0 Hz."""
    bounded = np.maximum(hertz, np.float32(LOWEST_HZ))
    if colour == "pink":
        shape = 1 / np.sqrt(bounded)
    elif colour == "brown":
        shape = 1 / bounded
    else:
        # 9 dB an octave are the power of 1.5; below 100 Hz nobody speaks.
        shape = (np.maximum(bounded, np.float32(500)) / np.float32(500)) ** np.float32(-1.5)
        shape *= np.minimum(hertz / np.float32(100), 1) ** 2
    shape[0] = 0
    found: Float32[np.ndarray, " K"] = shape
    return found


def _slow_level(
    num_samples: int, sample_rate: int, rng: np.random.Generator
) -> Float32[np.ndarray, " num_samples"]:
    """A level that changes with the syllables of a voice."""
    knots = rng.standard_normal(int(num_samples * SYLLABLES_A_SECOND / sample_rate) + 2)
    place = np.arange(num_samples) * (SYLLABLES_A_SECOND / sample_rate)
    level = np.interp(place, np.arange(len(knots)), np.exp(BABBLE_DEVIATION * knots))
    found: Float32[np.ndarray, " num_samples"] = level.astype(np.float32)
    return found
