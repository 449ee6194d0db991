"""An image pulled over a mesh of quadrilaterals, compiled; pixel for pixel what Pillow's `Transform.MESH` gives.

Pillow is called once for each quadrilateral, from Python, and looks the kind of transform up at each pixel: that takes
several times as long, while the training waits for the interpreter.
"""

from typing import Any, no_type_check

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from seqlabel.compiled import compiled


def pulled(
    pixels: UInt8[np.ndarray, "height width"],
    grid_x: Int64[np.ndarray, " columns1"],
    grid_y: Int64[np.ndarray, " rows1"],
    source: Float64[np.ndarray, "rows1 columns1 2"],
    outside: int,
) -> UInt8[np.ndarray, "new_height new_width"]:
    """Returns a new image whose rectangles are filled from quadrilaterals of the old one, bilinear in between.

    Args:
        pixels: the old image.
        grid_x, grid_y: borders of the new image's rectangles, in whole pixels from 0 to its width and height.
        source: x and y of the point of the old image that comes to each crossing of the grid.
        outside: grey value of what comes from beyond the old image.
    """
    wide, high = np.diff(grid_x), np.diff(grid_y)
    top_left, top_right = source[:-1, :-1], source[:-1, 1:]
    bottom_left, bottom_right = source[1:, :-1], source[1:, 1:]
    # A line of a pixel or two has rectangles without pixels.
    per_x = 1.0 / np.maximum(wide, 1)[None, :, None]
    per_y = 1.0 / np.maximum(high, 1)[:, None, None]
    along_x = (top_right - top_left) * per_x
    along_y = (bottom_left - top_left) * per_y
    twist = (bottom_right - bottom_left - top_right + top_left) * per_x * per_y
    new = np.full((int(grid_y[-1]), int(grid_x[-1])), outside, dtype=np.uint8)
    _fill(
        new,
        np.ascontiguousarray(pixels),
        grid_x,
        grid_y,
        np.stack([top_left, along_x, along_y, twist], axis=2),
    )
    return new


@compiled
@no_type_check
def _fill(new: Any, pixels: Any, grid_x: Any, grid_y: Any, quads: Any) -> None:
    height, width = pixels.shape
    for row in range(len(grid_y) - 1):
        for column in range(len(grid_x) - 1):
            x0, y0 = quads[row, column, 0]
            xx, yx = quads[row, column, 1]
            xy, yy = quads[row, column, 2]
            xt, yt = quads[row, column, 3]
            for y in range(grid_y[row], grid_y[row + 1]):
                v = y - grid_y[row] + 0.5
                for x in range(grid_x[column], grid_x[column + 1]):
                    u = x - grid_x[column] + 0.5
                    from_x = x0 + xx * u + xy * v + xt * u * v
                    from_y = y0 + yx * u + yy * v + yt * u * v
                    if not (0.0 <= from_x < width and 0.0 <= from_y < height):
                        continue
                    from_x -= 0.5
                    from_y -= 0.5
                    left, above = int(np.floor(from_x)), int(np.floor(from_y))
                    share_x, share_y = from_x - left, from_y - above
                    right, below = min(left + 1, width - 1), min(above + 1, height - 1)
                    left, above = max(left, 0), max(above, 0)
                    first = float(pixels[above, left])
                    upper = first + (float(pixels[above, right]) - first) * share_x
                    first = float(pixels[below, left])
                    lower = first + (float(pixels[below, right]) - first) * share_x
                    new[y, x] = np.uint8(upper + (lower - upper) * share_y)
