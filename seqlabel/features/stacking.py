"""Neighbouring frames side by side, and fewer of them."""

import numpy as np
from jaxtyping import Float32

from seqlabel.config import Config
from seqlabel.errors import ConfigError

MOST_FRAMES = 1000
"""Side by side; a model file with a larger number in it would make as many copies of every frame."""


class StackingConfig(Config, frozen=True):
    """Frame t of the result holds frames t * step to t * step + num_frames - 1.

    Attributes:
        num_frames: frames that are put side by side.
        step: frames from one result to the next; equal to `num_frames` for no overlap.

    Raises:
        ConfigError: a number below 1, or too many frames.
    """

    num_frames: int = 3
    step: int = 3

    def __post_init__(self) -> None:
        if not (1 <= self.num_frames <= MOST_FRAMES and self.step >= 1):
            raise ConfigError(
                f"stacking: num_frames {self.num_frames} and step {self.step}, expected at least 1 each, and at most "
                f"{MOST_FRAMES} frames"
            )


def stack(features: Float32[np.ndarray, "T F"], config: StackingConfig) -> Float32[np.ndarray, "T2 F2"]:
    """Returns (ceil(T / step), F * num_frames) frames; the last frame is repeated beyond the end."""
    num_frames = -(-len(features) // config.step)
    index = np.arange(num_frames)[:, None] * config.step + np.arange(config.num_frames)[None, :]
    stacked: Float32[np.ndarray, "T2 F2"] = features[np.minimum(index, len(features) - 1)]
    return stacked.reshape(num_frames, -1)
