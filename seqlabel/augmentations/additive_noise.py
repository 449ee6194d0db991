"""Noise added to a waveform at a given signal-to-noise ratio: made on the fly, or out of a folder of recordings.

The level of the signal is that of its active speech, after ITU-T P.56 in spirit: the mean power of those frames of
20 ms that lie no more than 30 dB below the loudest one. Pauses do not count, so that a recording with long ones does
not get less noise than was asked for. The level of the noise is its mean power over the whole length.
"""

from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from jaxtyping import Float32

from seqlabel.augmentations.coloured_noise import Colour, coloured_noise
from seqlabel.augmentations.noise_recordings import NoiseRecordings
from seqlabel.augmentations.ranges import check_range
from seqlabel.config import Config, Decibels, FromZero, Probability
from seqlabel.records import Signal, Waveform

FRAMES_A_SECOND = 50
ACTIVE_DB = 30.0


class AdditiveNoiseConfig(Config, frozen=True, tag="additive_noise"):
    """Noise at a signal-to-noise ratio drawn uniformly in decibels.

    Attributes:
        probability: of any noise.
        lowest_snr_db, highest_snr_db: of the range; 0 is noise as loud as the speech, 30 is hardly heard.
        colours: of the noise that is made, each as likely as the others; not used with a `folder`.
        folder: of audio files, as seen from where training starts, searched with the folders in it; None for noise
            that is made. For both, name the augmentation twice. It is read when training starts and never with a model.
        kept_megabytes: of recordings that are kept in memory, in millions of bytes for each process; what goes beyond
            it is read from its file again when it is drawn. It does not change what is drawn.
    """

    probability: Probability = 0.5
    lowest_snr_db: Decibels = 5.0
    highest_snr_db: Decibels = 30.0
    colours: Annotated[tuple[Colour, ...], msgspec.Meta(min_length=1)] = (
        "white",
        "pink",
        "brown",
        "speech",
        "babble",
    )
    folder: str | None = None
    kept_megabytes: FromZero = 250.0

    def build(self) -> "AdditiveNoise":
        """Returns the augmentation.

        Raises:
            ConfigError: the range is upside down; no such folder, or no audio in it.
            FormatError: one of its files cannot be read.
        """
        check_range(
            "additive_noise",
            ("lowest_snr_db", self.lowest_snr_db),
            ("highest_snr_db", self.highest_snr_db),
        )
        return AdditiveNoise(self)


class AdditiveNoise:
    """Adds noise to a waveform; leaves other signals and silence alone. The length stays."""

    def __init__(self, config: AdditiveNoiseConfig) -> None:
        self.config = config
        self.recordings = (
            None if config.folder is None else NoiseRecordings(Path(config.folder), config.kept_megabytes)
        )

    def __call__(self, signal: Signal, rng: np.random.Generator) -> Signal:
        """Returns the waveform with noise drawn from `rng`; samples may go beyond full scale."""
        if not isinstance(signal, Waveform) or rng.random() >= self.config.probability:
            return signal
        samples, rate = signal.samples, signal.sample_rate
        snr_db = rng.uniform(self.config.lowest_snr_db, self.config.highest_snr_db)
        level = active_power(samples, rate)
        if not level:
            return signal
        if self.recordings is not None:
            noise = self.recordings.cut(len(samples), rate, rng)
        else:
            colour = self.config.colours[int(rng.integers(len(self.config.colours)))]
            noise = coloured_noise(colour, len(samples), rate, rng)
        power = _mean_power(noise)
        if not power:  # a silent part of a recording
            return signal
        # In float64, since the gain of very faint noise has no float32.
        gain = np.float64(np.sqrt(level / power * 10 ** (-snr_db / 10)))
        return Waveform(samples + (gain * noise).astype(np.float32), rate)


def active_power(samples: Float32[np.ndarray, " num_samples"], sample_rate: int) -> float:
    """Returns the mean power of the frames of 20 ms that are at most 30 dB below the loudest; 0 for silence."""
    size = max(1, sample_rate // FRAMES_A_SECOND)
    if len(samples) < size:
        return _mean_power(samples)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    power = np.einsum("ts,ts->t", frames, frames, dtype=np.float64) / size
    return float(power[power >= power.max() * 10 ** (-ACTIVE_DB / 10)].mean())


def _mean_power(samples: Float32[np.ndarray, " num_samples"]) -> float:
    if not len(samples):
        return 0.0
    values = samples.astype(np.float64)
    return float(values @ values / len(values))
