"""Pen features: strokes resampled by arc length at a step that follows the height of the writing.

The size of the tablet's units, the speed of the pen and the place on the page leave no trace; the shape does.

Source of the kinds of feature: Graves et al., "A novel connectionist system for unconstrained handwriting
recognition", TPAMI 31(5), 2009, section 2.1 (direction, curvature, height, pen-up); Carbune et al., "Fast
multi-language LSTM-based online handwriting recognition", IJDAR 2020 (height normalisation, dx, dy).
"""

from typing import Literal

import numpy as np
from jaxtyping import Float32, Float64

from seqlabel.config import Config
from seqlabel.errors import ConfigError, FormatError
from seqlabel.features.sources import whole_file
from seqlabel.formats.ink import INK_SUFFIXES, read_strokes
from seqlabel.records import Example, Signal, Strokes

MAX_ASPECT = 400
"""Ink that is more times wider than high is a dash: its width counts, or its tremor would be blown up."""


class PenConfig(Config, frozen=True, tag="pen"):
    """Eight features for each resampled point of the ink.

    Attributes:
        step: distance of the points along a stroke, in heights of the writing.
        height: what counts as one height of the writing: the band that most of the ink lies in (digits, capitals,
            single letters), or the height of a small x, which varies far less from line to line of a hand
            (lines of text; about a third of the band).

    Raises:
        ConfigError: a step that is not positive.
    """

    step: float = 0.1
    height: Literal["band", "small_x"] = "band"

    def __post_init__(self) -> None:
        if not self.step > 0:
            raise ConfigError(f"pen: step {self.step}, expected a positive share of the writing's height")

    def build(self) -> "Pen":
        """Returns the feature."""
        return Pen(self)


class Pen:
    """Computes, for every point: dx, dy, pen-down, direction (cos, sin), curvature (cos, sin) and height.

    * dx, dy: from the point before, in steps; at the first point of a stroke this is the pen's way through
      the air, compressed by a logarithm beyond three steps. y grows downwards.
    * pen-down: 1 where the point is joined to the one before, 0 at the first point of a stroke.
    * direction: cosine and sine of the angle of (dx, dy); curvature: of the angle's change at this point.
    * height: of the point above the middle between the base line and one height above it, in heights.
    """

    dim = 8
    suffixes = INK_SUFFIXES

    def __init__(self, config: PenConfig) -> None:
        self.config = config

    def read(self, example: Example) -> Strokes:
        """Returns the ink of an example.

        Raises:
            FormatError: the file cannot be read as ink, or a part of it is asked for.
        """
        return read_strokes(whole_file(example))

    def __call__(self, signal: Signal) -> Float32[np.ndarray, "T 8"]:
        """Returns one row for each resampled point.

        Raises:
            FormatError: not ink, or ink without a point.
        """
        if not isinstance(signal, Strokes):
            raise FormatError(
                f"found a {type(signal).__name__}, expected pen strokes; choose the feature for this file"
            )
        strokes = [stroke.astype(np.float64) for stroke in signal.strokes if len(stroke)]
        if not strokes:
            raise FormatError("found no point in the ink, expected at least one stroke; leave the file out")
        top, height = writing_band(strokes) if self.config.height == "band" else small_letters(strokes)
        resampled = [resample((stroke - [0.0, top]) / height, self.config.step) for stroke in strokes]
        points = np.concatenate(resampled)
        is_first = np.zeros(len(points), dtype=bool)
        is_first[np.cumsum([0] + [len(stroke) for stroke in resampled[:-1]])] = True
        move = np.diff(points, axis=0, prepend=points[:1]) / self.config.step
        distance = np.hypot(move[:, 0], move[:, 1])
        # Way through the air may be many steps long; its logarithm keeps the far ones from drowning the near.
        scale = np.where(
            distance > 3, (3 + np.log(np.maximum(distance, 3) / 3)) / np.maximum(distance, 3), 1.0
        )
        angle = np.arctan2(move[:, 1], move[:, 0])
        turn = np.diff(angle, prepend=angle[:1])
        moves = distance > 1e-9
        columns = (
            move[:, 0] * scale,
            move[:, 1] * scale,
            np.where(is_first, 0.0, 1.0),
            np.where(moves, np.cos(angle), 0.0),
            np.where(moves, np.sin(angle), 0.0),
            np.where(moves, np.cos(turn), 1.0),
            np.where(moves, np.sin(turn), 0.0),
            0.5 - points[:, 1],
        )
        return np.stack(columns, axis=1).astype(np.float32)


