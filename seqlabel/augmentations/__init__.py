"""Augmentations: random changes of signals and of features, for training only, each drawn from a given generator."""

from seqlabel.augmentations.cepstral_warp import CepstralWarpConfig
from seqlabel.augmentations.gaussian_noise import GaussianNoiseConfig
from seqlabel.augmentations.image_damage import ImageDamageConfig
from seqlabel.augmentations.image_warp import ImageWarpConfig
from seqlabel.augmentations.masks import MasksConfig
from seqlabel.augmentations.pen_warp import PenWarpConfig
from seqlabel.augmentations.speed import SpeedConfig

SignalAugmentationConfig = (
    SpeedConfig | CepstralWarpConfig | PenWarpConfig | ImageWarpConfig | ImageDamageConfig
)
FeatureAugmentationConfig = MasksConfig | GaussianNoiseConfig

__all__ = [
    "CepstralWarpConfig",
    "FeatureAugmentationConfig",
    "GaussianNoiseConfig",
    "ImageDamageConfig",
    "ImageWarpConfig",
    "MasksConfig",
    "PenWarpConfig",
    "SignalAugmentationConfig",
    "SpeedConfig",
]
