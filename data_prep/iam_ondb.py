"""IAM On-Line Handwriting Database (IAM-OnDB): English text written on a whiteboard by 221 writers.

    python -m data_prep.iam_ondb SOURCE OUT

The tree on disk: the archives of the database, each unpacked, and the four lists of its task 1:

    iam_ondb/
      lineStrokes-all/lineStrokes/a01/a01-000/a01-000u-01.xml   the ink of a line, with times
      ascii-all/ascii/a01/a01-000/a01-000u.txt                  the printed text ("OCR:"), the written lines ("CSR:")
      original-xml-all/original/a01/a01-000/strokesu.xml        (optional) whole forms, with writer and texts
      task1/{trainset.txt,testset_v.txt,testset_t.txt,testset_f.txt}   (t1) forms, one a line: a01-000u

Where the ascii folder is not there, the texts are those of original-xml. Lines are referenced where they lie, so keep
SOURCE.

Writes the splits of task 1, whose writers are disjoint: train (trainset, published with 5,364 lines), dev (testset_v,
1,438, for stopping), dev2 (testset_t, 1,518, for tuning a language model) and test (testset_f, 3,859). A group is the
writer where original-xml tells it, else the form. Forms of no list, lines without text or without ink, and forms whose
texts are fewer than their lines are counted and left out. The database is free for research; its terms ask to register.

Source: Liwicki and Bunke, "IAM-OnDB - an on-line English sentence database acquired from handwritten text on a
whiteboard", ICDAR 2005; the task as in Graves, Liwicki et al., "A novel connectionist system for unconstrained
handwriting recognition", TPAMI 31(5), 2009.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

from data_prep.corpus_source import Prepared, Published, find_root, read_lines, run
from seqlabel.errors import FormatError, ManifestError
from seqlabel.formats import read_strokes, read_whiteboard
from seqlabel.records import Example

PUBLISHED = Published(
    name="iam_ondb",
    page="https://fki.tic.heia-fr.ch/databases/iam-on-line-handwriting-database",
    address=None,
)
LISTS = {
    "train": "trainset.txt",
    "dev": "testset_v.txt",
    "dev2": "testset_t.txt",
    "test": "testset_f.txt",
}
_FORM = re.compile(r"(([a-z]\d\d)-\d{3})([a-z]?)")


def prepare(source: Path, out: Path) -> Prepared:
    """Returns the splits; nothing is written below `out`."""
    strokes = (
        find_root(source, "lineStrokes", "the folder lineStrokes, of the archive lineStrokes-all")
        / "lineStrokes"
    )
    ascii_folder = next((path for path in sorted(source.rglob("ascii")) if path.is_dir()), None)
    forms = _original_forms(source)
    if ascii_folder is None and not forms:
        raise ManifestError(
            f"{source}: neither ascii (of ascii-all) nor original (of original-xml-all) in it. Expected one of the two "
            "for the texts."
        )
    lines: dict[str, dict[int, Path]] = defaultdict(dict)
    for path in sorted(strokes.rglob("*.xml")):
        form, _, place = path.stem.rpartition("-")
        if _FORM.fullmatch(form) and place.isdecimal():
            lines[form][int(place)] = path
    prepared = Prepared(unit="lines", group_unit="writers", splits={split: [] for split in LISTS})
    listed = _listed_forms(source)
    for form in sorted(set(lines) - set(listed)):
        prepared.leave_out("form of no list of task 1", form)
    for form, split in listed.items():
        if form not in lines:
            prepared.leave_out("form without ink", form)
            continue
        texts, writer = _texts(form, ascii_folder, forms.get(form))
        if len(texts) < max(lines[form]):
            prepared.leave_out("form with fewer texts than lines", form)
            continue
        for number, text in enumerate(texts, start=1):
            line_id = f"{form}-{number:02d}"
            ink = lines[form].get(number)
            reason = "line without ink" if ink is None else _obstacle(ink, text)
            if ink is None or reason is not None:
                prepared.leave_out(reason or "", line_id)
            else:
                prepared.splits[split].append(
                    Example(id=line_id, source=ink, text=text, group=writer or form)
                )
    return prepared


def written_lines(path: Path) -> list[str]:
    """Returns the lines below "CSR:" of a file of the ascii folder, blank ones left out."""
    lines = [" ".join(line.split()) for line in read_lines(path)]
    if "CSR:" not in lines:
        raise ManifestError(f"{path}: no line 'CSR:' in it. Expected the written lines below one.")
    return [line for line in lines[lines.index("CSR:") + 1 :] if line]


def _listed_forms(source: Path) -> dict[str, str]:
    listed: dict[str, str] = {}
    for split, name in LISTS.items():
        path = next(iter(sorted(source.rglob(name))), None)
        if path is None:
            raise ManifestError(f"{source}: no {name} in it. Expected the four lists of task 1 (t1).")
        for number, line in enumerate(read_lines(path), start=1):
            form = line.strip()
            if form and not _FORM.fullmatch(form):
                raise ManifestError(
                    f"{path}:{number}: {form!r} is no form. Expected something like a01-000u."
                )
            other = listed.setdefault(form, split) if form else split
            if other != split:
                raise ManifestError(
                    f"{path}:{number}: {form} stands in the list of {other} too. Expected it once."
                )
    return listed


def _original_forms(source: Path) -> dict[str, Path]:
    """Returns the file of each whole form: original/a01/a01-000/strokesu.xml is a01-000u."""
    return {
        path.parent.name + path.stem.removeprefix("strokes"): path
        for path in sorted(source.rglob("original/*/*/strokes*.xml"))
    }


def _texts(form: str, ascii_folder: Path | None, original: Path | None) -> tuple[list[str], str | None]:
    session = None if original is None else read_whiteboard(original)
    writer = None if session is None else session.writer
    match = _FORM.fullmatch(form)
    if match is not None and ascii_folder is not None:
        path = ascii_folder / match[2] / match[1] / f"{form}.txt"
        if path.is_file():
            return written_lines(path), writer
    return [] if session is None else [" ".join(text.split()) for _, text in session.lines], writer


def _obstacle(path: Path, text: str) -> str | None:
    try:
        read_strokes(path)
    except FormatError:
        return "ink that cannot be read"
    return None if text else "line without text"


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())
