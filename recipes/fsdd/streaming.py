"""FSDD strings read while they are said: layers that only read forward, and features normalised over the corpus.

Prepare:  python -m data_prep.fsdd data/fsdd
Train:    seqlabel train recipes/fsdd/streaming.py
Expect:   test WER 0.13 % (seed 1, 2026-11-26); README.md
"""

from seqlabel.augmentations import GaussianNoiseConfig, MasksConfig, SpeedConfig
from seqlabel.encoders import RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import MfccConfig
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.features.stacking import StackingConfig
from seqlabel.frontend import FrontendConfig

config = ExperimentConfig(
    name="fsdd_streaming",
    data=DataConfig(directory="data/fsdd", token_unit="word", batch_size=32, batch_frames=6000),
    frontend=FrontendConfig(
        feature=MfccConfig(sample_rate=8000),
        normalization=NormalizationConfig(scope="corpus"),
        stacking=StackingConfig(num_frames=3, step=3),
        signal_augmentations=(SpeedConfig(slowest=0.85, fastest=1.15),),
        feature_augmentations=(
            MasksConfig(num_time_masks=1.0, max_frames=10, num_feature_masks=1, max_features=5),
            GaussianNoiseConfig(std=0.3),
        ),
    ),
    encoder=RecurrentConfig(hidden_size=192, num_layers=2, dropout=0.4, direction="forward"),
    training=TrainingConfig(num_epochs=16, learning_rate=3e-3, average_decay=0.995),
)
