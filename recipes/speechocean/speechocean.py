"""speechocean762: English sentences read by Mandarin speakers, read as characters.

Prepare:  python -m data_prep.speechocean data/speechocean
Train:    seqlabel train recipes/speechocean/speechocean.py
Expect:   test CER 38.98 % ± 0.50, WER 72.52 % ± 1.04 (seeds 1, 2, 3, 2026-11-27; README.md)
"""

from seqlabel.augmentations import GaussianNoiseConfig, MasksConfig, SpeedConfig
from seqlabel.encoders import RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import MfccConfig
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.features.stacking import StackingConfig
from seqlabel.frontend import FrontendConfig

config = ExperimentConfig(
    name="speechocean",
    data=DataConfig(
        directory="data/speechocean", join_share=0.25, batch_size=16, batch_frames=6000, shortest_first=2
    ),
    frontend=FrontendConfig(
        feature=MfccConfig(),
        normalization=NormalizationConfig(scope="group"),
        stacking=StackingConfig(num_frames=4, step=4),
        signal_augmentations=(SpeedConfig(slowest=0.8, fastest=1.25),),
        feature_augmentations=(
            MasksConfig(num_time_masks=1.0, max_frames=16, num_feature_masks=1, max_features=5),
            GaussianNoiseConfig(std=0.2),
        ),
    ),
    encoder=RecurrentConfig(hidden_size=320, num_layers=3, dropout=0.5),
    training=TrainingConfig(num_epochs=60, learning_rate=3e-3, consistency=0.2),
)
