"""The 25 features of pen ink of Graves, Liwicki and Bunke: the pen's way at each point, and the ink around it.

Source: Graves et al., "A novel connectionist system for unconstrained handwriting recognition", TPAMI 31(5), 2009,
section on online features; first in Liwicki and Bunke, "Combining on-line and off-line systems for handwriting
recognition", ICDAR 2007; the vicinity features are those of Jaeger et al., "Online handwriting recognition: the
NPen++ recognizer", IJDAR 3(3), 2001. The papers name the features and leave some constants open; `GravesPen` says
which are chosen here.
"""

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from seqlabel.config import Config, Count, Positive
from seqlabel.features.delayed_strokes import REACH
from seqlabel.features.ink_normalization import Ink, InkNormalizationConfig, Unit, normalized
from seqlabel.features.ink_points import points_around, resample
from seqlabel.features.pen_speed import clock, relative_speed
from seqlabel.features.sources import pen_ink, require
from seqlabel.formats import INK_SUFFIXES
from seqlabel.records import Example, Signal, Strokes

HIGH_PASS = 5.0
"""The mean that is taken off x reaches over so much ink to either side, in heights of the writing."""
MARGIN = 0.2
"""Ink counts as ascender or descender from so far above the mean line or below the base line on, in heights."""


class GravesPenConfig(Config, frozen=True, tag="graves_pen"):
    """The 25 features of Graves et al. 2009 for each resampled point of the ink.

    Attributes:
        step: distance of the points along a stroke, in heights of the writing.
        unit: what counts as one height of the writing, as in `PenConfig`.
        vicinity_points: points before and after each that its vicinity reaches over, within its stroke (2 in NPen++).
        cell_size: side of a cell of the 3 x 3 map of the ink around each point, in heights of the writing.
        ink: what is evened out before. Delayed strokes are removed, as in the source: they give no points, but the
            "hat" feature and the counts of ink know them. Kept, flagged (a 26th feature) or moved, they do give points.

    Raises:
        ConfigError: sizes that are not positive.
    """

    step: Positive = 0.25
    unit: Unit = "x_height"
    vicinity_points: Count = 2
    cell_size: Positive = 0.6
    ink: InkNormalizationConfig = InkNormalizationConfig(delayed_strokes="remove")

    def __post_init__(self) -> None:
        sizes = 0 < self.step < np.inf and 0 < self.cell_size < np.inf and self.vicinity_points >= 1
        require(sizes, self, "a positive step and cell size, and at least 1 vicinity point")

    def build(self) -> "GravesPen":
        """Returns the feature."""
        return GravesPen(self)


