"""Testaments de poilus in two steps, the second: the transcribed lines alone, with the writing a quarter larger.

Prepare:  the model of first.py
Train:    seqlabel train recipes/poilus/second.py --training.init-from runs/poilus_first/best.safetensors
Expect:   dev CER 19.02 % (seed 1, 2026-11-27), 73 minutes on two threads for both steps
"""

from msgspec.structs import replace

from recipes.poilus.poilus import config as base
from seqlabel.features import ColumnConfig

feature = base.frontend.feature
assert isinstance(feature, ColumnConfig)
config = replace(
    base,
    name="poilus_second",
    frontend=replace(base.frontend, feature=replace(feature, band=0.275)),
    training=replace(
        base.training, num_epochs=15, learning_rate=1.2e-3, init_from="runs/poilus_first/best.safetensors"
    ),
)
