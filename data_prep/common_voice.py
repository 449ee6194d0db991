"""Mozilla Common Voice, scripted speech: sentences read by volunteers, mp3, one language at a time. CC0.

    python -m data_prep.common_voice SOURCE OUT

The tree on disk, any release that is cut into train, dev and test (2 to today's):

    common_voice/
      br/train.tsv              client_id <tab> path <tab> ... sentence ...: the order of the columns varies
      br/dev.tsv, br/test.tsv
      br/clip_durations.tsv     clip <tab> duration[ms]; where it lacks, each clip is opened for its length
      br/clips/common_voice_br_17352025.mp3

Writes train, dev and test as published, referencing the clips where they lie; the group is the client_id, a speaker as
far as anybody knows. Sentences stay as they are, with single spaces: casing and punctuation are the readers' text.
Clips that are missing and rows without a sentence are counted and left out. Fetching needs consent, so SOURCE has to be
given: the folder of one language.
"""

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path

from data_prep.corpus_source import Prepared, Published, find_root, read_lines, run
from seqlabel.errors import ManifestError
from seqlabel.formats import audio_seconds
from seqlabel.records import Example

PUBLISHED = Published(name="common_voice", page="https://commonvoice.mozilla.org/datasets", address=None)
SPLITS = ("train", "dev", "test")
COLUMNS = ("client_id", "path", "sentence")


def prepare(source: Path, out: Path) -> Prepared:
    """Returns the splits; `source` is the folder of one language, or holds it."""
    root = find_root(source, "train.tsv", "train.tsv, dev.tsv, test.tsv and clips/ of one language")
    languages = sorted(path.parent for path in root.parent.glob("*/train.tsv"))
    if root != source and len(languages) > 1:
        raise ManifestError(
            f"{source}: holds several languages ({', '.join(folder.name for folder in languages[:4])}). Give the "
            "folder of one."
        )
    durations = root / "clip_durations.tsv"
    seconds_of = dict(_read_durations(durations)) if durations.is_file() else {}
    prepared = Prepared(unit="clips", group_unit="speakers")
    for split in SPLITS:
        prepared.splits[split] = []
        for row in _read_table(root / f"{split}.tsv"):
            # The first releases leave the suffix out.
            name = row["path"] if row["path"].endswith(".mp3") else f"{row['path']}.mp3"
            clip = root / "clips" / name
            text = " ".join(row["sentence"].split())
            if not text:
                prepared.leave_out("no sentence", name)
            elif not clip.is_file():
                prepared.leave_out("no clip", name)
            else:
                example = Example(
                    id=name.removesuffix(".mp3"), source=clip, text=text, group=row["client_id"]
                )
                prepared.add(split, example, seconds_of.get(name) or audio_seconds(clip))
    if not any(prepared.splits.values()):
        raise ManifestError(f"{root / 'clips'}: none of the clips of the tables. Expected clips/NAME.mp3.")
    return prepared


def _read_table(path: Path) -> Iterator[dict[str, str]]:
    # Quotation marks are part of the sentences.
    rows = csv.reader(io.StringIO("\n".join(read_lines(path))), delimiter="\t", quoting=csv.QUOTE_NONE)
    header = next(rows, [])
    if missing := [column for column in COLUMNS if column not in header]:
        raise ManifestError(
            f"{path}:1: no column {missing[0]}. Expected {', '.join(COLUMNS)} among the columns."
        )
    for row in rows:
        if len(row) != len(header):
            raise ManifestError(
                f"{path}:{rows.line_num}: {len(row)} columns; expected {len(header)} as in the heading."
            )
        yield dict(zip(header, row, strict=True))


def _read_durations(path: Path) -> Iterator[tuple[str, float]]:
    for number, line in enumerate(read_lines(path)[1:], start=2):
        name, _, milliseconds = line.partition("\t")
        if not milliseconds.strip().isdigit():
            raise ManifestError(f"{path}:{number}: {line[:60]!r}; expected a clip and its milliseconds.")
        yield name, int(milliseconds) / 1000


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())
