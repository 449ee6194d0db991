"""InkML written: ink with its texts, and texts put into a file that else stays as it is.

Source: W3C, Ink Markup Language (InkML), 2011.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from lxml import etree

from seqlabel.errors import FormatError
from seqlabel.formats.files import editable_xml, parse_xml, read_bytes, valid_xml_text, write_bytes
from seqlabel.formats.ink import short
from seqlabel.formats.ink_points import check_finite
from seqlabel.formats.inkml import inkml_groups
from seqlabel.input_files import MAX_INK_BYTES
from seqlabel.records import Strokes

NAMESPACE = "http://www.w3.org/2003/InkML"
TRUTH = "truth"
"""The type of annotation for what the ink says, as people have written it down."""
READING = "transcription"
"""The type of annotation for what a model has read, which must not pass for the truth."""
_ID = "{http://www.w3.org/XML/1998/namespace}id"
_EXPECTED = "an InkML file"


def write_inkml(path: Path, groups: Sequence[tuple[Strokes, str | None]], kind: str = TRUTH) -> None:
    """Writes ink as InkML, a `<traceGroup>` for each line or other group, with its text as an annotation.

    Channels are X and Y (downwards), T in seconds where a group has times, and F where it has pressures. `read_inkml`
    gives the groups back as they are; their times count from one timestamp, each group's after those before it, with
    whole seconds between. Groups and strokes without points are left out.

    Args:
        path: the file.
        groups: the ink of each, and what it says; None where nobody knows.
        kind: the type of the annotations.

    Raises:
        FormatError: no point in any group, a number that is not finite, or the file cannot be written.

    Example:
        >>> write_inkml(Path("line.inkml"), [(strokes, "so what")])  # doctest: +SKIP
    """
    root = etree.Element("ink", nsmap={None: NAMESPACE})
    definitions = etree.SubElement(root, "definitions")
    written: set[str] = set()
    start = 0.0
    for strokes, text in groups:
        check_finite(path, strokes)
        if not any(len(stroke) for stroke in strokes.strokes):
            continue
        channels = "XY" + "T" * (strokes.times is not None) + "F" * (strokes.pressures is not None)
        if channels not in written:
            written.add(channels)
            _define(definitions, channels)
        group = etree.SubElement(root, "traceGroup", contextRef=f"#{channels}")
        if text is not None:
            etree.SubElement(group, "annotation", type=kind).text = valid_xml_text(text)
        last = start
        for number, stroke in enumerate(strokes.strokes):
            columns: list[list[float]] = [[short(value) for value in axis] for axis in stroke.T]
            if strokes.times is not None:
                columns.append([_plain(start + float(value)) for value in strokes.times[number]])
                last = max([last, *columns[-1]])
            if strokes.pressures is not None:
                columns.append([short(value) for value in strokes.pressures[number]])
            if len(stroke):
                points = zip(*columns, strict=True)
                trace = ", ".join(" ".join(_decimal(value) for value in point) for point in points)
                etree.SubElement(group, "trace").text = trace
        start = math.ceil(last) + 1.0 if strokes.times is not None else start
    if not written:
        raise FormatError(f"{path}: would have no point in it; give at least one stroke")
    for element in root.iter():
        element.tag = f"{{{NAMESPACE}}}{element.tag}"
    etree.indent(root)
    write_bytes(path, etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n")


def annotate_inkml(path: Path, out: Path, texts: Sequence[str], kind: str = READING) -> None:
    """Writes an InkML file with a text for each of its trace groups; all else in it stays as it is.

    Args:
        path: the file.
        out: where it is written, the whole file or nothing.
        texts: one for each `<traceGroup>` that stands in the root and has ink, as `read_ink_groups` gives them; the
            only one belongs to the root where there is none. An annotation of the same type makes room.
        kind: the type of the annotations.

    Raises:
        FormatError: the file cannot be read or written, or has another number of groups.
    """
    data = read_bytes(path, _EXPECTED, MAX_INK_BYTES)
    plain = parse_xml(path, data, _EXPECTED)
    tree = editable_xml(path, data, _EXPECTED)
    root = tree.getroot()
    elements = [child for child in root if isinstance(child.tag, str)]
    targets = [elements[place] for place, _ in inkml_groups(path, plain)] or [root]
    if len(targets) != len(texts):
        raise FormatError(f"{path}: {len(targets)} groups with ink, and {len(texts)} texts for them")
    try:
        for target, text in zip(targets, texts, strict=True):
            _annotate(target, text, kind)
    except ValueError as error:  # a namespace that is none
        raise FormatError(f"{path}: cannot be written to ({error}); correct the file") from error
    write_bytes(out, etree.tostring(tree, xml_declaration=True, encoding="UTF-8") + b"\n")


def _define(definitions: "etree._Element", channels: str) -> None:
    if "T" in channels and definitions.find("timestamp") is None:
        definitions.append(etree.Element("timestamp", {_ID: "start"}))
    context = etree.SubElement(definitions, "context", {_ID: channels})
    trace_format = etree.SubElement(context, "traceFormat")
    for name in channels:
        channel = etree.SubElement(trace_format, "channel", name=name, type="decimal")
        if name == "T":
            channel.set("units", "s")
            channel.set("respectTo", "#start")


def _annotate(element: "etree._Element", text: str, kind: str) -> None:
    namespace = str(element.tag).rpartition("}")[0]
    tag = f"{namespace}}}annotation" if namespace else "annotation"
    own = [child for child in element if child.tag == tag]
    found = next((child for child in own if child.get("type") == kind), None)
    if found is None:
        found = etree.Element(tag, type=kind)
        # The blank between two lines of the file is the tail of an element.
        if own:
            found.tail = own[-1].tail
            element.insert(element.index(own[-1]) + 1, found)
        else:
            found.tail = element.text
            element.insert(0, found)
    for child in list(found):
        found.remove(child)
    found.text = valid_xml_text(text)


def _plain(value: float) -> float:
    return int(value) if value.is_integer() else value


def _decimal(value: float) -> str:
    """Returns a number as InkML writes decimals: the same digits, without an exponent."""
    return format(Decimal(repr(value)), "f")
