"""Testaments de poilus: lines of French wills, 1898-1918, cut out of page images.

Prepare:  python -m data_prep.poilus data/poilus
Train:    seqlabel train recipes/poilus/poilus.py
Expect:   dev CER about 25 % (seed 1, 2026-11-25; README.md); being worked on
"""

from seqlabel.augmentations import ImageWarpConfig, MasksConfig
from seqlabel.encoders import ConvLayerConfig, ConvRecurrentConfig, RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import ColumnConfig
from seqlabel.frontend import FrontendConfig

config = ExperimentConfig(
    name="poilus",
    data=DataConfig(directory="data/poilus", batch_size=8, batch_frames=16000),
    frontend=FrontendConfig(
        feature=ColumnConfig(height=64, band=0.22),
        normalization=None,
        signal_augmentations=(ImageWarpConfig(shift=0.05),),
        feature_augmentations=(
            MasksConfig(num_time_masks=1.0, max_frames=10, num_feature_masks=0, max_features=0),
        ),
    ),
    encoder=ConvRecurrentConfig(
        layers=(
            ConvLayerConfig(channels=16, pool=(2, 2)),
            ConvLayerConfig(channels=32, pool=(2, 2)),
            ConvLayerConfig(channels=64),
            ConvLayerConfig(channels=64, pool=(1, 2)),
            ConvLayerConfig(channels=96),
            ConvLayerConfig(channels=96, pool=(1, 2)),
        ),
        column="concat",
        dropout=0.1,
        recurrent=RecurrentConfig(hidden_size=256, num_layers=2, dropout=0.5),
    ),
    training=TrainingConfig(num_epochs=34, learning_rate=1.5e-3, average_decay=0.999),
)
