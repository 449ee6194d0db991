"""The slant of a line of writing, and the line with its long strokes upright.

Sources: Vinciarelli and Luettin, "A new normalization technique for cursive handwritten words", Pattern Recognition
Letters 22, 2001: of all shears, the one after which most columns are a single stroke from top to bottom. Pastor,
Toselli, Vidal, "Projection profile based algorithm for slant removal", ICIAR 2004: the one after which the ink gathers
most in some of the columns.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float32
from PIL import Image

from seqlabel.records import LineImage

SHEARS = np.tan(np.deg2rad(np.arange(-30, 58, 3)))
"""Candidates, as tangents; writing leans to the right far more often than to the left."""
FAINT = 0.15
"""What is lighter is paper, where the ink of columns is added up."""
DARK = 0.4
"""Share of the darkest ink from which on a pixel is a part of a stroke."""
MARGIN = 2
"""Columns of paper that are left before the first ink and after the last."""


def slant(ink: Float32[np.ndarray, "height width"]) -> float:
    """Returns the tangent of the angle by which the strokes lean to the right; 0 for a line without ink.

    Args:
        ink: 0 for paper to 1 for ink.
    """
    height, width = ink.shape
    row, column = np.nonzero(ink > DARK)
    if len(row) == 0:
        return 0.0
    above = (height - 1) / 2 - row
    reach = int(np.ceil(np.abs(SHEARS).max() * height / 2))
    scores = np.empty(len(SHEARS))
    for i, shear in enumerate(SHEARS):
        upright = np.rint(column - shear * above).astype(np.int64) + reach
        count = np.bincount(upright, minlength=width + 2 * reach + 1)
        top = np.full(len(count), height)
        np.minimum.at(top, upright, row)
        bottom = np.zeros(len(count), dtype=np.int64)
        np.maximum.at(bottom, upright, row)
        is_stroke = (count > 0) & (count >= bottom - top + 1)
        scores[i] = float((count[is_stroke].astype(np.float64) ** 2).sum())
    # Neighbouring angles are almost the same writing: their mean is less at the mercy of single strokes.
    smooth = np.convolve(np.pad(scores, 2, mode="edge"), np.ones(5) / 5, "valid")
    return float(SHEARS[int(smooth.argmax())])


def slant_of_profile(ink: Float32[np.ndarray, "height width"]) -> float:
    """Returns the tangent of the angle by which the strokes lean to the right; 0 for a line without ink.

    Pixels are dealt out to the two columns that they fall between, so that no angle is better for being rounded well.

    Args:
        ink: 0 for paper to 1 for ink.
    """
    height, width = ink.shape
    row, column = np.nonzero(ink > FAINT)
    if len(row) == 0:
        return 0.0
    weights = ink[row, column].astype(np.float64)
    above = (height - 1) / 2 - row
    reach = int(np.ceil(np.abs(SHEARS).max() * height / 2)) + 1
    scores = np.empty(len(SHEARS))
    for i, shear in enumerate(SHEARS):
        place = column - shear * above + reach
        left = np.floor(place).astype(np.int64)
        share = place - left
        profile = np.bincount(left, weights * (1 - share), width + 2 * reach + 1)
        profile[1:] += np.bincount(left, weights * share, width + 2 * reach + 1)[:-1]
        scores[i] = float((profile**2).sum())
    smooth = np.convolve(np.pad(scores, 1, mode="edge"), np.ones(3) / 3, "valid")
    return float(SHEARS[int(smooth.argmax())])


def slant_by(how: Literal["gaps", "profile"], ink: Float32[np.ndarray, "height width"]) -> float:
    """Returns the slant by columns without gaps (`slant`) or by the profile (`slant_of_profile`)."""
    return slant(ink) if how == "gaps" else slant_of_profile(ink)


def upright(ink: Float32[np.ndarray, "height width"], shear: float) -> tuple[int, int] | None:
    """Returns the first and last column that the ink has once it is upright; None without ink.

    Columns are those of the middle row, which stays where it is.

    Args:
        ink: 0 for paper to 1 for ink.
        shear: the slant, as a tangent.
    """
    row, column = np.nonzero(ink > DARK)
    if len(row) == 0:
        return None
    moved = column - shear * ((len(ink) - 1) / 2 - row)
    return int(np.floor(moved.min())) - MARGIN, int(np.ceil(moved.max())) + MARGIN


def deslanted(image: LineImage, ink: Float32[np.ndarray, "height width"], shear: float) -> LineImage:
    """Returns the line sheared about its middle row so that its strokes are upright, from its first ink to its last.

    Args:
        image: the line.
        ink: the same pixels, 0 for paper to 1 for ink.
        shear: the slant, as a tangent.
    """
    found = upright(ink, shear)
    if found is None:
        return image
    first, last = found
    height = len(image.pixels)
    middle = (height - 1) / 2
    paper = int(np.percentile(image.pixels, 75))
    # Column x of the new line comes, at row y, from column first + x + shear * (middle - y) of the old one.
    matrix = (1.0, -shear, first + shear * middle, 0.0, 1.0, 0.0)
    sheared = Image.fromarray(image.pixels).transform(
        (last - first + 1, height), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR, fillcolor=paper
    )
    return LineImage(np.asarray(sheared))
