"""The nine geometric features of each pixel column of a line image.

Source: Marti and Bunke, "Using a statistical language model to improve the performance of an HMM-based
cursive handwriting recognition system", IJPRAI 15(1), 2001, section 3: weight, centre of gravity and second
order moment of the column; positions of the upper and lower contour and their gradients; number of changes
between black and white; number of black pixels between the contours. Here each is divided by the height of
the line or by 8, so that values are of the order of one whatever the resolution.
"""

import numpy as np
from jaxtyping import Bool, Float32, Float64

from seqlabel.config import Config
from seqlabel.errors import ConfigError
from seqlabel.features.background import without_background
from seqlabel.features.columns import MAX_HEIGHT, scaled_ink
from seqlabel.features.sources import line_image
from seqlabel.formats import IMAGE_SUFFIXES, LineCutConfig
from seqlabel.records import Example, LineImage, Signal

MIN_INK = 0.25
"""Paler marks are paper: without writing on it, Otsu's threshold would part the paper's own noise."""


class GeometricColumnConfig(Config, frozen=True, tag="geometric_columns"):
    """Nine features for each pixel column.

    Attributes:
        height: pixels that the line is scaled to first.
        remove_background: divides the line by the tone of the paper around each pixel (`background`).
        cut: how a line of a page is cut out; line images are taken as they are.

    Raises:
        ConfigError: a height below 2, or above what any image is enlarged to.
    """

    height: int = 64
    remove_background: bool = False
    cut: LineCutConfig = LineCutConfig()

    def __post_init__(self) -> None:
        if not 2 <= self.height <= MAX_HEIGHT:
            raise ConfigError(f"geometric_columns: height {self.height}, expected 2 to {MAX_HEIGHT} pixels")

    def build(self) -> "GeometricColumns":
        """Returns the feature."""
        return GeometricColumns(self)


class GeometricColumns:
    """Binarises a line image and measures each of its columns, from left to right."""

    dim = 9
    suffixes = IMAGE_SUFFIXES

    def __init__(self, config: GeometricColumnConfig) -> None:
        self.config = config

    def read(self, example: Example) -> LineImage:
        """Returns the line image of an example.

        Raises:
            FormatError: the file cannot be read as an image, or a part of it is asked for.
        """
        image, _ = line_image(example, self.config.cut)
        return without_background(image) if self.config.remove_background else image

    def frame_edges(
        self, image: LineImage, num_frames: int, group: str | None = None, scale: float = 1.0
    ) -> Float64[np.ndarray, " frames1"]:
        """Returns where each of `num_frames` equal parts of an image begins, and where the last ends, in columns.

        Neither the line's group nor its scale changes that.
        """
        return np.linspace(0, image.pixels.shape[1], num_frames + 1)

    def __call__(self, signal: Signal) -> Float32[np.ndarray, "T 9"]:
        """Returns one row for each pixel column of the scaled line.

        Raises:
            FormatError: not an image, or an image without pixels.
        """
        ink = scaled_ink(signal, self.config.height, stretch_contrast=True)
        return column_geometry(ink > max(otsu_threshold(ink), MIN_INK))


def column_geometry(black: Bool[np.ndarray, "height width"]) -> Float32[np.ndarray, "width 9"]:
    """Returns the nine features of each column of a binary image, rows counted downwards from the top.

    In an empty column the centre and both contours stand in the middle, and weight, moment, changes and
    pixels between are 0; the gradients run on over it.
    """
    height = black.shape[0]
    row = np.arange(height)[:, None] / height
    count = black.sum(axis=0)
    empty = count == 0
    per_black = black / np.maximum(count, 1)
    centre = np.where(empty, 0.5, (per_black * row).sum(axis=0))
    moment = (per_black * np.square(row)).sum(axis=0)
    upper = np.where(empty, 0.5, black.argmax(axis=0) / height)
    lower = np.where(empty, 0.5, (height - 1 - black[::-1].argmax(axis=0)) / height)
    changes = (black[1:] != black[:-1]).sum(axis=0)
    # Between the contours, both excluded: what is left of the count when the contour pixels are taken out.
    between = np.maximum(count - np.where(upper == lower, 1, 2), 0)
    return np.stack(
        [
            count / height,
            centre,
            moment,
            upper,
            lower,
            gradient(upper) * height / 8,
            gradient(lower) * height / 8,
            changes / 8,
            between / height,
        ],
        axis=1,
    ).astype(np.float32)


def gradient(contour: np.ndarray) -> np.ndarray:
    """Returns the slope of a contour at each column, by the columns on both sides; 0 for a single column."""
    return np.gradient(contour) if len(contour) > 1 else np.zeros_like(contour)


def otsu_threshold(ink: Float32[np.ndarray, "height width"]) -> float:
    """Returns the value in [0, 1] that parts ink from paper best (Otsu, IEEE Trans. SMC 9(1), 1979)."""
    counts, edges = np.histogram(ink, bins=256, range=(0.0, 1.0))
    centres = (edges[:-1] + edges[1:]) / 2
    below = counts.cumsum()
    above = below[-1] - below
    mean_below = (counts * centres).cumsum() / np.maximum(below, 1)
    mean_above = ((counts * centres).sum() - (counts * centres).cumsum()) / np.maximum(above, 1)
    return float(edges[1 + np.argmax(below * above * np.square(mean_below - mean_above))])
