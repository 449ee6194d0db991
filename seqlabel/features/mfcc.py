"""Mel-frequency cepstral coefficients of speech."""

from typing import Literal

import numpy as np
from jaxtyping import Float32

from seqlabel.features.deltas import append_deltas
from seqlabel.features.mel import LogMelSpectra, orthonormal_dct
from seqlabel.features.mel_settings import MelConfig
from seqlabel.features.sources import require
from seqlabel.formats.audio import AUDIO_SUFFIXES
from seqlabel.records import Example, Signal, Waveform


class MfccConfig(MelConfig, frozen=True, tag="mfcc"):
    """MFCC with energy, deltas and delta-deltas: 39 values every 10 ms.

    The CMU AN4 corpus's own cepstra are like `energy="c0", low_hz=130, high_hz=6800, num_deltas=0`.

    The other settings are those of `MelConfig`.

    Attributes:
        num_cepstra: values for each frame, the energy included.
        energy: the first value: "log" is the log energy of the frame, "c0" the cepstral coefficient 0.
        lifter: L in c[i] * (1 + L/2 sin(pi i / L)) (HTK Book 3.4, equation 5.12; often 22); None for none.
        num_deltas: 0 for the cepstra alone, 1 with deltas, 2 with delta-deltas.
    """

    num_cepstra: int = 13
    energy: Literal["log", "c0"] = "log"
    lifter: int | None = None
    num_deltas: int = 2

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
        dct: (num_mel_filters, num_cepstra), from log mel energies to cepstra, liftered if they are to be.
    """

    suffixes: frozenset[str] = AUDIO_SUFFIXES

    def __init__(self, config: MfccConfig) -> None:
        """Raises ConfigError if a number is out of its range."""
        require(
            1 <= config.num_cepstra <= config.num_mel_filters, config, "num_cepstra of 1 to num_mel_filters"
        )
        require(config.lifter is None or config.lifter >= 1, config, "lifter of at least 1, or None")
        self.config = config
        self.dim = config.num_cepstra * (config.num_deltas + 1)
        self._spectra = LogMelSpectra(config)
        self.dct = orthonormal_dct(config.num_mel_filters, config.num_cepstra)
        if config.lifter is not None:
            order = np.arange(config.num_cepstra)
            self.dct *= (1 + config.lifter / 2 * np.sin(np.pi * order / config.lifter)).astype(np.float32)

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
        """The cepstra, and their deltas beside them.

        Raises:
            FormatError: the waveform is empty, not finite, or not of the config's sample rate.
        """
        return self.of_samples(self._spectra.samples_of(signal))

    def of_samples(self, samples: Float32[np.ndarray, " num_samples"]) -> Float32[np.ndarray, "T F"]:
        """The cepstra and their deltas of samples at the config's rate, at least one, all finite."""
        log_mel, energy = self._spectra(samples, with_energy=self.config.energy == "log")
        cepstra = log_mel @ self.dct
        if energy is not None:
            cepstra[:, 0] = energy
        return append_deltas(cepstra, self.config.delta_window, self.config.num_deltas)
