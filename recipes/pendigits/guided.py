"""pendigits strings: one of four networks that become one model (README.md), learnt from all 30 training writers.

Prepare:  python -m data_prep.pendigits data/pendigits
Train:    seqlabel train recipes/pendigits/guide.py
          seqlabel train recipes/pendigits/guided.py --training.seed N --run-dir RUN_N, four times; then README.md
Evaluate: seqlabel evaluate MERGED data/pendigits/test.jsonl
Expect:   test CER 0.53 % ± 0.09 (three times four seeds, 2026-11-28; README.md)
"""

from msgspec.structs import replace

from recipes.pendigits.all_writers import config as base

config = replace(
    base,
    name="pendigits_guided",
    training=replace(base.training, num_epochs=12, guide="runs/pendigits_guide/last.safetensors"),
)
