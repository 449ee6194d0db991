"""pendigits strings: a small network that shows four larger ones at which frames digits are to stand (guided.py).

Prepare:  python -m data_prep.pendigits data/pendigits
Train:    seqlabel train recipes/pendigits/guide.py
"""

from msgspec.structs import replace

from recipes.pendigits.all_writers import config as base
from seqlabel.encoders import RecurrentConfig

config = replace(
    base,
    name="pendigits_guide",
    encoder=RecurrentConfig(hidden_size=96, num_layers=1, dropout=0.2),
    training=replace(base.training, num_epochs=3),
)
