"""XML of the IAM On-Line Handwriting Database: what an eBeam pen wrote on a whiteboard.

Source: Liwicki and Bunke, "IAM-OnDB - an on-line English sentence database acquired from handwritten text on a
whiteboard", ICDAR 2005.
"""

import html
import math
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from seqlabel.errors import FormatError
from seqlabel.formats.files import parse_xml, read_bytes
from seqlabel.formats.ink_points import PenStroke, as_strokes
from seqlabel.input_files import MAX_INK_BYTES
from seqlabel.records import Strokes

ROOT_TAG = "WhiteboardCaptureSession"
_EXPECTED = f"IAM-OnDB XML (<{ROOT_TAG}>)"


@dataclass(frozen=True, slots=True)
class WhiteboardSession:
    """What a file of the database says.

    Attributes:
        strokes: all of its ink; times in seconds from the first point.
        lines: the id and the text of each line, where the file has its transcription (`original-xml`).
        writer: the id of the writer; None where the file does not say.
    """

    strokes: Strokes
    lines: tuple[tuple[str, str], ...]
    writer: str | None


def read_whiteboard(path: Path) -> WhiteboardSession:
    """Returns a file of the database, with y downwards whatever corner of the board the sensor sat in.

    Raises:
        FormatError: another kind of file, damaged, or without a single point.
    """
    root = parse_xml(path, read_bytes(path, _EXPECTED, MAX_INK_BYTES), _EXPECTED)
    # The texts bear entities within entities: `&amp;quot;` is a quotation mark.
    lines = tuple(
        (line.get("id", ""), html.unescape(line.get("text", "")))
        for line in root.iterfind("Transcription/TextLine")
    )
    writers = (element.get("writerID") for element in root.iter())
    return WhiteboardSession(
        whiteboard_strokes(path, root), lines, next((name for name in writers if name), None)
    )


def whiteboard_strokes(path: Path, root: Element) -> Strokes:
    """Returns the ink below the root of such a file.

    Raises:
        FormatError: as `read_whiteboard`.
    """
    if root.tag != ROOT_TAG:
        raise FormatError(f"{path}: root element <{root.tag}>; expected {_EXPECTED}")
    corner = next((element.get("corner", "") for element in root.iter("SensorLocation")), "top_left")
    if corner not in ("top_left", "top_right", "bottom_left", "bottom_right"):
        raise FormatError(f"{path}: the sensor sits at {corner!r}; expected top_left or another corner")
    # Both coordinates grow away from the sensor.
    signs = np.array([-1.0 if "right" in corner else 1.0, -1.0 if "bottom" in corner else 1.0])
    found = []
    for number, stroke in enumerate(root.iterfind("StrokeSet/Stroke")):
        rows = [
            [_value(path, number, point, key) for key in ("x", "y")] for point in stroke.iterfind("Point")
        ]
        times = [
            _value(path, number, point, "time")
            for point in stroke.iterfind("Point")
            if point.get("time") is not None
        ]
        points = np.array(rows, dtype=np.float64).reshape(-1, 2) * signs
        found.append(PenStroke(points, np.array(times) if len(times) == len(rows) else None))
    return as_strokes(path, found)


def _value(path: Path, number: int, point: Element, key: str) -> float:
    try:
        value = float(point.get(key, ""))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise FormatError(
            f"{path}: stroke {number} has a point with {key}={point.get(key)!r}; expected a number"
        )
    return value
