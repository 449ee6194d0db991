"""Pen ink brought to one size, one direction of the line and one slant, the same for all features of pen ink.

The steps, in this order; each can be left out but the size:

* Skew: the line is rotated until its base line is level. Lower and upper turns of the pen lie for the most part on
  the base line and on the mean line (Bengio and LeCun, ICPR 1994, fit parallel curves to them); the slope that
  both have in common is the median of the slopes between all pairs of turns of one kind (Theil 1950, Sen 1968),
  which long letters do not disturb, weighed by the pairs' distance.
* Size: as `ink_size` measures it.
* Slant: the line is sheared until its downstrokes are upright. "histogram" takes the most frequent direction of what
  the pen writes downwards (Jaeger et al., "Online handwriting recognition: the NPen++ recognizer", IJDAR 3(3), 2001,
  and Liwicki and Bunke, "HMM-based on-line recognition of handwritten whiteboard notes", IWFHR 2006, take it of all
  the ink; upstrokes lead from letter to letter and lean to the right in upright hands too). "projection" takes
  the shear after which the ink stands in the fewest columns: the sum of the squared column profile is the largest (the
  idea of Vinciarelli and Luettin, Pattern Recognition Letters 22, 2001, for ink in place of pixels).
* Delayed strokes: `delayed_strokes`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64, Int64

from seqlabel.config import Config
from seqlabel.errors import FormatError
from seqlabel.features.delayed_strokes import strokes_below
from seqlabel.features.ink_points import resample
from seqlabel.features.ink_size import turning_points, writing_band, x_height
from seqlabel.records import Signal, Strokes

Unit = Literal["band", "x_height"]
DelayedStrokes = Literal["keep", "flag", "move", "remove"]


class InkNormalizationConfig(Config, frozen=True):
    """What is evened out in the ink before its features are computed, beside its size.

    Attributes:
        skew: "base_line" rotates the line until its base line is level.
        slant: "histogram" or "projection" shear the line until its downstrokes are upright, found by either.
        delayed_strokes: what is done about dots and bars that are written after the letters they stand over: they
            are kept as they are, flagged by a feature more at their points, moved to right after the stroke that
            they stand over, or removed from the sequence (where another feature tells of them).
    """

    skew: Literal["base_line"] | None = None
    slant: Literal["histogram", "projection"] | None = None
    delayed_strokes: DelayedStrokes = "keep"


@dataclass(frozen=True, slots=True)
class Ink:
    """Strokes of even size and direction.

    Attributes:
        strokes: x and y (downwards, 0 at the top of the band or the x-height and 1 at its bottom) in heights of
            the writing; none is empty.
        times: seconds of their points; None where the tablet told none.
        below: for each stroke the number of the stroke that it stands over, None for one that is not delayed; None
            where nobody asked.
    """

    strokes: list[Float64[np.ndarray, "_num_points 2"]]
    times: list[Float64[np.ndarray, " _num_points"]] | None
    below: list[int | None] | None

    def points_of_delayed(self, counts: Int64[np.ndarray, " num_strokes"]) -> np.ndarray:
        """Returns which points belong to delayed strokes when each stroke has so many."""
        below = self.below if self.below is not None else [None] * len(counts)
        return np.repeat([under is not None for under in below], counts)


def normalized(
    signal: Signal, config: InkNormalizationConfig, unit: Unit, *, find_delayed: bool = False
) -> Ink:
    """Returns the ink evened out.

    Args:
        signal: the strokes.
        config: what is evened out.
        unit: what counts as one height of the writing.
        find_delayed: whether to find delayed strokes where `config` keeps them.

    Raises:
        FormatError: not ink, or ink without a point.
    """
    if not isinstance(signal, Strokes):
        raise FormatError(
            f"found a {type(signal).__name__}, expected pen strokes; choose the feature for this file"
        )
    kept = [index for index, stroke in enumerate(signal.strokes) if len(stroke)]
    if not kept:
        raise FormatError("found no point in the ink, expected at least one stroke; leave the file out")
    strokes = [signal.strokes[index].astype(np.float64) for index in kept]
    times = signal.times and [signal.times[index].astype(np.float64) for index in kept]
    if config.skew is not None:
        strokes = rotated(strokes, -skew(strokes))
    top, height = writing_band(strokes) if unit == "band" else x_height(strokes)
    strokes = [(stroke - [0.0, top]) / height for stroke in strokes]
    if config.slant is not None:
        slant = slant_by_histogram if config.slant == "histogram" else slant_by_projection
        strokes = sheared(strokes, slant(strokes))
    below = None
    if find_delayed or config.delayed_strokes != "keep":
        below = strokes_below(strokes, *((0.0, 1.0) if unit == "x_height" else x_height(strokes)))
    if config.delayed_strokes == "move":
        order = order_with_moved(below or [])
        place = {index: new for new, index in enumerate(order)}
        below = [None if under is None else place[under] for under in (below or [])]
        below = [below[index] for index in order]
        strokes = [strokes[index] for index in order]
        times = times and [times[index] for index in order]
    return Ink(strokes, times or None, below)


def order_with_moved(below: Sequence[int | None]) -> list[int]:
    """Returns the strokes in a new order: each one that is delayed right after the one it stands over."""
    followers: dict[int, list[int]] = {}
    for index, under in enumerate(below):
        if under is not None:
            followers.setdefault(under, []).append(index)
    return [
        moved
        for index, under in enumerate(below)
        if under is None
        for moved in (index, *followers.get(index, ()))
    ]


STEEPEST = np.tan(np.deg2rad(40))
"""Slopes between turns beyond it are not those of a line of writing."""
LEAST_WIDTH = 3.0
"""Turns that are less far apart, in heights, do not tell the direction of a line."""
FEWEST_PAIRS = 12
"""Pairs of turns that do."""


def skew(strokes: list[Float64[np.ndarray, "_num_points 2"]]) -> float:
    """Returns the angle by which the base line falls to the right, in radians; 0 where there are too few turns.

    The turns are sought again on the line as the first angle has made it, since a line that climbs by several heights
    has another size and other turns.
    """
    angle = _skew_once(strokes)
    return angle + _skew_once(rotated(strokes, -angle)) if angle else 0.0


def _skew_once(strokes: list[Float64[np.ndarray, "_num_points 2"]]) -> float:
    _, height = x_height(strokes)
    points, counts = resample(strokes, 0.15 * height)
    slopes: list[Float64[np.ndarray, " _num_pairs"]] = []
    weights: list[Float64[np.ndarray, " _num_pairs"]] = []
    for turns in turning_points(points[:, 1], counts, 0.3 * height):
        first, second = np.triu_indices(len(turns), 1)
        across, down = (points[turns[second]] - points[turns[first]]).T
        is_wide = np.abs(across) > LEAST_WIDTH * height
        slopes.append(down[is_wide] / across[is_wide])
        weights.append(np.abs(across[is_wide]))
    slope, weight = np.concatenate(slopes), np.concatenate(weights)
    is_line = np.abs(slope) < STEEPEST
    slope, weight = slope[is_line], weight[is_line]
    if len(slope) < FEWEST_PAIRS:
        return 0.0
    order = np.argsort(slope)
    share = np.cumsum(weight[order])
    return float(np.arctan(slope[order[np.searchsorted(share, share[-1] / 2)]]))


def rotated(
    strokes: list[Float64[np.ndarray, "_num_points 2"]], angle: float
) -> list[Float64[np.ndarray, "_num_points 2"]]:
    """Returns the strokes turned about the middle of the ink by an angle in radians, clockwise as one sees it."""
    points = np.concatenate(strokes)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return [(stroke - middle) @ turn + middle for stroke in strokes]


def sheared(
    strokes: list[Float64[np.ndarray, "_num_points 2"]], slant: float
) -> list[Float64[np.ndarray, "_num_points 2"]]:
    """Returns the strokes with a slant taken out, given as a tangent; the base line at y = 1 stays where it is."""
    return [stroke + np.stack([slant * (stroke[:, 1] - 1), 0 * stroke[:, 1]], axis=1) for stroke in strokes]


SHEARS = np.tan(np.deg2rad(np.arange(-45.0, 61.0, 1.5)))
"""Candidates for the slant, as tangents; writing leans to the right far more often than to the left."""
SLANT_STEP = 0.1
"""Distance of the points that the slant is measured by, in heights of the writing."""
SPREAD_DEGREES = 6.0
"""Standard deviation of the smoothing of the histogram of directions."""


def slant_by_histogram(strokes: list[Float64[np.ndarray, "_num_points 2"]]) -> float:
    """Returns the tangent of the angle by which downstrokes lean to the right; 0 for ink without any.

    Each piece of ink counts by how far it goes down.

    Args:
        strokes: in heights of the writing.
    """
    move = _moves(strokes)[1]
    move = move[move[:, 1] > 0]
    # From top to bottom the pen goes to the left where the writing leans to the right.
    degrees = np.rad2deg(np.arctan2(-move[:, 0], move[:, 1]))
    angles = np.rad2deg(np.arctan(SHEARS))
    if not len(move):
        return 0.0
    counts = np.histogram(degrees, np.arange(-90.0, 91.0), weights=move[:, 1])[0]
    near = np.exp(-0.5 * np.square((angles[:, None] - np.arange(-89.5, 90.0)) / SPREAD_DEGREES))
    scores = near @ counts
    return float(SHEARS[scores.argmax()]) if scores.max() > 0 else 0.0


def slant_by_projection(strokes: list[Float64[np.ndarray, "_num_points 2"]]) -> float:
    """Returns the tangent of the shear after which the ink stands in the fewest columns; 0 for ink without height.

    Each piece of ink counts by its height, so that bars and the ways between letters say nothing.

    Args:
        strokes: in heights of the writing.
    """
    middle, move = _moves(strokes)
    weight = np.abs(move[:, 1])
    if weight.sum() < 1e-9:
        return 0.0
    x = middle[:, 0] + SHEARS[:, None] * middle[:, 1]
    column = np.floor((x - x.min(axis=1, keepdims=True)) / SLANT_STEP).astype(np.int64)
    width = int(column.max()) + 1
    flat = (column + width * np.arange(len(SHEARS))[:, None]).ravel()
    profile = np.bincount(flat, np.tile(weight, len(SHEARS)), width * len(SHEARS)).reshape(-1, width)
    # Two columns at a time: ink on the border of two columns is as narrow as ink within one.
    scores = np.square(profile[:, 1:] + profile[:, :-1]).sum(axis=1)
    smooth = np.convolve(np.pad(scores, 2, mode="edge"), np.ones(5) / 5, "valid")
    return float(SHEARS[smooth.argmax()])


def _moves(
    strokes: list[Float64[np.ndarray, "_num_points 2"]],
) -> tuple[Float64[np.ndarray, "_num 2"], Float64[np.ndarray, "_num 2"]]:
    """The middles of short pieces of the ink, and how far the pen goes in each."""
    points, counts = resample(strokes, SLANT_STEP)
    is_within = np.ones(len(points) - 1, dtype=bool)
    is_within[np.cumsum(counts)[:-1] - 1] = False
    return ((points[1:] + points[:-1]) / 2)[is_within], np.diff(points, axis=0)[is_within]
