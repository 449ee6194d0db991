"""Texts put into ALTO and PAGE files, which else stay as they are: comments, names, regions and order included."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from lxml import etree

from seqlabel.errors import FormatError
from seqlabel.formats.files import read_bytes, write_bytes
from seqlabel.formats.page import box_of
from seqlabel.formats.pages import read_page

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

    Raises:
        FormatError: the file cannot be read or written.
    """
    page = read_page(path)  # refuses what must not be parsed: documents with a DOCTYPE
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        tree = etree.ElementTree(etree.fromstring(read_bytes(path, "a page"), parser))
    except etree.XMLSyntaxError as error:
        raise FormatError(f"{path}: is not well-formed XML ({error}); expected a page") from error
    elements = [element for element in tree.iter() if _tag(element) == "TextLine"]
    known = {line.place: index for index, line in enumerate(page.lines)}
    put = _put_into_alto if page.kind == "alto" else _put_into_page
    for place, element in enumerate(elements):
        if (found := words.get(known.get(place, -1))) is not None:
            put(element, found, f"line{place}")
    if page.kind == "page":
        _refresh_regions(tree)
    data = etree.tostring(tree, xml_declaration=True, encoding="UTF-8")
    write_bytes(out, data + b"\n")


# --- ALTO -------------------------------------------------------------------------------------------------


def _put_into_alto(line: etree._Element, words: Sequence[PlacedText], name: str) -> None:
    for child in list(line):
        if _tag(child) in ("String", "SP", "HYP"):
            line.remove(child)
    has_glyphs = "ns-v2#" not in str(line.tag) and str(line.tag).startswith("{")
    name = line.get("ID") or name
    for number, word in enumerate(words):
        if number:
            _add(line, "SP", _alto_box(np.stack([words[number - 1].outline[1], word.outline[0]])))
        attributes = {"ID": f"{name}_w{number}", "CONTENT": word.text, "WC": f"{word.confidence:.4f}"}
        string = _add(line, "String", attributes | _alto_box(word.outline))
        for index, part in enumerate(word.parts if has_glyphs else ()):
            glyph = {
                "ID": f"{name}_w{number}_g{index}",
                "CONTENT": part.text,
                "GC": f"{part.confidence:.4f}",
            }
            _add(string, "Glyph", glyph | _alto_box(part.outline))


def _alto_box(outline: Float64[np.ndarray, "n 2"]) -> dict[str, str]:
    left, top, right, bottom = (round(value) for value in box_of(outline))
    return {
        "HPOS": str(left),
        "VPOS": str(top),
        "WIDTH": str(max(0, right - left)),
        "HEIGHT": str(max(0, bottom - top)),
    }


# --- PAGE -------------------------------------------------------------------------------------------------


def _put_into_page(line: etree._Element, words: Sequence[PlacedText], name: str) -> None:
    for child in list(line):
        if _tag(child) in ("Word", "TextEquiv"):
            line.remove(child)
    name = line.get("id") or name
    # The schema's order: images, Coords, Baseline, words, texts, and then the style and what users define.
    before = [child for child in line if _tag(child) in ("AlternativeImage", "Coords", "Baseline")]
    place = line.index(before[-1]) + 1 if before else 0
    added: list[etree._Element] = []
    for number, word in enumerate(words):
        element = _page_element(line, "Word", f"{name}_w{number}", word)
        for index, part in enumerate(word.parts):
            glyph = _page_element(element, "Glyph", f"{name}_w{number}_g{index}", part)
            _text_equiv(glyph, part.text, part.confidence)
        _text_equiv(element, word.text, word.confidence)
        added.append(element)
    _text_equiv(
        line,
        " ".join(word.text for word in words),
        float(np.mean([word.confidence for word in words])) if words else None,
    )
    added.append(line[-1])
    for offset, element in enumerate(added):
        line.insert(place + offset, element)


def _page_element(parent: etree._Element, tag: str, name: str, placed: PlacedText) -> etree._Element:
    element = _add(parent, tag, {"id": name})
    points = " ".join(f"{max(0, round(x))},{max(0, round(y))}" for x, y in placed.outline.tolist())
    _add(element, "Coords", {"points": points})
    return element


def _text_equiv(parent: etree._Element, text: str, confidence: float | None) -> None:
    attributes = {} if confidence is None else {"conf": f"{min(1.0, max(0.0, confidence)):.4f}"}
    _add(_add(parent, "TextEquiv", attributes), "Unicode", {}).text = text


def _refresh_regions(tree: "etree._ElementTree[etree._Element]") -> None:
    """Gives regions that bear a text of their own the texts of their lines."""
    for region in tree.iter():
        own = [child for child in region if _tag(child) == "TextEquiv"]
        lines = [child for child in region if _tag(child) == "TextLine"]
        if not _tag(region).endswith("Region") or not own or not lines:
            continue
        for extra in own[1:]:
            region.remove(extra)
        for child in list(own[0]):
            own[0].remove(child)
        own[0].attrib.pop("conf", None)
        texts = [_line_text(line) for line in lines]
        _add(own[0], "Unicode", {}).text = "\n".join(text for text in texts if text)


def _line_text(line: etree._Element) -> str:
    found = [child for child in line if _tag(child) == "TextEquiv"]
    return next((part.text or "" for one in found for part in one if _tag(part) == "Unicode"), "")


# --- both -------------------------------------------------------------------------------------------------


def _tag(element: etree._Element) -> str:
    """Returns the name of an element without its namespace; "" for comments."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _add(parent: etree._Element, tag: str, attributes: Mapping[str, str]) -> etree._Element:
    namespace = str(parent.tag).rpartition("}")[0]
    return etree.SubElement(parent, f"{namespace}}}{tag}" if namespace else tag, dict(attributes))
