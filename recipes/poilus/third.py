"""Testaments de poilus, a third step: the lines nearly as they are, and what is read wrong as a part of the loss.

Prepare:  the model of second.py
Train:    seqlabel train recipes/poilus/third.py --training.init-from runs/poilus_second/best.safetensors
Expect:   dev CER 15.80 %, with a character 6-gram 12.62 % (seed 1, 2026-11-27), 74 minutes on two threads for the
          three steps
"""

from msgspec.structs import replace

from recipes.poilus.second import config as base
from seqlabel.augmentations import ImageWarpConfig
from seqlabel.encoders import ConvRecurrentConfig

encoder, (warp,) = base.encoder, base.frontend.signal_augmentations
assert isinstance(encoder, ConvRecurrentConfig)
assert isinstance(warp, ImageWarpConfig)
config = replace(
    base,
    name="poilus_third",
    frontend=replace(
        base.frontend,
        signal_augmentations=(
            replace(
                warp,
                shear=0.1,
                stretch=0.12,
                squeeze=0.08,
                elastic=0.02,
                letter_elastic=0.01,
                zones=0.08,
                width_jitter=0.05,
                stroke_width=0.2,
            ),
        ),
    ),
    encoder=replace(encoder, num_masks=0.5),
    training=replace(
        base.training,
        num_epochs=2,
        learning_rate=3e-4,
        minimum_risk=3.0,
        average_decay=0.997,
        init_from="runs/poilus_second/best.safetensors",
    ),
)
