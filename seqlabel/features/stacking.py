"""Neighbouring frames side by side, and fewer of them."""

import numpy as np
from jaxtyping import Float32

from seqlabel.config import Config
from seqlabel.errors import ConfigError

MOST_FRAMES = 1000
"""Side by side; a model file with a larger number in it would make as many copies of every frame."""


class StackingConfig(Config, frozen=True):
    """Frame t of the result holds frames t * step - left to t * step - left + num_frames - 1.

    Splicing, a frame between those before and those after it (Kaldi's `splice-feats`), is num_frames=2 n + 1, step=1,
    left=n.

    Attributes:
        num_frames: frames that are put side by side.
        step: frames from one result to the next; equal to `num_frames` for no overlap.
        left: how many of them stand before frame t * step.

    Raises:
        ConfigError: a number below its least, or too many frames.
    """

    num_frames: int = 3
    step: int = 3
    left: int = 0

    def __post_init__(self) -> None:
        if not (1 <= self.num_frames <= MOST_FRAMES and self.step >= 1):
            raise ConfigError(
                f"stacking: num_frames {self.num_frames} and step {self.step}, expected at least 1 each, and at most "
                f"{MOST_FRAMES} frames"
            )
        if not 0 <= self.left < self.num_frames:
            raise ConfigError(
                f"stacking: left {self.left} of {self.num_frames} frames, expected at least 0 and fewer than num_frames"
            )


def stack(features: Float32[np.ndarray, "T F"], config: StackingConfig) -> Float32[np.ndarray, "T2 F2"]:
    """Returns (ceil(T / step), F * num_frames) frames; the first and the last frame are repeated beyond the ends."""
    num_frames = -(-len(features) // config.step)
    index = np.arange(num_frames)[:, None] * config.step + np.arange(config.num_frames)[None, :] - config.left
    stacked: Float32[np.ndarray, "T2 F2"] = features[np.clip(index, 0, len(features) - 1)]
    return stacked.reshape(num_frames, -1)
