import numpy as np
import pytest

from seqlabel.features.background import background, without_background
from seqlabel.records import LineImage

STROKES = range(20, 480, 23)


def written(paper: np.ndarray, ink: float = 0.3) -> LineImage:
    """Strokes that let `ink` of the paper's light through."""
    light = np.broadcast_to(paper, (40, 500)).astype(np.float64).copy()
    for column in STROKES:
        light[8:32, column : column + 4] *= ink
    return LineImage(np.rint(light).astype(np.uint8))


def parts(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the grey values of the paper and of the strokes."""
    is_ink = np.zeros(pixels.shape, bool)
    for column in STROKES:
        is_ink[8:32, column : column + 4] = True
    return pixels[~is_ink].astype(float), pixels[is_ink].astype(float)


def test_the_shade_of_a_spine_goes_from_paper_and_ink_alike() -> None:
    image = written(np.linspace(240, 90, 500)[None, :])
    paper, ink = parts(without_background(image).pixels)
    assert np.percentile(paper, 2) > 235 and paper.std() < 6
    assert abs(ink.mean() - 0.3 * 255) < 8 and ink.std() < 8
    before = parts(image.pixels)[0]
    assert before.std() > 40


def test_a_stain_goes_and_the_writing_on_it_stays() -> None:
    y, x = np.mgrid[:40, :500]
    stain = 230 - 90 * np.exp(-(((x - 250) / 60) ** 2) - ((y - 20) / 25) ** 2)
    paper, ink = parts(without_background(written(stain)).pixels)
    assert np.percentile(paper, 1) > 210  # it was 145
    assert ink.max() < 110


def test_even_white_paper_is_left_alone() -> None:
    image = written(np.full((1, 500), 255.0))
    np.testing.assert_array_equal(without_background(image).pixels, image.pixels)


def test_a_broad_stroke_is_no_shade() -> None:
    pixels = np.full((40, 300), 220, np.uint8)
    pixels[4:36, 140:156] = 60
    cleaned = without_background(LineImage(pixels)).pixels
    assert cleaned[4:36, 140:156].max() < 100


def test_the_dark_edge_of_a_scan_does_not_become_paper() -> None:
    pixels = np.full((40, 300), 220, np.uint8)
    pixels[:, 200:] = 5
    assert without_background(LineImage(pixels)).pixels[:, 250:].max() < 40


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (2, 5), (64, 3), (37, 511)])
def test_odd_shapes_survive(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert background(pixels).shape == shape
    assert without_background(LineImage(pixels)).pixels.shape == shape
    assert without_background(LineImage(np.zeros(shape, np.uint8))).pixels.max() == 0
