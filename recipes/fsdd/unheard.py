r"""FSDD strings of a speaker that the model has never heard: voices, tempi, rooms and noise that nobody has recorded.

Prepare:  python -m data_prep.fsdd data/fsdd
Train:    for s in george jackson lucas nicolas theo yweweler; do
              seqlabel train recipes/fsdd/unheard.py --run-dir runs/unheard/$s \
                  --data.train without_${s}_train.jsonl --data.dev without_${s}_dev.jsonl
              seqlabel evaluate runs/unheard/$s/best.safetensors data/fsdd/only_${s}_test.jsonl
          done
Expect:   test WER 8.77 %, the mean of the six (seed 1, 2026-11-26; README.md)
"""

from msgspec.structs import replace

from recipes.fsdd.fsdd import config as base
from seqlabel.augmentations import (
    AdditiveNoiseConfig,
    RoomConfig,
    SpeedConfig,
    TempoConfig,
    VolumeConfig,
)
from seqlabel.features.normalization import NormalizationConfig

config = replace(
    base,
    name="fsdd_unheard",
    frontend=replace(
        base.frontend,
        normalization=NormalizationConfig(scope="group"),
        signal_augmentations=(
            SpeedConfig(slowest=0.75, fastest=1.3, interpolation="filter"),
            TempoConfig(slowest=0.8, fastest=1.25),
            RoomConfig(probability=0.3),
            AdditiveNoiseConfig(probability=0.5),
            VolumeConfig(),
        ),
    ),
    training=replace(base.training, num_epochs=16),
)
