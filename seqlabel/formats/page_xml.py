"""PAGE XML (2010 to 2019), as Transkribus, eScriptorium and Aletheia export it: text lines with their outlines."""

import re
import sys
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from jaxtyping import Float64

from seqlabel.errors import FormatError
from seqlabel.formats.files import parse_xml, read_bytes
from seqlabel.formats.page import Page, PageLine, box_of, numbers_of, points_of

_CUSTOM_INDEX = re.compile(r"\breadingOrder\s*\{[^{}]*\bindex\s*:\s*(\d+)")
_CUSTOM_TYPE = re.compile(r"\bstructure\s*\{[^{}]*\btype\s*:\s*([^;{}]+)")
_EXPECTED = "a PAGE XML file (2010 to 2019)"


def read_page_xml(path: Path) -> Page:
    """The lines of a PAGE file, those without text included.

    Raises:
        FormatError: not PAGE, damaged, or coordinates that are not numbers.

    Source: PRImA, PAGE content schema 2019-07-15, TextLineType, TextEquivType and ReadingOrderType; Transkribus and
        eScriptorium for `custom`.
    """
    root = parse_xml(path, read_bytes(path, _EXPECTED), _EXPECTED)
    if root.tag != "PcGts":
        raise FormatError(f"{path}: root element <{root.tag}>; expected <PcGts>")
    return page_of(path, root)


def page_of(path: Path, root: Element) -> Page:
    """Returns the page of a <PcGts> element.

    Raises:
        FormatError: no page in it, or coordinates that are not numbers.
    """
    pages = root.findall("Page")
    if len(pages) != 1:
        raise FormatError(
            f"{path}: {len(pages)} <Page> in it; expected one, export each to a file of its own"
        )
    element = pages[0]
    size = None
    if element.get("imageWidth") and element.get("imageHeight"):
        text = f"{element.get('imageWidth')} {element.get('imageHeight')}"
        width, height = numbers_of(f"{path}: Page", text, 2)
        size = (width, height) if width > 0 and height > 0 else None
    order: dict[str, int] = {}
    for place, reference in enumerate(_references(element.find("ReadingOrder"))):
        order.setdefault(reference.get("regionRef", ""), place)
    places = {line: place for place, line in enumerate(element.iter("TextLine"))}
    lines: list[PageLine] = []
    ranks: list[tuple[tuple[int, ...], tuple[int, ...], int, int]] = []
    numbers: dict[Element | None, int] = {}
    for regions, line in _text_lines(element, []):
        line_id = line.get("id") or f"line {len(lines) + 1}"
        where = f"{path}: line {line_id}"
        polygon = _points(where, line.find("Coords"))
        baseline = _points(where, line.find("Baseline"))
        region = regions[-1] if regions else None
        lines.append(
            PageLine(
                line_id,
                _text(line),
                polygon,
                baseline if len(baseline) else None,
                box_of(polygon),
                "" if region is None else region.get("id", ""),
                "" if region is None else _region_type(region),
                places[line],
            )
        )
        named = tuple(order[one.get("id", "")] for one in regions if one.get("id", "") in order)
        # What Transkribus and PAGE 2019 say of a line counts within its region.
        number = numbers.setdefault(region, len(numbers))
        indices = tuple(_own_index(one) for one in regions)
        ranks.append((named or (len(order),), indices, number, _own_index(line)))
    ordered = [lines[i] for i in sorted(range(len(lines)), key=lambda i: ranks[i])]
    name = (element.get("imageFilename") or "").strip()
    return Page("page", name or None, size, tuple(ordered))


def _references(order: Element | None) -> list[Element]:
    """Returns the references to regions of a <ReadingOrder>, those of ordered groups by their index."""
    if order is None:
        return []
    children = list(order)
    if order.tag.startswith("OrderedGroup"):
        children.sort(key=lambda child: _index(child, len(children)))
    own = [order] if order.get("regionRef") else []  # a group may stand for a region itself
    return own + [reference for child in children for reference in _references(child)]


def _index(element: Element, otherwise: int) -> int:
    return place_of(element.get("index", ""), otherwise)


def place_of(text: str, otherwise: int) -> int:
    """Returns the number of an `index` attribute, or something else where that is no number."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else otherwise


def _own_index(element: Element) -> int:
    """Returns what a region or a line says of its place, `readingOrder {index:3;}` or `index="3"`; others come last."""
    custom = _CUSTOM_INDEX.search(element.get("custom", ""))
    return place_of(custom[1] if custom else element.get("index", ""), sys.maxsize)


def _region_type(region: Element) -> str:
    custom = _CUSTOM_TYPE.search(region.get("custom", ""))
    return custom[1].strip() if custom else region.get("type") or region.tag


def _text_lines(element: Element, regions: list[Element]) -> list[tuple[list[Element], Element]]:
    """Returns each <TextLine> with the regions that it stands in, the outermost first, in the order of the file."""
    found: list[tuple[list[Element], Element]] = []
    for child in element:
        if child.tag == "TextLine":
            found.append((regions, child))
        elif child.tag.endswith(("Region", "TableCell")):
            found += _text_lines(child, [*regions, child])
    return found


def _text(line: Element) -> str:
    """Returns the line's own text, the first of several readings; else those of its words, with spaces between."""
    own = _equivalent(line)
    if own:
        return " ".join(own.split())
    words = [_equivalent(word) or _of_glyphs(word) for word in line.findall("Word")]
    return " ".join(" ".join(words).split())


def _of_glyphs(word: Element) -> str:
    return "".join(_equivalent(glyph) or "" for glyph in word.findall("Glyph"))


def _equivalent(element: Element) -> str | None:
    found = element.findall("TextEquiv")
    if not found:
        return None
    best = min(found, key=lambda one: _index(one, 0))
    return best.findtext("Unicode") or best.findtext("PlainText") or ""


def _points(where: str, element: Element | None) -> Float64[np.ndarray, "n 2"]:
    if element is None:
        return np.zeros((0, 2))
    if element.get("points") is None:  # before 2013
        pairs = [f"{point.get('x', '')} {point.get('y', '')}" for point in element.findall("Point")]
        return points_of(where, " ".join(pairs))
    return points_of(where, element.get("points", ""))
