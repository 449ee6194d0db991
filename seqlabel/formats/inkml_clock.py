"""When the points of InkML traces were written: time channels put on one clock as far as the file allows it.

Source: W3C, Ink Markup Language (InkML), 2011: the time channel, `timeOffset` of traces, and timestamps.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.etree.ElementTree import Element

import numpy as np
from jaxtyping import Float64

from seqlabel.formats.ink_points import seconds_per_unit

SINCE_1970 = "1970"
"""The clock of timestamps that tell their time."""
OFFSETS = "timeOffset"
"""The clock of traces that tell when they begin."""
CONTINUED = "continued"
"""The clock of traces whose times go on from one to the next."""


@dataclass(frozen=True, slots=True)
class TimedTrace:
    """The time channel of a trace.

    Attributes:
        times: of its points, in the unit of the channel.
        units: of the channel; None where the file does not say.
        respect_to: the timestamp that the times count from; None for the beginning of the trace.
        offset_seconds: when the trace begins; None where the file does not say.
    """

    times: Float64[np.ndarray, " _num_points"]
    units: str | None
    respect_to: str | None
    offset_seconds: float | None


@np.errstate(over="ignore", invalid="ignore")
def trace_seconds(
    traces: Sequence[TimedTrace], timestamps: Mapping[str, Element]
) -> list[tuple[Float64[np.ndarray, " _num_points"], str]]:
    """Returns the times of each trace in seconds, and the clock that they count on.

    Times that count from the beginning of their trace share a clock where the trace has an offset, or where each trace
    begins when the one before has ended or later (as many programs write it); else each trace has its own.

    Args:
        traces: in the order of the file, each with a point at least.
        timestamps: the `<timestamp>` elements of the file by their id.
    """
    unnamed = [trace.times for trace in traces if trace.units is None]
    guess = seconds_per_unit(None, unnamed)
    scaled = [
        trace.times * (guess if trace.units is None else seconds_per_unit(trace.units, [trace.times]))
        for trace in traces
    ]
    free = [
        seconds
        for trace, seconds in zip(traces, scaled, strict=True)
        if trace.respect_to is None and trace.offset_seconds is None
    ]
    continued = all(after[0] >= before[-1] for before, after in pairwise(free))
    result = []
    for number, (trace, seconds) in enumerate(zip(traces, scaled, strict=True)):
        if trace.respect_to is not None:
            clock, start = _timestamp(trace.respect_to, timestamps)
        elif trace.offset_seconds is not None:
            clock, start = OFFSETS, trace.offset_seconds
        else:
            clock, start = (CONTINUED if continued else f"trace {number}"), 0.0
        result.append((seconds + start, clock))
    return result


def milliseconds(word: str | None) -> float | None:
    """Returns an attribute in milliseconds as seconds; None where it is missing or no number."""
    try:
        number = float(word or "")
    except ValueError:
        return None
    return number / 1000 if math.isfinite(number) else None


def _timestamp(name: str, timestamps: Mapping[str, Element]) -> tuple[str, float]:
    """Returns the clock of a timestamp and its time there in seconds."""
    start = 0.0
    seen: set[str] = set()
    while name not in seen:
        seen.add(name)
        element = timestamps.get(name.lstrip("#"))
        if element is None:
            break
        time = milliseconds(element.get("time"))
        if time is not None:
            return SINCE_1970, start + time
        start += milliseconds(element.get("timeOffset")) or 0.0
        name = element.get("timestampRef", name)
    return name.lstrip("#"), start
