r"""FSDD strings of a speaker that the model has never heard: voices, tempi, microphones, rooms and noise of nobody.

Prepare:  python -m data_prep.fsdd data/fsdd
Train:    for s in george jackson lucas nicolas theo yweweler; do
              seqlabel train recipes/fsdd/unheard.py --run-dir runs/unheard/$s \
                  --data.train without_${s}_train.jsonl --data.dev without_${s}_dev.jsonl
              seqlabel evaluate runs/unheard/$s/best.safetensors data/fsdd/only_${s}_test.jsonl
          done
Adapt:    seqlabel adapt runs/unheard/$s/best.safetensors data/fsdd/only_${s}_train.jsonl \
              --texts data/fsdd/without_${s}_train.jsonl -o runs/unheard/$s/adapted.safetensors
Expect:   test WER, the mean of the six, 7.01 % ± 0.80, adapted 3.47 % ± 1.23 (seeds 1, 2, 3, 2026-11-27; README.md)
"""

from msgspec.structs import replace

from recipes.fsdd.fsdd import config as base
from seqlabel.augmentations import AdditiveNoiseConfig, EqualizerConfig, RoomConfig, SpeedConfig, TempoConfig
from seqlabel.features import MfccConfig
from seqlabel.features.normalization import NormalizationConfig

config = replace(
    base,
    name="fsdd_unheard",
    frontend=replace(
        base.frontend,
        # Wider filters, which tell nothing of the harmonics of a voice, and no energy below the filters.
        feature=MfccConfig(sample_rate=8000, num_mel_filters=26, low_hz=20.0, energy="c0"),
        normalization=NormalizationConfig(scope="group", follows_augmentation=True),
        signal_augmentations=(
            SpeedConfig(slowest=0.75, fastest=1.3, interpolation="filter"),
            TempoConfig(slowest=0.8, fastest=1.25),
            RoomConfig(probability=0.3),
            EqualizerConfig(probability=1.0, gain_db=4.0),
            AdditiveNoiseConfig(probability=0.7, lowest_snr_db=3.0, highest_snr_db=35.0),
        ),
    ),
)
