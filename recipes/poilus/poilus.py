"""Testaments de poilus: lines of French wills, 1898-1918, cut out of page images.

Prepare:  python -m data_prep.poilus data/poilus
Train:    seqlabel train recipes/poilus/poilus.py
Expect:   dev CER about 30 % (seed 1, 2026-11-23; README.md); being worked on
"""

from seqlabel.augmentations import ImageWarpConfig
from seqlabel.encoders import ConvLayerConfig, ConvRecurrentConfig, RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import ColumnConfig
from seqlabel.frontend import FrontendConfig

config = ExperimentConfig(
    name="poilus",
    data=DataConfig(directory="data/poilus", batch_size=16, batch_frames=16000),
    frontend=FrontendConfig(
        feature=ColumnConfig(height=48),
        normalization=None,
        signal_augmentations=(ImageWarpConfig(),),
    ),
    encoder=ConvRecurrentConfig(
        layers=(
            ConvLayerConfig(channels=16, kernel=(5, 5), stride=(2, 2)),
            ConvLayerConfig(channels=32, pool=(2, 2)),
            ConvLayerConfig(channels=64, pool=(1, 2)),
            ConvLayerConfig(channels=128, pool=(1, 2)),
            ConvLayerConfig(channels=128),
        ),
        column="max",
        dropout=0.1,
        recurrent=RecurrentConfig(hidden_size=192, num_layers=2, dropout=0.5),
    ),
    training=TrainingConfig(num_epochs=36, learning_rate=2e-3, average_decay=0.998),
)
