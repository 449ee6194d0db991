"""Pen features: strokes resampled by arc length at a step that follows the height of the writing.

The size of the tablet's units, the speed of the pen and the place on the page leave no trace; the shape does.

Source of the kinds of feature: Graves et al., "A novel connectionist system for unconstrained handwriting
recognition", TPAMI 31(5), 2009, section 2.1 (direction, curvature, height, pen-up); Carbune et al., "Fast
multi-language LSTM-based online handwriting recognition", IJDAR 2020 (height normalisation, dx, dy).
"""

import numpy as np
from jaxtyping import Float32

from seqlabel.config import Config
from seqlabel.errors import ConfigError
from seqlabel.features.ink_normalization import InkNormalizationConfig, Unit, normalized
from seqlabel.features.ink_points import points_around, resample
from seqlabel.features.sources import pen_ink
from seqlabel.formats import INK_SUFFIXES
from seqlabel.records import Example, Signal, Strokes


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
        ink: what is evened out before: skew, slant, delayed strokes. Flagged strokes add a feature, the last one.

    Raises:
        ConfigError: a step or cell size that is not positive, a number of cells below 0, or delayed strokes removed,
            of which no feature would tell.
    """

    step: float = 0.1
    unit: Unit = "band"
    context_cells: int = 0
    cell_size: float = 0.6
    ink: InkNormalizationConfig = InkNormalizationConfig()

    def __post_init__(self) -> None:
        if not (0 < self.step < np.inf and 0 < self.cell_size < np.inf):
            raise ConfigError(
                f"pen: step {self.step}, cell size {self.cell_size}, expected positive shares of the writing's height"
            )
        if self.context_cells < 0:
            raise ConfigError(f"pen: {self.context_cells} context cells, expected 0 or more rows of cells")
        if self.ink.delayed_strokes == "remove":
            raise ConfigError(
                "pen: delayed strokes are removed, expected keep, flag or move; no feature would tell of them"
            )

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
    * delayed: 1 at the points of delayed strokes, where they are flagged.
    """

    suffixes = INK_SUFFIXES

    def __init__(self, config: PenConfig) -> None:
        self.config = config
        self.dim = 8 + config.context_cells**2 + (config.ink.delayed_strokes == "flag")

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
        ink = normalized(signal, self.config.ink, self.config.unit)
        points, counts = resample(ink.strokes, self.config.step)
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
            length = self.config.step * points_around(
                points, self.config.context_cells, self.config.cell_size
            )
            frames = np.concatenate([frames, length / (length + self.config.cell_size)], axis=1)
        if self.config.ink.delayed_strokes == "flag":
            frames = np.concatenate([frames, ink.points_of_delayed(counts)[:, None]], axis=1)
        return frames.astype(np.float32)
