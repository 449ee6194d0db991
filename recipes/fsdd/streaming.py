"""FSDD strings read while they are said: layers that only read forward, and features normalised over the corpus.

Prepare:  python -m data_prep.fsdd data/fsdd
Train:    seqlabel train recipes/fsdd/streaming.py
Expect:   test WER 0.13 % (seed 1, 2026-11-26); README.md
"""

from msgspec.structs import replace

from recipes.fsdd.fsdd import config as base
from seqlabel.encoders import RecurrentConfig
from seqlabel.features.normalization import NormalizationConfig

config = replace(
    base,
    name="fsdd_streaming",
    frontend=replace(base.frontend, normalization=NormalizationConfig(scope="corpus")),
    encoder=RecurrentConfig(hidden_size=192, num_layers=2, dropout=0.4, direction="forward"),
    training=replace(base.training, num_epochs=16),
)
