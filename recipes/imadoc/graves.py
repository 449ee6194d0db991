"""ImadocSen-OnDB with the 25 features of Graves et al. 2009 on ink evened out, and two views that have to agree.

Prepare:  python -m data_prep.imadoc SOURCE data/imadoc
Train:    seqlabel train recipes/imadoc/graves.py
Expect:   test CER 2.65 %, WER 11.66 % (seed 1, 2026-11-27, 29 minutes on one core; README.md)
"""

from msgspec.structs import replace

from recipes.imadoc.imadoc import config as base
from seqlabel.augmentations import GaussianNoiseConfig, MasksConfig
from seqlabel.features import GravesPenConfig, InkNormalizationConfig

config = replace(
    base,
    name="imadoc_graves",
    frontend=replace(
        base.frontend,
        feature=GravesPenConfig(
            ink=InkNormalizationConfig(skew="base_line", slant="histogram", delayed_strokes="remove")
        ),
        feature_augmentations=(
            MasksConfig(num_time_masks=1.0, max_frames=12, num_feature_masks=0, max_features=0),
            GaussianNoiseConfig(std=0.1),
        ),
    ),
    training=replace(base.training, num_epochs=44, consistency=0.2),
)
