"""Texts put into ALTO and PAGE files, which else stay as they are: comments, names, regions and order included."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from lxml import etree

from seqlabel.errors import FormatError
from seqlabel.formats.files import editable_xml, read_bytes, valid_xml_text, write_bytes
from seqlabel.formats.page import box_of
from seqlabel.formats.page_xml import place_of
from seqlabel.formats.pages import read_page

_TAG = re.compile(r"(?<!\s)\s*+\b\w++\s*+\{([^{}]*+)\}")
_OFFSET = re.compile(r"\boffset\s*+:")
"""A name, date or style that Transkribus says of some characters of a line: `person {offset:4; length:5;}`."""
_LETTER = r"[^\W\d]"
Outline = Float64[np.ndarray, "4 2"]


@dataclass(frozen=True, slots=True)
class PlacedText:
    """A character or a word on a page.

    Attributes:
        text: what it says.
        outline: its corners in the file's own unit: top left, top right, bottom right, bottom left along the writing.
        confidence: from 0 to 1.
        parts: the characters of a word.
    """

    text: str
    outline: Outline
    confidence: float
    parts: tuple["PlacedText", ...] = ()


def write_page(path: Path, out: Path, words: Mapping[int, Sequence[PlacedText]]) -> None:
    """Writes a page with the words of its lines in place of those that it had; the other lines stay as they are.

    Args:
        path: an ALTO or PAGE file.
        out: where it is written, the whole file or nothing.
        words: by the place of their line in `read_page(path).lines`.

    A file that is valid by its schema stays so. What is said of the old words goes with them: tags, styles, and that
    somebody has corrected them.

    Raises:
        FormatError: the file cannot be read or written.

    Source: ALTO schemas 2.0 to 4.4 (StringType, GlyphType, TextLine), PAGE content schemas 2010-03-19 to 2019-07-15
    (TextLineType, WordType, GlyphType, TextEquivType).
    """
    page = read_page(path)  # refuses what must not be parsed: documents with a DOCTYPE
    tree = editable_xml(path, read_bytes(path, "a page"), "a page")
    elements = [element for element in tree.iter() if _tag(element) == "TextLine"]
    known = {line.place: index for index, line in enumerate(page.lines)}
    written = {
        element: words[known[place]] for place, element in enumerate(elements) if known.get(place) in words
    }
    gone: dict[str, etree._Element] = {}
    for line in written:
        for child in list(line):
            if _tag(child) in ("String", "SP", "HYP", "Word", "TextEquiv"):
                gone |= {name: line for part in child.iter() if (name := _id_of(part))}
                line.remove(child)
        line.attrib.pop("CS", None)
        if "custom" in line.attrib:
            line.set("custom", _without_tags_of_text(line.get("custom", "")))
    _refer_to_lines(tree, gone)
    names = _Names(tree)  # without those that have just been taken away
    put = _put_into_alto if page.kind == "alto" else _put_into_page
    try:
        for line, found in written.items():
            put(line, found, names)
    except ValueError as error:  # a namespace that is none
        raise FormatError(f"{path}: cannot be written to ({error}); correct the file") from error
    if page.kind == "page":
        for region in dict.fromkeys(line.getparent() for line in written):
            if region is not None:
                _refresh_region(region)
    data = etree.tostring(tree, xml_declaration=True, encoding="UTF-8")
    write_bytes(out, data + b"\n")


def _without_tags_of_text(custom: str) -> str:
    """Returns what a line says of itself in Transkribus' way, without what that says of some of its characters."""
    return _TAG.sub(lambda tag: "" if _OFFSET.search(tag[1]) else tag[0], custom).strip()


def _refer_to_lines(tree: "etree._ElementTree[etree._Element]", gone: Mapping[str, etree._Element]) -> None:
    """Lets a reading order or a relation that named a word name the word's line."""
    for element in tree.iter(etree.Element):  # without comments, which have no attributes
        for key in ("REF", "regionRef"):
            named = element.get(key, "").split()
            if any(name in gone for name in named):
                kept = [name if name not in gone else _line_name(gone[name], name) for name in named]
                element.set(key, " ".join(dict.fromkeys(kept)))


def _line_name(line: etree._Element, name: str) -> str:
    """Returns the ID of a line; one that has none takes over that of its word."""
    if not _id_of(line):
        line.set("ID", name)
    return _id_of(line)


# --- ALTO -------------------------------------------------------------------------------------------------


def _put_into_alto(line: etree._Element, words: Sequence[PlacedText], names: "_Names") -> None:
    version = re.search(r"/ns-v(\d{1,3})#", str(line.tag))
    has_glyphs = version is not None and int(version[1]) >= 4
    for number, word in enumerate(words):
        if number:
            gap = _alto_box(np.stack([words[number - 1].outline[1], word.outline[0]]))
            _add(line, "SP", {key: gap[key] for key in ("HPOS", "VPOS", "WIDTH")})
        name = names.below(line.get("ID"), f"w{number}")
        attributes = {"ID": name, "CONTENT": valid_xml_text(word.text), "WC": _fraction(word.confidence)}
        string = _add(line, "String", attributes | _alto_box(word.outline))
        # A glyph has one character, and all of them together are the word.
        parts = word.parts if has_glyphs and all(len(part.text) == 1 for part in word.parts) else ()
        for index, part in enumerate(parts):
            glyph = {
                "ID": names.below(name, f"g{index}"),
                "CONTENT": valid_xml_text(part.text),
                "GC": _fraction(part.confidence),
            }
            _add(string, "Glyph", glyph | _alto_box(part.outline))
    if not words:  # the schema wants one
        box = {key: line.attrib[key] for key in ("HPOS", "VPOS", "WIDTH", "HEIGHT") if key in line.attrib}
        _add(line, "String", {"CONTENT": ""} | box)


