"""Pen ink: InkML, UNIPEN and JSON files."""

import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

import msgspec
import numpy as np
from jaxtyping import Float32

from seqlabel.errors import FormatError
from seqlabel.formats.files import parse_xml, read_bytes, write_bytes
from seqlabel.records import Strokes

INK_SUFFIXES = frozenset({".inkml", ".unipen", ".upn", ".json"})

_EXPECTED = "pen ink (InkML, UNIPEN or JSON)"


@dataclass(frozen=True, slots=True)
class InkDocument:
    """An InkML file: its strokes and its root's `<annotation type="...">` by type (the first of each)."""

    annotations: dict[str, str]
    strokes: Strokes


@dataclass(frozen=True, slots=True)
class UnipenSegment:
    """One .SEGMENT of a UNIPEN file: its label, the .COMMENT after it, and the strokes up to the next one."""

    label: str
    comment: str
    strokes: Strokes


class _StrokesFile(msgspec.Struct):
    strokes: list[list[list[float]]]


def read_strokes(path: Path) -> Strokes:
    """All strokes of an ink file, y downwards; the content decides the kind, not the suffix.

    Raises:
        FormatError: not an ink file, damaged, or without a single point.
    """
    data = read_bytes(path, _EXPECTED)
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"<":
        return _parse_inkml(path, data).strokes
    if start in (b"{", b"["):
        return _parse_json(path, data)
    if start == b".":
        return _as_strokes(
            path, [stroke for segment in _parse_unipen(path, data) for stroke in segment.strokes]
        )
    raise FormatError(f"{path}: begins with neither '<', '{{' nor a '.KEYWORD'; expected {_EXPECTED}")


def write_strokes(path: Path, strokes: Strokes) -> None:
    """Write strokes as JSON: `{"strokes": [[[x, y], ...], ...]}`, y downwards.

    Raises:
        FormatError: the file cannot be written.
    """
    # The shortest decimal that is the same float32, so that what is read is what was written.
    plain = [[[_short(x), _short(y)] for x, y in stroke] for stroke in strokes.strokes]
    write_bytes(path, json.dumps({"strokes": plain}, allow_nan=False).encode() + b"\n")


def read_inkml(path: Path) -> InkDocument:
    """An InkML file with its annotations.

    Pen-up traces are left out; a continued trace is joined to the one before. Channels are taken in the order
    of the trace format; `orientation="-ve"` turns an axis round.

    Raises:
        FormatError: not InkML, damaged, or without a single point.

    Source: W3C, Ink Markup Language (InkML), 2011, section 3.2.1 (traces) and 3.1 (trace formats).
    """
    return _parse_inkml(path, read_bytes(path, "an InkML file"))


def read_unipen_segments(path: Path) -> list[UnipenSegment]:
    """The segments of a UNIPEN file, each with the strokes that follow its .SEGMENT line.

    UNIPEN's y grows upwards, so it is negated. What the pen did in the air is left out.

    Raises:
        FormatError: not UNIPEN, damaged, or with a segment that has no strokes after it (segments that point
            at strokes elsewhere by component numbers are not read).

    Source: Guyon et al., UNIPEN project of on-line data exchange and recognizer benchmarks, 1994.
    """
    data = read_bytes(path, "a UNIPEN file")
    segments = [segment for segment in _parse_unipen(path, data) if segment.line]
    if not segments:
        raise FormatError(f"{path}: no .SEGMENT in it; expected a UNIPEN file with labelled segments")
    result = []
    for segment in segments:
        if not any(segment.strokes):
            raise FormatError(
                f"{path}:{segment.line}: segment {segment.label!r} has no points after it; segments that "
                "name their strokes by component numbers are not supported, put each before its strokes"
            )
        result.append(UnipenSegment(segment.label, segment.comment, _as_strokes(path, segment.strokes)))
    return result


def _short(value: np.float32) -> float:
    number = float(str(value))
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _as_strokes(path: Path, strokes: Iterable[list[list[float]]]) -> Strokes:
    arrays: list[Float32[np.ndarray, "_num_points 2"]] = []
    for stroke in strokes:
        if not stroke:
            continue
        with np.errstate(over="ignore"):
            array = np.array(stroke, dtype=np.float64).astype(np.float32)
        if not np.isfinite(array).all():
            raise FormatError(f"{path}: a coordinate is not finite or beyond float32; expected plain numbers")
        arrays.append(array)
    if not arrays:
        raise FormatError(f"{path}: no point in it; expected {_EXPECTED} with at least one stroke")
    return Strokes(tuple(arrays))


