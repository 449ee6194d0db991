"""Your own pages: ALTO or PAGE files with their images, as eScriptorium and Transkribus export them.

Prepare:  nothing; transcribe some pages (30 are a beginning) and export them
Train:    seqlabel train recipes/my_pages.py --data.train 'pages/*.xml'
Expect:   poilus from its pages instead of cut lines; recipes/poilus/README.md has the figures

A tenth of the pages is set apart for dev. Where several pages are of one hand, say so, or the error rate flatters:
`--data.group-pattern '(.*)-'` takes what stands before the last hyphen of a page's name.

Writing from right to left, marks, and rules that rewrite transcripts (`--texts.rules-file rules.tsv`): docs/texts.md.
"""

from msgspec.structs import replace

from recipes.poilus.poilus import config as poilus
from seqlabel.experiment import DataConfig

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
    ),
)
