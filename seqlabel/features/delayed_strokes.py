"""Delayed strokes: dots of i and j, bars of t, accents, written after the letters that they belong to.

Source of the rule: Jaeger et al., "Online handwriting recognition: the NPen++ recognizer", IJDAR 3(3), 2001, and
Liwicki and Bunke, "HMM-based on-line recognition of handwritten whiteboard notes", IWFHR 2006: strokes written above
parts that are written already. Here a stroke is delayed when it is not higher than a small letter and

* lies above the mean line, and an earlier stroke has ink below it: a dot or an accent, or
* is at least twice as wide as high, near the mean line or above, and an earlier stroke passes through it: a bar.

So the dot of an i is one also when it is written right after its i; the arch of an r or the second half of an x is not.
"""

import numpy as np
from jaxtyping import Float64

HIGHEST = 1.0
"""Delayed strokes are at most this high, in x-heights."""
ABOVE = 0.1
"""How far above the mean line a dot begins, in x-heights."""
LOWEST_BAR = 0.4
"""How far below the mean line the middle of a bar lies at most, in x-heights."""
REACH = 0.5
"""How far beyond its ends ink counts as below a stroke, in x-heights: a dot is seldom right over its stem."""


def strokes_below(
    strokes: list[Float64[np.ndarray, "_num_points 2"]], mean_line: float, height: float
) -> list[int | None]:
    """Returns for each stroke the number of the earlier stroke that it stands over; None for one that is not delayed.

    Of several it is the one that passes through it, or else the one whose ink is the nearest, differences in height
    counted by half.

    Args:
        strokes: y grows downwards.
        mean_line: the place of the top of a small x.
        height: the x-height.
    """
    below: list[int | None] = [None]
    points = np.concatenate(strokes)
    ends = np.cumsum([len(stroke) for stroke in strokes])
    owner = np.repeat(np.arange(len(strokes)), np.diff(ends, prepend=0))
    is_base = np.zeros(len(points), dtype=bool)
    is_base[: ends[0]] = True
    for index in range(1, len(strokes)):
        stroke = strokes[index]
        under = None
        if float(np.ptp(stroke[:, 1])) <= HIGHEST * height:
            # Only what was written before, and no dot over a dot.
            earlier = np.flatnonzero(is_base[: ends[index - 1]])
            under = _dotted(stroke, points, owner, earlier, mean_line, height)
            if under is None:
                under = _crossed(stroke, points, owner, earlier, mean_line, height)
        below.append(under)
        is_base[ends[index - 1] : ends[index]] = under is None
    return below


def _dotted(
    stroke: Float64[np.ndarray, "num_points 2"],
    points: Float64[np.ndarray, "total 2"],
    owner: np.ndarray,
    earlier: np.ndarray,
    mean_line: float,
    height: float,
) -> int | None:
    (left, top), (right, bottom) = stroke.min(axis=0), stroke.max(axis=0)
    if bottom > mean_line - ABOVE * height:
        return None
    x, y = points[earlier].T
    under = earlier[(x >= left - REACH * height) & (x <= right + REACH * height) & (y > bottom)]
    if not len(under):
        return None
    across, down = (points[under] - [(left + right) / 2, (top + bottom) / 2]).T
    return int(owner[under[np.argmin(np.hypot(across, down / 2))]])


def _crossed(
    stroke: Float64[np.ndarray, "num_points 2"],
    points: Float64[np.ndarray, "total 2"],
    owner: np.ndarray,
    earlier: np.ndarray,
    mean_line: float,
    height: float,
) -> int | None:
    (left, top), (right, bottom) = stroke.min(axis=0), stroke.max(axis=0)
    middle = (top + bottom) / 2
    if right - left < 2 * (bottom - top) or middle > mean_line + LOWEST_BAR * height:
        return None
    # A bar leans a little: what counts is where the other stroke stands in respect of the line through its ends.
    first, last = stroke[stroke[:, 0].argmin()], stroke[stroke[:, 0].argmax()]
    slope = (last[1] - first[1]) / max(right - left, 1e-9)
    x, y = points[earlier].T
    side = y - (first[1] + slope * (x - left))
    # Both ends of a piece of an earlier stroke, which crosses where the side changes.
    piece = np.flatnonzero((np.diff(earlier) == 1) & (np.diff(owner[earlier]) == 0))
    piece = piece[(side[piece] < 0) != (side[piece + 1] < 0)]
    if not len(piece):
        return None
    share = side[piece] / (side[piece] - side[piece + 1])
    at = x[piece] + share * (x[piece + 1] - x[piece])
    margin = 0.1 * (right - left)
    inside = piece[(at > left + margin) & (at < right - margin)]
    if not len(inside):
        return None
    at = at[np.isin(piece, inside)]
    return int(owner[earlier[inside[np.argmin(np.abs(at - (left + right) / 2))]]])
