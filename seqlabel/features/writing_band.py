"""A text line brought to one size of writing: the band that holds most of its ink gets one height and one place.

A line cut out of a page is as high as its highest loop and its lowest one, so that scaling it to a fixed height makes
the same hand large in one line and small in the next. The rows between which the middle of the ink lies depend on the
small letters alone. How wide a hand writes, the strokes tell that cross these rows: their number goes with that of the
letters.
"""

from dataclasses import dataclass

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
LEAST_TOLD, MOST_TOLD = 0.25, 4.0
"""The same where a whole hand tells its size: what is left are lines whose outlines are several lines high."""
INK = 0.4
"""Ink from here on is a stroke, where strokes are counted."""
WIDTH_POWER = 0.7
"""Of the correction of the width: wide letters have more strokes, too. Hands of poilus are then most alike (LOG.md)."""
NARROWEST, WIDEST = 0.6, 1.7
"""The width of the writing is corrected by these factors at most."""


@dataclass(frozen=True, slots=True)
class WritingSize:
    """How large writing is, in pixels.

    Attributes:
        band: rows of the small letters, as `writing_band` finds them; 0 where there are none.
        spacing: columns from one stroke to the next; 0 where there are none.
    """

    band: float
    spacing: float

    def scaled(self, factor: float) -> "WritingSize":
        """Returns that of the same writing so many times as large."""
        return WritingSize(self.band * factor, self.spacing * factor)


def writing_size(ink: Float32[np.ndarray, "height width"]) -> WritingSize:
    """Returns the size of the writing.

    Args:
        ink: 0 for paper to 1 for ink.
    """
    middle, band = writing_band(ink)
    return WritingSize(band, stroke_spacing(ink, middle, band))


def stroke_spacing(ink: Float32[np.ndarray, "height width"], middle: float, band: float) -> float:
    """Returns the columns from one stroke to the next in the rows of a band; 0 where there are no strokes."""
    first = max(0, int(np.floor(middle - band / 2)))
    strokes = ink[first : int(np.ceil(middle + band / 2)) + 1] > INK
    number = float((strokes[:, 1:] & ~strokes[:, :-1]).sum(axis=1).mean()) if band > 0 else 0.0
    return ink.shape[1] / number if number >= 1 else 0.0


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
    spacing: float | None = None,
    told: WritingSize | None = None,
) -> tuple[LineImage, float]:
    """Returns the line at `height` pixels, and how many times more it is scaled in width than in height.

    Its writing stands in the middle, with a band of `share` of the height.
    What stands out above and below is cut off; where the line has no rows, there is paper.

    Args:
        image: the line.
        ink: the same line at any scale, 0 for paper to 1 for ink.
        height: rows of the result.
        share: of the height, for the band of the writing.
        enlarged: how many times as large the writing becomes beyond that.
        spacing: from stroke to stroke, in heights, that the width is brought near to; None keeps the width.
        told: the size of the writing in `image`, where more is known of it than this line tells.
    """
    middle, band = writing_band(ink)
    rows, columns = image.pixels.shape
    limits = LEAST_TOLD, MOST_TOLD
    if told is None:
        apart = 0.0 if spacing is None else stroke_spacing(ink, middle, band)
        told = WritingSize(band, apart).scaled(rows / len(ink))
        limits = LEAST, MOST
    correction = float(np.clip(share * rows / told.band, *limits)) if told.band > 0 else 1.0
    scale = correction * height / rows
    wider = 1.0
    if spacing is not None and told.spacing > 0:
        wider = float(np.clip((spacing * height / (told.spacing * scale)) ** WIDTH_POWER, NARROWEST, WIDEST))
    scale *= enlarged
    size = (max(1, round(columns * scale * wider)), max(1, round(rows * scale)))
    pixels = np.asarray(
        Image.fromarray(image.pixels).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    )
    paper = np.uint8(np.percentile(pixels, 75))
    line = np.full((height, size[0]), paper)
    # The row of `pixels` that becomes the top one.
    first = round(middle / len(ink) * len(pixels) - height / 2)
    top, bottom = max(0, first), min(len(pixels), first + height)
    line[top - first : bottom - first] = pixels[top:bottom]
    return LineImage(line), wider
