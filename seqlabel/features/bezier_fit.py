"""Strokes as few cubic Bezier curves, each within a given distance of the ink; compiled.

Source: Carbune et al., "Fast multi-language LSTM-based online handwriting recognition", IJDAR 23, 2020, section on
Bezier curves: least squares for the coefficients and a Newton step for the parameter of each point take turns, and
ink that one curve does not follow is parted. There the polynomials are free; here the ends of a curve are those of its
ink, so that the curves of a stroke join (as in Schneider, "An algorithm for automatically fitting digitized curves",
Graphics Gems, 1990), and curves that one curve can stand for are joined again.
"""

from dataclasses import dataclass
from typing import Any, no_type_check

import numpy as np
from jaxtyping import Float64, Int64

from seqlabel.compiled import compiled

MOST_ROUNDS = 30
"""Turns of least squares and Newton steps for one curve."""
LONGEST_ARM = 1.5
"""A control point is no further from its end than so many lengths of the ink; further away it says nothing of it."""
RIDGE = 1e-9
"""Draws control points that the ink does not tell, those of three points, to the thirds of the chord."""


@dataclass(frozen=True, slots=True)
class Curves:
    """Cubic Bezier curves in the order of the ink.

    Attributes:
        control: x, y and the time of the four control points of each; the outer two are its ends.
        owner: the number of its stroke.
    """

    control: Float64[np.ndarray, "num_curves 4 3"]
    owner: Int64[np.ndarray, " num_curves"]


def fit_curves(
    points: Float64[np.ndarray, "T 3"],
    counts: Int64[np.ndarray, " num_strokes"],
    tolerance: float,
    longest_way: float,
) -> Curves:
    """Returns curves that pass every point within the tolerance, in x and y.

    Time is no part of the shape: its control points are found for the parameters that suit the shape, and lie between
    the times of the ends.

    Args:
        points: x, y and time, at small and even distances along the strokes, one stroke after the other.
        counts: points of each stroke; a stroke of one is one curve of no extent.
        tolerance: in the unit of x and y.
        longest_way: the ink of a curve is at most so many times as long as the distance between its ends, so that a
            loop or a way there and back is more than one curve.
    """
    return Curves(*_fit_strokes(points, counts, tolerance, longest_way))


@compiled
@no_type_check
def _solve(points: Any, first: int, last: int, parameter: Any, control: Any, column: int) -> None:
    """Finds the inner control points of one column, by least squares around the thirds of the chord."""
    start, chord = points[first, column], points[last, column] - points[first, column]
    a11 = a12 = a22 = b1 = b2 = 0.0
    for i in range(first + 1, last):
        s = parameter[i]
        one = 3 * s * (1 - s) * (1 - s)
        two = 3 * s * s * (1 - s)
        rest = points[i, column] - start - chord * s
        a11 += one * one
        a12 += one * two
        a22 += two * two
        b1 += one * rest
        b2 += two * rest
    ridge = RIDGE * (last - first)
    a11 += ridge
    a22 += ridge
    below = a11 * a22 - a12 * a12
    control[0, column] = start
    control[1, column] = start + chord / 3 + (a22 * b1 - a12 * b2) / below
    control[2, column] = start + 2 * chord / 3 + (a11 * b2 - a12 * b1) / below
    control[3, column] = start + chord


@compiled
@no_type_check
def _fit_one(
    points: Any, way: Any, first: int, last: int, parameter: Any, control: Any, tolerance: float
) -> Any:
    """Fits one curve; returns its largest squared distance from a point, and the number of that point.

    `parameter` is filled for the points between the ends.
    """
    length = way[last] - way[first]
    for i in range(first + 1, last):
        parameter[i] = (way[i] - way[first]) / length
    before = np.inf
    worst, at = 0.0, (first + last) // 2
    for turn in range(MOST_ROUNDS):
        _solve(points, first, last, parameter, control, 0)
        _solve(points, first, last, parameter, control, 1)
        worst, total = 0.0, 0.0
        # Coefficients of the polynomials in s.
        x0, y0 = control[0, 0], control[0, 1]
        x1, y1 = 3 * (control[1, 0] - x0), 3 * (control[1, 1] - y0)
        x2 = 3 * (control[2, 0] - 2 * control[1, 0] + x0)
        y2 = 3 * (control[2, 1] - 2 * control[1, 1] + y0)
        x3 = control[3, 0] - x0 - x1 - x2
        y3 = control[3, 1] - y0 - y1 - y2
        for i in range(first + 1, last):
            s = parameter[i]
            dx = x0 + s * (x1 + s * (x2 + s * x3)) - points[i, 0]
            dy = y0 + s * (y1 + s * (y2 + s * y3)) - points[i, 1]
            square = dx * dx + dy * dy
            total += square
            if square > worst:
                worst, at = square, i
            vx, vy = x1 + s * (2 * x2 + 3 * s * x3), y1 + s * (2 * y2 + 3 * s * y3)
            ax, ay = 2 * x2 + 6 * s * x3, 2 * y2 + 6 * s * y3
            slope = vx * vx + vy * vy + dx * ax + dy * ay
            if slope > 0 and turn + 1 < MOST_ROUNDS:
                parameter[i] = min(1.0, max(0.0, s - (dx * vx + dy * vy) / slope))
        is_hopeless = turn == 3 and worst > 16 * tolerance * tolerance
        if is_hopeless or total < 1e-12 or total > 0.995 * before:
            break
        before = total
    return worst, at


