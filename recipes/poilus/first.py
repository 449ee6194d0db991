"""Testaments de poilus in two steps, the first: what letters are, learnt from drawn lines as well.

Prepare:  python -m data_prep.poilus data/poilus, then the drawn lines as README.md says
Train:    seqlabel train recipes/poilus/first.py, then recipes/poilus/second.py
"""

from msgspec.structs import replace

from recipes.poilus.poilus import config as base
from seqlabel.schedules import OneCycleConfig

config = replace(
    base,
    name="poilus_first",
    data=replace(base.data, auxiliary=("drawn.jsonl",), auxiliary_epochs=10),
    # The second step brings the rate down.
    training=replace(base.training, num_epochs=9, schedule=OneCycleConfig(warmup=0.27, final=0.79)),
)
