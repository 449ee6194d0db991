"""Lines cut out of page images, each into a grey PNG below OUT."""

import unicodedata
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from data_prep.corpus_source import Prepared
from seqlabel.errors import FormatError
from seqlabel.formats import LineCutConfig, PageLine, cut_page_line, shrunk, write_line_image
from seqlabel.records import Example, LineImage

MEDIAN_HEIGHT = 128
"""Rows that the median line of a page has at most."""
MOST_HEIGHT = 1024
"""Rows of a line before that; what is higher is no line."""


def box_outline(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """Returns the four corners, for lines of which no more is known than a box."""
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float64)


def cut_lines(
    pixels: np.ndarray, lines: Iterable[PageLine], name: str, group: str, folder: Path, prepared: Prepared
) -> list[Example]:
    """Returns an example for each line, `name-007`, after its image stands in `folder`.

    Texts are in NFC, with single spaces. Lines without text or without an area on the page are left out and counted.
    All lines of a page are scaled down by the same factor (never up), so that its writing keeps one size.
    """
    found: list[tuple[str, str, LineImage]] = []
    for number, line in enumerate(lines):
        line_id = f"{name}-{number:03d}"
        text = " ".join(unicodedata.normalize("NFC", line.text).split())
        if not text:
            prepared.leave_out("no text", line_id)
            continue
        try:
            image, _ = cut_page_line(pixels, line, LineCutConfig(max_height=MOST_HEIGHT))
        except FormatError:
            prepared.leave_out("no area on the page", line_id)
            continue
        found.append((line_id, text, image))
    factor = min(1.0, MEDIAN_HEIGHT / np.median([len(image.pixels) for *_, image in found] or [1]))
    examples = []
    for line_id, text, image in found:
        target = folder / f"{line_id}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        write_line_image(target, shrunk(image, max(1, round(factor * len(image.pixels)))))
        examples.append(Example(id=line_id, source=target, text=text, group=group))
    return examples
