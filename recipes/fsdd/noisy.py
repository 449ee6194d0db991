"""FSDD strings for recordings that are not made in a quiet room: the recipe fsdd with the augmentation of audio.

Prepare:  python -m data_prep.fsdd data/fsdd
Train:    seqlabel train recipes/fsdd/noisy.py
Hear:     seqlabel augment recipes/fsdd/noisy.py data/fsdd/strings/test/theo --out heard --count 2
Measure:  python -m benchmarks.noisy_speech runs/fsdd/best.safetensors runs/fsdd_noisy/best.safetensors
Expect:   test WER 0.20 % (seed 1, 2026-11-26); in noise, rooms and over the telephone: docs/audio_augmentations.md
"""

from msgspec.structs import replace

from recipes.fsdd.fsdd import config as base
from seqlabel.augmentations import (
    AdditiveNoiseConfig,
    CodecConfig,
    RoomConfig,
    SpeedConfig,
    TelephoneConfig,
    VolumeConfig,
)

config = replace(
    base,
    name="fsdd_noisy",
    frontend=replace(
        base.frontend,
        signal_augmentations=(
            SpeedConfig(slowest=0.85, fastest=1.15, interpolation="filter"),
            RoomConfig(probability=0.3),
            AdditiveNoiseConfig(probability=0.5),
            VolumeConfig(),
            TelephoneConfig(probability=0.2),
            CodecConfig(probability=0.1),
        ),
    ),
)
