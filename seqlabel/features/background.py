"""A line image without shades of its paper: every pixel is divided by the tone of the paper around it.

Stains, folds and the shadow of a book's spine darken ink and paper alike by a factor, so that
a quotient is free of them.
"""

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from seqlabel.records import LineImage

NUM_ROWS = 3
"""Stretches of the height in which the paper has its own tone; along the line they are as long as high."""
PAPER_PERCENTILE = 80
"""Of the grey values of a stretch: most of it is paper even where the writing is dense."""
LEAST_SHARE = 0.25
"""Of the lightest paper; what is darker is no shade but the edge of the scan, or a blot, and stays dark."""


def without_background(image: LineImage) -> LineImage:
    """Returns the line on white paper, with ink as dark as it is beside the paper around it."""
    if 0 in image.pixels.shape:
        return image
    quotient = image.pixels.astype(np.float32) * (np.float32(255) / background(image.pixels))
    return LineImage(np.clip(np.rint(quotient), 0, 255).astype(np.uint8))


def background(pixels: UInt8[np.ndarray, "height width"]) -> Float32[np.ndarray, "height width"]:
    """Returns the tone of the paper at each pixel, at least 1.

    In each stretch it is a high percentile of the grey values; of a stretch and its neighbours to both sides the
    lightest counts, so that a broad stroke is not taken for a shade. Between the middles of stretches it is linear.
    """
    height, width = pixels.shape
    rows = min(NUM_ROWS, height)
    columns = max(1, round(width * rows / height))
    columns = min(columns, width)
    y, x = -(-height // rows), -(-width // columns)
    columns = -(-width // x)
    rows = -(-height // y)
    padded = np.pad(pixels, ((0, rows * y - height), (0, columns * x - width)), mode="edge")
    stretches = padded.reshape(rows, y, columns, x).swapaxes(1, 2).reshape(rows, columns, y * x)
    tone = np.percentile(stretches, PAPER_PERCENTILE, axis=2).astype(np.float32)
    sides = np.pad(tone, ((0, 0), (1, 1)), mode="edge")
    lightest = np.max([sides[:, :-2], sides[:, 1:-1], sides[:, 2:]], axis=0)
    lightest = np.maximum(lightest, np.float32(max(1.0, LEAST_SHARE * float(lightest.max()))))
    smooth = Image.fromarray(lightest).resize((columns * x, rows * y), Image.Resampling.BILINEAR)
    tones: Float32[np.ndarray, "height width"] = np.asarray(smooth)[:height, :width]
    return tones
