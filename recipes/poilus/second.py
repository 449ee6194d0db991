"""Testaments de poilus in two steps, the second: the transcribed lines alone, with the writing a quarter larger.

Prepare:  the model of first.py
Train:    seqlabel train recipes/poilus/second.py --training.init-from runs/poilus_first/best.safetensors
Expect:   dev CER 16.17 %, with `--decoder.blank-penalty 0.5` 15.97 % (seed 1, 2026-11-27), 70 minutes on two threads
          for both steps
"""

from msgspec.structs import replace

from recipes.poilus.first import config as base
from seqlabel.encoders import ConvRecurrentConfig
from seqlabel.features import ColumnConfig
from seqlabel.schedules import OneCycleConfig

feature, encoder = base.frontend.feature, base.encoder
assert isinstance(feature, ColumnConfig)
assert isinstance(encoder, ConvRecurrentConfig)
config = replace(
    base,
    name="poilus_second",
    data=replace(base.data, auxiliary=()),
    frontend=replace(base.frontend, feature=replace(feature, band=0.275, spacing=0.41)),
    encoder=replace(encoder, num_masks=2.0, max_masked=10),
    training=replace(
        base.training,
        num_epochs=17,
        learning_rate=1.2e-3,
        # It goes on from where the first step is: a long warm-up would lose time.
        schedule=OneCycleConfig(warmup=0.03),
        init_from="runs/poilus_first/best.safetensors",
    ),
)
