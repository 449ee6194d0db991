"""The clock of pen ink and the speed of the pen, with the tablet's times or without."""

from itertools import pairwise

import numpy as np
from jaxtyping import Float64, Int64

from seqlabel.features.ink_normalization import Ink


def clock(ink: Ink) -> list[Float64[np.ndarray, " _num_points"]]:
    """Returns when each point of each stroke was written: seconds, or the number of the point where no times are known.

    A tablet takes points at a constant rate, so that their number is a clock; it stands still between strokes. Times
    that run backwards are held.
    """
    if ink.times is not None:
        return [np.maximum.accumulate(times) for times in ink.times]
    first = np.cumsum([0, *(len(stroke) for stroke in ink.strokes)])
    return [np.arange(start, end, dtype=np.float64) for start, end in pairwise(first.tolist())]


def mean_speed(
    strokes: list[Float64[np.ndarray, "_num_points 2"]], times: list[Float64[np.ndarray, " _num_points"]]
) -> float:
    """Returns the length of the ink over the time that the pen was down for it; 1 where either is 0.

    Args:
        strokes: in heights of the writing.
        times: of their points, in the unit of the clock.
    """
    way = sum(float(np.hypot(*np.diff(stroke, axis=0).T).sum()) for stroke in strokes)
    time = sum(float(values[-1] - values[0]) for values in times)
    return way / time if way > 0 and time > 0 else 1.0


def relative_speed(
    strokes: list[Float64[np.ndarray, "_num_points 2"]],
    times: list[Float64[np.ndarray, " _num_points"]],
    points: Float64[np.ndarray, "T 2"],
    counts: Int64[np.ndarray, " num_strokes"],
) -> Float64[np.ndarray, " T"]:
    """Returns the speed of the pen at resampled points over its mean speed.

    The speed between two of the tablet's points belongs to the middle between them, and is interpolated along the
    ink. Points of one time are one point. A stroke that is written in no time has the mean speed, a dot 0.

    Args:
        strokes: the tablet's points.
        times: of these points.
        points: the points asked for, spread evenly over each stroke.
        counts: how many each stroke has of them.
    """
    mean = mean_speed(strokes, times)
    speeds = np.ones(len(points))
    first = np.cumsum(counts) - counts
    for stroke, values, start, count in zip(strokes, times, first.tolist(), counts.tolist(), strict=True):
        way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
        if way[-1] < 1e-9:
            speeds[start : start + count] = 0.0
            continue
        # Of points with one time the last.
        ends = np.flatnonzero(np.append(np.diff(values) > 0, True))
        if len(ends) < 2:
            continue
        speed = np.diff(way[ends]) / np.diff(values[ends]) / mean
        middle = (way[ends][1:] + way[ends][:-1]) / 2
        speeds[start : start + count] = np.interp(np.linspace(0.0, way[-1], count), middle, speed)
    return speeds
