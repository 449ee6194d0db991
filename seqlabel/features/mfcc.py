"""Mel-frequency cepstral coefficients of speech."""

from typing import Literal

import numpy as np
from jaxtyping import Float32

from seqlabel.config import Config
from seqlabel.features.deltas import append_deltas
from seqlabel.features.mel import LogMelSpectra, orthonormal_dct
from seqlabel.features.sources import require
from seqlabel.formats import AUDIO_SUFFIXES, read_audio
from seqlabel.records import Example, Signal, Waveform


class MfccConfig(Config, frozen=True, tag="mfcc"):
    """MFCC with energy, deltas and delta-deltas: 39 values every 10 ms.

    The CMU AN4 corpus's own cepstra are like `energy="c0", low_hz=130, high_hz=6800, num_deltas=0`.

    Attributes:
        sample_rate: in Hz; audio of another rate is resampled to it.
        window_seconds, step_seconds: length of a frame and distance between frames.
        num_cepstra: values for each frame, the energy included.
        energy: the first value: "log" is the log energy of the frame, "c0" the cepstral coefficient 0.
        num_mel_filters, low_hz, high_hz: the mel filter bank; high_hz None for half the sample rate.
        preemphasis: a in y[n] = x[n] - a x[n-1]; 0 for none.
        lifter: L in c[i] * (1 + L/2 sin(pi i / L)) (HTK Book 3.4, equation 5.12; often 22); None for none.
        num_deltas: 0 for the cepstra alone, 1 with deltas, 2 with delta-deltas.
        delta_window: frames on each side of the regression.
    """

    sample_rate: int = 16000
    window_seconds: float = 0.025
    step_seconds: float = 0.010
    num_cepstra: int = 13
    energy: Literal["log", "c0"] = "log"
    num_mel_filters: int = 40
    low_hz: float = 0.0
    high_hz: float | None = None
    preemphasis: float = 0.97
    lifter: int | None = None
    num_deltas: int = 2
    delta_window: int = 2

    def build(self) -> "Mfcc":
        """The feature of these settings."""
        return Mfcc(self)


class Mfcc:
    """Gives (T, num_cepstra * (num_deltas + 1)); T is that of `LogMelSpectra`.

    Log mel energies of pre-emphasised, Hamming-windowed frames go through an orthonormal DCT (Davis &
    Mermelstein 1980, IEEE TASSP 28(4)), as in `torchaudio.transforms.MFCC(log_mels=True)`.

    Attributes:
        dim: the width F of what comes out.
        suffixes: the endings of the files it reads.
    """

    suffixes: frozenset[str] = AUDIO_SUFFIXES

    def __init__(self, config: MfccConfig) -> None:
        """Raises ConfigError if a number is out of its range."""
        require(1 <= config.num_cepstra <= config.num_mel_filters, config, "num_cepstra of 1 to num_mel_filters")
        require(config.lifter is None or config.lifter >= 1, config, "lifter of at least 1, or None")
        require(0 <= config.num_deltas <= 2, config, "num_deltas of 0, 1 or 2")
        require(config.delta_window >= 1, config, "delta_window of at least 1")
        self.config = config
        self.dim = config.num_cepstra * (config.num_deltas + 1)
        self._spectra = LogMelSpectra(config)
        self._dct = orthonormal_dct(config.num_mel_filters, config.num_cepstra)
        if config.lifter is not None:
            order = np.arange(config.num_cepstra)
            self._dct *= (1 + config.lifter / 2 * np.sin(np.pi * order / config.lifter)).astype(np.float32)

    def read(self, example: Example) -> Waveform:
        """The waveform of an example at the config's sample rate; FormatError if it cannot be read."""
        return read_audio(
            example.source,
            sample_rate=self.config.sample_rate,
            start_seconds=example.start_seconds,
            end_seconds=example.end_seconds,
        )

    def __call__(self, signal: Signal) -> Float32[np.ndarray, "T F"]:
        """The cepstra, and their deltas beside them.

        Raises:
            FormatError: the waveform is empty, not finite, or not of the config's sample rate.
        """
        samples = self._spectra.samples_of(signal)
        cepstra = self._spectra(samples) @ self._dct
        if self.config.energy == "log":
            cepstra[:, 0] = self._spectra.log_energy(samples)
        return append_deltas(cepstra, self.config.delta_window, self.config.num_deltas)
