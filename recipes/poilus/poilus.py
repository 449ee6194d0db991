"""Testaments de poilus: lines of French wills, 1898-1918, cut out of page images.

Prepare:  python -m data_prep.poilus data/poilus
Train:    seqlabel train recipes/poilus/poilus.py
Expect:   dev CER 19.59 %, with `--views 5` 17.50 % (seed 1, 2026-11-27), an hour and a half on two quiet threads
"""

from seqlabel.augmentations import ImageWarpConfig
from seqlabel.encoders import ConvLayerConfig, ConvRecurrentConfig, RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import ColumnConfig
from seqlabel.frontend import FrontendConfig

config = ExperimentConfig(
    name="poilus",
    data=DataConfig(directory="data/poilus", batch_size=8, batch_frames=16000, join_share=0.3),
    frontend=FrontendConfig(
        feature=ColumnConfig(height=64, band=0.22, deslant=True),
        normalization=None,
        signal_augmentations=(
            ImageWarpConfig(shear=0.2, shift=0.05, elastic=0.04, width_jitter=0.1, stroke_width=0.4),
        ),
    ),
    encoder=ConvRecurrentConfig(
        layers=(
            ConvLayerConfig(channels=32, kernel=(5, 5), stride=(2, 2)),
            ConvLayerConfig(channels=48, pool=(2, 2)),
            ConvLayerConfig(channels=64, pool=(1, 2)),
            ConvLayerConfig(channels=96, pool=(1, 2)),
        ),
        column="concat",
        column_size=256,
        dropout=0.1,
        num_masks=1.0,
        shortcut=0.3,
        recurrent=RecurrentConfig(hidden_size=256, num_layers=2, dropout=0.35),
    ),
    training=TrainingConfig(num_epochs=34, learning_rate=1.5e-3, average_decay=0.999, consistency=0.2),
)
