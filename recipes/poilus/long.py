"""Testaments de poilus on a GPU: a larger network for several hundred epochs.

Prepare:  python -m data_prep.poilus data/poilus
Train:    seqlabel train recipes/poilus/long.py
Expect:   nothing is known yet; on a CPU an epoch would take many times that of `poilus.py`
"""

from msgspec.structs import replace

from recipes.poilus.poilus import config as base
from seqlabel.encoders import ConvLayerConfig, ConvRecurrentConfig, RecurrentConfig

config = replace(
    base,
    name="poilus_long",
    data=replace(base.data, batch_size=16, batch_frames=32000),
    encoder=ConvRecurrentConfig(
        layers=(
            ConvLayerConfig(channels=32, kernel=(5, 5)),
            ConvLayerConfig(channels=64, pool=(2, 2)),
            ConvLayerConfig(channels=64),
            ConvLayerConfig(channels=128, pool=(2, 2)),
            ConvLayerConfig(channels=128),
            ConvLayerConfig(channels=256, pool=(1, 2)),
            ConvLayerConfig(channels=256, pool=(1, 2)),
        ),
        column="concat",
        dropout=0.2,
        num_masks=4.0,
        shortcut=0.1,
        recurrent=RecurrentConfig(hidden_size=512, num_layers=3, dropout=0.5),
    ),
    training=replace(base.training, num_epochs=400, learning_rate=1e-3, consistency=0.2),
)
