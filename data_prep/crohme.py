r"""CROHME: the symbols of handwritten formulas (Competition on Recognition of On-line Handwritten Math Expressions).

    python -m data_prep.crohme SOURCE OUT

The tree on disk, any of the years' packages, whatever their folders are called:

    crohme/
      train/**/*.inkml      formulas, for training
      valid/**/*.inkml      of a folder whose name begins with val or dev
      test/**/*.inkml       of a folder whose name begins with test, such as TEST2016_INKML_GT

Each formula is an InkML file: its traces, annotations "writer" and "truth" (the LaTeX of the whole), and a traceGroup
for each symbol, with its label in LaTeX ("truth") and traceViews of its traces.

Writes train, dev and test, an example for each symbol: its strokes, as JSON below OUT/symbols, and its label as text
(`\alpha` is one label: set the tokens of a model to words). Where there is no valid folder, dev are the writers, in
the order of the MD5 of their names, that make up a tenth of the training symbols; where there is no test folder, no
test is written. A group is the writer, of a file that names none the file. Symbols without label or ink, files without
symbols (test sets are also published without their labels) and files that cannot be read are counted and left out.
CROHME is published for research (CC BY-NC-SA 3.0).

Source: Mouchere, Zanibbi, Garain, Viard-Gaudin, "Advancing the state of the art for handwritten math recognition: the
CROHME competitions, 2011-2014", IJDAR 19, 2016.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from data_prep.corpus_source import Prepared, Published, ranked_by_hash, run
from seqlabel.errors import FormatError, ManifestError
from seqlabel.formats import InkGroup, read_inkml, write_strokes
from seqlabel.records import Example

PUBLISHED = Published(name="crohme", page="https://www.isical.ac.in/~crohme/", address=None)
DEV_SHARE = 0.1


def prepare(source: Path, out: Path) -> Prepared:
    """Returns the splits after the symbols stand in `out/symbols`."""
    inside = out.resolve()
    paths = sorted(path for path in source.rglob("*.inkml") if not path.resolve().is_relative_to(inside))
    if not paths:
        raise ManifestError(f"{source}: no .inkml file in it. Expected the formulas of CROHME.")
    prepared = Prepared(unit="symbols", group_unit="writers")
    found: dict[str, list[Example]] = {"train": [], "dev": [], "test": []}
    for path in paths:
        name = path.relative_to(source).with_suffix("")
        found[split_of(name)] += _symbols(path, name, out, prepared)
    if not found["dev"]:
        found["train"], found["dev"] = _set_apart(found["train"])
    prepared.splits = {split: examples for split, examples in found.items() if examples or split != "test"}
    return prepared


def split_of(name: Path) -> str:
    """Returns the split of a file by the folders that it lies in, the innermost that says one first.

    >>> split_of(Path("CROHME2014/TestEM2014GT/18_em_0"))
    'test'
    """
    for folder in reversed(name.parts[:-1]):
        for beginning, split in (("test", "test"), ("val", "dev"), ("dev", "dev"), ("train", "train")):
            if folder.lower().startswith(beginning):
                return split
    return "train"


def symbol_groups(group: InkGroup) -> Iterator[InkGroup]:
    """Yields the groups below (or equal to) this one that have a label and no labelled group in them."""
    inner = [found for child in group.groups for found in symbol_groups(child)]
    if inner or "truth" not in group.annotations:
        yield from inner
    else:
        yield group


def _symbols(path: Path, name: Path, out: Path, prepared: Prepared) -> list[Example]:
    try:
        document = read_inkml(path)
    except FormatError as error:
        prepared.leave_out("file that cannot be read", f"{name} ({error})")
        return []
    writer = document.annotations.get("writer", "").strip() or name.as_posix()
    examples = []
    groups = [found for group in document.groups for found in symbol_groups(group)]
    for number, group in enumerate(groups):
        label = " ".join(group.annotations["truth"].split())
        symbol_id = f"{name.as_posix()}-{number:02d}"
        if not label or not group.strokes.strokes:
            prepared.leave_out("symbol without label" if not label else "symbol without ink", symbol_id)
            continue
        target = out / "symbols" / f"{symbol_id}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        write_strokes(target, group.strokes)
        examples.append(Example(id=symbol_id, source=target, text=label, group=writer))
    if not groups:
        prepared.leave_out("file without symbols", name.as_posix())
    return examples


def _set_apart(examples: list[Example]) -> tuple[list[Example], list[Example]]:
    """Returns the symbols of most writers, and those of some."""
    chosen: set[str] = set()
    writers = ranked_by_hash(example.group or "" for example in examples)
    for writer in writers[: len(writers) - 1]:
        if sum(example.group in chosen for example in examples) >= DEV_SHARE * len(examples):
            break
        chosen.add(writer)
    return (
        [example for example in examples if example.group not in chosen],
        [example for example in examples if example.group in chosen],
    )


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())
