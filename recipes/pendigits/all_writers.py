"""pendigits strings, learnt from all 30 writers of the published training set, with the settings of pendigits.py.

Prepare:  python -m data_prep.pendigits data/pendigits
Train:    seqlabel train recipes/pendigits/all_writers.py
Evaluate: seqlabel evaluate RUN/last.safetensors data/pendigits/test.jsonl
Expect:   test CER 0.71 % ± 0.08 (three seeds, 2026-11-28, at 88a167c; README.md), three models together 0.46 %

The settings were chosen on writers left out (README.md). No writer is left to choose an epoch by: the model is that of
the last one, and the dev CER that is shown is of writers it learns from.
"""

from msgspec.structs import replace

from recipes.pendigits.pendigits import config as base

config = replace(
    base, name="pendigits_all_writers", data=replace(base.data, train=("train.jsonl", "dev.jsonl"))
)
