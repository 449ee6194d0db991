"""ImadocSen-OnDB (IRISA): English sentences written on a tablet PC, pen ink; a-z and space only.

    python -m data_prep.imadoc SOURCE OUT

The tree on disk, single rows rebuilt from the published word cuts (a delayed stroke stands with its word):

    imadoc/
      splits.tsv                                   id <tab> writer <tab> split, with this heading
      lines/writer10/writer10-sentence1-l00.inkml  annotations "writer" and "truth"; y grows downwards

Writes train, dev and test as in the column split (disjoint writers), referencing the InkML where it lies.
Some sentences occur in both train and test: a language model must not see the test texts. The corpus is
published for training and evaluation without a licence text: measure with it, never redistribute it.

The page of the corpus gives a zip of whole sentences whose text wraps over rows and of single words, not this
tree of rows, so nothing is fetched when SOURCE is left out: the message says where to get it.
"""

import sys
from pathlib import Path

from data_prep.corpus_source import Prepared, Published, find_root, read_lines, run
from seqlabel.errors import ManifestError
from seqlabel.formats import read_inkml
from seqlabel.records import Example

PUBLISHED = Published(
    name="imadoc",
    page="https://www-intuidoc.irisa.fr/en/imadocsen-ondb-base-de-phrases-manuscrites-en-ligne/",
    address=None,
)
SPLITS = ("train", "dev", "test")


def prepare(source: Path, out: Path) -> Prepared:
    """Returns the splits; `source` is the folder of `splits.tsv`, or holds it."""
    root = find_root(source, "splits.tsv", "splits.tsv (id, writer, split) beside lines/{writer}/{id}.inkml")
    table = root / "splits.tsv"
    prepared = Prepared(unit="lines", group_unit="writers", splits={split: [] for split in SPLITS})
    rows = read_lines(table)
    if not rows or rows[0].split("\t") != ["id", "writer", "split"]:
        raise ManifestError(f"{table}:1: expected the heading 'id<tab>writer<tab>split'.")
    for line_number, row in enumerate(rows[1:], start=2):
        fields = row.split("\t")
        if len(fields) != 3 or fields[2] not in SPLITS:
            raise ManifestError(
                f"{table}:{line_number}: {row!r} is not id<tab>writer<tab>(train, dev or test)."
            )
        line_id, writer, split = fields
        ink_path = root / "lines" / writer / f"{line_id}.inkml"
        ink = read_inkml(ink_path)
        text = " ".join(ink.annotations.get("truth", "").split())
        if not text:
            prepared.leave_out("no annotation 'truth'", line_id)
        elif ink.annotations.get("writer", writer) != writer:
            raise ManifestError(
                f"{ink_path}: is by {ink.annotations['writer']}, but {table.name} says {writer}."
            )
        elif not ink.strokes.strokes:
            prepared.leave_out("no strokes", line_id)
        else:
            prepared.splits[split].append(Example(id=line_id, source=ink_path, text=text, group=writer))
    _check_writers(table, prepared)
    return prepared


def _check_writers(table: Path, prepared: Prepared) -> None:
    seen: dict[str | None, str] = {}
    for split, examples in prepared.splits.items():
        for writer in {example.group for example in examples}:
            other = seen.setdefault(writer, split)
            if other != split:
                raise ManifestError(
                    f"{table}: {writer} stands in {other} and in {split}. Splits must not share writers."
                )


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())
