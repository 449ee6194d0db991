"""Lines of pages as examples: `page.xml:7` is the eighth line of the page that an ALTO or PAGE file describes."""

import os
import threading
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from seqlabel.errors import FormatError
from seqlabel.formats.alto import alto_page
from seqlabel.formats.files import parse_xml, read_bytes, root_tag, split_address
from seqlabel.formats.image import read_line_image
from seqlabel.formats.line_cut import ALONG_THE_OUTLINE, LineCutConfig, LinePlace, cut_page_line
from seqlabel.formats.page import Page, PageLine, image_of_page, page_image
from seqlabel.formats.page_xml import page_of
from seqlabel.records import LineImage

PAGE_SUFFIX = ".xml"
MOST_SKEW = 0.03
"""By how much the scales of width and height may differ between a page and its image."""
_EXPECTED = "an ALTO file (version 2 to 4) or a PAGE XML file"


def read_page(path: Path) -> Page:
    """The lines of an ALTO or PAGE file, those without text included.

    Raises:
        FormatError: neither of the two, or damaged.
    """
    root = parse_xml(path, read_bytes(path, _EXPECTED), _EXPECTED)
    if root.tag == "alto":
        return alto_page(path, root)
    if root.tag == "PcGts":
        return page_of(path, root)
    raise FormatError(f"{path}: root element <{root.tag}>; expected <alto> or <PcGts> (PAGE)")


def is_page(path: Path) -> bool:
    """Tells by its root element whether a file is an ALTO or PAGE file; a METS file of the same folder is none.

    One that is empty or breaks off before its root element counts as a page, so that its error is told.
    """
    return root_tag(path) in ("alto", "PcGts", None)


def page_address(path: Path, index: int) -> Path:
    """Returns the source of a line of a page, counted from 0."""
    return path.with_name(f"{path.name}:{index}")


def split_page_address(source: Path) -> tuple[Path, int] | None:
    """Returns the file and the line that a source names; None for other sources."""
    return split_address(source, "xml")


def load_page_image(path: Path) -> None:
    """Reads the image of a page and keeps it for `read_page_line`, so that what is wrong with it is told once.

    Raises:
        FormatError: no page, no page image, one that is damaged, or one of another shape than the page.
    """
    _kept.read(path, _stamp(path))


def read_page_line(source: Path, config: LineCutConfig = ALONG_THE_OUTLINE) -> tuple[LineImage, LinePlace]:
    """Returns the image of a line of a page, and where it lies on the page image.

    Args:
        source: such as `page.xml:7`.
        config: how it is cut out.

    Raises:
        FormatError: no such line, no page image, or the line has no area on it.
    """
    address = split_page_address(source)
    if address is None:
        raise FormatError(f"{source}: is no line of a page; expected something like page.xml:0")
    path, index = address
    lines, pixels, image, stamp = _kept.read(path, _stamp(path))
    if stamp != _stamp(image):
        _kept.read.cache_clear()
        lines, pixels, _, _ = _kept.read(path, _stamp(path))
    if index >= len(lines):
        raise FormatError(f"{source}: the page has {len(lines)} lines, counted from 0")
    try:
        return cut_page_line(pixels, lines[index], config)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error


def _page_with_pixels(
    path: Path, stamp: tuple[int, int]
) -> tuple[tuple[PageLine, ...], UInt8[np.ndarray, "H W"], Path, tuple[int, int]]:
    """Returns the lines of a page in pixels of its image, the image, and its file; the next line is mostly near."""
    page = read_page(path)
    image = page_image(path, page)
    image_stamp = _stamp(image)
    pixels = read_line_image(image_of_page(path, page, image)).pixels
    height, width = pixels.shape
    lines = page.lines
    if page.size is not None and page.size != (width, height):
        x, y = width / page.size[0], height / page.size[1]
        if abs(x / y - 1) > MOST_SKEW:
            raise FormatError(
                f"{path}: is of a page of {page.size[0]:g} x {page.size[1]:g}, its image {image.name} has {width} x "
                f"{height} pixels; is it turned, or another page's?"
            )
        lines = tuple(line.scaled(x, y) for line in lines)
    return lines, pixels, image, image_stamp


class _Kept(threading.local):
    """The pages that a thread has read last: each thread reads pages of its own."""

    def __init__(self) -> None:
        self.read = lru_cache(maxsize=4)(_page_with_pixels)


_kept = _Kept()


def _stamp(path: Path) -> tuple[int, int]:
    """Returns what changes when a file is written again."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}); expected {_EXPECTED}") from error
    return found.st_mtime_ns, found.st_size
