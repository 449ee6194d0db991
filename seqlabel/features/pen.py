"""Pen features: strokes resampled by arc length at a step that follows the height of the writing.

The size of the tablet's units, the speed of the pen and the place on the page leave no trace; the shape does.

Source of the kinds of feature: Graves et al., "A novel connectionist system for unconstrained handwriting
recognition", TPAMI 31(5), 2009, section 2.1 (direction, curvature, height, pen-up); Carbune et al., "Fast
multi-language LSTM-based online handwriting recognition", IJDAR 2020 (height normalisation, dx, dy).
"""

from typing import Literal

import numpy as np
from jaxtyping import Float32, Float64, Int64

from seqlabel.config import Config
from seqlabel.errors import ConfigError, FormatError
from seqlabel.features.sources import whole_file
from seqlabel.formats import INK_SUFFIXES, read_ink
from seqlabel.records import Example, Signal, Strokes

MAX_ASPECT = 400
"""Ink that is more times wider than high is a dash: its width counts, or its tremor would be blown up."""


class PenConfig(Config, frozen=True, tag="pen"):
    """Eight features for each resampled point of the ink, and what ink lies around it.

    Attributes:
        step: distance of the points along a stroke, in heights of the writing.
        unit: what counts as one height of the writing: the band that most of the ink lies in (digits, capitals,
            single letters), or the x-height, which varies far less from line to line of a hand (lines of text;
            about a third of the band).
        context_cells: rows and columns of the square of cells around each point whose ink is measured; 0 for none.
            It shows the network the dot of an i and the bar of a t that are written later.
        cell_size: side of a cell, in heights of the writing.

    Raises:
        ConfigError: a step or cell size that is not positive, or a number of cells below 0.
    """

    step: float = 0.1
    unit: Literal["band", "x_height"] = "band"
    context_cells: int = 0
    cell_size: float = 0.6

    def __post_init__(self) -> None:
        if not (0 < self.step < np.inf and 0 < self.cell_size < np.inf):
            raise ConfigError(
                f"pen: step {self.step}, cell size {self.cell_size}, expected positive shares of the writing's height"
            )
        if self.context_cells < 0:
            raise ConfigError(f"pen: {self.context_cells} context cells, expected 0 or more rows of cells")

    def build(self) -> "Pen":
        """Returns the feature."""
        return Pen(self)


class Pen:
    """Computes, for every point: dx, dy, pen-down, direction (cos, sin), curvature (cos, sin) and height.

    * dx, dy: from the point before, in steps; at the first point of a stroke this is the pen's way through
      the air, compressed by a logarithm beyond three steps. y grows downwards.
    * pen-down: 1 where the point is joined to the one before, 0 at the first point of a stroke.
    * direction: cosine and sine of the angle of (dx, dy); curvature: of the angle's change at this point.
    * height: of the point above the base line (the bottom of the band), in heights.
    * context: for each cell around the point, row by row from above, the length of the ink in it, as
      length / (length + cell size).
    """

    suffixes = INK_SUFFIXES

    def __init__(self, config: PenConfig) -> None:
        self.config = config
        self.dim = 8 + config.context_cells**2

    def read(self, example: Example) -> Strokes:
        """Returns the ink of an example: a file, or a row of one (`page.inkml:2`).

        Raises:
            FormatError: the file cannot be read as ink, or a part of it is asked for.
        """
        return read_ink(whole_file(example))

    def __call__(self, signal: Signal) -> Float32[np.ndarray, "T F"]:
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
        top, height = writing_band(strokes) if self.config.unit == "band" else x_height(strokes)
        points, counts = resample([(stroke - [0.0, top]) / height for stroke in strokes], self.config.step)
        is_first = np.zeros(len(points), dtype=bool)
        is_first[np.cumsum(counts) - counts] = True
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
            1.0 - points[:, 1],
        )
        frames = np.stack(columns, axis=1)
        if self.config.context_cells:
            ink = self.config.step * points_around(points, self.config.context_cells, self.config.cell_size)
            frames = np.concatenate([frames, ink / (ink + self.config.cell_size)], axis=1)
        return frames.astype(np.float32)


CELL_GRAIN = 4
"""Bins along the side of a cell: places are rounded to them, so that sums over cells come from one table."""


def points_around(
    points: Float64[np.ndarray, "T 2"], num_cells: int, cell_size: float
) -> Int64[np.ndarray, "T _cells"]:
    """Returns the number of points in each of the num_cells x num_cells cells around every point, row by row.

    Source of the idea: the context bitmaps of Manke, Finke, Waibel, "Combining bitmaps with dynamic writing
    information for on-line handwriting recognition", ICPR 1994; sums from a summed-area table (Crow 1984).
    """
    reach = CELL_GRAIN * num_cells // 2 + 1
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
    tops: list[float] = []
    bottoms: list[float] = []
    points, counts = resample(strokes, 0.05 * height)
    for places in np.split(points[:, 1], np.cumsum(counts)[:-1]):
        low, high = vertical_turns(places, 0.1 * height)
        bottoms += low
        tops += high
    if min(len(tops), len(bottoms)) >= FEWEST_TURNS:
        base, middle = float(np.median(bottoms)), float(np.median(tops))
        if base - middle > 0.05 * height:
            return middle, base - middle
    return top + height / 3, height / 3


FEWEST_TURNS = 4
"""Upward and downward turns that tell the x-height."""


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


def resample(
    strokes: list[Float64[np.ndarray, "_num_points 2"]], step: float
) -> tuple[Float64[np.ndarray, "T 2"], Int64[np.ndarray, " num_strokes"]]:
    """Returns points about `step` apart along the strokes and how many of them each stroke has.

    Both ends of a stroke are among them; a dot stays one point.
    """
    points = np.concatenate(strokes)
    ends = np.cumsum([len(stroke) for stroke in strokes])
    starts = np.concatenate([[0], ends[:-1]])
    way = np.hypot(*np.diff(points, axis=0, prepend=points[:1]).T)
    way[starts] = 1.0  # Between strokes lies a gap, so that no place belongs to two.
    place = np.cumsum(way)
    totals = place[ends - 1] - place[starts]
    counts = np.where(totals < 1e-9, 1, np.maximum(2, np.round(totals / step) + 1)).astype(np.int64)
    first = np.cumsum(counts) - counts
    index = np.arange(counts.sum()) - np.repeat(first, counts)
    share = index / np.repeat(np.maximum(1, counts - 1), counts)
    wanted = np.repeat(place[starts], counts) + share * np.repeat(totals, counts)
    wanted = np.minimum(wanted, np.repeat(place[ends - 1], counts))
    new = np.stack([np.interp(wanted, place, points[:, 0]), np.interp(wanted, place, points[:, 1])], axis=1)
    return new, counts
