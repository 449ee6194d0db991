"""Pillow, which does the same one quadrilateral and one filter at a time, is the second implementation."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from seqlabel.augmentations.image_warp import _ranked, _upper_quartile
from seqlabel.augmentations.mesh import pulled


def by_pillow(
    pixels: np.ndarray, grid_x: np.ndarray, grid_y: np.ndarray, source: np.ndarray, outside: int
) -> np.ndarray:
    mesh = []
    for row in range(len(grid_y) - 1):
        for column in range(len(grid_x) - 1):
            box = (grid_x[column], grid_y[row], grid_x[column + 1], grid_y[row + 1])
            if box[0] == box[2] or box[1] == box[3]:
                continue
            corners = source[[row, row + 1, row + 1, row], [column, column, column + 1, column + 1]]
            mesh.append((tuple(int(v) for v in box), tuple(corners.ravel().tolist())))
    size = (int(grid_x[-1]), int(grid_y[-1]))
    return np.asarray(
        Image.fromarray(pixels).transform(
            size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR, fillcolor=outside
        )
    )


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("shape", [(64, 300), (1, 1), (2, 40), (40, 3)])
def test_a_mesh_gives_what_pillow_gives(seed: int, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, shape, dtype=np.uint8)
    height, width = shape
    new_width = int(rng.integers(1, 2 * width + 8))
    grid_x = np.rint(np.linspace(0, new_width, int(rng.integers(2, 9)))).astype(np.int64)
    grid_y = np.rint(np.linspace(0, height, 3)).astype(np.int64)
    x, y = np.meshgrid(grid_x * (width / new_width), grid_y.astype(float))
    source = np.stack([x, y], axis=-1)
    source += rng.normal(0, 0.1 * height, source.shape)
    found, expected = (pull(pixels, grid_x, grid_y, source, 200) for pull in (pulled, by_pillow))
    # A processor that multiplies and adds in one step may round a value at the border the other way.
    assert np.abs(found.astype(int) - expected).max() <= 1
    assert (found != expected).mean() < 0.001


@pytest.mark.parametrize("shape", [(40, 200), (1, 1), (1, 9), (7, 2)])
def test_the_darkest_and_lightest_neighbours_are_those_of_pillow(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    image = Image.fromarray(pixels)
    np.testing.assert_array_equal(_ranked(pixels, np.minimum), image.filter(ImageFilter.MinFilter(3)))
    np.testing.assert_array_equal(_ranked(pixels, np.maximum), image.filter(ImageFilter.MaxFilter(3)))


@pytest.mark.parametrize("seed", range(60))
def test_the_upper_quartile_is_the_percentile_of_numpy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 5)), int(rng.integers(1, 12)))
    pixels = rng.integers(0, 256, shape, dtype=np.uint8)
    assert _upper_quartile(pixels) == int(np.percentile(pixels, 75))
