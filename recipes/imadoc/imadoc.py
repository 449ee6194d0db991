"""ImadocSen-OnDB: lines of English written on a tablet, as pen ink.

Prepare:  python -m data_prep.imadoc SOURCE data/imadoc
Train:    seqlabel train recipes/imadoc/imadoc.py
Expect:   test CER 3.42 % ± 0.06, WER 15.02 % ± 0.10 (seeds 1, 2, 3, 2026-11-26; README.md)
"""

from seqlabel.augmentations import GaussianNoiseConfig, MasksConfig, PenWarpConfig
from seqlabel.encoders import RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import PenConfig
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.features.stacking import StackingConfig
from seqlabel.frontend import FrontendConfig

config = ExperimentConfig(
    name="imadoc",
    data=DataConfig(directory="data/imadoc", batch_size=16, batch_frames=4000),
    frontend=FrontendConfig(
        feature=PenConfig(step=0.25, unit="x_height", context_cells=5),
        normalization=NormalizationConfig(scope="corpus"),
        stacking=StackingConfig(num_frames=5, step=5),
        signal_augmentations=(PenWarpConfig(),),
        feature_augmentations=(
            MasksConfig(num_time_masks=0.5, max_frames=8, num_feature_masks=0, max_features=0),
            GaussianNoiseConfig(std=0.1),
        ),
    ),
    encoder=RecurrentConfig(hidden_size=160, num_layers=3, dropout=0.35),
    training=TrainingConfig(num_epochs=50, learning_rate=3e-3, average_decay=0.995),
)
