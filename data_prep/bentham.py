"""Bentham R0 (tranScriptorium, ICFHR 2014 HTRtS): English manuscripts by Bentham and his secretaries. CC BY-NC 3.0.

    python -m data_prep.bentham SOURCE OUT [--form page]

The tree on disk, `BenthamDatasetR0-GT.tbz` unpacked (`--form page` asks for `BenthamDatasetR0-Images.tbz` beside it):

    bentham/
      BenthamDatasetR0-GT/Images/Lines/002_080_001_01_01.png    the line, cut out by the publisher
      BenthamDatasetR0-GT/Transcriptions/002_080_001_01_01.txt  its text: one line, with &amp; and <gap/>
      BenthamDatasetR0-GT/Partitions/TrainLines.lst             002_080_001_01_01; and ValidationLines, TestLines
      BenthamDatasetR0-GT/Partitions/Train.lst                  002_080_001: the pages; and Validation, Test
      BenthamDatasetR0-GT/PAGE/002_080_001.xml
      BenthamDatasetR0-Images/Images/Pages/002_080_001.jpg

Writes train, dev and test as in Partitions, referencing the line images where they lie, or with `--form page` the
lines cut out of the pages into PNGs below OUT, straightened, with the neighbours painted over. A group is a page: who
wrote which is not told. Entities are resolved (`&amp;` is `&`), and `<gap/>`, which stands where nobody could read the
ink, is taken out, as is usual. Lines without text or image are counted and left out.
"""

import html
import sys
from dataclasses import replace
from pathlib import Path

from data_prep.corpus_source import Flags, Prepared, Published, find_root, read_lines, run
from data_prep.page_lines import cut_lines
from seqlabel.errors import ManifestError
from seqlabel.formats import IMAGE_SUFFIXES, read_line_image, read_page
from seqlabel.records import Example

PUBLISHED = Published(
    name="bentham", page="http://transcriptorium.eu/~htrcontest/contestICFHR2014/public_html/", address=None
)
LISTS = {"train": "Train", "dev": "Validation", "test": "Test"}
FLAGS: Flags = {"--form": {"choices": ("lines", "page"), "default": "lines", "help": "default: lines"}}


def prepare(source: Path, out: Path, form: str = "lines") -> Prepared:
    """Returns the splits; `source` holds Partitions, or the folder that does."""
    ending = "Lines.lst" if form == "lines" else ".lst"
    root = find_root(
        source,
        f"Partitions/Train{ending}",
        "Partitions/, Transcriptions/, Images/Lines/ and PAGE/ of the corpus",
    )
    prepared = Prepared(unit="lines", group_unit="pages")
    seen: dict[str, str] = {}
    for split, name in LISTS.items():
        table = root / "Partitions" / f"{name}{ending}"
        prepared.splits[split] = []
        for entry in filter(None, (line.strip() for line in read_lines(table))):
            if seen.setdefault(entry, split) != split:
                raise ManifestError(f"{table}: {entry} stands in {seen[entry]} and in {split}.")
            if form == "lines":
                prepared.splits[split] += _line(root, entry, prepared)
            else:
                prepared.splits[split] += _page(root, entry, out, prepared)
    return prepared


def clean_text(text: str) -> str:
    """Returns the text as it can be read on the paper.

    >>> clean_text("Law &amp; Order <gap/> of the")
    'Law & Order of the'
    """
    return " ".join(html.unescape(text).replace("<gap/>", " ").split())


def page_of(line_id: str) -> str:
    """Returns the page of a line: its name without the numbers of the region and of the line.

    >>> page_of("002_080_001_01_01")
    '002_080_001'
    """
    return line_id.rsplit("_", 2)[0]


def _line(root: Path, line_id: str, prepared: Prepared) -> list[Example]:
    image = root / "Images" / "Lines" / f"{line_id}.png"
    path = root / "Transcriptions" / f"{line_id}.txt"
    text = clean_text(" ".join(read_lines(path))) if path.is_file() else ""
    if not image.is_file():
        prepared.leave_out("no image in Images/Lines", line_id)
    elif not text:
        prepared.leave_out("no text", line_id)
    else:
        return [Example(id=line_id, source=image, text=text, group=page_of(line_id))]
    return []


def _page(root: Path, name: str, out: Path, prepared: Prepared) -> list[Example]:
    page = read_page(root / "PAGE" / f"{name}.xml")
    folders = [root / "Images" / "Pages", root.parent / "BenthamDatasetR0-Images" / "Images" / "Pages"]
    images = [
        path
        for folder in folders
        for path in sorted(folder.glob(f"{name}.*"))
        if path.suffix.lower() in IMAGE_SUFFIXES
    ]
    if not images:
        raise ManifestError(
            f"{folders[1]}: no image of page {name}. Expected {name}.jpg, there or in {folders[0]}: unpack "
            "BenthamDatasetR0-Images.tbz."
        )
    # The PAGE files have the entities and gaps of the transcripts.
    lines = [replace(line, text=clean_text(line.text)) for line in page.lines]
    return cut_lines(read_line_image(images[0]).pixels, lines, name, name, out / "lines" / name, prepared)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments, flags=FLAGS)


if __name__ == "__main__":
    sys.exit(main())
