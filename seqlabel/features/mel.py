"""Log mel spectra: what MFCC and log-mel features are both made of."""

import math
import warnings
from typing import Protocol

import numpy as np
from jaxtyping import Float32

from seqlabel.errors import FormatError
from seqlabel.features.sources import require
from seqlabel.records import Signal, Waveform

# The mean square of the rounding error of 16-bit samples on [-1, 1]: (2 / 2^16)^2 / 12. Energies below that of
# such noise in a window mean nothing, and digital silence must not become minus infinity.
_ROUNDING_POWER = 2.0**-30 / 12


def fit_filters(
    sample_rate: int, window_samples: int, num_filters: int, low_hz: float, high_hz: float
) -> Float32[np.ndarray, "num_bins num_filters"]:
    """Triangular HTK-scale mel filters over the bins of the shortest sufficient Fourier transform.

    The transform is the smallest power of two that holds the window and leaves no filter without a
    bin: at 16 kHz, 40 filters need 512 points, but 80 filters need 1024.

    Returns:
        the weights; the transform has `2 * (num_bins - 1)` points.
    """
    import torchaudio

    fft_size = 1 << (window_samples - 1).bit_length()
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torchaudio warns of an empty filter; the check below acts on it.
            filters = torchaudio.functional.melscale_fbanks(
                fft_size // 2 + 1, low_hz, high_hz, num_filters, sample_rate, norm=None, mel_scale="htk"
            )
        weights: Float32[np.ndarray, "num_bins num_filters"] = filters.numpy()
        if (weights.max(axis=0) > 0).all():
            return weights
        fft_size *= 2


class MelSettings(Protocol):
    """What `LogMelSpectra` needs to know; `MfccConfig` and `LogMelConfig` describe and hold it."""

    @property
    def sample_rate(self) -> int: ...  # noqa: D102

    @property
    def window_seconds(self) -> float: ...  # noqa: D102

    @property
    def step_seconds(self) -> float: ...  # noqa: D102

    @property
    def num_mel_filters(self) -> int: ...  # noqa: D102

    @property
    def low_hz(self) -> float: ...  # noqa: D102

    @property
    def high_hz(self) -> float | None: ...  # noqa: D102

    @property
    def preemphasis(self) -> float: ...  # noqa: D102


class LogMelSpectra:
    """Waveform to log mel energies and log energy of each frame.

    Frame t looks at samples `t * step` up to `t * step + window`, and only frames that lie wholly within
    the waveform are made: T = 1 + (num_samples - window) // step. A waveform shorter than one window is
    padded with zeros to one frame.

    Args:
        settings: a config with the attributes of `MelSettings`.

    Raises:
        ConfigError: a number is out of its range.
    """

    def __init__(self, settings: MelSettings) -> None:
        import torch  # here, because everything else in this folder does without it

        rate, low_hz = settings.sample_rate, settings.low_hz
        high_hz = rate / 2 if settings.high_hz is None else settings.high_hz
        require(rate >= 1, settings, "sample_rate of at least 1 Hz")
        require(0 <= low_hz < high_hz <= rate / 2, settings, "0 <= low_hz < high_hz <= half the sample_rate")
        require(settings.num_mel_filters >= 1, settings, "num_mel_filters of at least 1")
        require(0 <= settings.preemphasis < 1, settings, "preemphasis of at least 0 and below 1")
        self.sample_rate = rate
        self.window = round(settings.window_seconds * rate)
        self.step = round(settings.step_seconds * rate)
        require(self.window >= 2 and self.step >= 1, settings, "a window of 2 samples and a step of 1 at least")
        self.preemphasis = settings.preemphasis
        self._filters = fit_filters(rate, self.window, settings.num_mel_filters, low_hz, high_hz)
        self.fft_size = 2 * (len(self._filters) - 1)
        self._hamming = torch.hamming_window(self.window)
        window_power = float(self._hamming.square().sum())
        self._mel_floor = _ROUNDING_POWER * window_power
        self._energy_floor = _ROUNDING_POWER * self.window

    def samples_of(self, signal: Signal) -> Float32[np.ndarray, " num_samples"]:
        """The samples of a waveform, with zeros behind them if they are too few for one window.

        Raises:
            FormatError: there is no sample, one is not finite, or the sample rate is another.
        """
        if not isinstance(signal, Waveform):
            raise TypeError(f"expected a Waveform, found a {type(signal).__name__}")
        if signal.sample_rate != self.sample_rate:
            raise FormatError(
                f"audio: found {signal.sample_rate} Hz, expected {self.sample_rate} Hz; resample it first"
            )
        samples = signal.samples
        if len(samples) == 0:
            raise FormatError("audio: found no samples, expected at least one; leave the file out or replace it")
        if not np.isfinite(samples).all():
            raise FormatError("audio: found NaN or infinity among the samples, expected finite numbers")
        return np.pad(samples, (0, max(0, self.window - len(samples))))

    def log_energy(self, samples: Float32[np.ndarray, " num_samples"]) -> Float32[np.ndarray, " T"]:
        """Natural log of the sum of squares in each frame, before pre-emphasis (HTK's RAWENERGY)."""
        frames = np.lib.stride_tricks.sliding_window_view(samples, self.window)[:: self.step]
        energy = np.einsum("tw,tw->t", frames, frames)
        return np.log(np.maximum(energy, self._energy_floor)).astype(np.float32)

    def __call__(self, samples: Float32[np.ndarray, " num_samples"]) -> Float32[np.ndarray, "T num_filters"]:
        """Natural log of the energy in each mel filter of each frame."""
        import torch
        import torchaudio

        emphasised = samples.copy()
        emphasised[1:] -= np.float32(self.preemphasis) * samples[:-1]
        emphasised[0] *= np.float32(1 - self.preemphasis)  # as if the first sample had stood there before.
        # torchaudio sets a window that is shorter than the transform into the transform's middle: this
        # padding makes frame t start at sample t * step, and the last frame end within the waveform.
        before = (self.fft_size - self.window) // 2
        after = self.fft_size - self.window - before
        power = torchaudio.functional.spectrogram(
            torch.from_numpy(np.pad(emphasised, (before, after))),
            pad=0,
            window=self._hamming,
            n_fft=self.fft_size,
            hop_length=self.step,
            win_length=self.window,
            power=2.0,
            normalized=False,
            center=False,
        )
        mel = power.numpy().T @ self._filters
        return np.log(np.maximum(mel, self._mel_floor))


def orthonormal_dct(num_filters: int, num_cepstra: int) -> Float32[np.ndarray, "num_filters num_cepstra"]:
    """The matrix of the orthonormal discrete cosine transform (type II): cepstra = log_mel @ matrix."""
    angles = math.pi / num_filters * np.outer(np.arange(num_filters) + 0.5, np.arange(num_cepstra))
    matrix = np.sqrt(2.0 / num_filters) * np.cos(angles)
    matrix[:, 0] /= math.sqrt(2.0)
    return matrix.astype(np.float32)
