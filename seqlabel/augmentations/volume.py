"""Louder and softer recordings, and those that a microphone or a sound card has cut off at full scale."""

import numpy as np

from seqlabel.augmentations.ranges import check_range
from seqlabel.config import Config, Decibels, Probability
from seqlabel.records import Signal, Waveform


class VolumeConfig(Config, frozen=True, tag="volume"):
    """Gain drawn uniformly in decibels from [lowest_db, highest_db].

    Features that are normalised over the example do not see the gain, but they do see what `clips`, what a codec makes
    of a faint signal, and how loud the example is beside others of its group.

    Attributes:
        probability: of a change.
        lowest_db, highest_db: of the gain; -6 halves the samples.
        clips: cuts samples off at full scale (-1 and 1), as recording devices do; without it they go beyond.
    """

    probability: Probability = 1.0
    lowest_db: Decibels = -12.0
    highest_db: Decibels = 12.0
    clips: bool = True

    def build(self) -> "Volume":
        """Returns the augmentation; raises ConfigError where the range is upside down."""
        check_range("volume", ("lowest_db", self.lowest_db), ("highest_db", self.highest_db))
        return Volume(self)


class Volume:
    """Changes the loudness of a waveform; leaves other signals alone. The length stays."""

    def __init__(self, config: VolumeConfig) -> None:
        self.config = config

    def __call__(self, signal: Signal, rng: np.random.Generator) -> Signal:
        """Returns the waveform with a gain drawn from `rng`."""
        if not isinstance(signal, Waveform) or rng.random() >= self.config.probability:
            return signal
        gain = 10 ** (rng.uniform(self.config.lowest_db, self.config.highest_db) / 20)
        samples = signal.samples * np.float32(gain)
        if self.config.clips:
            np.clip(samples, -1, 1, out=samples)
        return Waveform(samples, signal.sample_rate)
