"""Testaments de poilus in two steps, the first: what letters are, learnt from drawn lines as well.

Prepare:  python -m data_prep.poilus data/poilus, then the drawn lines as README.md says
Train:    seqlabel train recipes/poilus/first.py, then recipes/poilus/second.py
Expect:   dev CER 18.30 % (seed 1, 2026-11-27), 33 minutes on two threads
"""

from msgspec.structs import replace

from recipes.poilus.poilus import config as base
from seqlabel.augmentations import ImageWarpConfig
from seqlabel.encoders import ConvLayerConfig, ConvRecurrentConfig
from seqlabel.features import ColumnConfig
from seqlabel.schedules import OneCycleConfig

feature, encoder, (warp,) = base.frontend.feature, base.encoder, base.frontend.signal_augmentations
assert isinstance(feature, ColumnConfig)
assert isinstance(encoder, ConvRecurrentConfig)
assert isinstance(warp, ImageWarpConfig)
first, second, *others = encoder.layers

config = replace(
    base,
    name="poilus_first",
    data=replace(base.data, auxiliary=("drawn.jsonl",), auxiliary_epochs=10),
    frontend=replace(
        base.frontend,
        feature=replace(feature, band_of="group", spacing=0.33, slant_by="profile"),
        signal_augmentations=(replace(warp, letter_elastic=0.02, zones=0.15),),
    ),
    # Two frames in the place of three: the layers above have a third less to do.
    encoder=replace(
        encoder,
        layers=(first, ConvLayerConfig(channels=second.channels, pool=(3, 2)), *others),
        max_masked=6,
    ),
    # The second step brings the rate down.
    training=replace(base.training, num_epochs=15, schedule=OneCycleConfig(warmup=0.15, final=0.5)),
)
