"""UNIPEN: pen strokes as columns of numbers between keywords, and the segments that label them.

Source: Guyon, Schomaker, Plamondon, Liberman, Janet, "UNIPEN project of on-line data exchange and recognizer
benchmarks", ICPR 1994; the format's definition 1.0 (https://www.unipen.org).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from seqlabel.errors import FormatError
from seqlabel.formats.files import read_bytes
from seqlabel.formats.ink_points import PenStroke, as_strokes, refuse_many_strokes
from seqlabel.input_files import MAX_INK_BYTES
from seqlabel.records import Strokes

MOST_FILES = 100
"""Files that may be included, one in another or side by side."""
MOST_STROKES = 1_000_000
"""Strokes that the segments of a file may name together: each of them may name all strokes of the file."""
MOST_POINTS = 20_000_000
"""Their points."""
MOST_FOLDERS_ABOVE = 6
"""In how many folders above the file an `include` is looked for; in the UNIPEN distribution it is three."""
_COMPONENT = r"\d{1,9}(?::\d{1,9})?"
_COMPONENTS = re.compile(rf"{_COMPONENT}(?:-{_COMPONENT})?(?:,{_COMPONENT}(?:-{_COMPONENT})?)*")
_MILLISECOND = 1e-3
"""The unit of column T and of .DT."""


@dataclass(frozen=True, slots=True)
class UnipenSegment:
    """One .SEGMENT of a UNIPEN file.

    Attributes:
        label: what it says.
        comment: the first .COMMENT after it.
        strokes: its ink.
        level: what it is in the file's .HIERARCHY, such as CHARACTER, WORD or PAGE.
        quality: as the file gives it: OK, BAD, LAB or ?.
        writer: the last .WRITER_ID before its ink; None where there is none.
    """

    label: str
    comment: str
    strokes: Strokes
    level: str = ""
    quality: str = "?"
    writer: str | None = None


@dataclass(frozen=True, slots=True)
class UnipenDocument:
    """A UNIPEN file.

    Attributes:
        hierarchy: the levels of its segments, the widest first (.HIERARCHY); empty where the file names none.
        segments: in the order of the file.
        strokes: all ink of the file.
    """

    hierarchy: tuple[str, ...]
    segments: tuple[UnipenSegment, ...]
    strokes: Strokes


def read_unipen(path: Path) -> UnipenDocument:
    """Returns a UNIPEN file with its segments.

    UNIPEN's y grows upwards, so it is negated. What the pen did in the air is left out. .COORD tells the columns; T is
    in milliseconds, P is the pressure, others are passed over. A segment has the strokes that its component numbers
    name, counted from 0 over the .PEN_DOWN of the file (`0-2`, `0,3`, and with points `1:0-2:15`); where the file gives
    it none, the strokes up to the next segment. Where each segment of a file is followed by as many strokes as it
    names, it has these: an excerpt of a file keeps its old numbers. .INCLUDE is followed to files beside this one, and
    to the folder `include` of the UNIPEN distribution that this one lies in.

    Raises:
        FormatError: not UNIPEN, damaged, without a single point, or with a segment whose strokes are not in the file.
    """
    parser = _Parser(path, read_bytes(path, "a UNIPEN file", MAX_INK_BYTES))
    strokes = parser.strokes()
    return UnipenDocument(parser.hierarchy, tuple(parser.segments()), strokes)


def read_unipen_segments(path: Path) -> list[UnipenSegment]:
    """Returns the segments of a UNIPEN file, as `read_unipen` does.

    Raises:
        FormatError: as `read_unipen`, or without any segment.
    """
    found = _Parser(path, read_bytes(path, "a UNIPEN file", MAX_INK_BYTES))
    if not found.has_segments:
        raise FormatError(f"{path}: no .SEGMENT in it; expected a UNIPEN file with labelled segments")
    return list(found.segments())


def unipen_strokes(path: Path, data: bytes) -> Strokes:
    """Returns all ink of a UNIPEN file.

    Raises:
        FormatError: not UNIPEN, damaged, or without a single point.
    """
    return _Parser(path, data).strokes()


@dataclass(slots=True)
class _OpenStroke:
    """A stroke while its lines are read: their numbers in the file, and their texts."""

    path: Path
    columns: tuple[str, ...]
    writer: str | None
    numbers: list[int] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _OpenSegment:
    where: str
    level: str
    components: str
    quality: str
    label: str
    first: int  # the number of the stroke that comes after it


class _Parser:
    """A UNIPEN file with all that it includes."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.path = path
        self.hierarchy: tuple[str, ...] = ()
        self._open_strokes: list[_OpenStroke] = []
        self._segments: list[_OpenSegment] = []
        self._comments: dict[int, str] = {}
        self._columns: tuple[str, ...] = ("X", "Y")
        self._writer: str | None = None
        self._is_down = False
        self._read: set[Path] = {path}
        self._missing: list[str] = []
        self._num_bytes = 0
        self._parse(path, data)
        if not self._open_strokes:
            absent = f" (it includes {', '.join(self._missing[:3])}, not found)" if self._missing else ""
            raise FormatError(f"{path}: no .PEN_DOWN in it{absent}; expected a UNIPEN file")
        self._found = [_converted(stroke) for stroke in self._open_strokes]

    @property
    def has_segments(self) -> bool:
        return bool(self._segments)

    def strokes(self) -> Strokes:
        return as_strokes(self.path, self._found)

    def segments(self) -> Iterator[UnipenSegment]:
        ends = [*(segment.first for segment in self._segments), len(self._found)][1:]
        num_strokes = num_points = 0
        is_inline = all(
            not segment.components or end - segment.first == _num_named(segment.components)
            for segment, end in zip(self._segments, ends, strict=True)
        )
        for number, (segment, end) in enumerate(zip(self._segments, ends, strict=True)):
            if is_inline or not segment.components:
                ink, first = self._found[segment.first : end], segment.first
            else:
                items = segment.components.split(",")
                named = (stroke for item in items for stroke in self._range(segment, item))
                ink = list(islice(named, MOST_STROKES + 1))
                first = int(re.split("[-:,]", segment.components, maxsplit=1)[0])
            num_strokes += len(ink)
            num_points += sum(len(stroke.points) for stroke in ink)
            if num_strokes > MOST_STROKES or num_points > MOST_POINTS:
                raise FormatError(
                    f"{segment.where}: the segments until here have more than {MOST_STROKES:,} strokes or "
                    f"{MOST_POINTS:,} points; expected fewer"
                )
            if not any(len(stroke.points) for stroke in ink):
                raise FormatError(
                    f"{segment.where}: segment {segment.label!r} has no points; expected the numbers of its "
                    "strokes, or the strokes after it"
                )
            yield UnipenSegment(
                segment.label,
                self._comments.get(number, ""),
                as_strokes(self.path, ink),
                segment.level,
                segment.quality,
                self._open_strokes[first].writer,
            )

    def _parse(self, path: Path, data: bytes) -> None:
        # Old UNIPEN files are ASCII or Latin-1; only labels and comments can differ.
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
        for number, line in enumerate(text.splitlines(), 1):
            words = line.split()
            if not words:
                continue
            if words[0].startswith(".") and not _is_number(words[0]):
                self._keyword(path, number, words, line)
            elif self._is_down:  # else it is free text after other keywords, or the pen in the air
                self._open_strokes[-1].numbers.append(number)
                self._open_strokes[-1].rows.append(line)

    def _keyword(self, path: Path, number: int, words: list[str], line: str) -> None:
        where = f"{path}:{number}"
        keyword, rest = words[0].upper(), line.strip()[len(words[0]) :].strip()
        if keyword == ".DT":  # a pause; the pen's state stays
            return
        self._is_down = keyword == ".PEN_DOWN"
        if keyword == ".PEN_DOWN":
            self._open_strokes.append(_OpenStroke(path, self._columns, self._writer))
            refuse_many_strokes(self.path, len(self._open_strokes))
            if words[1:]:
                self._open_strokes[-1].numbers.append(number)
                self._open_strokes[-1].rows.append(rest)
        elif keyword == ".SEGMENT":
            self._segments.append(_segment(where, rest, len(self._open_strokes)))
        elif keyword == ".COMMENT" and self._segments:
            self._comments.setdefault(len(self._segments) - 1, rest)
        elif keyword == ".COORD":
            self._columns = tuple(name.upper() for name in words[1:])
            if "X" not in self._columns or "Y" not in self._columns:
                raise FormatError(f"{where}: .COORD {rest}; expected X and Y among its columns")
        elif keyword == ".HIERARCHY":
            self.hierarchy = tuple(name.upper() for name in words[1:])
        elif keyword == ".WRITER_ID":
            self._writer = rest or None
        elif keyword == ".INCLUDE" and rest:
            self._include(path, rest)

    def _include(self, path: Path, name: str) -> None:
        parts = Path(name).parts
        if Path(name).is_absolute() or ".." in parts or "\0" in name:
            self._missing.append(name)
            return
        folder = self.path.parent.resolve()
        places = [path.parent / name, folder / name]
        above = (folder, *folder.parents)[:MOST_FOLDERS_ABOVE]
        places += [one / "include" / name for one in above]
        found = next((place for place in places if _is_file(place)), None)
        if found is None:
            self._missing.append(name)
        elif found.resolve() not in self._read:
            self._read.add(found.resolve())
            if len(self._read) > MOST_FILES:
                raise FormatError(f"{self.path}: includes more than {MOST_FILES} files; expected fewer")
            size = found.stat().st_size
            self._num_bytes += size
            if self._num_bytes > MAX_INK_BYTES:
                raise FormatError(f"{self.path}: includes more than {MAX_INK_BYTES:,} bytes; expected fewer")
            if size:
                self._parse(found, read_bytes(found, "a UNIPEN file", MAX_INK_BYTES))

    def _range(self, segment: _OpenSegment, item: str) -> list[PenStroke]:
        """Returns the strokes of one range of components; the first and the last of them may be cut."""
        ends = [[int(word) for word in end.split(":")] for end in item.split("-")]
        first, last = ends[0], ends[-1]
        strokes = self._found[first[0] : last[0] + 1]
        if last[0] >= len(self._found) or not strokes:
            absent = f"; it includes {', '.join(self._missing[:3])}, not found" if self._missing else ""
            raise FormatError(
                f"{segment.where}: segment {segment.label!r} has the strokes {item}, and the file has "
                f"{len(self._found)}, counted from 0{absent}"
            )
        if len(last) > 1:
            strokes[-1] = _points(strokes[-1], 0, last[1] + 1)
        if len(first) > 1:
            strokes[0] = _points(strokes[0], first[1], None)
        return strokes


