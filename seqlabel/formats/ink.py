"""Pen ink of any kind: InkML, UNIPEN, IAM-OnDB XML and JSON, told apart by what is in the file."""

import json
from pathlib import Path

import msgspec
import numpy as np

from seqlabel.errors import FormatError
from seqlabel.formats.files import parse_xml, read_bytes, root_tag, write_bytes
from seqlabel.formats.iam_ondb_xml import ROOT_TAG, whiteboard_strokes
from seqlabel.formats.ink_points import (
    EXPECTED_INK,
    SECONDS,
    PenStroke,
    as_strokes,
    check_finite,
    refuse_many_strokes,
    seconds_per_unit,
)
from seqlabel.formats.inkml import inkml_groups, inkml_strokes, num_ungrouped
from seqlabel.formats.unipen import unipen_strokes
from seqlabel.input_files import MAX_INK_BYTES
from seqlabel.records import Strokes

INK_SUFFIXES = frozenset({".inkml", ".unipen", ".upn", ".json", ".xml"})
_WANTED = '{"strokes": [[[x, y], ...], ...]}'


def read_strokes(path: Path) -> Strokes:
    """Returns all strokes of an ink file, y downwards, with times and pressures where it has them.

    The content decides the kind, not the suffix. JSON is read in the ways that programs write it:

    - `{"strokes": [...]}`, or the list alone, of strokes: each a list of points `[x, y]`, `[x, y, t]` or
      `[x, y, t, p]`, or of points as objects `{"x": 1, "y": 2, "t": 3, "p": 0.5}` (`time` and `pressure` too, `points`
      around them, as drawing pads in a browser have it), or an object of columns
      `{"x": [...], "y": [...], "t": [...], "p": [...]}`;
    - `{"drawing": [[[x, ...], [y, ...], [t, ...]], ...]}` or `{"ink": ...}`: strokes as lists of columns, as in
      Google's Quick, Draw! and input tools.

    `"time_unit": "s"` or `"ms"` tells what `t` counts in; without it, steps below half a second are seconds, else they
    are milliseconds. Other keys are passed over.

    Raises:
        FormatError: not an ink file, damaged, or without a single point.
    """
    data = read_bytes(path, EXPECTED_INK, MAX_INK_BYTES)
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"<" or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _xml_strokes(path, data)
    if start in (b"{", b"["):
        return _parse_json(path, data)
    if start == b".":
        return unipen_strokes(path, data)
    raise FormatError(f"{path}: begins with neither '<', '{{' nor a '.KEYWORD'; expected {EXPECTED_INK}")


def is_inkml(path: Path) -> bool:
    """Tells by its root element whether a file is InkML."""
    return root_tag(path) == "ink"


def read_ink_groups(path: Path) -> list[Strokes]:
    """Returns the ink of each trace group that stands in the root of an InkML file; all ink where there is none.

    A file of another kind has one group. Ink beside the groups is left out; `num_ungrouped_strokes` counts it.

    Raises:
        FormatError: as `read_strokes`, or a group refers to what is not in the file.
    """
    if is_inkml(path):
        root = parse_xml(path, read_bytes(path, EXPECTED_INK, MAX_INK_BYTES), EXPECTED_INK)
        found = [strokes for _, strokes in inkml_groups(path, root)]
        if found:
            return found
    return [read_strokes(path)]


def num_ungrouped_strokes(path: Path) -> int:
    """Returns how many strokes of an ink file are in none of the groups that `read_ink_groups` gives.

    Raises:
        FormatError: as `read_ink_groups`.
    """
    if not is_inkml(path):
        return 0
    return num_ungrouped(path, parse_xml(path, read_bytes(path, EXPECTED_INK, MAX_INK_BYTES), EXPECTED_INK))


def write_strokes(path: Path, strokes: Strokes) -> None:
    """Writes strokes as JSON, y downwards; what is read is what was written.

    Without times and pressures: `{"strokes": [[[x, y], ...], ...]}`; else
    `{"time_unit": "s", "strokes": [{"x": [...], "y": [...], "t": [...], "p": [...]}, ...]}`.

    Raises:
        FormatError: a number that is not finite, or the file cannot be written.
    """
    check_finite(path, strokes)
    document: dict[str, object] = {}
    if strokes.times is None and strokes.pressures is None:
        document["strokes"] = [[[short(x), short(y)] for x, y in stroke] for stroke in strokes.strokes]
    else:
        columns: list[dict[str, list[float]]] = [
            {"x": [short(x) for x in stroke[:, 0]], "y": [short(y) for y in stroke[:, 1]]}
            for stroke in strokes.strokes
        ]
        for key, values in (("t", strokes.times), ("p", strokes.pressures)):
            for number, column in enumerate(values or ()):
                columns[number][key] = [short(value) for value in column]
        document = {"time_unit": "s", "strokes": columns}
    write_bytes(path, json.dumps(document, allow_nan=False).encode() + b"\n")