def _parse_json(path: Path, data: bytes) -> Strokes:
    wanted = '{"strokes": [[[x, y], ...], ...]}'
    try:
        text = data.lstrip(b"\xef\xbb\xbf \t\r\n")
        if text.startswith(b"["):
            strokes = msgspec.json.decode(text, type=list[list[list[float]]])
        else:
            strokes = msgspec.json.decode(text, type=_StrokesFile).strokes
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(f"{path}: {error}; expected {wanted}") from error
    for number, stroke in enumerate(strokes):
        if any(len(point) < 2 for point in stroke):
            raise FormatError(
                f"{path}: a point of stroke {number} has fewer than 2 numbers; expected {wanted}"
            )
    return _as_strokes(path, [[point[:2] for point in stroke] for stroke in strokes])


# --- UNIPEN -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _OpenSegment:
    label: str
    comment: str
    line: int  # 0 for what stands before the first .SEGMENT
    strokes: list[list[list[float]]]


def _parse_unipen(path: Path, data: bytes) -> list[_OpenSegment]:
    # Old UNIPEN files are ASCII or Latin-1; only labels and comments can differ.
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    segments = [_OpenSegment("", "", 0, [])]
    x_column, y_column = 0, 1
    is_down = False
    has_pen = False
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        if not words[0].startswith(".") or _is_number(words[0]):
            if is_down:
                segments[-1].strokes[-1].extend(_unipen_points(path, number, words, x_column, y_column))
            continue  # free text after other keywords, or the pen in the air
        keyword, rest = words[0].upper(), line.strip()[len(words[0]) :].strip()
        if keyword == ".PEN_DOWN":
            is_down = has_pen = True
            segments[-1].strokes.append([])
            if words[1:]:
                segments[-1].strokes[-1].extend(_unipen_points(path, number, words[1:], x_column, y_column))
            continue
        if keyword == ".DT":  # a pause; the pen's state stays
            continue
        is_down = False
        if keyword == ".SEGMENT":
            quoted = re.search(r'"(.*)"', rest)
            segments.append(_OpenSegment(quoted[1] if quoted else "", "", number, []))
        elif keyword == ".COMMENT" and not segments[-1].comment:
            segments[-1].comment = rest
        elif keyword == ".COORD":
            names = [name.upper() for name in words[1:]]
            if "X" not in names or "Y" not in names:
                raise FormatError(f"{path}:{number}: .COORD {rest}; expected X and Y among its columns")
            x_column, y_column = names.index("X"), names.index("Y")
    if not has_pen:
        raise FormatError(f"{path}: no .PEN_DOWN in it; expected a UNIPEN file")
    return segments


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _unipen_points(
    path: Path, number: int, words: list[str], x_column: int, y_column: int
) -> list[list[float]]:
    try:
        x, y = float(words[x_column]), float(words[y_column])
    except (ValueError, IndexError) as error:
        raise FormatError(
            f"{path}:{number}: {' '.join(words)[:40]!r} is not a point; expected numbers as .COORD says"
        ) from error
    return [[x, -y]]


# --- InkML ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _TraceFormat:
    x_column: int = 0
    y_column: int = 1
    x_sign: float = 1.0
    y_sign: float = 1.0
    num_regular: int = 2


# A value: an optional order of difference, then a number (decimal or #hex), a truth value or a wildcard.
_VALUE = re.compile(
    r"""\s*(?:(?P<order>[!'"])?\s*(?P<number>[+-]?\s*(?:\#[0-9A-Fa-f]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))"""
    r"""|(?P<mark>[TF*?]))""",
    re.VERBOSE,
)

_PLAIN = re.compile(r"[-+0-9.eE,\s]*")


def _parse_inkml(path: Path, data: bytes) -> InkDocument:
    root = parse_xml(path, data, "an InkML file")
    if root.tag != "ink":
        raise FormatError(f"{path}: root element <{root.tag}>; expected <ink> (InkML)")
    annotations: dict[str, str] = {}
    for element in root.findall("annotation"):
        annotations.setdefault(element.get("type", ""), (element.text or "").strip())
    find_format = _format_finder(path, root)
    strokes: list[list[list[float]]] = []
    place: dict[str, int] = {}
    for number, trace in enumerate(root.iter("trace")):
        name = trace.get("id", f"number {number}")
        if trace.get("type") == "penUp":
            continue
        points = _parse_trace(path, name, "".join(trace.itertext()), find_format(trace))
        prior = place.get(trace.get("priorRef", "").lstrip("#"))
        if trace.get("continuation") in ("middle", "end") and prior is not None:
            strokes[prior].extend(points)
            place[name] = prior
        else:
            place[name] = len(strokes)
            strokes.append(points)
    return InkDocument(annotations, _as_strokes(path, strokes))