@compiled
@no_type_check
def _is_bent(points: Any, way: Any, first: int, last: int, longest_way: float) -> bool:
    chord = np.hypot(points[last, 0] - points[first, 0], points[last, 1] - points[first, 1])
    return way[last] - way[first] > longest_way * chord


@compiled
@no_type_check
def _has_long_arms(control: Any, length: float) -> bool:
    one = np.hypot(control[1, 0] - control[0, 0], control[1, 1] - control[0, 1])
    two = np.hypot(control[2, 0] - control[3, 0], control[2, 1] - control[3, 1])
    return max(one, two) > LONGEST_ARM * length


@compiled
@no_type_check
def _farthest(points: Any, first: int, last: int) -> int:
    """The point whose distances to both ends are the largest together."""
    most, at = -1.0, first + 1
    for i in range(first + 1, last):
        distance = np.hypot(points[i, 0] - points[first, 0], points[i, 1] - points[first, 1])
        distance += np.hypot(points[i, 0] - points[last, 0], points[i, 1] - points[last, 1])
        if distance > most:
            most, at = distance, i
    return at


@compiled
@no_type_check
def _is_one(
    points: Any,
    way: Any,
    first: int,
    last: int,
    parameter: Any,
    control: Any,
    tolerance: float,
    longest: float,
) -> Any:
    """Whether one curve does for the ink between two points, left in `control`; and where to part it if not."""
    if last - first < 2:
        _solve(points, first, last, parameter, control, 0)
        _solve(points, first, last, parameter, control, 1)
        return True, first
    if _is_bent(points, way, first, last, longest):
        return False, _farthest(points, first, last)
    worst, at = _fit_one(points, way, first, last, parameter, control, tolerance)
    if worst > tolerance * tolerance:
        return False, at
    if _has_long_arms(control, way[last] - way[first]):
        return False, (first + last) // 2
    return True, first


@compiled
@no_type_check
def _fit_strokes(points: Any, counts: Any, tolerance: float, longest: float) -> Any:
    num_points = len(points)
    way = np.zeros(num_points)
    for i in range(1, num_points):
        way[i] = way[i - 1] + np.hypot(points[i, 0] - points[i - 1, 0], points[i, 1] - points[i - 1, 1])
    control = np.empty((num_points, 4, 3))
    owner = np.empty(num_points, np.int64)
    parameter = np.zeros(num_points)
    trial = np.empty((4, 3))
    ends = np.empty(num_points, np.int64)
    found = 0
    first = 0
    for stroke in range(len(counts)):
        last = first + counts[stroke] - 1
        if last == first:
            control[found, :, :] = points[first]
            owner[found] = stroke
            found += 1
            first += 1
            continue
        # Ends of what is still to be fitted, the next on top; a part that one curve follows is taken off.
        num_ends = 1
        ends[0] = last
        begin = first
        # Of the stroke's finished curves, the first points.
        own = found
        starts = np.empty(counts[stroke], np.int64)
        while num_ends:
            end = ends[num_ends - 1]
            fits, at = _is_one(points, way, begin, end, parameter, trial, tolerance, longest)
            if not fits:
                ends[num_ends] = at
                num_ends += 1
                continue
            num_ends -= 1
            start = begin
            begin = end
            # Parting is greedy: with the curve before it may be one after all.
            while found > own:
                joined, _ = _is_one(
                    points, way, starts[found - own - 1], end, parameter, control[found], tolerance, longest
                )
                if not joined:
                    break
                found -= 1
                start = starts[found - own]
            starts[found - own] = start
            owner[found] = stroke
            found += 1
        for k in range(own, found):
            start = starts[k - own]
            end = starts[k - own + 1] if k + 1 < found else last
            _is_one(points, way, start, end, parameter, control[k], tolerance, longest)
            _solve(points, start, end, parameter, control[k], 2)
            for inner in (1, 2):
                control[k, inner, 2] = min(max(control[k, inner, 2], control[k, 0, 2]), control[k, 3, 2])
        first = last + 1
    return control[:found].copy(), owner[:found].copy()
