"""SpecAugment's warp of time: one frame is moved, the frames on both of its sides are stretched and squeezed with it.

Source: Park et al., "SpecAugment", Interspeech 2019, section 2. There a spline moves all borders of the spectrogram but
those; here the warp is linear on both sides of the frame, as all common implementations have it.
"""

import numpy as np
from jaxtyping import Float32

from seqlabel.config import Config, CountFromZero


class TimeWarpConfig(Config, frozen=True, tag="time_warp"):
    """Frames moved along the time, by less than `max_frames`, which are W of the paper.

    The number of frames stays and what they say moves: not for framewise objectives, whose labels would stand
    elsewhere. Name it before the masks.

    Attributes:
        max_frames: the chosen frame lies no closer to either end, and moves by fewer frames; 0 for none. Of a short
            example a quarter of its frames at most.
    """

    max_frames: CountFromZero = 40

    def build(self) -> "TimeWarp":
        """Returns the augmentation."""
        return TimeWarp(self)


class TimeWarp:
    """Warps the time axis of features."""

    def __init__(self, config: TimeWarpConfig) -> None:
        self.config = config

    def __call__(
        self, features: Float32[np.ndarray, "T F"], rng: np.random.Generator
    ) -> Float32[np.ndarray, "T F"]:
        """Returns a warped copy; the frame and its new place are drawn from `rng`."""
        num_frames = len(features)
        reach = min(self.config.max_frames, num_frames // 4)
        if reach < 2:  # nothing can move by less than one frame
            return features.copy()
        centre = int(rng.integers(reach, num_frames - reach))
        moved = centre + int(rng.integers(1 - reach, reach))
        last = num_frames - 1
        place = np.interp(np.arange(num_frames), [0, moved, last], [0, centre, last])
        left = np.minimum(place.astype(np.int64), last - 1)
        share = (place - left).astype(np.float32)[:, None]
        warped: Float32[np.ndarray, "T F"] = features[left] * (1 - share) + features[left + 1] * share
        return warped
