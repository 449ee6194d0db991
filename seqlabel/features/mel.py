"""Log mel spectra: what MFCC and log-mel features are both made of."""

import math
import warnings

import numpy as np
from jaxtyping import Float32

from seqlabel.config import Config
from seqlabel.errors import ConfigError, FormatError
from seqlabel.features.sources import require
from seqlabel.formats.audio import read_audio
from seqlabel.records import Example, Signal, Waveform

# The mean square of the rounding error of 16-bit samples on [-1, 1]: (2 / 2^16)^2 / 12. Energies below
# that of such noise in a window mean nothing, and digital silence must not become minus infinity.
_ROUNDING_POWER = 2.0**-30 / 12


HIGHEST_RATE, LONGEST_WINDOW_SECONDS, MOST_FILTERS, WIDEST_DELTA = 1_000_000, 1.0, 2000, 1000
"""Far above what anybody sets; a model file with larger numbers would take all memory before it reads anything."""
MAX_WEIGHTS = 1 << 25
"""Of a filter bank, twice."""


def fit_filters(
    sample_rate: int, window_samples: int, num_filters: int, low_hz: float, high_hz: float
) -> Float32[np.ndarray, "num_bins num_filters"]:
    """Triangular HTK-scale mel filters over the bins of the shortest sufficient Fourier transform.

    The transform is the smallest power of two that holds the window and leaves no filter without a
    bin: at 16 kHz, 80 filters need 512 points, but 128 need 1024.

    Returns:
        the weights; the transform has `2 * (num_bins - 1)` points.

    Raises:
        ConfigError: the filters are too narrow for any sensible transform.
    """
    import torchaudio

    fft_size = 1 << (window_samples - 1).bit_length()
    # One bin a hertz is more than any filter bank for speech asks for.
    while fft_size <= max(sample_rate, 2 * window_samples) and fft_size * num_filters <= MAX_WEIGHTS:
        with warnings.catch_warnings():
            # torchaudio warns of an empty filter; the check below acts on it.
            warnings.simplefilter("ignore")
            filters = torchaudio.functional.melscale_fbanks(
                fft_size // 2 + 1, low_hz, high_hz, num_filters, sample_rate, norm=None, mel_scale="htk"
            )
        weights: Float32[np.ndarray, "num_bins num_filters"] = filters.numpy()
        if (weights.max(axis=0) > 0).all():
            return weights
        fft_size *= 2
    raise ConfigError(
        f"{num_filters} mel filters between {low_hz:g} and {high_hz:g} Hz at {sample_rate} Hz are too narrow;"
        f" set a smaller num_mel_filters or a wider band"
    )


class MelConfig(Config, frozen=True):
    """The settings that MFCC and log-mel features share.

    Attributes:
        sample_rate: in Hz; audio of another rate is resampled to it.
        window_seconds, step_seconds: length of a frame and distance between frames.
        num_mel_filters, low_hz, high_hz: the mel filter bank; high_hz None for half the sample rate.
        preemphasis: a in y[n] = x[n] - a x[n-1]; 0 for none.
        delta_window: frames on each side of the regression.
    """

    sample_rate: int = 16000
    window_seconds: float = 0.025
    step_seconds: float = 0.010
    num_mel_filters: int = 40
    low_hz: float = 0.0
    high_hz: float | None = None
    preemphasis: float = 0.97
    num_deltas: int = 0
    delta_window: int = 2


