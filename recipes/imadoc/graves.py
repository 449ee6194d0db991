"""ImadocSen-OnDB with the 25 features of Graves et al. 2009 in place of the 33 of imadoc.py.

Prepare:  python -m data_prep.imadoc SOURCE data/imadoc
Train:    seqlabel train recipes/imadoc/graves.py
Expect:   not trained at this size yet. With 2 x 96 cells and 7 of 10 epochs, dev CER 11.92 %, WER 44.46 %, where
          imadoc.py had 13.15 % and 45.08 % (seed 1, 2026-11-26; README.md)
"""

from msgspec.structs import replace

from recipes.imadoc.imadoc import config as base
from seqlabel.features import GravesPenConfig

config = replace(base, name="imadoc_graves", frontend=replace(base.frontend, feature=GravesPenConfig()))
