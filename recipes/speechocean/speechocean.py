"""speechocean762: English sentences read by Mandarin speakers, read as characters.

Prepare:  python -m data_prep.speechocean data/speechocean
Train:    seqlabel train recipes/speechocean/speechocean.py
Expect:   test CER 53.39 %, WER 91.18 % (seed 1, 2026-11-23; README.md)
"""

from seqlabel.augmentations import GaussianNoiseConfig, MasksConfig, SpeedConfig
from seqlabel.encoders import RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import LogMelConfig
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.features.stacking import StackingConfig
from seqlabel.frontend import FrontendConfig

config = ExperimentConfig(
    name="speechocean",
    data=DataConfig(directory="data/speechocean", batch_size=16, batch_frames=4000),
    frontend=FrontendConfig(
        feature=LogMelConfig(num_mel_filters=40),
        normalization=NormalizationConfig(scope="example"),
        stacking=StackingConfig(num_frames=4, step=4),
        signal_augmentations=(SpeedConfig(slowest=0.85, fastest=1.15),),
        feature_augmentations=(
            MasksConfig(num_time_masks=1.0, max_frames=16, num_feature_masks=2, max_features=6),
            GaussianNoiseConfig(std=0.2),
        ),
    ),
    encoder=RecurrentConfig(hidden_size=256, num_layers=3, dropout=0.35),
    training=TrainingConfig(num_epochs=25, learning_rate=2e-3, average_decay=0.995),
)
