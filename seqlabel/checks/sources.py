"""What the headers of the files of a corpus say: size, duration, width and height, nothing decoded."""

import os
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from seqlabel.errors import FormatError
from seqlabel.formats import (
    AUDIO_SUFFIXES,
    IMAGE_SUFFIXES,
    INK_SUFFIXES,
    MATRIX_SUFFIXES,
    Page,
    audio_part,
    image_of_page,
    image_size,
    is_page,
    matrix_shape,
    page_image,
    read_page,
    read_symbols,
    split_image_address,
    split_ink_address,
    split_page_address,
)
from seqlabel.records import Example

SourceKind = Literal["audio", "line image", "line of a page", "ink", "matrix", "symbols"]


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of an example before its file is decoded.

    Attributes:
        kind: what the source is.
        num_bytes: of the whole file.
        identity: the same for the same part of the same file, whatever path leads to it.
        file: device and number of the file.
        seconds: length of audio, or of the part that is meant.
        sample_rate: of audio, in Hz.
        size: width and height in pixels; of a line of a page those of its box, turned with the line where that runs up
            or down the page.
        num_frames: of a matrix whose header tells them.
    """

    kind: SourceKind
    num_bytes: int
    identity: tuple[object, ...]
    file: tuple[int, int]
    seconds: float | None = None
    sample_rate: int | None = None
    size: tuple[float, float] | None = None
    num_frames: float | None = None


def kind_of_source(source: Path) -> SourceKind:
    """Returns what a source is by its name, and of XML files by their root element."""
    suffix = source.suffix.lower()
    if suffix in AUDIO_SUFFIXES:
        return "audio"
    address = split_page_address(source)
    if address is not None and _is_page(address[0]):
        return "line of a page"
    if suffix in IMAGE_SUFFIXES or split_image_address(source) is not None:
        return "line image"
    if suffix in INK_SUFFIXES or split_ink_address(source) is not None:
        return "ink"
    bare = re.sub(r":[0-9]+$", "", source.name).lower()
    if bare.endswith(tuple(MATRIX_SUFFIXES)):
        return "matrix"
    if bare.endswith(".txt"):
        return "symbols"
    return "audio"  # whatever it is called: Kaldi's lists name files of any ending


def file_of_source(source: Path) -> Path:
    """Returns the file in which a source lies: `page.xml` for `page.xml:7`."""
    bare = Path(re.sub(r":[0-9]{1,18}$", "", str(source)))
    return bare if bare != source and not source.exists() else source


def read_header(example: Example) -> Header:
    """Returns what the file's header says of an example.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: it is empty, or its header is not that of such a file; or it has no such part.
    """
    source = example.source
    kind = kind_of_source(source)
    file = file_of_source(source)
    try:
        found = os.stat(file)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(f"{file}: no such file") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FormatError(f"{file}: cannot be read ({reason})") from error
    if found.st_size == 0:
        raise FormatError(f"{file}: is empty (0 bytes)")
    number = found.st_dev, found.st_ino
    address = source.name[len(file.name) :]
    identity = (*number, address, example.start_seconds or 0.0, example.end_seconds, example.channel)
    plain = Header(kind, found.st_size, identity, number)
    if kind == "audio":
        part = audio_part(source, example.start_seconds, example.end_seconds, example.channel)
        return plain if part is None else replace(plain, seconds=part[0], sample_rate=part[1])
    if kind == "line image":
        return replace(plain, size=image_size(source))
    if kind == "line of a page":
        return replace(plain, size=_line_size(source))
    if kind == "matrix":
        return replace(plain, num_frames=_num_frames(source))
    if kind == "symbols":
        return replace(plain, num_frames=float(len(read_symbols(source).names)))
    return plain


@lru_cache(maxsize=1024)
def _is_page(path: Path) -> bool:
    return is_page(path)


@lru_cache(maxsize=8)
def _page(path: Path, stamp: int) -> tuple[Page, float]:
    """Returns a page, and how many pixels of its image are one of its units across."""
    page = read_page(path)
    image = image_of_page(path, page, page_image(path, page))
    width = image_size(image)[0]
    return page, 1.0 if page.size is None or not page.size[0] else width / page.size[0]


def _line_size(source: Path) -> tuple[float, float]:
    address = split_page_address(source)
    if address is None:
        raise FormatError(f"{source}: is no line of a page")
    path, index = address
    page, scale = _page(path, path.stat().st_mtime_ns)
    if index >= len(page.lines):
        raise FormatError(f"{source}: the page has {len(page.lines)} lines, counted from 0")
    line = page.lines[index]
    left, top, right, bottom = line.box
    across, down = (right - left) * scale, (bottom - top) * scale
    return (down, across) if line.is_upright else (across, down)


SPHINX_WIDTH = 13
"""Values of a frame of a Sphinx file, which does not say it; where it is another, all lengths are in proportion."""


def _num_frames(source: Path) -> float | None:
    shape = matrix_shape(source)
    if shape is None:
        return None
    rows, columns = shape
    return rows / SPHINX_WIDTH if columns is None else float(rows)
