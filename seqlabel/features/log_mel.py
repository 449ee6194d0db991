"""Log mel spectra of speech."""

from typing import Literal

import numpy as np
from jaxtyping import Float32

from seqlabel.features.deltas import append_deltas
from seqlabel.features.mel import LogMelSpectra
from seqlabel.features.mel_settings import MelConfig
from seqlabel.formats.audio import AUDIO_SUFFIXES
from seqlabel.records import Example, Signal, Waveform


class LogMelConfig(MelConfig, frozen=True, tag="log_mel"):
    """Log energies in mel filters: 80 values every 10 ms.

    The other settings are those of `MelConfig`.

    Attributes:
        num_mel_filters: values for each frame.
        energy: "log" has the log energy of the frame stand before them.
    """

    num_mel_filters: int = 80
    energy: Literal["log"] | None = None

    def build(self) -> "LogMel":
        """The feature of these settings."""
        return LogMel(self)


class LogMel:
    """Gives (T, num_mel_filters * (num_deltas + 1)), one wider with energy; T is that of `LogMelSpectra`.

    Attributes:
        dim: the width F of what comes out.
        suffixes: the endings of the files it reads.
    """

    suffixes: frozenset[str] = AUDIO_SUFFIXES

    def __init__(self, config: LogMelConfig) -> None:
        """Raises ConfigError if a number is out of its range."""
        self.config = config
        self.dim = (config.num_mel_filters + (config.energy is not None)) * (config.num_deltas + 1)
        self._spectra = LogMelSpectra(config)

    @property
    def step_seconds(self) -> float:
        """The distance of two frames."""
        return self._spectra.step / self._spectra.sample_rate

    @property
    def window_seconds(self) -> float:
        """The length of a frame."""
        return self._spectra.window / self._spectra.sample_rate

    def read(self, example: Example) -> Waveform:
        """The waveform of an example at the config's sample rate; FormatError if it cannot be read."""
        return self._spectra.read(example)

    def __call__(self, signal: Signal) -> Float32[np.ndarray, "T F"]:
        """The log mel energies, and their deltas beside them.

        Raises:
            FormatError: the waveform is empty, not finite, or not of the config's sample rate.
        """
        return self.of_samples(self._spectra.samples_of(signal))

    def of_samples(self, samples: Float32[np.ndarray, " num_samples"]) -> Float32[np.ndarray, "T F"]:
        """The log mel energies and their deltas of samples at the config's rate, at least one, all finite."""
        log_mel, energy = self._spectra(samples, with_energy=self.config.energy is not None)
        if energy is not None:
            log_mel = np.concatenate([energy[:, None], log_mel], axis=1)
        return append_deltas(log_mel, self.config.delta_window, self.config.num_deltas)
