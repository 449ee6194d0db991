"""Rows of ink whose text wraps: `page.inkml:2` is the third row of what the file holds.

Letters are written row by row, so a row is a run of strokes in writing order: the split of all strokes into runs is the
one whose runs lie best on straight lines, where each run begins to the left of where the one before it ended. What is
too small to be a letter (dots, bars, accents) comes afterwards to the line that it lies nearest above, and most
readily to the row that was being written.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64

from seqlabel.errors import FormatError
from seqlabel.formats.files import split_address
from seqlabel.formats.ink import INK_SUFFIXES, read_strokes
from seqlabel.records import Strokes

SMALLEST_LETTER = 0.4
"""A stroke lower than this is a dot or a bar. This and the following are in heights of the writing."""
ROW_COST = 2.0
"""Squared distance from its line that another row has to save."""
SLOPE_SCALE = 6.0
"""A line through letters that spread less than this is mostly level."""
RETURN = 2.0
"""How far the pen goes back to the left for a new row, at least."""
MARK_HEIGHT = 0.3
"""How far above the middle of the letters the dots and bars lie."""
MOST_STROKES = 5000
"""Of ink that is split into rows; a full page has some 2000. Time and memory grow with the square of their number."""
OWN_ROW = 0.75
"""How much nearer another row has to be than the one that is being written."""


def split_rows(strokes: Strokes) -> list[Strokes]:
    """Returns the rows of ink whose text wraps, from the first written to the last; of a single row itself.

    Strokes keep their order within a row, and times count from the first point of their row.

    Raises:
        FormatError: more strokes than a page has (`MOST_STROKES`).

    Example:
        >>> dash = np.array([[0, 0], [1, 1]], np.float32)
        >>> len(split_rows(Strokes((dash, dash + [2, 0], dash + [4, 0], dash + [0, 4], dash + [2, 4]))))
        2
    """
    kept = [number for number, stroke in enumerate(strokes.strokes) if len(stroke)]
    if len(kept) > MOST_STROKES:
        raise FormatError(
            f"{len(kept):,} strokes in one ink; expected at most {MOST_STROKES:,} to split into rows"
        )
    rows = rows_of([strokes.strokes[number].astype(np.float64) for number in kept])
    result = []
    for row in range(int(rows.max()) + 1 if len(rows) else 0):
        chosen = [number for number, own in zip(kept, rows.tolist(), strict=True) if own == row]
        times = strokes.times
        if times is not None:
            times = tuple(times[number] - times[chosen[0]][0] for number in chosen)
        pressures = strokes.pressures
        if pressures is not None:
            pressures = tuple(pressures[number] for number in chosen)
        result.append(Strokes(tuple(strokes.strokes[number] for number in chosen), times, pressures))
    return result


def rows_of(strokes: list[Float64[np.ndarray, "_num_points 2"]]) -> Int64[np.ndarray, " num_strokes"]:
    """Returns the row of each stroke, counted from 0 in the order of writing; every row has a stroke."""
    if not strokes:
        return np.zeros(0, dtype=np.int64)
    low = np.array([stroke.min(axis=0) for stroke in strokes])
    high = np.array([stroke.max(axis=0) for stroke in strokes])
    measured = [_middle(stroke) for stroke in strokes]
    middle = np.array([place for place, _ in measured])
    height = _height(high - low, np.array([length for _, length in measured]))
    is_letter = (high - low)[:, 1] >= SMALLEST_LETTER * height
    if not is_letter.any():
        return np.zeros(len(strokes), dtype=np.int64)
    x, y = middle.T / height
    letters = np.flatnonzero(is_letter)
    row_of_letter = _runs(x[letters], y[letters], low[letters, 0] / height, high[letters, 0] / height)
    lines = np.array(
        [
            _line(x[letters[row_of_letter == row]], y[letters[row_of_letter == row]])
            for row in np.unique(row_of_letter)
        ]
    )
    below = y[:, None] - lines[:, 0] - lines[:, 1] * x[:, None]
    distance = np.where(is_letter[:, None], np.abs(below), np.abs(below + MARK_HEIGHT))
    every = np.arange(len(strokes))
    last = np.cumsum(is_letter) - 1  # the letter before each mark, and the one after it
    favoured = np.zeros(distance.shape, dtype=bool)
    favoured[every, row_of_letter[np.maximum(last, 0)]] = True
    favoured[every, row_of_letter[np.minimum(last + ~is_letter, len(letters) - 1)]] = True
    distance -= np.where(favoured, OWN_ROW, 0.0)
    rows: Int64[np.ndarray, " num_strokes"] = np.unique(np.argmin(distance, axis=1), return_inverse=True)[1]
    return rows.reshape(-1).astype(np.int64)


def _height(size: Float64[np.ndarray, "n 2"], lengths: Float64[np.ndarray, " n"]) -> float:
    """Returns the height of the strokes that make up half of the ink; a dash counts by its width."""
    tall = np.maximum(size[:, 1], size[:, 0] / 6)
    order = np.argsort(tall)
    share = np.cumsum(lengths[order])
    return float(tall[order[np.searchsorted(share, share[-1] / 2)]]) or 1.0


def _middle(stroke: Float64[np.ndarray, "num_points 2"]) -> tuple[Float64[np.ndarray, "2"], float]:
    """Returns the centre of a stroke's ink, and its length."""
    steps = np.hypot(*np.diff(stroke, axis=0).T)
    length = float(steps.sum())
    if length == 0:
        return stroke.mean(axis=0), 0.0
    return ((stroke[1:] + stroke[:-1]) / 2 * steps[:, None]).sum(axis=0) / length, length


