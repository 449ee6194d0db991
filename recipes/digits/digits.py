"""The demo: lines of three to eight handwritten digits, read from pixels.

Prepare:  python -m data_prep.digits data/digits
Train:    seqlabel train recipes/digits/digits.py
Expect:   test CER 1.74 %, WER 8.50 % (seed 1, 2026-11-27; README.md)
"""

from seqlabel.augmentations import ImageWarpConfig
from seqlabel.encoders import ConvLayerConfig, ConvRecurrentConfig, RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import ColumnConfig
from seqlabel.frontend import FrontendConfig

config = ExperimentConfig(
    name="digits",
    data=DataConfig(directory="data/digits", batch_size=24, batch_frames=8000),
    frontend=FrontendConfig(
        feature=ColumnConfig(height=24),
        normalization=None,
        signal_augmentations=(ImageWarpConfig(shear=0.2, elastic=0.03, noise=6.0),),
    ),
    encoder=ConvRecurrentConfig(
        layers=(
            ConvLayerConfig(channels=16, pool=(2, 2)),
            ConvLayerConfig(channels=32, pool=(2, 2)),
            ConvLayerConfig(channels=48, pool=(1, 2)),
        ),
        column="concat",
        dropout=0.05,
        recurrent=RecurrentConfig(hidden_size=64, num_layers=1, dropout=0.2),
    ),
    training=TrainingConfig(num_epochs=8, learning_rate=6e-3, average_decay=0.98),
)
