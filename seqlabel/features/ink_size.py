"""The size of writing in pen ink: the band that most of it lies in, and the x-height between mean and base line."""

from typing import Any, no_type_check

import numpy as np
from jaxtyping import Float64, Int64

from seqlabel.compiled import compiled
from seqlabel.features.ink_points import resample

MAX_ASPECT = 400
"""Ink that is more times wider than high is a dash: its width counts, or its tremor would be blown up."""


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


def x_height(strokes: list[Float64[np.ndarray, "_num_points 2"]]) -> tuple[float, float]:
    """Returns the place of the mean line (the top of a small x) and the x-height, in the tablet's units.

    The pen turns upwards at the base line and downwards at the mean line far more often than at the ends of the
    long letters, so the medians of its turns tell both. Ink with few turns is measured by its band.

    Source: base and mean line from the extrema of the pen's way as in Bengio and LeCun, "Word normalization for
    on-line handwritten word recognition", ICPR 1994; medians stand here for their fit of curves.
    """
    top, height = writing_band(strokes)
    points, counts = resample(strokes, 0.05 * height)
    low, high = turning_points(points[:, 1], counts, 0.1 * height)
    bottoms, tops = points[low, 1], points[high, 1]
    if min(len(tops), len(bottoms)) >= FEWEST_TURNS:
        base, middle = float(np.median(bottoms)), float(np.median(tops))
        if base - middle > 0.05 * height:
            return middle, base - middle
    return top + height / 3, height / 3


FEWEST_TURNS = 4
"""Upward and downward turns that tell the x-height."""


def turning_points(
    y: Float64[np.ndarray, " T"], counts: Int64[np.ndarray, " num_strokes"], least: float
) -> tuple[Int64[np.ndarray, " num_low"], Int64[np.ndarray, " num_high"]]:
    """Returns which points are lower and which are upper turns of the pen, ends of strokes included; y grows downwards.

    A turn counts when the pen goes at least `least` between it and the next.

    Args:
        y: the places of all strokes, one stroke after the other.
        counts: points of each stroke.
        least: in the unit of y.
    """
    places, is_low = _turns(y, counts, least)
    return places[is_low], places[~is_low]


@compiled
@no_type_check
def _turns(y: Any, counts: Any, least: float) -> Any:
    places = np.empty(len(y) + 1, np.int64)
    is_low = np.empty(len(y) + 1, np.bool_)
    found = 0
    first = 0
    for count in counts:
        lowest = highest = first  # on the page
        direction = 0  # 1 is down
        for i in range(first, first + count):
            if y[i] > y[lowest]:
                lowest = i
            if y[i] < y[highest]:
                highest = i
            if direction != -1 and y[lowest] - y[i] >= least:
                places[found], is_low[found] = lowest, True
                found += 1
                direction, highest = -1, i
            elif direction != 1 and y[i] - y[highest] >= least:
                places[found], is_low[found] = highest, False
                found += 1
                direction, lowest = 1, i
        if direction != 0:
            places[found], is_low[found] = (lowest if direction == 1 else highest), direction == 1
            found += 1
        first += count
    return places[:found], is_low[:found]