def writing_band(strokes: list[Float64[np.ndarray, "_num_points 2"]]) -> tuple[float, float]:
    """Returns the top and the height of the band that most of the ink lies in, in the tablet's units.

    The 5th and 95th percentile of the vertical place along the ink's length are taken, so that a single long
    loop does not shrink the rest; ink without any height (a dash, a dot) is measured by its width, or by 1.
    """
    middles = np.concatenate([(stroke[1:, 1] + stroke[:-1, 1]) / 2 for stroke in strokes])
    lengths = np.concatenate([np.hypot(*np.diff(stroke, axis=0).T) for stroke in strokes])
    points = np.concatenate(strokes)
    low, high = float(points[:, 1].min()), float(points[:, 1].max())
    total = float(lengths.sum())
    if total > 0:
        order = np.argsort(middles)
        share = np.cumsum(lengths[order]) / total
        at = np.minimum(np.searchsorted(share, [0.05, 0.95]), len(order) - 1)
        band_low, band_high = middles[order[at]].tolist()
        # Very long segments (a stroke of two points) leave no band between their middles.
        if band_high - band_low > 0.02 * (high - low):
            low, high = band_low, band_high
    height = high - low
    width = float(np.ptp(points[:, 0]))
    if height < width / MAX_ASPECT or height <= 0:
        height = width or 1.0
    return low, height


def small_letters(strokes: list[Float64[np.ndarray, "_num_points 2"]]) -> tuple[float, float]:
    """Returns the top and the height of the small letters, in the tablet's units.

    The pen turns upwards at the base line and downwards at the top of the small letters far more often than at the
    ends of the long ones, so the medians of its turns tell both. Ink with few turns is measured by its band.
    """
    top, height = writing_band(strokes)
    tops: list[float] = []
    bottoms: list[float] = []
    for stroke in strokes:
        low, high = vertical_turns(resample(stroke / height, 0.05)[:, 1] * height, 0.1 * height)
        bottoms += low
        tops += high
    if min(len(tops), len(bottoms)) >= FEWEST_TURNS:
        base, middle = float(np.median(bottoms)), float(np.median(tops))
        if base - middle > 0.05 * height:
            return middle, base - middle
    return top + height / 3, height / 3


FEWEST_TURNS = 4
"""Upward and downward turns that tell the height of the small letters."""


def vertical_turns(y: Float64[np.ndarray, " num_points"], least: float) -> tuple[list[float], list[float]]:
    """Returns the places of the lower and of the upper turns of a stroke, its ends included; y grows downwards.

    A turn counts when the pen goes at least `least` between it and the next.
    """
    turns: tuple[list[float], list[float]] = ([], [])
    lowest = highest = float(y[0])  # on the page
    going_down: bool | None = None
    for value in y.tolist():
        lowest, highest = max(lowest, value), min(highest, value)
        if going_down is not False and lowest - value >= least:
            turns[0].append(lowest)
            going_down, highest = False, value
        elif going_down is not True and value - highest >= least:
            turns[1].append(highest)
            going_down, lowest = True, value
    if going_down is not None:
        turns[0 if going_down else 1].append(lowest if going_down else highest)
    return turns


def resample(stroke: Float64[np.ndarray, "num_points 2"], step: float) -> Float64[np.ndarray, "num_new 2"]:
    """Returns points about `step` apart along the stroke, both ends included; a dot stays one point."""
    lengths = np.hypot(*np.diff(stroke, axis=0).T)
    place = np.concatenate([[0.0], np.cumsum(lengths)])
    if place[-1] < 1e-9:
        return stroke[:1]
    num_points = max(2, round(place[-1] / step) + 1)
    wanted = np.linspace(0.0, place[-1], num_points)
    return np.stack([np.interp(wanted, place, stroke[:, 0]), np.interp(wanted, place, stroke[:, 1])], axis=1)