def _line(x: Float64[np.ndarray, " n"], y: Float64[np.ndarray, " n"]) -> tuple[float, float]:
    """Returns the place at x = 0 and the slope of the line that letters lie on, which is rather level."""
    dx, dy = x - x.mean(), y - y.mean()
    slope = float((dx * dy).sum() / ((dx * dx).sum() + SLOPE_SCALE**2))
    return float(y.mean()) - slope * float(x.mean()), slope


def _runs(
    x: Float64[np.ndarray, " n"],
    y: Float64[np.ndarray, " n"],
    left: Float64[np.ndarray, " n"],
    right: Float64[np.ndarray, " n"],
) -> Int64[np.ndarray, " n"]:
    """Returns the row of each letter: runs of least squared distance from their lines, by dynamic programming."""
    x, y = x - x.mean(), y - y.mean()
    columns = np.stack([np.ones(len(x)), x, y, x * x, x * y, y * y])
    sums = np.pad(np.cumsum(columns, axis=1), ((0, 0), (1, 0)))
    can_begin = np.concatenate([[True], left[1:] < right[:-1] - RETURN])
    starts = np.flatnonzero(can_begin)
    best = np.zeros(len(x) + 1)
    origin = np.zeros(len(x) + 1, dtype=np.int64)
    for end in range(1, len(x) + 1):
        begin = starts[: np.searchsorted(starts, end)]
        count, sx, sy, sxx, sxy, syy = sums[:, end, None] - sums[:, begin]
        sxx, sxy, syy = sxx - sx * sx / count, sxy - sx * sy / count, syy - sy * sy / count
        cost = best[begin] + np.maximum(0.0, syy - sxy * sxy / (sxx + SLOPE_SCALE**2)) + ROW_COST
        chosen = int(np.argmin(cost))
        best[end], origin[end] = cost[chosen], begin[chosen]
    rows = np.zeros(len(x), dtype=np.int64)
    end = len(x)
    while end:
        rows[origin[end]] = 1
        end = int(origin[end])
    return np.cumsum(rows) - 1


# --- rows as examples -------------------------------------------------------------------------------------


def ink_row_address(path: Path, row: int) -> Path:
    """Returns the source of a row of ink, counted from 0."""
    return path.with_name(f"{path.name}:{row}")


def split_ink_address(source: Path) -> tuple[Path, int] | None:
    """Returns the file and the row that a source names; None for other sources."""
    return split_address(source, "|".join(suffix.removeprefix(".") for suffix in INK_SUFFIXES))


def read_ink(source: Path) -> Strokes:
    """Returns the ink of a file, or of one of its rows where the source names one (`page.inkml:2`, the third).

    Raises:
        FormatError: as `read_strokes`, or the ink has no such row.
    """
    address = split_ink_address(source)
    if address is None:
        return read_strokes(source)
    path, row = address
    rows = read_rows(path)
    if row >= len(rows):
        raise FormatError(f"{source}: the ink has {len(rows)} rows, counted from 0")
    return rows[row]


def read_rows(path: Path) -> list[Strokes]:
    """Returns the rows of the ink of a file.

    Raises:
        FormatError: as `read_strokes`.
    """
    try:
        found = path.stat()
    except OSError:
        return split_rows(read_strokes(path))  # reading tells what is wrong
    return _rows_of_file(path, (found.st_mtime_ns, found.st_size))


@lru_cache(maxsize=4)
def _rows_of_file(path: Path, stamp: tuple[int, int]) -> list[Strokes]:
    """Returns the rows of a file; the next row that is asked for is mostly of the same one."""
    strokes = read_strokes(path)
    try:
        return split_rows(strokes)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error
