"""Augmentations: random changes of signals and of features, for training only, each drawn from a given generator."""

from seqlabel.augmentations.additive_noise import AdditiveNoiseConfig
from seqlabel.augmentations.cepstral_warp import CepstralWarpConfig
from seqlabel.augmentations.codec import CodecConfig
from seqlabel.augmentations.equalizer import EqualizerConfig
from seqlabel.augmentations.gaussian_noise import GaussianNoiseConfig
from seqlabel.augmentations.image_damage import ImageDamageConfig
from seqlabel.augmentations.image_warp import ImageWarpConfig
from seqlabel.augmentations.masks import MasksConfig
from seqlabel.augmentations.pen_path import PenPathConfig
from seqlabel.augmentations.pen_warp import PenWarpConfig
from seqlabel.augmentations.room import RoomConfig
from seqlabel.augmentations.speed import SpeedConfig
from seqlabel.augmentations.telephone import TelephoneConfig
from seqlabel.augmentations.tempo import TempoConfig
from seqlabel.augmentations.time_warp import TimeWarpConfig
from seqlabel.augmentations.vocal_tract import VocalTractConfig
from seqlabel.augmentations.volume import VolumeConfig

SignalAugmentationConfig = (
    SpeedConfig
    | TempoConfig
    | VocalTractConfig
    | RoomConfig
    | AdditiveNoiseConfig
    | EqualizerConfig
    | VolumeConfig
    | TelephoneConfig
    | CodecConfig
    | CepstralWarpConfig
    | PenPathConfig
    | PenWarpConfig
    | ImageWarpConfig
    | ImageDamageConfig
)
FeatureAugmentationConfig = MasksConfig | GaussianNoiseConfig | TimeWarpConfig

__all__ = [
    "AdditiveNoiseConfig",
    "CepstralWarpConfig",
    "CodecConfig",
    "EqualizerConfig",
    "FeatureAugmentationConfig",
    "GaussianNoiseConfig",
    "ImageDamageConfig",
    "ImageWarpConfig",
    "MasksConfig",
    "PenPathConfig",
    "PenWarpConfig",
    "RoomConfig",
    "SignalAugmentationConfig",
    "SpeedConfig",
    "TelephoneConfig",
    "TempoConfig",
    "TimeWarpConfig",
    "VocalTractConfig",
    "VolumeConfig",
]
