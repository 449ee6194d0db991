"""CREMMA "Testaments de poilus": handwritten French wills 1898-1918, page images with ALTO. CC BY 4.0.

    python -m data_prep.poilus [SOURCE] OUT

The tree on disk (the pages may lie in folders, as in the published `data/**`):

    poilus/
      TestamentsDePoilus_will_AD78_0003-0.xml   ALTO 4: polygon, base line and text of each line
      TestamentsDePoilus_will_AD78_0003-0.jpg   the page, named in the ALTO file

Writes train and dev, and below OUT one grey PNG for each text line: the line's polygon cut out of the page,
everything outside of it filled with the paper's tone. The lines of a page are scaled down by one factor, by which the
median of them is at most 128 pixels high (never up): writing of one size stays so.
The line is straightened first: where the base line runs up or down the page (writing in the margin) the page
is turned by a quarter, and each column is moved so that the base line becomes level. Without that a sloping
line's box is several lines high, and scaling it down leaves nothing to read.

A hand is the image's file name up to its last hyphen, and also the group of its lines; dev are the hands
whose MD5, read as one integer, leaves 1 modulo 10. Texts are in Unicode's NFC. Lines without text or without
an area on the page, and pages without lines, are counted and left out.
"""

import hashlib
import sys
from pathlib import Path

from data_prep.corpus_source import Prepared, Published, run
from data_prep.page_lines import cut_lines
from seqlabel.errors import ManifestError
from seqlabel.formats import Page, page_image, read_alto, read_line_image
from seqlabel.records import Example

PUBLISHED = Published(
    name="poilus",
    page="https://github.com/HTR-United/CREMMA-AN-TestamentDePoilus",
    address="https://github.com/HTR-United/CREMMA-AN-TestamentDePoilus/archive/HEAD.zip",
    num_signals=2800,
)


def prepare(source: Path, out: Path) -> Prepared:
    """Returns the splits after the line images stand in `out/lines`."""
    prepared = Prepared(unit="lines", group_unit="hands", splits={"train": [], "dev": []})
    pages = [page for page in sorted(source.rglob("*.xml")) if page.name.lower() != "mets.xml"]
    if not pages:
        raise ManifestError(
            f"{source}: no ALTO file (*.xml) in it. Expected page images with an ALTO file for each."
        )
    for alto_path in pages:
        page = read_alto(alto_path)
        hand = hand_of(Path(page.image_name or alto_path.name).name)
        split = "dev" if is_dev_hand(hand) else "train"
        prepared.splits[split] += _cut_page(alto_path, page, hand, out, prepared)
    return prepared


def hand_of(image_name: str) -> str:
    """Returns the image's file name up to its last hyphen.

    >>> hand_of("TestamentsDePoilus_will_AD78_0003-1.jpg")
    'TestamentsDePoilus_will_AD78_0003'
    """
    return image_name.rsplit("-", 1)[0]


def is_dev_hand(hand: str) -> bool:
    """Tells whether the lines of a hand are held out: about every tenth hand is."""
    return int(hashlib.md5(hand.encode(), usedforsecurity=False).hexdigest(), 16) % 10 == 1


def _cut_page(alto_path: Path, page: Page, hand: str, out: Path, prepared: Prepared) -> list[Example]:
    if not page.lines:
        prepared.leave_out("page without lines", alto_path.name)
        return []
    pixels = read_line_image(page_image(alto_path, page)).pixels
    return cut_lines(pixels, page.lines, alto_path.stem, hand, out / "lines" / hand, prepared)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())
