"""A text line brought to one size of writing: the band that holds most of its ink gets one height and one place.

A line cut out of a page is as high as its highest loop and its lowest one, so that scaling it to a fixed height makes
the same hand large in one line and small in the next. The rows between which the middle of the ink lies depend on the
small letters alone.
"""

import numpy as np
from jaxtyping import Float32
from PIL import Image

from seqlabel.records import LineImage

LOW, HIGH = 0.2, 0.8
"""Shares of the ink above the band's top row and above its bottom row."""
FAINT, FULL = 0.3, 0.8
"""Ink up to here is dirt or the back of the page, and from here on counts in full."""
LEAST, MOST = 0.7, 1.45
"""The height of the writing is corrected by these factors at most: a signature or a stroke of the pen is no line."""


def writing_band(ink: Float32[np.ndarray, "height width"]) -> tuple[float, float]:
    """Returns the middle row of the writing, from the top, and the rows that its band is high.

    Args:
        ink: 0 for paper to 1 for ink.
    """
    height = len(ink)
    dark = np.clip((ink - FAINT) / (FULL - FAINT), 0.0, 1.0)
    written = dark[:, dark.sum(axis=0) > height / 128]
    if written.size == 0:
        return height / 2, 0.0
    profile = np.convolve(np.pad(written.mean(axis=1), 1), np.ones(3) / 3, "valid")
    above = np.concatenate([[0.0], np.cumsum(profile)]) / max(float(profile.sum()), 1e-9)
    rows = np.interp((LOW, 0.5, HIGH), above, np.arange(height + 1))
    return float(rows[1]), float(rows[2] - rows[0])


def with_writing_band(
    image: LineImage,
    ink: Float32[np.ndarray, "height2 width2"],
    height: int,
    share: float,
    enlarged: float = 1.0,
) -> LineImage:
    """Returns the line at `height` pixels, its writing in the middle and its band `share` of the height.

    What stands out above and below is cut off; where the line has no rows, there is paper.

    Args:
        image: the line.
        ink: the same line at any scale, 0 for paper to 1 for ink.
        height: rows of the result.
        share: of the height, for the band of the writing.
        enlarged: how many times as large the writing becomes beyond that.
    """
    middle, band = writing_band(ink)
    correction = float(np.clip(share * len(ink) / band, LEAST, MOST)) if band > 0 else 1.0
    rows, columns = image.pixels.shape
    scale = enlarged * correction * height / rows
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    pixels = np.asarray(
        Image.fromarray(image.pixels).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    )
    paper = np.uint8(np.percentile(pixels, 75))
    line = np.full((height, size[0]), paper)
    # The row of `pixels` that becomes the top one.
    first = round(middle / len(ink) * len(pixels) - height / 2)
    top, bottom = max(0, first), min(len(pixels), first + height)
    line[top - first : bottom - first] = pixels[top:bottom]
    return LineImage(line)