class GravesPen:
    """Computes 25 features of every point p(t) of the resampled ink, y downwards, lengths in heights of the writing.

    From the pen's way; a stroke's first or last point takes what it lacks from its neighbour in the stroke, and a
    stroke of one point has 0 for directions, 1 and 0 for the cosine and sine of the curvature, and 1 for curliness:

    1. pen: 1 where the point is joined to the one before, 0 at the first point of a stroke.
    2. hat: 1 where a delayed stroke stands over the point: above it, and no further than half a height beyond the
       delayed stroke's ends.
    3. speed: along the ink, taken before resampling and interpolated, over the mean speed of the line's strokes.
       Without times it is taken from the distances of the tablet's points, which come at a constant rate.
    4. x: less its moving average, taken over `HIGH_PASS` of ink on either side (the paper's high-pass filter).
    5. y: height above the base line.
    6, 7. writing direction: cosine and sine of the angle of p(t+1) - p(t).
    8, 9. curvature: cosine and sine of the angle from p(t) - p(t-1) to p(t+1) - p(t).

    From the vicinity V(t) = p(t-n) ... p(t+n), cut off at the ends of the stroke, with width dx and height dy:

    10. aspect: (dy - dx) / (dy + dx); 0 for a dot.
    11, 12. slope: cosine and sine of the angle of the line from the first to the last point of V.
    13. curliness: length of the way through V / max(dx, dy).
    14. linearity: mean squared distance of the points of V from that line, or from the point in which both ends meet.

    From the ink around, all strokes included, measured as points times `step`, the length of the ink:

    15, 16. ascenders, descenders: ink that stands more than `MARGIN` above the mean line, or below the base line, and
        no further to either side than the map reaches.
    17 to 25. map: ink in each of 3 x 3 cells around the point, row by row from above.

    And 26, where delayed strokes are flagged: 1 at their points.
    """

    suffixes = INK_SUFFIXES

    def __init__(self, config: GravesPenConfig) -> None:
        self.config = config
        self.dim = 25 + (config.ink.delayed_strokes == "flag")

    def read(self, example: Example) -> Strokes:
        """Returns the ink of an example (`pen_ink`).

        Raises:
            FormatError: the file cannot be read as ink, or has no such row.
        """
        return pen_ink(example)

    def __call__(self, signal: Signal) -> Float32[np.ndarray, "T F"]:
        """Returns one row for each resampled point.

        Raises:
            FormatError: not ink, or ink without a point.
        """
        config = self.config
        ink = normalized(signal, config.ink, config.unit, find_delayed=True)
        points, counts = resample(ink.strokes, config.step)
        is_delayed = ink.points_of_delayed(counts)
        kept = ~is_delayed if config.ink.delayed_strokes == "remove" else np.ones(len(points), dtype=bool)
        around = config.step * ink_around(points, config.cell_size)
        hats = under_hats(points, ink)
        speed = relative_speed(ink.strokes, clock(ink), points, counts)
        if config.ink.delayed_strokes == "remove":
            remains = np.array([under is None for under in ink.below or []])
            points, counts = points[kept], counts[remains]
        way = ways(points, counts, config.vicinity_points)
        reach = max(1, round(HIGH_PASS / config.step))
        columns = [way[:, :1], hats[kept, None], speed[kept, None]]
        columns += [high_pass(points[:, 0], reach)[:, None], 1.0 - points[:, 1:], way[:, 1:], around[kept]]
        if config.ink.delayed_strokes == "flag":
            columns.append(is_delayed[:, None])
        return np.concatenate(columns, axis=1).astype(np.float32)


def ways(
    points: Float64[np.ndarray, "T 2"], counts: Int64[np.ndarray, " num_strokes"], reach: int
) -> Float64[np.ndarray, "T 10"]:
    """Returns pen, direction (2), curvature (2), aspect, slope (2), curliness and linearity of each point.

    Args:
        points: of all strokes, one stroke after the other.
        counts: points of each stroke.
        reach: points of the vicinity to either side.
    """
    last = np.repeat(np.cumsum(counts) - 1, counts)
    first = last - np.repeat(counts, counts) + 1
    place = np.arange(len(points))
    # The direction at the last point of a stroke is that of the point before.
    start = np.maximum(np.minimum(place, last - 1), first)
    cos, sin = unit_vectors(points[np.minimum(start + 1, last)] - points[start])
    before = np.maximum(place - 1, first)
    turn_cos, turn_sin = (
        cos[before] * cos + sin[before] * sin,
        cos[before] * sin - sin[before] * cos,
    )
    is_dot = first == last
    vicinity = points[np.clip(place[:, None] + np.arange(-reach, reach + 1), first[:, None], last[:, None])]
    num_inside = np.minimum(place + reach, last) - np.maximum(place - reach, first) + 1
    across, down = np.ptp(vicinity, axis=1).T
    line = vicinity[:, -1] - vicinity[:, 0]
    slope_cos, slope_sin = unit_vectors(line)
    length = np.hypot(*np.diff(vicinity, axis=1).T).sum(axis=0)
    longest = np.maximum(across, down)
    off = vicinity - vicinity[:, :1]
    has_line = (slope_cos != 0) | (slope_sin != 0)
    distance = np.where(
        has_line[:, None],
        off[:, :, 1] * slope_cos[:, None] - off[:, :, 0] * slope_sin[:, None],
        np.hypot(off[:, :, 0], off[:, :, 1]),
    )
    return np.stack(
        [
            np.where(place == first, 0.0, 1.0),
            cos,
            sin,
            np.where(is_dot, 1.0, turn_cos),
            turn_sin,
            divided(down - across, down + across, 0.0),
            slope_cos,
            slope_sin,
            divided(length, longest, 1.0),
            # Beyond an end of the stroke its end stands again and again, which is no point of the vicinity.
            (np.square(distance).sum(axis=1) - _beyond(distance, place, first, last, reach)) / num_inside,
        ],
        axis=1,
    )


