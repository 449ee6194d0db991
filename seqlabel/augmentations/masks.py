"""Masks over bands of frames and of features: SpecAugment, whose warp is `TimeWarpConfig`.

Sources: Park et al., "SpecAugment", Interspeech 2019, section 2 (width and place drawn uniformly, no band of frames
longer than a share of the example, here a fifth); Park et al., "SpecAugment on large scale datasets", ICASSP 2020 (as
many bands of frames, and as long ones, as the example is long).
"""

import numpy as np
from jaxtyping import Float32

from seqlabel.config import Config, CountFromZero, FromZero, Probability


class MasksConfig(Config, frozen=True, tag="masks"):
    """Random bands set to zero, which is the mean of normalised features; of others it is as good as any value.

    Bands of features are bands of frequencies where the features are (log-mel); of cepstra they are coefficients.

    Attributes:
        num_time_masks: bands of frames for every 100 frames (at least one where not 0).
        max_frames: longest band of frames.
        longest_share: longest band of frames as a share of the example, in the place of `max_frames`, so that the bands
            of long examples are longer; None for `max_frames`.
        num_feature_masks: bands of features.
        max_features: widest band of features.
    """

    num_time_masks: FromZero = 1.0
    max_frames: CountFromZero = 10
    num_feature_masks: CountFromZero = 1
    max_features: CountFromZero = 6
    longest_share: Probability | None = None

    def build(self) -> "Masks":
        """Returns the augmentation."""
        return Masks(self)


class Masks:
    """Sets bands of frames and features to zero."""

    def __init__(self, config: MasksConfig) -> None:
        self.config = config

    def __call__(
        self, features: Float32[np.ndarray, "T F"], rng: np.random.Generator
    ) -> Float32[np.ndarray, "T F"]:
        """Returns a masked copy; the places and widths are drawn from `rng`."""
        masked = features.copy()
        num_frames, dim = masked.shape
        if self.config.num_time_masks:
            share = self.config.longest_share
            longest = self.config.max_frames if share is None else int(share * num_frames)
            longest = min(longest, max(1, num_frames // 5))
            for _ in range(max(1, round(self.config.num_time_masks * num_frames / 100))):
                width = int(rng.integers(0, longest + 1))
                start = int(rng.integers(0, num_frames - width + 1))
                masked[start : start + width] = 0
        for _ in range(self.config.num_feature_masks):
            width = int(rng.integers(0, min(self.config.max_features, dim) + 1))
            start = int(rng.integers(0, dim - width + 1))
            masked[:, start : start + width] = 0
        return masked
