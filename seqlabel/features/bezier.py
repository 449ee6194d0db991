"""Pen ink as cubic Bezier curves: few frames, each of which says much.

Source: Carbune et al., "Fast multi-language LSTM-based online handwriting recognition", IJDAR 23, 2020, section on
Bezier curves, for the fit (`bezier_fit`) and for the ten features.
"""

import numpy as np
from jaxtyping import Float32, Float64

from seqlabel.config import Config, Positive
from seqlabel.features.bezier_fit import Curves, fit_curves
from seqlabel.features.ink_normalization import Ink, InkNormalizationConfig, Unit, normalized
from seqlabel.features.ink_points import resample
from seqlabel.features.pen_speed import clock, mean_speed
from seqlabel.features.sources import pen_ink, require
from seqlabel.formats import INK_SUFFIXES
from seqlabel.records import Example, Signal, Strokes

SAMPLING = 0.05
"""Distance of the points that the curves are fitted to, in heights of the writing."""
LONGEST_PAUSE = 10.0
"""Pauses between strokes count up to the time that the pen takes for so many heights of ink."""


class BezierConfig(Config, frozen=True, tag="bezier"):
    """Ten features for each of the cubic Bezier curves that the strokes, and the ways between them, are made of.

    Attributes:
        tolerance: largest distance of the ink from its curve, in heights of the writing.
        longest_way: the ink of a curve is at most so many times as long as the distance between its ends.
        unit: what counts as one height of the writing, as in `PenConfig`.
        ink: what is evened out before. Flagged strokes add a feature, the last one.

    Raises:
        ConfigError: a tolerance that is not positive, a longest way of no more than half a circle's (1.6), or delayed
            strokes removed, of which no feature would tell.
    """

    tolerance: Positive = 0.06
    longest_way: Positive = 2.5
    unit: Unit = "x_height"
    ink: InkNormalizationConfig = InkNormalizationConfig()

    def __post_init__(self) -> None:
        require(0 < self.tolerance < np.inf, self, "a positive tolerance")
        require(1.6 <= self.longest_way < np.inf, self, "a longest way of at least 1.6 chords")
        require(self.ink.delayed_strokes != "remove", self, "delayed strokes to be kept, flagged or moved")

    def build(self) -> "Bezier":
        """Returns the feature."""
        return Bezier(self)


class Bezier:
    """Computes ten features of each curve.

    P0 and P3 are its ends, P1 and P2 the control points between, in heights of the writing, y downwards:

    1, 2. dx, dy: P3 - P0.
    3, 4. |P1 - P0| and |P2 - P3|, over |P3 - P0|; a third for a straight and even curve, and for a dot.
    5, 6. the angles from P3 - P0 to P1 - P0, and from P0 - P3 to P2 - P3, in radians, clockwise as one sees them; 0
        for a dot.
    7 to 9. the coefficients of t(s) = g1 s + g2 s^2 + g3 s^3, the time since the curve's beginning, s from 0 to 1. Its
        unit is the time in which the pen, at its mean speed on the line's strokes, writes one height of ink. Without
        times the number of the tablet's point is the clock, on which the way between strokes takes one point.
    10. pen: 1 for ink, 0 for the straight way from the end of one stroke to the beginning of the next.

    And 11, where delayed strokes are flagged: 1 for their curves.
    """

    suffixes = INK_SUFFIXES

    def __init__(self, config: BezierConfig) -> None:
        self.config = config
        self.dim = 10 + (config.ink.delayed_strokes == "flag")

    def read(self, example: Example) -> Strokes:
        """Returns the ink of an example (`pen_ink`).

        Raises:
            FormatError: the file cannot be read as ink, or has no such row.
        """
        return pen_ink(example)

    def __call__(self, signal: Signal) -> Float32[np.ndarray, "T F"]:
        """Returns one row for each curve.

        Raises:
            FormatError: not ink, or ink without a point.
        """
        ink = normalized(signal, self.config.ink, self.config.unit)
        curves = curves_of(ink, self.config.tolerance, self.config.longest_way)
        # Before the first curve of each stroke but the first comes the way through the air.
        begins = np.flatnonzero(np.diff(curves.owner)) + 1
        control = np.insert(curves.control, begins, through_the_air(curves, begins), axis=0)
        is_ink = np.insert(np.ones(len(curves.owner), dtype=bool), begins, False)
        columns = [curve_features(control), is_ink[:, None]]
        if self.config.ink.delayed_strokes == "flag":
            is_delayed = np.array([under is not None for under in ink.below or []])
            columns.append(np.insert(is_delayed[curves.owner], begins, False)[:, None])
        return np.concatenate(columns, axis=1).astype(np.float32)


def curves_of(ink: Ink, tolerance: float, longest_way: float) -> Curves:
    """Returns the curves of the strokes; time in units of the mean time for one height of ink."""
    points, counts = resample(ink.strokes, SAMPLING)
    times = clock(ink)
    pace = mean_speed(ink.strokes, times)
    with_time = np.empty((len(points), 3))
    with_time[:, :2] = points
    first = np.cumsum(counts) - counts
    for stroke, values, start, count in zip(ink.strokes, times, first.tolist(), counts.tolist(), strict=True):
        way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
        with_time[start : start + count, 2] = pace * np.interp(np.linspace(0, way[-1], count), way, values)
    return fit_curves(with_time, counts, tolerance, longest_way)


def through_the_air(curves: Curves, begins: np.ndarray) -> Float64[np.ndarray, "num_ways 4 3"]:
    """Returns the straight ways to the curves that begin a stroke."""
    start, end = curves.control[begins - 1, 3], curves.control[begins, 0].copy()
    # Where a stroke has been moved, the clock would run backwards.
    end[:, 2] = start[:, 2] + np.clip(end[:, 2] - start[:, 2], 0.0, LONGEST_PAUSE)
    share = np.arange(4)[:, None] / 3
    ways: Float64[np.ndarray, "num_ways 4 3"] = start[:, None] + share * (end - start)[:, None]
    return ways


def curve_features(control: Float64[np.ndarray, "T 4 3"]) -> Float64[np.ndarray, "T 9"]:
    """Returns the first nine features of curves."""
    chord, one, two = (control[:, i, :2] - control[:, j, :2] for i, j in ((3, 0), (1, 0), (2, 3)))
    length = np.hypot(*chord.T)
    is_dot = length < 1e-9
    ratios = [np.where(is_dot, 1 / 3, np.hypot(*arm.T) / np.where(is_dot, 1.0, length)) for arm in (one, two)]
    angles = [
        np.arctan2(base[:, 0] * arm[:, 1] - base[:, 1] * arm[:, 0], (base * arm).sum(axis=1))
        for base, arm in ((chord, one), (-chord, two))
    ]
    t0, t1, t2, t3 = control[:, :, 2].T
    times = [3 * (t1 - t0), 3 * (t2 - 2 * t1 + t0), t3 - t0 + 3 * (t1 - t2)]
    return np.stack([chord[:, 0], chord[:, 1], *ratios, *angles, *times], axis=1)
