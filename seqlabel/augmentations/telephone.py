"""The telephone: its band of frequencies, and the eight bits a sample of its lines (ITU-T G.711)."""

from math import gcd
from typing import Annotated, Literal

import msgspec
import numpy as np
from jaxtyping import Float32, Int16
from scipy import fft

from seqlabel.augmentations.ranges import check_range
from seqlabel.config import Config, FromZero, Probability
from seqlabel.records import Signal, Waveform

Companding = Literal["none", "mu_law", "a_law"]

LINE_RATE = 8000
FULL_SCALE = 32768.0
SILENCE_SECONDS = 0.02
"""Filters of the Fourier transform go round in a circle: what rings on after the end is to ring in here."""


class TelephoneConfig(Config, frozen=True, tag="telephone"):
    """A call: the band of a telephone line, its sample rate, and one of its ways to write samples as bytes.

    Attributes:
        probability: of a call.
        low_hz, high_hz: of the band that goes through whole; half an octave below and an eighth above nothing does.
        companding: `mu_law` in America and Japan, `a_law` elsewhere, `none` for the band alone, each as likely as the
            others. How much noise of it is heard depends on how loud the signal is.
    """

    probability: Probability = 0.5
    low_hz: FromZero = 300.0
    high_hz: Annotated[float, msgspec.Meta(gt=0, le=LINE_RATE / 2)] = 3400.0
    companding: Annotated[tuple[Companding, ...], msgspec.Meta(min_length=1)] = ("none", "mu_law", "a_law")

    def build(self) -> "Telephone":
        """Returns the augmentation; raises ConfigError where the band is upside down."""
        check_range("telephone", ("low_hz", self.low_hz), ("high_hz", self.high_hz))
        return Telephone(self)


class Telephone:
    """Sends a waveform through a telephone line; leaves other signals alone.

    Filters and resampling are done on the spectrum, without delay: neither length nor borders move. The sample rate
    that comes out is the one that went in, with nothing above 4 kHz in it.
    """

    def __init__(self, config: TelephoneConfig) -> None:
        self.config = config
        values = np.arange(-32768, 32768).astype(np.int16)
        self.tables = {"mu_law": mu_law(values), "a_law": a_law(values)}

    def __call__(self, signal: Signal, rng: np.random.Generator) -> Signal:
        """Returns the waveform as it comes out of a line drawn from `rng`."""
        if not isinstance(signal, Waveform) or rng.random() >= self.config.probability:
            return signal
        companding = self.config.companding[int(rng.integers(len(self.config.companding)))]
        samples, rate = signal.samples, signal.sample_rate
        if not len(samples):
            return signal
        size, line_size = _sizes(len(samples), rate)
        spectrum = fft.rfft(samples, size)
        spectrum *= self._gains(len(spectrum), rate / size)
        if companding != "none":
            on_line = fft.irfft(spectrum[: line_size // 2 + 1], line_size) * np.float32(line_size / size)
            spectrum[:] = 0
            heard = fft.rfft(self._companded(on_line, companding))
            spectrum[: len(heard)] = heard * np.float32(size / line_size)
        return Waveform(np.ascontiguousarray(fft.irfft(spectrum, size)[: len(samples)]), rate)

    def _gains(self, num_bins: int, hertz_a_bin: float) -> Float32[np.ndarray, " num_bins"]:
        gains = np.zeros(num_bins, np.float32)
        low, high = self.config.low_hz, self.config.high_hz
        top = min(high * 2 ** (1 / 8), LINE_RATE / 2)
        # Where it begins to let something through, where it lets all through, where this ends, where nothing is left.
        start, rise, fall, end = (
            min(num_bins, int(np.ceil(edge / hertz_a_bin))) for edge in (low / np.sqrt(2), low, high, top)
        )
        gains[rise:fall] = 1
        # Half a cosine at each edge.
        for first, last, border, inside in ((start, rise, low / np.sqrt(2), low), (fall, end, top, high)):
            if first < last:
                hertz = np.arange(first, last) * hertz_a_bin
                gains[first:last] = np.sin(np.pi / 2 * (hertz - border) / (inside - border)) ** 2
        return gains

    def _companded(
        self, samples: Float32[np.ndarray, " num_samples"], companding: str
    ) -> Float32[np.ndarray, " num_samples"]:
        whole = np.rint(samples * np.float32(FULL_SCALE))
        places = np.clip(whole, -32768, 32767).astype(np.int32) + 32768
        heard: Float32[np.ndarray, " num_samples"] = self.tables[companding][places] / np.float32(FULL_SCALE)
        return heard


def _sizes(num_samples: int, rate: int) -> tuple[int, int]:
    """The lengths of the transform at the signal's rate and at the line's, which last equally long."""
    wanted = num_samples + round(SILENCE_SECONDS * rate)
    if rate <= LINE_RATE:
        size = fft.next_fast_len(max(2, wanted), real=True)
        return size, size
    unit = rate // gcd(rate, LINE_RATE)
    times = 2 * fft.next_fast_len(-(-wanted // (2 * unit)), real=True)
    return times * unit, times * LINE_RATE // gcd(rate, LINE_RATE)


def mu_law(values: Int16[np.ndarray, " N"]) -> Int16[np.ndarray, " N"]:
    """Returns 16-bit samples as they are after mu-law (G.711, table 2), one of 255 values each."""
    size = np.minimum(np.abs(values.astype(np.int64)), 32635) + 132
    exponent = np.frexp(size)[1] - 8
    mantissa = (size >> (exponent + 3)) & 15
    heard = (((mantissa << 3) + 132) << exponent) - 132
    found: Int16[np.ndarray, " N"] = np.where(values < 0, -heard, heard).astype(np.int16)
    return found


def a_law(values: Int16[np.ndarray, " N"]) -> Int16[np.ndarray, " N"]:
    """Returns 16-bit samples as they are after A-law (G.711, table 1), one of 256 values each."""
    size = np.minimum(np.abs(values.astype(np.int64)), 32767)
    exponent = np.maximum(np.frexp(size)[1] - 8, 0)
    mantissa = np.where(exponent > 0, (size >> (exponent + 3)) & 15, size >> 4)
    loud = ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0)
    heard = np.where(exponent > 0, loud, (mantissa << 4) + 8)
    return np.where(values < 0, -heard, heard).astype(np.int16)
