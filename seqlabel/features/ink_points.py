"""Points at even distances along strokes, and how many of them lie around each."""

import numpy as np
from jaxtyping import Float64, Int64

from seqlabel.errors import FormatError

MOST_BINS = 1 << 23
"""Of the table that sums are taken from; a full page has some 40,000."""
CELL_GRAIN = 4
"""Bins along the side of a cell: places are rounded to them, so that sums over cells come from one table."""


def points_around(
    points: Float64[np.ndarray, "T 2"], num_cells: int, cell_size: float
) -> Int64[np.ndarray, "T _cells"]:
    """Returns the number of points in each of the num_cells x num_cells cells around every point, row by row.

    Raises:
        FormatError: ink so large for its height that the table would fill the memory (`MOST_BINS`).

    Source of the idea: the context bitmaps of Manke, Finke, Waibel, "Combining bitmaps with dynamic writing
    information for on-line handwriting recognition", ICPR 1994; sums from a summed-area table (Crow 1984).
    """
    reach = CELL_GRAIN * num_cells // 2 + 1
    size = np.ptp(points, axis=0) * (CELL_GRAIN / cell_size) + 2 * reach + CELL_GRAIN + 2
    if not float(size.prod()) <= MOST_BINS:
        width, height = (size * (cell_size / CELL_GRAIN)).tolist()
        raise FormatError(
            f"ink {width:.3g} x {height:.3g} times as large as its writing is high; "
            "is one of its points far away from the others?"
        )
    bins = np.floor(points * (CELL_GRAIN / cell_size)).astype(np.int64)
    bins += reach - bins.min(axis=0)
    width, height = (bins.max(axis=0) + reach + CELL_GRAIN + 1).tolist()
    table = np.bincount(bins[:, 1] * width + bins[:, 0], minlength=width * height)
    # sums[i, j] is the number of points above row i and left of column j.
    sums = np.pad(table.reshape(height, width).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    edges = (np.arange(num_cells + 1) * 2 - num_cells) * CELL_GRAIN // 2
    rows, columns = bins[:, 1, None] + edges, bins[:, 0, None] + edges
    corners = sums[rows[:, :, None], columns[:, None, :]]
    counts: Int64[np.ndarray, "T _cells"] = np.diff(np.diff(corners, axis=1), axis=2).reshape(len(points), -1)
    return counts


MOST_POINTS = 1_000_000
"""That ink is resampled to; a full page has some 20,000."""


def resample(
    strokes: list[Float64[np.ndarray, "_num_points 2"]], step: float
) -> tuple[Float64[np.ndarray, "T 2"], Int64[np.ndarray, " num_strokes"]]:
    """Returns points about `step` apart along the strokes and how many of them each stroke has.

    Both ends of a stroke are among them; a dot stays one point.

    Raises:
        FormatError: more points than any ink has (`MOST_POINTS`), as where one of its points lies far away.
    """
    points = np.concatenate(strokes)
    ends = np.cumsum([len(stroke) for stroke in strokes])
    starts = np.concatenate([[0], ends[:-1]])
    way = np.hypot(*np.diff(points, axis=0, prepend=points[:1]).T)
    way[starts] = 1.0  # Between strokes lies a gap, so that no place belongs to two.
    place = np.cumsum(way)
    totals = place[ends - 1] - place[starts]
    if not (num_points := float((totals / step).sum())) <= MOST_POINTS:
        raise FormatError(
            f"ink {num_points * step:.3g} times as long as its writing is high; expected less than "
            f"{MOST_POINTS * step:.3g} times, is one of its points far away from the others?"
        )
    counts = np.where(totals < 1e-9, 1, np.maximum(2, np.round(totals / step) + 1)).astype(np.int64)
    first = np.cumsum(counts) - counts
    index = np.arange(counts.sum()) - np.repeat(first, counts)
    share = index / np.repeat(np.maximum(1, counts - 1), counts)
    wanted = np.repeat(place[starts], counts) + share * np.repeat(totals, counts)
    wanted = np.minimum(wanted, np.repeat(place[ends - 1], counts))
    new = np.stack([np.interp(wanted, place, points[:, 0]), np.interp(wanted, place, points[:, 1])], axis=1)
    return new, counts
