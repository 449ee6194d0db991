"""Gaussian noise on normalised features.

Source: Graves et al. 2006, section 5.2 (standard deviation 0.6 on TIMIT, added anew at every presentation).
"""

import numpy as np
from jaxtyping import Float32

from seqlabel.config import Config, FromZero


class GaussianNoiseConfig(Config, frozen=True, tag="gaussian_noise"):
    """Independent noise of standard deviation `std` on every feature of every frame."""

    std: FromZero = 0.3

    def build(self) -> "GaussianNoise":
        """Returns the augmentation."""
        return GaussianNoise(self)


class GaussianNoise:
    """Adds Gaussian noise."""

    def __init__(self, config: GaussianNoiseConfig) -> None:
        self.config = config

    def __call__(
        self, features: Float32[np.ndarray, "T F"], rng: np.random.Generator
    ) -> Float32[np.ndarray, "T F"]:
        """Returns a noisy copy, the noise drawn from `rng`."""
        noise = rng.standard_normal(features.shape, dtype=np.float32)
        noisy: Float32[np.ndarray, "T F"] = features + np.float32(self.config.std) * noise
        return noisy
