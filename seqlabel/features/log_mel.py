"""Log mel spectra of speech."""

import numpy as np
from jaxtyping import Float32

from seqlabel.config import Config
from seqlabel.features.deltas import append_deltas
from seqlabel.features.mel import LogMelSpectra
from seqlabel.features.sources import require
from seqlabel.formats import AUDIO_SUFFIXES, read_audio
from seqlabel.records import Example, Signal, Waveform


class LogMelConfig(Config, frozen=True, tag="log_mel"):
    """Log energies in mel filters: 80 values every 10 ms.

    Attributes:
        sample_rate: in Hz; audio of another rate is resampled to it.
        window_seconds, step_seconds: length of a frame and distance between frames.
        num_mel_filters, low_hz, high_hz: the mel filter bank; high_hz None for half the sample rate.
        preemphasis: a in y[n] = x[n] - a x[n-1]; 0 for none.
        num_deltas: 0 for the energies alone, 1 with deltas, 2 with delta-deltas.
        delta_window: frames on each side of the regression.
    """

    sample_rate: int = 16000
    window_seconds: float = 0.025
    step_seconds: float = 0.010
    num_mel_filters: int = 80
    low_hz: float = 0.0
    high_hz: float | None = None
    preemphasis: float = 0.97
    num_deltas: int = 0
    delta_window: int = 2

    def build(self) -> "LogMel":
        """The feature of these settings."""
        return LogMel(self)


class LogMel:
    """Gives (T, num_mel_filters * (num_deltas + 1)); T is that of `LogMelSpectra`.

    Attributes:
        dim: the width F of what comes out.
        suffixes: the endings of the files it reads.
    """

    suffixes: frozenset[str] = AUDIO_SUFFIXES

    def __init__(self, config: LogMelConfig) -> None:
        """Raises ConfigError if a number is out of its range."""
        require(0 <= config.num_deltas <= 2, config, "num_deltas of 0, 1 or 2")
        require(config.delta_window >= 1, config, "delta_window of at least 1")
        self.config = config
        self.dim = config.num_mel_filters * (config.num_deltas + 1)
        self._spectra = LogMelSpectra(config)

    def read(self, example: Example) -> Waveform:
        """The waveform of an example at the config's sample rate; FormatError if it cannot be read."""
        return read_audio(
            example.source,
            sample_rate=self.config.sample_rate,
            start_seconds=example.start_seconds,
            end_seconds=example.end_seconds,
        )

    def __call__(self, signal: Signal) -> Float32[np.ndarray, "T F"]:
        """The log mel energies, and their deltas beside them.

        Raises:
            FormatError: the waveform is empty, not finite, or not of the config's sample rate.
        """
        log_mel = self._spectra(self._spectra.samples_of(signal))
        return append_deltas(log_mel, self.config.delta_window, self.config.num_deltas)
