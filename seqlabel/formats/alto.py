"""ALTO pages: the text lines with their polygons, and cutting one line out of the page image."""

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from jaxtyping import Bool, Float64, UInt8

from seqlabel.errors import FormatError
from seqlabel.formats.files import parse_xml, read_bytes
from seqlabel.records import LineImage

_EXPECTED = "an ALTO file (version 2, 3 or 4)"


@dataclass(frozen=True, slots=True)
class AltoLine:
    """One <TextLine>; coordinates are pixels of the page, x to the right and y downwards.

    Attributes:
        id: the line's ID, or "line 7" where it has none.
        text: the contents of its strings, "" where nobody has transcribed it.
        polygon: the outline; the box's corners where there is no outline, no points where there is neither.
        baseline: points from left to right, or None.
        box: left, top, right, bottom.
    """

    id: str
    text: str
    polygon: Float64[np.ndarray, "n 2"]
    baseline: Float64[np.ndarray, "m 2"] | None
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class AltoPage:
    """The lines of a page in the order of the file; `image_name` is None where the file does not say it."""

    image_name: str | None
    lines: tuple[AltoLine, ...]


def read_alto(path: Path) -> AltoPage:
    """The lines of an ALTO file, those without text included.

    Raises:
        FormatError: not ALTO, damaged, coordinates that are not numbers, or a unit other than the pixel.

    Source: Library of Congress, ALTO schema 4.2, TextLineType, StringType and ShapeType.
    """
    root = parse_xml(path, read_bytes(path, _EXPECTED), _EXPECTED)
    if root.tag != "alto":
        raise FormatError(f"{path}: root element <{root.tag}>; expected <alto>")
    unit = (root.findtext("Description/MeasurementUnit") or "pixel").strip()
    if unit != "pixel":
        raise FormatError(f"{path}: measures in {unit}; expected pixel (export it again with that unit)")
    name = (root.findtext("Description/sourceImageInformation/fileName") or "").strip()
    lines = [_line(path, element, number) for number, element in enumerate(root.iter("TextLine"), 1)]
    return AltoPage(name or None, tuple(lines))


def cut_line(page_pixels: UInt8[np.ndarray, "H W"], polygon: Float64[np.ndarray, "n 2"]) -> LineImage:
    """The part of a page inside of a polygon; around it, paper of the tone that the line has there.

    The polygon is clipped to the page. The tone is the upper quartile of the pixels inside, in stretches
    as long as the line is high and joined by straight lines: uneven light leaves no step at the outline.

    Raises:
        FormatError: the polygon has fewer than three points, or none of it lies on the page.
    """
    from PIL import Image, ImageDraw

    height, width = page_pixels.shape
    if len(polygon) < 3 or not np.isfinite(polygon).all():
        raise FormatError(f"polygon of {len(polygon)} points; expected at least 3, all finite")
    left, top = (max(0, math.floor(value)) for value in polygon.min(axis=0))
    right, bottom = (
        min(size, math.ceil(value) + 1)
        for value, size in zip(polygon.max(axis=0), (width, height), strict=True)
    )
    if left >= right or top >= bottom:
        raise FormatError(
            f"polygon from {polygon.min(axis=0).tolist()} to {polygon.max(axis=0).tolist()} lies outside "
            f"of the page of {width} x {height} pixels; is it another page's?"
        )
    mask_image = Image.new("L", (right - left, bottom - top), 0)
    ImageDraw.Draw(mask_image).polygon([(x - left, y - top) for x, y in polygon.tolist()], fill=1, outline=1)
    mask = np.asarray(mask_image, dtype=bool)
    if not mask.any():
        raise FormatError(
            f"polygon of {len(polygon)} points covers no pixel of the page of {width} x {height} pixels"
        )
    crop = page_pixels[top:bottom, left:right]
    return LineImage(np.where(mask, crop, _paper_tone(crop, mask)[None, :]))


def _paper_tone(crop: UInt8[np.ndarray, "h w"], mask: Bool[np.ndarray, "h w"]) -> UInt8[np.ndarray, " w"]:
    """The paper's grey value in each column."""
    height, width = crop.shape
    num_stretches = max(1, round(width / height))
    edges = np.linspace(0, width, num_stretches + 1).astype(int)
    centres, tones = [], []
    for first, last in pairwise(edges.tolist()):
        inside = crop[:, first:last][mask[:, first:last]]
        if len(inside):
            centres.append((first + last - 1) / 2)
            tones.append(float(np.percentile(inside, 75)))
    tone: UInt8[np.ndarray, " w"] = np.rint(np.interp(np.arange(width), centres, tones)).astype(np.uint8)
    return tone


def _line(path: Path, element: Element, number: int) -> AltoLine:
    line_id = element.get("ID") or f"line {number}"
    where = f"{path}: line {line_id}"
    box = _box(where, element)
    polygon_element = element.find("Shape/Polygon")
    polygon = _points(where, "" if polygon_element is None else polygon_element.get("POINTS", ""))
    if len(polygon) < 3:
        left, top, right, bottom = box or (0.0, 0.0, 0.0, 0.0)
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)] if box else []
        polygon = np.array(corners, dtype=np.float64).reshape(-1, 2)
    elif box is None:
        (left, top), (right, bottom) = polygon.min(axis=0).tolist(), polygon.max(axis=0).tolist()
        box = (left, top, right, bottom)
    box = box or (0.0, 0.0, 0.0, 0.0)
    return AltoLine(line_id, _text(element), polygon, _baseline(where, element, box), box)


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
    left, top, width, height = _numbers(where, " ".join(text or "" for text in texts), 4)
    return left, top, left + width, top + height


def _baseline(
    where: str, element: Element, box: tuple[float, float, float, float]
) -> Float64[np.ndarray, "m 2"] | None:
    text = element.get("BASELINE", "")
    if not text.strip():
        return None
    if len(re.split(r"[\s,]+", text.strip())) == 1:  # before version 4.2: one height for the whole line
        height = _numbers(where, text, 1)[0]
        return np.array([[box[0], height], [box[2], height]])
    return _points(where, text)


def _points(where: str, text: str) -> Float64[np.ndarray, "n 2"]:
    """`x,y x,y` and `x y x y` alike."""
    numbers = _numbers(where, text, None)
    if len(numbers) % 2:
        raise FormatError(
            f"{where}: an odd number ({len(numbers)}) of coordinates; expected pairs of x and y"
        )
    return np.array(numbers, dtype=np.float64).reshape(-1, 2)


def _numbers(where: str, text: str, count: int | None) -> list[float]:
    words = re.split(r"[\s,]+", text.strip()) if text.strip() else []
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise FormatError(f"{where}: {error}; expected coordinates in pixels") from error
    if not all(math.isfinite(number) for number in numbers) or count not in (None, len(numbers)):
        raise FormatError(f"{where}: {text[:40]!r} are not coordinates in pixels")
    return numbers
