"""IAM Handwriting Database 3.0 (FKI, Bern): English text lines by 657 writers, grey PNG. Non-commercial research.

    python -m data_prep.iam SOURCE OUT [--split lwitlrt|aachen|rwth] [--level lines|words] [--only-ok]

The tree on disk, `ascii.tgz` and `lines.tgz` unpacked (`words.tgz` for `--level words`):

    iam/
      ascii/lines.txt                     a01-000u-00 ok 154 19 408 746 1661 89 A|MOVE|to|stop|Mr.|Gaitskell|from
      ascii/words.txt                     a01-000u-00-00 ok 154 408 768 27 51 AT A
      ascii/forms.txt                     a01-000u 000 2 prt 7 5 52 36       the second column is the writer
      lines/a01/a01-000u/a01-000u-00.png
      words/a01/a01-000u/a01-000u-00-00.png
      splits/                             the lists of the split, which are fetched apart:
        trainset.txt, validationset1.txt, validationset2.txt, testset.txt       of --split lwitlrt
        train.uttlist, validation.uttlist, test.uttlist                         of --split aachen or rwth
        or tr.lst, va.lst, te.lst                                               of the same

Writes train, dev and test (lwitlrt: also dev2), referencing the images where they lie; writers are the groups. The
split is never made up. `lwitlrt` is the database's own Large Writer Independent Text Line Recognition Task. The other
one comes from RWTH Aachen and goes by either name: as lists of forms (OpenSLR 56; 6482, 976 and 2915 lines) or of lines
(Laia's egs/iam; 6161, 966 and 2915), so say with a result which, and how many lines. Lists name forms or lines.

Spaces stand for the `|` between words, so punctuation stands apart, as it does in lines.txt. Lines whose words were
not cut apart well (`err`) are kept, since the line itself is sound; `--only-ok` leaves them out, which is usual for
words. Images that are missing or of 0 bytes (there are such words), and lines that no list has, are counted and left
out. Fetching needs a registration, so SOURCE has to be given.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data_prep.corpus_source import Flags, Prepared, Published, find_file, read_lines, run
from seqlabel.errors import ManifestError
from seqlabel.records import Example

PUBLISHED = Published(
    name="iam", page="https://fki.tic.heia-fr.ch/databases/iam-handwriting-database", address=None
)
_UTTLIST = {"train": "train.uttlist", "dev": "validation.uttlist", "test": "test.uttlist"}
_LST = {"train": "tr.lst", "dev": "va.lst", "test": "te.lst"}
_TASK = {
    "train": "trainset.txt", "dev": "validationset1.txt", "dev2": "validationset2.txt", "test": "testset.txt"
}  # fmt: skip
SPLITS = {"lwitlrt": (_TASK,), "aachen": (_UTTLIST, _LST), "rwth": (_UTTLIST, _LST)}
_TASK_FOLDER = "largeWriterIndependentTextLineRecognitionTask"
LEVELS = ("lines", "words")
FLAGS: Flags = {
    "--split": {"choices": tuple(SPLITS), "default": "lwitlrt", "help": "whose lists (default: lwitlrt)"},
    "--level": {"choices": LEVELS, "default": "lines", "help": "what an example is (default: lines)"},
    "--only-ok": {"action": "store_true", "help": "leave out what is marked err"},
}


@dataclass(frozen=True)
class _Row:
    id: str
    is_ok: bool
    text: str

    @property
    def form(self) -> str:
        return "-".join(self.id.split("-")[:2])

    @property
    def line(self) -> str:
        return "-".join(self.id.split("-")[:3])


def prepare(
    source: Path, out: Path, split: str = "lwitlrt", level: str = "lines", only_ok: bool = False
) -> Prepared:
    """Returns the splits; `source` holds `ascii/lines.txt` (or `words.txt`), the images and the lists."""
    table = find_file(
        source,
        [f"ascii/{level}.txt", f"{level}.txt"],
        f"ascii/{level}.txt and forms.txt (of ascii.tgz), {level}/ and splits/",
    )
    root = table.parent.parent if table.parent.name == "ascii" else table.parent
    rows = list(_read_table(table))
    writer_of = _read_writers(table.with_name("forms.txt"))
    split_of = _read_lists(root, split)
    prepared = Prepared(unit=level, group_unit="writers", splits={name: [] for name in SPLITS[split][0]})
    used = set()
    for row in rows:
        listed = next((key for key in (row.line, row.form) if key in split_of), None)
        image = _find_image(root, level, row)
        if listed is None:
            prepared.leave_out(f"in no list of {split}", row.id)
            continue
        used.add(listed)
        if only_ok and not row.is_ok:
            prepared.leave_out("marked err", row.id)
        elif not row.text:
            prepared.leave_out("no text", row.id)
        elif image is None:
            prepared.leave_out("no image", row.id)
        elif not image.stat().st_size:
            prepared.leave_out("image of 0 bytes", row.id)
        elif row.form not in writer_of:
            raise ManifestError(f"{table.with_name('forms.txt')}: lacks form {row.form} of {table.name}.")
        else:
            example = Example(id=row.id, source=image, text=row.text, group=writer_of[row.form])
            prepared.splits[split_of[listed]].append(example)
    for name in sorted(set(split_of) - used):
        prepared.leave_out(f"in the lists, but not in {table.name}", name)
    if "no image" in prepared.left_out and not any(prepared.splits.values()):
        raise ManifestError(
            f"{root}: no image of {rows[0].id} and the others. Expected {level}/{_place(rows[0])}: "
            f"unpack {level}.tgz there."
        )
    return prepared


def _read_table(path: Path) -> Iterator[_Row]:
    for number, line in enumerate(read_lines(path), start=1):
        if line.startswith("#") or not line.strip():
            continue
        fields = line.split(None, 8)  # transcripts of words may hold spaces
        if len(fields) < 8 or fields[1] not in ("ok", "err") or fields[0].count("-") < 2:
            raise ManifestError(
                f"{path}:{number}: {line[:60]!r}; expected such as "
                "'a01-000u-00 ok 154 19 408 746 1661 89 A|MOVE|to'."
            )
        text = fields[8] if len(fields) == 9 else ""
        yield _Row(fields[0], fields[1] == "ok", " ".join(text.replace("|", " ").split()))


def _read_writers(path: Path) -> dict[str, str]:
    rows = [line.split() for line in read_lines(path) if line.strip() and not line.startswith("#")]
    if bad := next((row for row in rows if len(row) < 2), None):
        raise ManifestError(f"{path}: {' '.join(bad)!r}; expected a form and its writer, 'a01-000u 000 ...'.")
    return {row[0]: row[1] for row in rows}


def _read_lists(root: Path, split: str) -> dict[str, str]:
    """Form or line -> its split."""
    folders = [root / "splits", root / "splits" / split, root / _TASK_FOLDER, root / "ascii", root]
    found = [
        (folder, names)
        for names in SPLITS[split]
        for folder in folders
        if all((folder / name).is_file() for name in names.values())
    ]
    if not found:
        wanted = ", or ".join(", ".join(names.values()) for names in SPLITS[split])
        raise ManifestError(
            f"{root / 'splits'}: the lists of --split {split} are not there. Expected {wanted}: fetch them and put "
            "them there."
        )
    kinds = [next(iter(names.values())) for names in SPLITS[split] if names in [pair[1] for pair in found]]
    if len(kinds) > 1:
        raise ManifestError(
            f"{root}: has {' and '.join(kinds)}, which make different splits. Leave the one that you mean."
        )
    folder, names = found[0]
    split_of: dict[str, str] = {}
    for part, name in names.items():
        for entry in filter(None, (line.strip() for line in read_lines(folder / name))):
            if split_of.setdefault(entry, part) != part:
                raise ManifestError(f"{folder / name}: {entry} stands in {split_of[entry]} and in {part}.")
    return split_of


def _place(row: _Row) -> str:
    return f"{row.form.split('-')[0]}/{row.form}/{row.id}.png"


def _find_image(root: Path, level: str, row: _Row) -> Path | None:
    # The archive itself has no folder lines/ or words/.
    places = (root / level / _place(row), root / _place(row))
    return next((place for place in places if place.is_file()), None)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments, flags=FLAGS)


if __name__ == "__main__":
    sys.exit(main())
