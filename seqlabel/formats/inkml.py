"""InkML: traces with their channels, trace groups and views with their annotations.

Source: W3C, Ink Markup Language (InkML), 2011 (https://www.w3.org/TR/InkML/): trace formats, traces, trace groups and
views, contexts and annotations.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from jaxtyping import Float64

from seqlabel.errors import FormatError
from seqlabel.formats.files import parse_xml, read_bytes
from seqlabel.formats.ink_points import PenStroke, as_strokes, refuse_many_strokes
from seqlabel.formats.inkml_clock import TimedTrace, milliseconds, trace_seconds
from seqlabel.formats.inkml_traces import TraceFormat, decode_trace, parse_format
from seqlabel.input_files import MAX_INK_BYTES
from seqlabel.records import Strokes

GROUP_TAGS = ("traceGroup", "traceView")
_EXPECTED = "an InkML file"
MOST_PARTS = 1_000_000
"""Traces that the views of a file may name: a few views of views could else name more than any memory holds."""
MOST_POINTS = 20_000_000
"""Points that the groups and views of a file may have together, for the same reason."""
MOST_LINKS = 100
"""Groups that may stand in each other, and views and contexts that may refer to each other, in a row."""


@dataclass(frozen=True, slots=True)
class InkGroup:
    """A `<traceGroup>` or `<traceView>` of an InkML file.

    Attributes:
        strokes: all of its ink, that of the groups in it included, in the order of the file; of a view, the ink that it
            refers to. Empty where it has none. Times count from its own first point.
        annotations: its own `<annotation type="...">` by type, the first of each.
        groups: the groups and views that stand in it.
        id: its `xml:id`; None where it has none.
        xml_annotations: its own `<annotationXML>`, whole, without namespaces.
    """

    strokes: Strokes
    annotations: dict[str, str] = field(default_factory=dict)
    groups: tuple["InkGroup", ...] = ()
    id: str | None = None
    xml_annotations: tuple[Element, ...] = ()


@dataclass(frozen=True, slots=True)
class InkDocument:
    """An InkML file.

    Attributes:
        annotations: the root's `<annotation type="...">` by type, the first of each.
        strokes: all ink of the file, each stroke once.
        groups: the trace groups and views that stand in the root.
        xml_annotations: the root's `<annotationXML>`, whole, without namespaces.
    """

    annotations: dict[str, str]
    strokes: Strokes
    groups: tuple[InkGroup, ...] = ()
    xml_annotations: tuple[Element, ...] = ()


def read_inkml(path: Path) -> InkDocument:
    """Returns an InkML file with its groups and annotations.

    Pen-up traces are left out; a continued trace is joined to the one before. `orientation="-ve"` turns an axis round.
    Channel T gives the times: on one clock where it counts from a timestamp (`respectTo`), where the traces have a
    `timeOffset`, or where no trace begins before the one before has ended; else only the groups of one trace have
    times. A T without `units` counts in seconds if its steps are below half a second, else in milliseconds. Channel F
    gives the pressures. Traces in `<definitions>` count only where views refer to them.

    Raises:
        FormatError: not InkML, damaged, without a single point, or with a view of what is not in the file.
    """
    reader = _Reader(path, parse_xml(path, read_bytes(path, _EXPECTED, MAX_INK_BYTES), _EXPECTED))
    root = reader.root
    groups = tuple(reader.group(element) for element in root if element.tag in GROUP_TAGS)
    return InkDocument(_annotations(root), reader.strokes(), groups, tuple(root.findall("annotationXML")))


def inkml_strokes(path: Path, root: Element) -> Strokes:
    """Returns all ink below the root of an InkML file, as `read_inkml` does, whatever its views refer to.

    Raises:
        FormatError: not InkML, damaged, or without a single point.
    """
    return _Reader(path, root).strokes()


def inkml_groups(path: Path, root: Element) -> list[tuple[int, Strokes]]:
    """Returns the trace groups that stand in the root of an InkML file and have ink: their place in it, and the ink.

    Raises:
        FormatError: as `read_inkml`.
    """
    reader = _Reader(path, root)
    groups = [
        (place, reader.group(element).strokes)
        for place, element in enumerate(root)
        if element.tag == "traceGroup"
    ]
    return [(place, strokes) for place, strokes in groups if strokes.strokes]


def num_ungrouped(path: Path, root: Element) -> int:
    """Returns how many strokes of an InkML file belong to none of its groups, as `inkml_groups` finds them.

    It is 0 where there is no group with ink.

    Raises:
        FormatError: as `read_inkml`.
    """
    return _Reader(path, root).num_ungrouped()


def _annotations(element: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for annotation in element.findall("annotation"):
        found.setdefault(annotation.get("type", ""), "".join(annotation.itertext()).strip())
    return found


@dataclass(frozen=True, slots=True)
class _Trace:
    """A trace as it is found: with its channels, and whether it is ink or only there to be referred to."""

    element: Element
    trace_format: TraceFormat
    is_ink: bool


@dataclass(frozen=True, slots=True)
class _Part:
    """Points of one stroke, the last not included; None is a trace that the pen has left no ink with."""

    stroke: int | None
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class _Branch:
    """What stands in a group or a view, in order."""

    inner: "tuple[_Part | _Branch, ...]"


_Tree = _Part | _Branch
_Places = tuple[int, ...]


class _Reader:
    """An InkML file while it is read: its strokes, and which points of them each element stands for."""

    def __init__(self, path: Path, root: Element) -> None:
        self.path = path
        self.root = root
        if self.root.tag != "ink":
            raise FormatError(f"{path}: root element <{self.root.tag}>; expected <ink> (InkML)")
        self._by_id = {name: element for element in self.root.iter() if (name := element.get("id"))}
        self._formats = {
            id(element): parse_format(path, element) for element in self.root.iter("traceFormat")
        }
        self._different_formats = set(self._formats.values())
        self._format_by_element: dict[int, TraceFormat | None] = {}
        self._trees: dict[int, _Tree] = {}
        self._unfinished: set[int] = set()
        self._num_parts = self._num_points = 0
        traces = list(self._traces(self.root, (), True))
        refuse_many_strokes(path, len(traces))
        self._strokes: list[PenStroke] = []
        self._is_ink: list[bool] = []
        self._join(traces, self._pieces(traces))

    def strokes(self) -> Strokes:
        """Returns the ink of the file; where all traces stand in the definitions, that which its views refer to."""
        ink = [stroke for stroke, is_ink in zip(self._strokes, self._is_ink, strict=True) if is_ink]
        if not any(len(stroke.points) for stroke in ink):
            views = [self._tree(element) for element in self.root if element.tag == "traceView"]
            ink = self._cut(_Branch(tuple(views)))
        return as_strokes(self.path, ink)

    def group(self, element: Element) -> InkGroup:
        """Returns a group or a view with all that stands in it."""
        ink = self._cut(self._tree(element))
        has_points = any(len(stroke.points) for stroke in ink)
        return InkGroup(
            as_strokes(self.path, ink) if has_points else Strokes(()),
            _annotations(element),
            tuple(self.group(child) for child in element if child.tag in GROUP_TAGS),
            element.get("id"),
            tuple(element.findall("annotationXML")),
        )

    def num_ungrouped(self) -> int:
        """Returns how many strokes stand beside the trace groups of the root; 0 where these have no ink."""
        trees = [self._tree(element) for element in self.root if element.tag == "traceGroup"]
        grouped = {part.stroke for tree in trees for part in self._parts(tree) if part.start < part.stop}
        if not grouped:
            return 0
        return sum(
            is_ink and len(stroke.points) > 0 and number not in grouped
            for number, (stroke, is_ink) in enumerate(zip(self._strokes, self._is_ink, strict=True))
        )

    # --- traces and their channels ------------------------------------------------------------------------

    def _traces(self, parent: Element, contexts: tuple[Element, ...], is_ink: bool) -> Iterator[_Trace]:
        """Yields the traces below an element; the contexts that they may stand in come outermost first."""
        for element in parent:
            if element.tag == "trace":
                yield _Trace(element, self._format(element, contexts), is_ink)
            elif element.tag in ("traceGroup", "definitions"):
                inner = (*contexts, element)
                yield from self._traces(element, inner, is_ink and element.tag == "traceGroup")
            elif element.tag == "context" and parent is self.root:
                contexts = (element,)  # it is that of all that follows

    def _format(self, trace: Element, contexts: tuple[Element, ...]) -> TraceFormat:
        different = self._different_formats
        if not different:
            return TraceFormat()
        for element in (trace, *reversed(contexts)):
            if element.tag == "definitions":
                continue
            if id(element) not in self._format_by_element:
                self._format_by_element[id(element)] = self._format_of(element, set())
            if (found := self._format_by_element[id(element)]) is not None:
                return found
        if len(different) == 1:
            return next(iter(different))
        raise FormatError(
            f"{self.path}: {len(different)} different trace formats, and trace {trace.get('id')!r} does not "
            "say which is its own; give it a contextRef"
        )

    def _format_of(self, element: Element | None, seen: set[int]) -> TraceFormat | None:
        """Returns the format that an element has or refers to; `seen` are those that were asked before."""
        if element is None or id(element) in seen or len(seen) > MOST_LINKS:
            return None
        seen.add(id(element))
        if element.tag == "traceFormat" and element.get("href") is None:
            return self._formats[id(element)]
        for inner in (element.find("traceFormat"), element.find("inkSource")):
            if inner is not None and (found := self._format_of(inner, seen)) is not None:
                return found
        for key in ("traceFormatRef", "inkSourceRef", "contextRef", "href"):
            name = element.get(key, "").lstrip("#")
            if name and (found := self._format_of(self._by_id.get(name), seen)) is not None:
                return found
        return None

    def _pieces(self, traces: Sequence[_Trace]) -> list[PenStroke]:
        """Returns what each trace holds; nothing for the pen in the air."""
        empty = PenStroke(np.zeros((0, 2)))
        pieces: list[PenStroke] = []
        timed: dict[int, TimedTrace] = {}
        for number, trace in enumerate(traces):
            if trace.element.get("type") == "penUp":
                pieces.append(empty)
                continue
            where = f"{self.path}: trace {trace.element.get('id', f'number {number}')}"
            form = trace.trace_format
            values = decode_trace(where, "".join(trace.element.itertext()), form)
            x, y = form.place("X"), form.place("Y")
            assert x is not None and y is not None  # `parse_format` has made sure
            signs = (form.channels[x].sign, form.channels[y].sign)
            force, time = form.place("F"), form.place("T")
            pressures = None if force is None else _carried_on(values[:, force], form.channels[force].default)
            pieces.append(PenStroke(values[:, (x, y)] * signs, None, pressures))
            if time is not None and (times := _filled_in(values[:, time])) is not None:
                channel = form.channels[time]
                offset = milliseconds(trace.element.get("timeOffset"))
                timed[number] = TimedTrace(times, channel.units, channel.respect_to, offset)
        found = trace_seconds(list(timed.values()), self._by_id)
        for number, (seconds, clock) in zip(timed, found, strict=True):
            pieces[number] = replace(pieces[number], seconds=seconds, clock=clock)
        return pieces

    def _join(self, traces: Sequence[_Trace], pieces: Sequence[PenStroke]) -> None:
        """Makes strokes of traces: one that continues another is part of its stroke."""
        stroke_of: dict[str, int] = {}
        runs: list[list[PenStroke]] = []
        lengths: list[int] = []
        for trace, piece in zip(traces, pieces, strict=True):
            element = trace.element
            prior = stroke_of.get(element.get("priorRef", "").lstrip("#"))
            if element.get("type") == "penUp":
                self._trees[id(element)] = _Part(None, 0, 0)
                continue
            if element.get("continuation") not in ("middle", "end") or prior is None:
                prior = len(runs)
                runs.append([])
                lengths.append(0)
                self._is_ink.append(trace.is_ink)
            start = lengths[prior]
            lengths[prior] += len(piece.points)
            runs[prior].append(piece)
            stroke_of[element.get("id", "")] = prior
            self._trees[id(element)] = _Part(prior, start, start + len(piece.points))
        self._strokes = [_joined(run) for run in runs]

    # --- groups and views ---------------------------------------------------------------------------------

    def _tree(self, element: Element) -> _Tree:
        """Returns what an element stands for, as deep as it is nested."""
        known = self._trees.get(id(element))
        if known is not None:
            return known
        if id(element) in self._unfinished:
            raise FormatError(
                f"{self.path}: {self._name(element)} refers to itself; expected a trace or a group"
            )
        self._unfinished.add(id(element))
        if len(self._unfinished) > MOST_LINKS:
            raise FormatError(
                f"{self.path}: more than {MOST_LINKS} groups and views that stand in or refer to each other in a row"
            )
        inner = [self._tree(child) for child in element if child.tag in ("trace", *GROUP_TAGS)]
        reference = element.get("traceDataRef")
        if reference is None:
            tree: _Tree = _Branch(tuple(inner))
        else:
            target = self._by_id.get(reference.strip().lstrip("#"))
            if target is None or target.tag not in ("trace", *GROUP_TAGS):
                raise FormatError(
                    f"{self.path}: {self._name(element)} refers to {reference!r}, which is no trace, group or view of "
                    "this file"
                )
            first, last = self._places(element, "from"), self._places(element, "to")
            tree = self._part(element, self._tree(target), first, last)
            if inner:
                tree = _Branch((tree, *inner))
        self._unfinished.remove(id(element))
        self._trees[id(element)] = tree
        return tree

    def _places(self, element: Element, key: str) -> _Places:
        """Returns where a range begins or ends: the number of a child, of its child and so on, each from 1."""
        text = element.get(key)
        if text is None:
            return ()
        words = [word.strip() for word in text.split(":")]
        if not all(word.isdecimal() and len(word) < 10 and int(word) > 0 for word in words):
            raise FormatError(
                f"{self.path}: {self._name(element)} has {key}={text!r}; expected numbers from 1 on, such as 2:1:13"
            )
        return tuple(int(word) for word in words)

    def _part(self, view: Element, tree: _Tree, first: _Places, last: _Places) -> _Tree:
        """Returns a range of a tree; the first and the last of it may themselves be cut."""
        if not first and not last:
            return tree
        size = tree.stop - tree.start if isinstance(tree, _Part) else len(tree.inner)
        begin, end = first[0] if first else 1, last[0] if last else size
        too_deep = isinstance(tree, _Part) and max(len(first), len(last)) > 1
        if too_deep or begin > size or end > size:
            raise FormatError(
                f"{self.path}: {self._name(view)} has a range (from {view.get('from')}, to {view.get('to')}) beyond "
                "what it refers to"
            )
        if isinstance(tree, _Part):
            return replace(
                tree, start=tree.start + begin - 1, stop=max(tree.start + begin - 1, tree.start + end)
            )
        chosen = list(tree.inner[begin - 1 : end])
        if len(chosen) == 1:
            return _Branch((self._part(view, chosen[0], first[1:], last[1:]),))
        if chosen:
            chosen[0] = self._part(view, chosen[0], first[1:], ())
            chosen[-1] = self._part(view, chosen[-1], (), last[1:])
        return _Branch(tuple(chosen))

    def _cut(self, tree: _Tree) -> list[PenStroke]:
        """Returns the ink of a tree."""
        parts = self._parts(tree)
        self._num_points += sum(part.stop - part.start for part in parts)
        if self._num_points > MOST_POINTS:
            raise FormatError(
                f"{self.path}: groups and views of more than {MOST_POINTS:,} points; expected fewer"
            )
        return [self._slice(part) for part in parts]

    def _parts(self, tree: _Tree) -> list[_Part]:
        """Returns the ink of a tree as parts of strokes; neighbouring points of one stroke stay together."""
        parts: list[_Part] = []
        waiting: list[_Tree] = [tree]
        while waiting:
            found = waiting.pop()
            self._num_parts += 1
            if self._num_parts > MOST_PARTS:
                raise FormatError(
                    f"{self.path}: views that name more than {MOST_PARTS} traces; expected fewer"
                )
            if not isinstance(found, _Part):
                waiting += reversed(found.inner)
            elif found.stroke is not None:
                if parts and (parts[-1].stroke, parts[-1].stop) == (found.stroke, found.start):
                    parts[-1] = replace(parts[-1], stop=found.stop)
                else:
                    parts.append(found)
        return parts

    def _slice(self, part: _Part) -> PenStroke:
        assert part.stroke is not None
        stroke, place = self._strokes[part.stroke], slice(part.start, part.stop)
        seconds = None if stroke.seconds is None else stroke.seconds[place]
        pressures = None if stroke.pressures is None else stroke.pressures[place]
        return PenStroke(stroke.points[place], seconds, pressures, stroke.clock)

    def _name(self, element: Element) -> str:
        return f"<{element.tag}> {element.get('id', '')}".strip()


def _carried_on(
    values: Float64[np.ndarray, " num_points"], default: float
) -> Float64[np.ndarray, " num_points"]:
    """Returns a channel whose missing values are as the one before."""
    places = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(len(values))))
    return np.where(places < 0, default, values[places])


def _filled_in(values: Float64[np.ndarray, " num_points"]) -> Float64[np.ndarray, " num_points"] | None:
    """Returns times whose missing values lie evenly between those that are told; None where none is."""
    known = np.flatnonzero(~np.isnan(values))
    return np.interp(np.arange(len(values)), known, values[known]) if len(known) else None


def _joined(run: Sequence[PenStroke]) -> PenStroke:
    """Returns the traces of one stroke as one; times and pressures where each of them has some."""
    if len(run) == 1:
        return run[0]
    full = [piece for piece in run if len(piece.points)]
    if not full:
        return run[0]
    seconds = [piece.seconds for piece in full if piece.seconds is not None and piece.clock == full[0].clock]
    pressures = [piece.pressures for piece in full if piece.pressures is not None]
    return PenStroke(
        np.concatenate([piece.points for piece in full]),
        np.concatenate(seconds) if len(seconds) == len(full) else None,
        np.concatenate(pressures) if len(pressures) == len(full) else None,
        full[0].clock,
    )
