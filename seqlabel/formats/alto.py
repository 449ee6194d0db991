"""ALTO pages (versions 2 to 4): the text lines with their outlines."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from jaxtyping import Float64

from seqlabel.errors import FormatError
from seqlabel.formats.files import parse_xml, read_bytes
from seqlabel.formats.page import Page, PageLine, box_of, numbers_of, points_of

_EXPECTED = "an ALTO file (version 2, 3 or 4)"
_UNITS = ("pixel", "mm10", "inch1200")


def read_alto(path: Path) -> Page:
    """The lines of an ALTO file, those without text included.

    Raises:
        FormatError: not ALTO, damaged, or coordinates that are not numbers.

    Source: Library of Congress, ALTO schema 4.2, TextLineType, StringType, ShapeType and IDNEXT of BlockType; 4.3 for
        ReadingOrder, whose REF may name several elements.
    """
    root = parse_xml(path, read_bytes(path, _EXPECTED), _EXPECTED)
    if root.tag != "alto":
        raise FormatError(f"{path}: root element <{root.tag}>; expected <alto>")
    return alto_page(path, root)


def alto_page(path: Path, root: Element) -> Page:
    """Returns the page of an <alto> element.

    Raises:
        FormatError: coordinates that are not numbers, or an unknown unit.
    """
    unit = (root.findtext("Description/MeasurementUnit") or "pixel").strip()
    name = (root.findtext("Description/sourceImageInformation/fileName") or "").strip()
    if unit not in _UNITS:
        raise FormatError(f"{path}: measures in {unit}; expected one of {', '.join(_UNITS)}")
    pages = root.findall("Layout/Page")
    if len(pages) > 1:
        raise FormatError(f"{path}: holds {len(pages)} pages; expected one, export each to a file of its own")
    size = None
    if pages and pages[0].get("WIDTH") and pages[0].get("HEIGHT"):
        width, height = numbers_of(f"{path}: Page", f"{pages[0].get('WIDTH')} {pages[0].get('HEIGHT')}", 2)
        size = (width, height) if width > 0 and height > 0 else None
    if unit != "pixel" and size is None:
        raise FormatError(
            f"{path}: measures in {unit} and does not say how large the page is; export it with the unit pixel"
        )
    labels = {tag.get("ID"): tag.get("LABEL", "") for tag in root.iterfind("Tags/*")}
    places = {line: place for place, line in enumerate(root.iter("TextLine"))}
    lines: list[PageLine] = []
    ranks: list[tuple[int, ...]] = []
    order = _reading_order(root)
    for above, element in _text_lines(root):
        line = _line(path, element, len(lines) + 1)
        block = next((parent for parent in reversed(above) if parent.tag == "TextBlock"), None)
        region = "" if block is None else block.get("ID", "")
        tags = "" if block is None else block.get("TAGREFS", "")
        kind = next((labels[tag] for tag in tags.split() if tag in labels), "")
        lines.append(replace(line, region=region, region_type=kind, place=places[element]))
        named = [one.get("ID", "") for one in (*above, element)]
        rank = [order[name] for name in named if name in order]
        if named[-1] not in order:  # perhaps its words are named
            rank += sorted(order[part.get("ID", "")] for part in element.iter() if part.get("ID") in order)[
                :1
            ]
        ranks.append(tuple(rank) or (len(order),))
    ordered = [lines[i] for i in sorted(range(len(lines)), key=lambda i: ranks[i])] if order else lines
    number = pages[0].get("PHYSICAL_IMG_NR", "") if pages else ""
    # The schema lets it be any number.
    whole = re.fullmatch(r"([0-9]{1,9})(\.0*)?", number.strip())
    return Page("alto", name or None, size, tuple(ordered), int(whole[1]) if whole else None)


def _text_lines(root: Element) -> list[tuple[list[Element], Element]]:
    """Returns each <TextLine> with all elements that it stands in, in the order of the file."""
    found: list[tuple[list[Element], Element]] = []

    def walk(element: Element, above: list[Element]) -> None:
        for child in element:
            if child.tag == "TextLine":
                found.append((above, child))
            else:
                walk(child, [*above, child])

    walk(root, [])
    return found


def _reading_order(root: Element) -> dict[str, int]:
    """Returns the place of each element that the <ReadingOrder> names, else that which blocks give each other.

    Its groups are alternatives, and the first counts.
    """
    groups = root.findall("ReadingOrder/*")[:1]  # "*[1]" would be the first of each kind
    named = [name for group in groups for part in group.iter() for name in part.get("REF", "").split()]
    return {name: place for place, name in enumerate(dict.fromkeys(named or _chained(root)))}


def _chained(root: Element) -> list[str]:
    """Returns the IDs of blocks where some name their successors: chain by chain, each from its first block."""
    blocks = {one.get("ID", ""): one.get("IDNEXT", "") for one in root.iterfind("Layout//*[@ID]")}
    if not any(after in blocks for after in blocks.values()):
        return []
    following = set(blocks.values())
    found: dict[str, None] = {}
    for first in [name for name in blocks if name not in following]:
        while first in blocks and first not in found:
            found[first] = None
            first = blocks[first]
    return list(found)


def _line(path: Path, element: Element, number: int) -> PageLine:
    line_id = element.get("ID") or f"line {number}"
    where = f"{path}: line {line_id}"
    box = _box(where, element)
    polygon_element = element.find("Shape/Polygon")
    polygon = points_of(where, "" if polygon_element is None else polygon_element.get("POINTS", ""))
    if len(polygon) < 3:
        left, top, right, bottom = box or (0.0, 0.0, 0.0, 0.0)
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)] if box else []
        polygon = np.array(corners, dtype=np.float64).reshape(-1, 2)
    box = box or box_of(polygon)
    return PageLine(line_id, _text(element), polygon, _baseline(where, element, box), box)


def _text(element: Element) -> str:
    """Strings with one space where an <SP> or the end of a string stands between them."""
    text = ""
    for child in element:
        if child.tag == "String":
            text = f"{text} {child.get('CONTENT', '')}"
        elif child.tag == "HYP":  # the hyphen at the end of the line belongs to the word before
            text += child.get("CONTENT", "")
    return text.strip()


def _box(where: str, element: Element) -> tuple[float, float, float, float] | None:
    texts = [element.get(key) for key in ("HPOS", "VPOS", "WIDTH", "HEIGHT")]
    if None in texts:
        return None
    left, top, width, height = numbers_of(where, " ".join(text or "" for text in texts), 4)
    return left, top, left + width, top + height


def _baseline(
    where: str, element: Element, box: tuple[float, float, float, float]
) -> Float64[np.ndarray, "m 2"] | None:
    text = element.get("BASELINE", "")
    if not text.strip():
        return None
    if len(re.split(r"[\s,]+", text.strip())) == 1:  # before version 4.2: one height for the whole line
        height = numbers_of(where, text, 1)[0]
        return np.array([[box[0], height], [box[2], height]])
    return points_of(where, text)
