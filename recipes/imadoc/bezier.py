"""ImadocSen-OnDB as Bezier curves: 10 features for each, a fifth fewer frames than imadoc.py has after stacking.

Prepare:  python -m data_prep.imadoc SOURCE data/imadoc
Train:    seqlabel train recipes/imadoc/bezier.py
Expect:   not trained at this size yet. With 2 x 96 cells and 7 of 10 epochs, dev CER 18.35 %, WER 57.63 %, where
          imadoc.py had 13.15 % and 45.08 % (seed 1, 2026-11-26; README.md)
"""

from msgspec.structs import replace

from recipes.imadoc.imadoc import config as base
from seqlabel.features import BezierConfig

config = replace(
    base, name="imadoc_bezier", frontend=replace(base.frontend, feature=BezierConfig(), stacking=None)
)