def _alto_box(outline: Float64[np.ndarray, "n 2"]) -> dict[str, str]:
    left, top, right, bottom = (round(value) for value in box_of(outline))
    return {
        "HPOS": str(left),
        "VPOS": str(top),
        "WIDTH": str(max(0, right - left)),
        "HEIGHT": str(max(0, bottom - top)),
    }


# --- PAGE -------------------------------------------------------------------------------------------------


def _put_into_page(line: etree._Element, words: Sequence[PlacedText], names: "_Names") -> None:
    # The schema's order: images, Coords, Baseline, words, texts, and then the style and what users define.
    before = [child for child in line if _tag(child) in ("AlternativeImage", "Coords", "Baseline")]
    place = line.index(before[-1]) + 1 if before else 0
    added: list[etree._Element] = []
    for number, word in enumerate(words):
        name = names.below(line.get("id"), f"w{number}")
        element = _page_element(line, "Word", name, word)
        for index, part in enumerate(word.parts):
            glyph = _page_element(element, "Glyph", names.below(name, f"g{index}"), part)
            _text_equiv(glyph, part.text, part.confidence)
        _text_equiv(element, word.text, word.confidence)
        added.append(element)
    confidence = float(np.mean([word.confidence for word in words])) if words else None
    _text_equiv(line, " ".join(word.text for word in words), confidence)
    added.append(line[-1])
    for offset, element in enumerate(added):
        line.insert(place + offset, element)


def _page_element(parent: etree._Element, tag: str, name: str, placed: PlacedText) -> etree._Element:
    element = _add(parent, tag, {"id": name})
    points = [(str(max(0, round(x))), str(max(0, round(y)))) for x, y in placed.outline.tolist()]
    if _is_old(parent):
        coords = _add(element, "Coords", {})
        for x, y in points:
            _add(coords, "Point", {"x": x, "y": y})
    else:
        _add(element, "Coords", {"points": " ".join(f"{x},{y}" for x, y in points)})
    return element


def _text_equiv(parent: etree._Element, text: str, confidence: float | None) -> None:
    has_confidence = confidence is not None and not _is_old(parent)
    attributes = {"conf": _fraction(confidence)} if confidence is not None and has_confidence else {}
    _fill(_add(parent, "TextEquiv", attributes), valid_xml_text(text))


def _fill(equivalent: etree._Element, text: str) -> None:
    for tag in ("PlainText", "Unicode") if _is_old(equivalent) else ("Unicode",):  # both were wanted
        _add(equivalent, tag, {}).text = text


def _is_old(element: etree._Element) -> bool:
    """Tells whether the file is from before 2013, when points were elements."""
    if re.search(r"/20(09|10)-", str(element.tag)):
        return True
    first = next(element.getroottree().iter("{*}Coords"), None)
    return first is not None and first.get("points") is None and len(first) > 0


def _refresh_region(region: etree._Element) -> None:
    """Gives a region that bears a text of its own the texts of its lines."""
    own = [child for child in region if _tag(child) == "TextEquiv"]
    texts = [_line_text(child) for child in region if _tag(child) == "TextLine"]
    if not own or not any(texts):
        return
    for extra in own[1:]:
        region.remove(extra)
    for child in list(own[0]):
        own[0].remove(child)
    own[0].attrib.pop("conf", None)
    _fill(own[0], "\n".join(text for text in texts if text))


def _line_text(element: etree._Element) -> str:
    """Returns the text of a line or a word, as `page_xml` reads it."""
    found = [child for child in element if _tag(child) == "TextEquiv"]
    best = min(found, key=lambda one: place_of(one.get("index", ""), 0), default=None)
    text = "" if best is None else next((part.text or "" for part in best if _tag(part) == "Unicode"), "")
    return text or " ".join(filter(None, (_line_text(child) for child in element if _tag(child) == "Word")))


# --- both -------------------------------------------------------------------------------------------------


class _Names:
    """The IDs of a document, which have to be unique."""

    def __init__(self, tree: "etree._ElementTree[etree._Element]") -> None:
        self._taken = {element.get(key) for element in tree.iter(etree.Element) for key in ("ID", "id")}
        self._last: dict[str, int] = {}  # a file may give one ID to thousands of lines

    def below(self, parent: str | None, name: str) -> str:
        """Returns a new ID for something below another: its own name, and a number where that is taken."""
        # An ID begins with a letter and has neither spaces nor colons, also where that of the line has.
        start = re.sub(r"[^\w.-]", "_", parent or "line")
        wanted = f"{'' if re.match(_LETTER, start) else 'l'}{start}_{name}"
        number = self._last.get(wanted, 1)
        found = wanted if number == 1 else f"{wanted}_{number}"
        while found in self._taken:
            number += 1
            found = f"{wanted}_{number}"
        self._last[wanted] = number
        self._taken.add(found)
        return found


def _id_of(element: etree._Element) -> str:
    return element.get("ID") or element.get("id") or ""


def _fraction(confidence: float) -> str:
    return f"{min(1.0, max(0.0, confidence)):.4f}"


def _tag(element: etree._Element) -> str:
    """Returns the name of an element without its namespace; "" for comments."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _add(parent: etree._Element, tag: str, attributes: Mapping[str, str]) -> etree._Element:
    namespace = str(parent.tag).rpartition("}")[0]
    return etree.SubElement(parent, f"{namespace}}}{tag}" if namespace else tag, dict(attributes))
