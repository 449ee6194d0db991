"""AN4: spelled letters, numbers and commands from published cepstra, read as characters.

Prepare:  python -m data_prep.an4 SOURCE data/an4
Train:    seqlabel train recipes/an4/an4.py
Expect:   test CER 2.17 % ± 0.51, WER 4.53 % ± 0.85 (seeds 1, 2, 3, 2026-11-26; README.md)
"""

from seqlabel.augmentations import CepstralWarpConfig, GaussianNoiseConfig, MasksConfig, SpeedConfig
from seqlabel.encoders import RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import MatrixConfig
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.features.stacking import StackingConfig
from seqlabel.frontend import FrontendConfig

config = ExperimentConfig(
    name="an4",
    data=DataConfig(directory="data/an4", batch_size=16, batch_frames=4000),
    frontend=FrontendConfig(
        feature=MatrixConfig(dim=13, num_deltas=2),
        normalization=NormalizationConfig(scope="group"),
        stacking=StackingConfig(num_frames=3, step=3),
        signal_augmentations=(SpeedConfig(slowest=0.8, fastest=1.2), CepstralWarpConfig(strength=0.12)),
        feature_augmentations=(
            MasksConfig(num_time_masks=1.0, max_frames=12, num_feature_masks=1, max_features=5),
            GaussianNoiseConfig(std=0.3),
        ),
    ),
    encoder=RecurrentConfig(hidden_size=256, num_layers=3, dropout=0.5),
    training=TrainingConfig(num_epochs=60, learning_rate=3e-3, average_decay=0.995, consistency=0.2),
)