class LogMelSpectra:
    """Waveform to log mel energies and log energy of each frame.

    Frame t looks at samples `t * step` up to `t * step + window`, and only frames that lie wholly within
    the waveform are made: T = 1 + (num_samples - window) // step. A waveform shorter than one window is
    padded with zeros to one frame.

    Args:
        config: an `MfccConfig` or a `LogMelConfig`.

    Raises:
        ConfigError: a number is out of its range.
    """

    def __init__(self, config: MelConfig) -> None:
        import torch  # here, because everything else in this folder does without it

        rate, low_hz = config.sample_rate, config.low_hz
        require(1 <= rate <= HIGHEST_RATE, config, f"sample_rate of 1 to {HIGHEST_RATE} Hz")
        high_hz = rate / 2 if config.high_hz is None else config.high_hz
        seconds = (config.window_seconds, config.step_seconds)
        is_short = all(0 < one <= LONGEST_WINDOW_SECONDS for one in seconds)
        require(is_short, config, f"windows and steps of at most {LONGEST_WINDOW_SECONDS:g} s")
        require(0 <= low_hz < high_hz <= rate / 2, config, "0 <= low_hz < high_hz <= half the sample_rate")
        require(
            1 <= config.num_mel_filters <= MOST_FILTERS, config, f"num_mel_filters of 1 to {MOST_FILTERS}"
        )
        require(0 <= config.num_deltas <= 2, config, "num_deltas of 0, 1 or 2")
        require(1 <= config.delta_window <= WIDEST_DELTA, config, f"delta_window of 1 to {WIDEST_DELTA}")
        require(0 <= config.preemphasis < 1, config, "preemphasis of at least 0 and below 1")
        self.sample_rate = rate
        self.window = round(config.window_seconds * rate)
        self.step = round(config.step_seconds * rate)
        require(self.window >= 2 and self.step >= 1, config, "a window of 2 samples and a step of 1 at least")
        self.preemphasis = config.preemphasis
        self._filters = fit_filters(rate, self.window, config.num_mel_filters, low_hz, high_hz)
        self.fft_size = 2 * (len(self._filters) - 1)
        self._hamming = torch.hamming_window(self.window)
        window_power = float(self._hamming.square().sum())
        self._mel_floor = _ROUNDING_POWER * window_power
        self._energy_floor = _ROUNDING_POWER * self.window

    def read(self, example: Example) -> Waveform:
        """The waveform of an example at the config's sample rate; FormatError if it cannot be read."""
        return read_audio(
            example.source,
            sample_rate=self.sample_rate,
            start_seconds=example.start_seconds,
            end_seconds=example.end_seconds,
        )

    def samples_of(self, signal: Signal) -> Float32[np.ndarray, " num_samples"]:
        """The samples of a waveform, with zeros behind them if they are too few for one window.

        Raises:
            FormatError: there is no sample, one is not finite, or the sample rate is another.
        """
        if not isinstance(signal, Waveform):
            raise FormatError(
                f"found a {type(signal).__name__}, expected audio; choose the feature for this file"
            )
        if signal.sample_rate != self.sample_rate:
            raise FormatError(
                f"audio: found {signal.sample_rate} Hz, expected {self.sample_rate} Hz; resample it first"
            )
        samples = signal.samples
        if len(samples) == 0:
            raise FormatError(
                "audio: found no samples, expected at least one; leave the file out or replace it"
            )
        if not np.isfinite(samples).all():
            raise FormatError("audio: found NaN or infinity among the samples, expected finite numbers")
        return np.pad(samples, (0, max(0, self.window - len(samples))))

    def log_energy(self, samples: Float32[np.ndarray, " num_samples"]) -> Float32[np.ndarray, " T"]:
        """Natural log of the sum of squares in each frame, before pre-emphasis (HTK's RAWENERGY)."""
        frames = np.lib.stride_tricks.sliding_window_view(samples, self.window)[:: self.step]
        energy = np.einsum("tw,tw->t", frames, frames)
        log_energy: Float32[np.ndarray, " T"] = np.log(np.maximum(energy, self._energy_floor))
        return log_energy.astype(np.float32)

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
        log_mel: Float32[np.ndarray, "T num_filters"] = np.log(np.maximum(mel, self._mel_floor))
        return log_mel


def orthonormal_dct(num_filters: int, num_cepstra: int) -> Float32[np.ndarray, "num_filters num_cepstra"]:
    """The matrix of the orthonormal discrete cosine transform (type II): cepstra = log_mel @ matrix."""
    angles = math.pi / num_filters * np.outer(np.arange(num_filters) + 0.5, np.arange(num_cepstra))
    matrix = np.sqrt(2.0 / num_filters) * np.cos(angles)
    matrix[:, 0] /= math.sqrt(2.0)
    single: Float32[np.ndarray, "num_filters num_cepstra"] = matrix.astype(np.float32)
    return single
