"""Testaments de poilus: lines of French wills, 1898-1918, cut out of page images."""

from seqlabel.augmentations import ImageWarpConfig
from seqlabel.encoders import ConvLayerConfig, ConvRecurrentConfig, RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import ColumnConfig
from seqlabel.frontend import FrontendConfig

config = ExperimentConfig(
    name="poilus",
    data=DataConfig(directory="data/poilus", batch_size=12, batch_frames=16000),
    frontend=FrontendConfig(
        feature=ColumnConfig(height=64),
        normalization=None,
        signal_augmentations=(ImageWarpConfig(),),
    ),
    encoder=ConvRecurrentConfig(
        layers=(
            ConvLayerConfig(channels=16, pool=(2, 2)),
            ConvLayerConfig(channels=32, pool=(2, 2)),
            ConvLayerConfig(channels=64, pool=(1, 2)),
            ConvLayerConfig(channels=96, pool=(1, 2)),
        ),
        column="concat",
        dropout=0.1,
        recurrent=RecurrentConfig(hidden_size=256, num_layers=2, dropout=0.5),
    ),
    training=TrainingConfig(num_epochs=45, learning_rate=2e-3, average_decay=0.998),
)