def _xml_strokes(path: Path, data: bytes) -> Strokes:
    root = parse_xml(path, data, EXPECTED_INK)
    return whiteboard_strokes(path, root) if root.tag == ROOT_TAG else inkml_strokes(path, root)


# --- JSON -------------------------------------------------------------------------------------------------


class _Point(msgspec.Struct):
    x: float
    y: float
    t: float | None = None
    time: float | None = None
    p: float | None = None
    pressure: float | None = None


class _Columns(msgspec.Struct):
    x: list[float]
    y: list[float]
    t: list[float] | None = None
    p: list[float] | None = None


class _Points(msgspec.Struct):
    points: list[_Point]


@np.errstate(over="ignore", invalid="ignore")
def _parse_json(path: Path, data: bytes) -> Strokes:
    try:
        document = msgspec.json.decode(data.lstrip(b"\xef\xbb\xbf \t\r\n"))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(f"{path}: {error}; expected {_WANTED}") from error
    unit = None
    key = "strokes"
    found = document
    if isinstance(document, dict):
        key = next((name for name in ("strokes", "drawing", "ink") if name in document), "")
        if not key:
            keys = ", ".join(map(str, list(document)[:5])) or "none"
            raise FormatError(f"{path}: an object with the keys {keys}; expected {_WANTED}")
        found, unit = document[key], document.get("time_unit")
    if not isinstance(found, list) or not isinstance(unit, str | None):
        raise FormatError(f"{path}: {key} is no list, or time_unit no text; expected {_WANTED}")
    refuse_many_strokes(path, len(found))
    if unit is not None and unit.strip() not in SECONDS:
        raise FormatError(f"{path}: time_unit {unit!r}; expected one of {', '.join(SECONDS)}")
    try:
        strokes = [_json_stroke(stroke, key != "strokes") for stroke in found]
    except (msgspec.ValidationError, ValueError, OverflowError) as error:
        number = _first_wrong(found, key != "strokes")
        raise FormatError(f"{path}: stroke {number}: {error}; expected {_WANTED}") from error
    times = [stroke.seconds for stroke in strokes if stroke.seconds is not None]
    scale = seconds_per_unit(unit, times)
    timed = [
        stroke
        if stroke.seconds is None
        else PenStroke(stroke.points, stroke.seconds * scale, stroke.pressures)
        for stroke in strokes
    ]
    return as_strokes(path, timed)


def _first_wrong(found: list[object], is_columns: bool) -> int:
    for number, stroke in enumerate(found):
        try:
            _json_stroke(stroke, is_columns)
        except (msgspec.ValidationError, ValueError, OverflowError):
            return number
    return len(found)


def _json_stroke(stroke: object, is_columns: bool) -> PenStroke:
    """Returns a stroke, its times in the unit of the file."""
    if isinstance(stroke, dict) and "points" in stroke:
        stroke = msgspec.convert(stroke, _Points).points
    elif isinstance(stroke, dict):
        given = msgspec.convert(stroke, _Columns)
        return _of_columns([given.x, given.y], given.t, given.p)
    elif is_columns:
        columns = msgspec.convert(stroke, list[list[float]])
        if len(columns) < 2:
            raise ValueError(f"{len(columns)} columns, expected x and y")
        return _of_columns(columns[:2], *[*columns[2:4], None, None][:2])
    elif isinstance(stroke, list) and any(isinstance(point, dict) for point in stroke):
        stroke = msgspec.convert(stroke, list[_Point])
    if isinstance(stroke, list) and stroke and isinstance(stroke[0], _Point):
        times = [point.time if point.t is None else point.t for point in stroke]
        forces = [point.pressure if point.p is None else point.p for point in stroke]
        return _of_columns(
            [[point.x for point in stroke], [point.y for point in stroke]],
            [time for time in times if time is not None] if None not in times else None,
            [force for force in forces if force is not None] if None not in forces else None,
        )
    rows = [] if stroke == [] else msgspec.convert(stroke, list[list[float]])
    if any(len(row) < 2 for row in rows):
        raise ValueError("a point has fewer than 2 numbers")
    width = min((len(row) for row in rows), default=2)
    columns = [[row[place] for row in rows] for place in range(min(width, 4))]
    return _of_columns(columns[:2], *[*columns[2:4], None, None][:2])


def _of_columns(xy: list[list[float]], times: list[float] | None, forces: list[float] | None) -> PenStroke:
    lengths = {len(column) for column in (*xy, times, forces) if column is not None}
    if len(lengths) > 1:
        raise ValueError(f"columns of {' and '.join(map(str, sorted(lengths)))} values, expected one length")
    points = np.array(xy, dtype=np.float64).T.reshape(-1, 2)
    return PenStroke(
        points,
        None if times is None else np.array(times, dtype=np.float64),
        None if forces is None else np.array(forces, dtype=np.float64),
    )


def short(value: np.float32) -> float:
    """Returns the shortest decimal that is the same float32, so that what is read is what was written."""
    number = float(str(value))
    return int(number) if number.is_integer() and abs(number) < 2**53 else number
