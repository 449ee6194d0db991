"""RIMES, the text lines of ICDAR 2011 (A2iA): French letters by many writers, a page each. Research only.

    python -m data_prep.rimes SOURCE OUT

The tree on disk, `training_2011_gray.tar` and `eval_2011_gray.tar` unpacked wherever below SOURCE:

    rimes/
      training_2011.xml           <SinglePage FileName="Images/train2011-0.tif"><Paragraph ...>
                                    <Line Bottom="531" Left="350" Right="2021" Top="420" Value="Madame, Monsieur,"/>
      eval_2011_annotated.xml     the same for the test pages
      images_gray/train2011-0.png
      images_gray/eval2011-0.png

Writes train, dev and test, and below OUT a grey PNG for each line: its box cut out of the page, all those of a page
scaled down by one factor, by which the median is at most 128 pixels high. Test is `eval_2011_annotated.xml` (778
lines); dev are the last 100 training pages by their number, as Coquenet, Chatelain, Paquet (2022, "End-to-end
handwritten paragraph text recognition using a vertical attention network") set them apart (801 lines beside 10532);
others drew 1138 lines at random, so say which.
A group is a page. Where Laia's corrections have been applied, `training_2011.patched.xml` is read instead. Entities
that are written twice over (`&amp;euro;`) are resolved. Lines without text or a box on the page are counted and left
out.

Teklia's RIMES-2011-line on Hugging Face is Parquet, which is not read here: export it as images with a metadata.csv,
which needs no preparation.
"""

import html
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from data_prep.corpus_source import Prepared, Published, find_file, run
from data_prep.page_lines import box_outline, cut_lines
from seqlabel.errors import ManifestError
from seqlabel.formats import IMAGE_SUFFIXES, PageLine, read_line_image
from seqlabel.formats.files import parse_xml, read_bytes
from seqlabel.records import Example

PUBLISHED = Published(
    name="rimes", page="https://www.a2ialab.com/doku.php?id=rimes_database:start", address=None
)
TRAINING = ("training_2011.patched.xml", "training_2011.xml")
TEST = ("eval_2011_annotated.xml",)
NUM_DEV_PAGES = 100
_SIDES = ("Left", "Top", "Right", "Bottom")


def prepare(source: Path, out: Path) -> Prepared:
    """Returns the splits after the line images stand in `out/lines`."""
    prepared = Prepared(unit="lines", group_unit="pages")
    expected = "training_2011.xml and eval_2011_annotated.xml beside the page images"
    training, test = (find_file(source, names, expected) for names in (TRAINING, TEST))
    images = {path.stem: path for path in sorted(source.rglob("*")) if path.suffix.lower() in IMAGE_SUFFIXES}
    pages = sorted(_read_pages(training), key=lambda page: _number(page[0]))
    num_dev = min(NUM_DEV_PAGES, len(pages) // 2)
    parts = {
        "train": pages[: len(pages) - num_dev],
        "dev": pages[len(pages) - num_dev :],
        "test": list(_read_pages(test)),
    }
    for split, found in parts.items():
        prepared.splits[split] = [
            example for name, lines in found for example in _cut(name, lines, images, source, out, prepared)
        ]
    return prepared


def _read_pages(path: Path) -> Iterator[tuple[str, list[PageLine]]]:
    expected = "the RIMES lines: SinglePage, Paragraph, Line"
    root = parse_xml(path, read_bytes(path, expected), expected)
    pages = list(root.iter("SinglePage"))
    if not pages:
        raise ManifestError(f"{path}: no SinglePage in it. Expected {expected}.")
    for page in pages:
        name = re.split(r"[/\\]", page.get("FileName", ""))[-1].split(".")[0]
        if not name:
            raise ManifestError(f"{path}: a SinglePage without FileName. Expected the image of each page.")
        yield name, [_line(f"{path}: {name}", line) for line in page.iter("Line")]


def _line(where: str, line: Element) -> PageLine:
    try:
        left, top, right, bottom = (float(line.get(side, "")) for side in _SIDES)
    except ValueError as error:
        raise ManifestError(
            f"{where}: a Line without {', '.join(_SIDES)} as numbers. Correct the file."
        ) from error
    return PageLine(
        id="",
        text=html.unescape(line.get("Value", "")),
        polygon=box_outline(left, top, right, bottom) if left < right and top < bottom else np.zeros((0, 2)),
        baseline=None,
        box=(left, top, right, bottom),
    )


def _number(name: str) -> tuple[int, str]:
    """The number at the end of `train2011-17`."""
    digits = re.search(r"(\d+)$", name)
    return int(digits[1]) if digits else 0, name


def _cut(
    name: str, lines: list[PageLine], images: dict[str, Path], source: Path, out: Path, prepared: Prepared
) -> list[Example]:
    if name not in images:
        raise ManifestError(
            f"{source}: no image of page {name}. Expected images_gray/{name}.png: unpack training_2011_gray.tar and "
            "eval_2011_gray.tar there."
        )
    return cut_lines(read_line_image(images[name]).pixels, lines, name, name, out / "lines" / name, prepared)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())