def _format_finder(path: Path, root: Element) -> Callable[[Element], _TraceFormat]:
    """A function from a trace to its format, following contextRef and inkSourceRef."""
    by_id = {element.get("id"): element for element in root.iter() if element.get("id")}
    formats = {id(element): _parse_format(path, element) for element in root.iter("traceFormat")}
    different = set(formats.values())

    def resolve(element: Element | None, depth: int) -> _TraceFormat | None:
        if element is None or depth > 8:
            return None
        if element.tag == "traceFormat":
            return formats[id(element)]
        inner = element.find("traceFormat")
        if inner is not None:
            return formats[id(inner)]
        for key in ("traceFormatRef", "inkSourceRef", "contextRef"):
            found = resolve(by_id.get(element.get(key, "").lstrip("#")), depth + 1)
            if found is not None:
                return found
        return None

    def find(trace: Element) -> _TraceFormat:
        if not different:
            return _TraceFormat()
        if len(different) == 1:
            return next(iter(different))
        found = resolve(trace, 0)
        if found is None:
            raise FormatError(
                f"{path}: {len(different)} different trace formats, and trace {trace.get('id')!r} does not "
                "say which is its own; give it a contextRef"
            )
        return found

    return find


def _parse_format(path: Path, element: Element) -> _TraceFormat:
    channels = element.findall("channel")
    names = [channel.get("name", "").upper() for channel in channels]
    if "X" not in names or "Y" not in names:
        raise FormatError(f"{path}: trace format with the channels {names}; expected X and Y among them")
    x, y = names.index("X"), names.index("Y")
    signs = [-1.0 if channel.get("orientation") == "-ve" else 1.0 for channel in channels]
    return _TraceFormat(x, y, signs[x], signs[y], len(names))


def _parse_trace(path: Path, name: str, text: str, trace_format: _TraceFormat) -> list[list[float]]:
    if not text.strip():
        return []
    if _PLAIN.fullmatch(text) and (plain := _parse_plain_trace(text, trace_format)) is not None:
        return plain
    points: list[list[float]] = []
    channels: dict[int, _Channel] = {}
    for number, chunk in enumerate(text.rstrip().removesuffix(",").split(",")):
        where = f"{path}: trace {name}, point {number}"
        values: list[float] = []
        position = 0
        end = len(chunk.rstrip())
        while position < end:
            match = _VALUE.match(chunk, position)
            if match is None:
                raise FormatError(f"{where}: {chunk[position:].strip()[:30]!r} is not an InkML value")
            position = match.end()
            channel = channels.setdefault(len(values), _Channel())
            values.append(channel.next(where, match["order"], match["number"], match["mark"]))
        if len(values) < trace_format.num_regular:
            raise FormatError(f"{where}: {len(values)} values; expected {trace_format.num_regular}")
        x, y = values[trace_format.x_column], values[trace_format.y_column]
        points.append([x * trace_format.x_sign, y * trace_format.y_sign])
    return points


def _parse_plain_trace(text: str, trace_format: _TraceFormat) -> list[list[float]] | None:
    """The points of a trace of nothing but separated numbers, many times faster; None for any other."""
    points = []
    for chunk in text.split(","):
        words = chunk.split()
        if len(words) < trace_format.num_regular:
            return None
        try:
            x, y = float(words[trace_format.x_column]), float(words[trace_format.y_column])
        except ValueError:
            return None
        points.append([x * trace_format.x_sign, y * trace_format.y_sign])
    return points


class _Channel:
    """One channel of a trace: its last value, speed and acceleration, and what its numbers mean."""

    def __init__(self) -> None:
        self.value = math.nan
        self.speed = 0.0
        self.acceleration = 0.0
        self.order = "!"
        self.count = 0

    def next(self, where: str, order: str | None, number: str | None, mark: str | None) -> float:
        if mark in ("T", "F"):
            return 1.0 if mark == "T" else 0.0
        if mark == "?":
            raise FormatError(
                f"{where}: '?' (no value for this channel) is not supported; leave the point out"
            )
        self.order = order or self.order
        if self.order != "!" and self.count == 0:
            raise FormatError(
                f"{where}: a difference ({self.order}) as a channel's first value; expected a value"
            )
        if mark == "*":
            if self.count == 0:
                raise FormatError(f"{where}: '*' (as before) as a channel's first value; expected a value")
        else:
            self._take(_to_number(number or "0"))
        if self.order == '"':
            self.speed += self.acceleration
        if self.order != "!":
            self.value += self.speed
        self.count += 1
        return self.value

    def _take(self, number: float) -> None:
        if self.order == "!":
            self.speed = number - self.value if self.count else 0.0
            self.value = number
        elif self.order == "'":
            self.acceleration = number - self.speed
            self.speed = number
        else:
            self.acceleration = number


def _to_number(word: str) -> float:
    word = re.sub(r"\s", "", word)
    sign = -1.0 if word.startswith("-") else 1.0
    word = word.lstrip("+-")
    return sign * (float(int(word[1:], 16)) if word.startswith("#") else float(word))
