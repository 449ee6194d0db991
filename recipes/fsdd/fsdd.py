"""FSDD strings: three to seven spoken digits without pauses marked; the tokens are the ten words.

Prepare:  python -m data_prep.fsdd data/fsdd
Train:    seqlabel train recipes/fsdd/fsdd.py
Expect:   test WER 0.20 % ± 0.07 (seeds 1, 2, 3, 2026-11-26; README.md)
"""

from seqlabel.augmentations import GaussianNoiseConfig, MasksConfig, SpeedConfig
from seqlabel.encoders import RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import MfccConfig
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.features.stacking import StackingConfig
from seqlabel.frontend import FrontendConfig

config = ExperimentConfig(
    name="fsdd",
    data=DataConfig(directory="data/fsdd", token_unit="word", batch_size=32, batch_frames=6000),
    frontend=FrontendConfig(
        feature=MfccConfig(sample_rate=8000),
        normalization=NormalizationConfig(scope="example"),
        stacking=StackingConfig(num_frames=3, step=3),
        signal_augmentations=(SpeedConfig(slowest=0.85, fastest=1.15),),
        feature_augmentations=(
            MasksConfig(num_time_masks=1.0, max_frames=10, num_feature_masks=1, max_features=5),
            GaussianNoiseConfig(std=0.3),
        ),
    ),
    encoder=RecurrentConfig(hidden_size=128, num_layers=2, dropout=0.4),
    training=TrainingConfig(num_epochs=12, learning_rate=3e-3, average_decay=0.995),
)
