"""The numbers of an InkML trace: which channels it has, and how its values are written.

Source: W3C, Ink Markup Language (InkML), 2011, section 3.1 (trace formats, channels) and 3.2.1 (traces).
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from jaxtyping import Float64

from seqlabel.errors import FormatError

MOST_CHANNELS = 100
"""Of a trace format; each point of a trace has a number for each, told or not."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a trace format.

    Attributes:
        name: in capitals, such as X, Y, T (time) or F (force of the pen's tip).
        sign: -1 for an axis that is turned round (`orientation="-ve"`).
        default: what stands for a value that the file does not tell.
        units: of its values; None where the file does not say.
        respect_to: the timestamp that a time counts from; None for the beginning of its trace.
    """

    name: str
    sign: float = 1.0
    default: float = 0.0
    units: str | None = None
    respect_to: str | None = None


@dataclass(frozen=True, slots=True)
class TraceFormat:
    """The channels of a trace in their order: first those that each point has, then the intermittent ones."""

    channels: tuple[Channel, ...] = (Channel("X"), Channel("Y"))
    num_regular: int = 2

    def place(self, name: str) -> int | None:
        """Returns where a channel stands; None where the format has none of this name."""
        return next((place for place, channel in enumerate(self.channels) if channel.name == name), None)


def parse_format(path: Path, element: Element) -> TraceFormat:
    """Returns the format that a `<traceFormat>` describes.

    Raises:
        FormatError: it has no X or no Y, a default that is no number, or more channels than any pen has.
    """
    regular = [_channel(path, channel) for channel in element.findall("channel")]
    intermittent = [_channel(path, channel) for channel in element.findall("intermittentChannels/channel")]
    if len(regular) + len(intermittent) > MOST_CHANNELS:
        raise FormatError(f"{path}: a trace format of more than {MOST_CHANNELS} channels; expected fewer")
    names = [channel.name for channel in regular]
    if "X" not in names or "Y" not in names:
        raise FormatError(f"{path}: trace format with the channels {names}; expected X and Y among them")
    return TraceFormat((*regular, *intermittent), len(regular))


def _channel(path: Path, element: Element) -> Channel:
    default = element.get("default", "0").strip()
    value = {"T": 1.0, "F": 0.0, "true": 1.0, "false": 0.0}.get(default)
    if value is None:
        try:
            value = _to_number(default)
        except ValueError as error:
            raise FormatError(
                f"{path}: channel {element.get('name')!r} has the default {default!r}; expected a number"
            ) from error
    return Channel(
        element.get("name", "").strip().upper(),
        -1.0 if element.get("orientation") == "-ve" else 1.0,
        value,
        element.get("units"),
        element.get("respectTo"),
    )


# A value: an optional order of difference, then a number (decimal or #hex), a truth value or a wildcard. No blank is
# given back once it was read (`*+`): a long run of them would else be shared out in every way there is.
_VALUE = re.compile(
    r"""\s*+(?:(?P<order>[!'"])?\s*+(?P<number>[+-]?\s*+(?:\#[0-9A-Fa-f]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))"""
    r"""|(?P<mark>[TF*?]))""",
    re.VERBOSE,
)

_PLAIN = re.compile(r"[-+0-9.eE,\s]*")


def decode_trace(
    where: str, text: str, trace_format: TraceFormat
) -> Float64[np.ndarray, "_num_points _channels"]:
    """Returns the values of a trace, a row for each point; not-a-number where the file tells no value.

    Values beyond the channels of the format are passed over: files without a trace format often have them.

    Args:
        where: file and trace, for the messages.
        text: what stands in the `<trace>`.
        trace_format: its channels.

    Raises:
        FormatError: a value that is none, a point with too few values, or one whose X or Y the file does not tell.
    """
    text = text.rstrip().removesuffix(",")
    if not text.strip():
        return np.zeros((0, len(trace_format.channels)))
    if _PLAIN.fullmatch(text) and (plain := _decode_plain(text, trace_format)) is not None:
        return plain
    num_channels = len(trace_format.channels)
    places = (trace_format.place("X"), trace_format.place("Y"))
    rows = np.full((text.count(",") + 1, num_channels), math.nan)
    states = [
        _ChannelState(channel.default if place >= trace_format.num_regular else None)
        for place, channel in enumerate(trace_format.channels)
    ]
    for number, chunk in enumerate(text.split(",")):
        at = f"{where}, point {number}"
        position, count = 0, 0
        end = len(chunk.rstrip())
        while position < end:
            match = _VALUE.match(chunk, position)
            if match is None:
                raise FormatError(f"{at}: {chunk[position:].strip()[:30]!r} is not an InkML value")
            position = match.end()
            if count < num_channels:
                if match["mark"] != "?":
                    rows[number, count] = states[count].next(
                        at, match["order"], match["number"], match["mark"]
                    )
                elif count in places:
                    name = trace_format.channels[count].name
                    raise FormatError(f"{at}: '?' (no value) for {name}; leave the point out")
            count += 1
        if count < trace_format.num_regular:
            raise FormatError(f"{at}: {count} values; expected {trace_format.num_regular}")
    return rows


def _decode_plain(
    text: str, trace_format: TraceFormat
) -> Float64[np.ndarray, "_num_points _channels"] | None:
    """Returns the values of a trace of nothing but separated numbers, many times faster; None for any other."""
    words = [chunk.split() for chunk in text.split(",")]
    width = len(words[0])
    if width < trace_format.num_regular or any(len(row) != width for row in words):
        return None
    try:
        values = np.array(words, dtype=np.float64)
    except ValueError:
        return None
    num_missing = len(trace_format.channels) - width
    if num_missing > 0:
        values = np.concatenate([values, np.full((len(values), num_missing), math.nan)], axis=1)
    return values[:, : len(trace_format.channels)]


class _ChannelState:
    """One channel along a trace: its last value, speed and acceleration, and what its numbers mean.

    An intermittent channel (one with a default) can be carried on before it was ever told.
    """

    def __init__(self, default: float | None) -> None:
        self.value = math.nan if default is None else default
        self.speed = 0.0
        self.acceleration = 0.0
        self.order = "!"
        self.is_told = default is not None

    def next(self, where: str, order: str | None, number: str | None, mark: str | None) -> float:
        """Returns the value at the next point."""
        if mark in ("T", "F"):
            self.value, self.is_told = (1.0 if mark == "T" else 0.0), True
            return self.value
        self.order = order or self.order
        if self.order != "!" and not self.is_told:
            raise FormatError(
                f"{where}: a difference ({self.order}) as a channel's first value; expected a value"
            )
        if mark != "*":
            self._take(_to_number(number or "0"))
        elif not self.is_told:
            raise FormatError(f"{where}: '*' (as before) as a channel's first value; expected a value")
        if self.order == '"':
            self.speed += self.acceleration
        if self.order != "!":
            self.value += self.speed
        self.is_told = True
        return self.value

    def _take(self, number: float) -> None:
        if self.order == "!":
            self.speed = number - self.value if self.is_told else 0.0
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
    try:
        return sign * (float(int(word[1:], 16)) if word.startswith("#") else float(word))
    except OverflowError:  # a hexadecimal number of hundreds of digits
        return sign * math.inf