def _segment(where: str, rest: str, first: int) -> _OpenSegment:
    quoted = re.search(r'"(.*)"', rest)
    words = (rest[: quoted.start()] if quoted else rest).split()
    level = words.pop(0).upper() if words else ""
    components = ""
    if words and _COMPONENTS.fullmatch(words[0]):
        components = words.pop(0)
    quality = words.pop(0) if words else "?"
    label = re.sub(r'\\(["\\])', r"\1", quoted[1]) if quoted else " ".join(words)
    return _OpenSegment(where, level, components, quality, label, first)


def _num_named(components: str) -> int:
    """Returns how many whole strokes a segment names; 0 where it names parts of them."""
    if ":" in components:
        return 0
    ends = [item.split("-") for item in components.split(",")]
    return sum(int(item[-1]) - int(item[0]) + 1 for item in ends)


def _converted(stroke: _OpenStroke) -> PenStroke:
    """Returns a stroke as numbers."""
    names = [name for name in ("X", "Y", "T", "P") if name in stroke.columns]
    places = [stroke.columns.index(name) for name in names]
    values = np.empty((len(stroke.rows), len(names)))
    for row, line in enumerate(stroke.rows):
        words = line.split()
        try:
            values[row] = [float(words[place]) for place in places]
        except (ValueError, IndexError) as error:
            raise FormatError(
                f"{stroke.path}:{stroke.numbers[row]}: {' '.join(words)[:40]!r} is not a point; expected numbers as "
                f".COORD says ({' '.join(stroke.columns)})"
            ) from error
    column = dict(zip(names, values.T, strict=True))
    return PenStroke(
        values[:, :2] * [1.0, -1.0],
        column["T"] * _MILLISECOND if "T" in column else None,
        column.get("P"),
    )


def _points(stroke: PenStroke, start: int, stop: int | None) -> PenStroke:
    seconds = None if stroke.seconds is None else stroke.seconds[start:stop]
    pressures = None if stroke.pressures is None else stroke.pressures[start:stop]
    return PenStroke(stroke.points[start:stop], seconds, pressures, stroke.clock)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or no name
        return False


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
