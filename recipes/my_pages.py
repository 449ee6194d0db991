"""Your own pages: ALTO or PAGE files with their images, as eScriptorium and Transkribus export them.

Prepare:  nothing; transcribe some pages (30 are a beginning) and export them
Train:    seqlabel train recipes/my_pages.py --data.train 'pages/*.xml'
Expect:   the pages of poilus with their dev hands, `--training.num-epochs 14`: CER 23.28 % after 22 minutes on two
          threads (seed 1, 2026-11-27); all 34 epochs have not been run

A tenth of the pages is set apart for dev. Where several pages are of one hand, say so, or the error rate flatters:
`--data.group-pattern '(.*)-'` takes what stands before the last hyphen of a page's name.

Writing from right to left, marks, and rules that rewrite transcripts (`--texts.rules-file rules.tsv`): docs/texts.md.
"""

from msgspec.structs import replace

from recipes.poilus.first import config as by_hands
from recipes.poilus.poilus import config as poilus
from seqlabel.experiment import DataConfig
from seqlabel.features import ColumnConfig
from seqlabel.formats import LineCutConfig

feature = by_hands.frontend.feature
assert isinstance(feature, ColumnConfig)
config = replace(
    poilus,
    name="my_pages",
    data=DataConfig(
        directory=".",
        train=("pages/*.xml",),
        dev=None,
        offenders="leave_out",
        batch_size=8,
        batch_frames=16000,
        join_share=0.3,
    ),
    # Size, width and slant of the writing are measured over a page, or over a hand where one is named; so a line whose
    # outline is far too high has to keep its pixels.
    frontend=replace(by_hands.frontend, feature=replace(feature, cut=LineCutConfig(max_height=512))),
    encoder=by_hands.encoder,
)
