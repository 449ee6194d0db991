"""FSDD: one spoken digit a recording, read as one label (sequence classification).

Prepare:  python -m data_prep.fsdd data/fsdd
Train:    seqlabel train recipes/fsdd/classify.py
Measure:  seqlabel evaluate runs/fsdd_classify/best.safetensors data/fsdd/single_test.jsonl
Expect:   99.33 % of the test recordings right (seed 1, 2026-11-25; README.md)
"""

from seqlabel.augmentations import GaussianNoiseConfig, MasksConfig, SpeedConfig
from seqlabel.encoders import RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import MfccConfig
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.features.stacking import StackingConfig
from seqlabel.frontend import FrontendConfig
from seqlabel.objectives import ClassificationConfig

config = ExperimentConfig(
    name="fsdd_classify",
    data=DataConfig(
        directory="data/fsdd",
        train=("single_train.jsonl",),
        dev="single_dev.jsonl",
        token_unit="word",
        batch_size=32,
        batch_frames=6000,
    ),
    frontend=FrontendConfig(
        feature=MfccConfig(sample_rate=8000),
        normalization=NormalizationConfig(scope="example"),
        stacking=StackingConfig(num_frames=3, step=3),
        signal_augmentations=(SpeedConfig(slowest=0.85, fastest=1.15),),
        feature_augmentations=(
            MasksConfig(num_time_masks=1.0, max_frames=6, num_feature_masks=1, max_features=5),
            GaussianNoiseConfig(std=0.3),
        ),
    ),
    encoder=RecurrentConfig(hidden_size=96, num_layers=2, dropout=0.4),
    objective=ClassificationConfig(pooling="mean"),
    training=TrainingConfig(num_epochs=25, learning_rate=3e-3, average_decay=0.995),
)
