"""The demo's lines in the classic way: columns of pixels straight into bidirectional LSTMs, without convolutions.

Prepare:  python -m data_prep.digits data/digits
Train:    seqlabel train recipes/digits/columns.py
Expect:   test CER 3.30 %, WER 16.50 % (seed 1, 2026-11-26; README.md)
"""

from msgspec.structs import replace

from recipes.digits.digits import config as base
from seqlabel.encoders import RecurrentConfig
from seqlabel.features import ColumnConfig

config = replace(
    base,
    name="digits_columns",
    frontend=replace(base.frontend, feature=ColumnConfig(height=24, window=3, step=2)),
    encoder=RecurrentConfig(hidden_size=96, num_layers=2, dropout=0.3),
    training=replace(base.training, num_epochs=16, learning_rate=5e-3),
)