def _beyond(
    distance: Float64[np.ndarray, "T V"], place: np.ndarray, first: np.ndarray, last: np.ndarray, reach: int
) -> Float64[np.ndarray, " T"]:
    """What the repeated ends of a stroke add to the squared distances."""
    before = np.maximum(reach - (place - first), 0)
    after = np.maximum(reach - (last - place), 0)
    ends: Float64[np.ndarray, " T"] = before * np.square(distance[:, 0]) + after * np.square(distance[:, -1])
    return ends


def unit_vectors(
    vectors: Float64[np.ndarray, "T 2"],
) -> tuple[Float64[np.ndarray, " T"], Float64[np.ndarray, " T"]]:
    """Returns cosine and sine of the vectors' angles; 0 and 0 for a vector of no length."""
    length = np.hypot(vectors[:, 0], vectors[:, 1])
    return divided(vectors[:, 0], length, 0.0), divided(vectors[:, 1], length, 0.0)


def divided(
    above: Float64[np.ndarray, " T"], below: Float64[np.ndarray, " T"], otherwise: float
) -> Float64[np.ndarray, " T"]:
    """Returns the quotient, and `otherwise` where the divisor is 0."""
    is_zero = below < 1e-9
    return np.where(is_zero, otherwise, above / np.where(is_zero, 1.0, below))


def high_pass(x: Float64[np.ndarray, " T"], reach: int) -> Float64[np.ndarray, " T"]:
    """Returns x less its mean over `reach` points to either side, fewer at the ends."""
    sums = np.concatenate([[0.0], np.cumsum(x - x[0])])
    place = np.arange(len(x))
    low, high = np.maximum(place - reach, 0), np.minimum(place + reach + 1, len(x))
    filtered: Float64[np.ndarray, " T"] = x - x[0] - (sums[high] - sums[low]) / (high - low)
    return filtered


def under_hats(points: Float64[np.ndarray, "T 2"], ink: Ink) -> Bool[np.ndarray, " T"]:
    """Returns which points have a delayed stroke above them."""
    is_under = np.zeros(len(points), dtype=bool)
    for stroke, below in zip(ink.strokes, ink.below or [], strict=True):
        if below is not None:
            (left, top), (right, _) = stroke.min(axis=0), stroke.max(axis=0)
            within = (points[:, 0] >= left - REACH) & (points[:, 0] <= right + REACH)
            is_under |= within & (points[:, 1] > top)
    return is_under


def ink_around(points: Float64[np.ndarray, "T 2"], cell_size: float) -> Int64[np.ndarray, "T 11"]:
    """Returns the points above the mean line, those below the base line, and those in each of 3 x 3 cells."""
    reach = 1.5 * cell_size
    counts = []
    for outside in (points[:, 1] < -MARGIN, points[:, 1] > 1 + MARGIN):
        x = np.sort(points[outside, 0])
        counts.append(
            np.searchsorted(x, points[:, 0] + reach, "right") - np.searchsorted(x, points[:, 0] - reach)
        )
    return np.concatenate([np.stack(counts, axis=1), points_around(points, 3, cell_size)], axis=1)
