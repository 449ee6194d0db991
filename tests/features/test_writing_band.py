import numpy as np
import pytest

from seqlabel.errors import ConfigError
from seqlabel.features import ColumnConfig
from seqlabel.features.writing_band import with_writing_band, writing_band, writing_size
from seqlabel.records import LineImage


def line(
    height: int, top: int, bottom: int, loops: tuple[int, int] | None = None, width: int = 200
) -> np.ndarray:
    """Grey pixels with small letters between two rows, and two loops between two others."""
    pixels = np.full((height, width), 220, np.uint8)
    for column in range(10, width - 10, 6):
        pixels[top:bottom, column : column + 2] = 30
    if loops is not None:
        pixels[loops[0] : loops[1], 40:43] = 30
        pixels[loops[0] : loops[1], 120:123] = 30
    return pixels


def as_ink(pixels: np.ndarray) -> np.ndarray:
    return ((220.0 - pixels) / 190.0).astype(np.float32)


def test_the_band_is_that_of_the_small_letters() -> None:
    middle, band = writing_band(as_ink(line(60, 20, 40)))
    assert middle == pytest.approx(30, abs=0.6)
    assert band == pytest.approx(0.6 * 20, abs=1.0)


def test_loops_hardly_move_it() -> None:
    plain, looped = writing_band(as_ink(line(60, 20, 40))), writing_band(as_ink(line(60, 20, 40, (2, 58))))
    assert looped == pytest.approx(plain, abs=2.5)  # the box has grown from 20 rows to 56


def test_faint_dirt_is_no_ink() -> None:
    dirty = line(60, 20, 40)
    dirty[45:58] -= 30
    assert writing_band(as_ink(dirty)) == pytest.approx(writing_band(as_ink(line(60, 20, 40))), abs=0.5)


def test_an_empty_line_has_no_band_and_keeps_its_size() -> None:
    paper = np.full((40, 100), 220, np.uint8)
    assert writing_band(as_ink(paper)) == (20, 0)
    assert with_writing_band(LineImage(paper), as_ink(paper), 20, 0.2)[0].pixels.shape == (20, 50)


@pytest.mark.parametrize("height", [44, 52, 60])
def test_one_size_of_writing_gets_one_size_whatever_the_box(height: int) -> None:
    """The same letters, cut out with more or less room above and below."""
    pixels = line(height, height // 2 - 8, height // 2 + 8)
    result, _ = with_writing_band(LineImage(pixels), as_ink(pixels), 64, 0.2)
    assert result.pixels.shape[0] == 64
    middle, band = writing_band(as_ink(result.pixels))
    assert middle == pytest.approx(32, abs=1.5)
    assert band == pytest.approx(0.2 * 64, abs=1.5)


def test_the_correction_has_limits() -> None:
    pixels = line(60, 29, 31)  # a rule, not writing
    assert with_writing_band(LineImage(pixels), as_ink(pixels), 60, 0.5)[0].pixels.shape[1] == round(
        200 * 1.45
    )


def test_a_line_as_small_as_a_pixel_goes_through() -> None:
    pixels = np.array([[0]], np.uint8)
    assert with_writing_band(LineImage(pixels), as_ink(pixels), 16, 0.2)[0].pixels.shape[0] == 16


@pytest.mark.parametrize("band", [0.0, 1.0, -0.1])
def test_a_band_that_is_no_share_is_refused(band: float) -> None:
    with pytest.raises(ConfigError, match="expected a share of the height"):
        ColumnConfig(band=band)


def test_upside_down_the_middle_is_as_far_from_the_other_end() -> None:
    ink = np.zeros((21, 40), np.float32)
    ink[5:9] = 1.0
    (middle, band), (flipped, same) = writing_band(ink), writing_band(ink[::-1])
    assert (middle, flipped) == (pytest.approx(7.0), pytest.approx(14.0)) and same == pytest.approx(band)


def test_strokes_are_counted_among_the_small_letters() -> None:
    plain, looped = writing_size(as_ink(line(60, 20, 40))), writing_size(as_ink(line(60, 20, 40, (2, 58))))
    assert plain.spacing == pytest.approx(200 / 30)
    assert looped.spacing == pytest.approx(plain.spacing, rel=0.08)
    assert plain.scaled(2.0).spacing == 2 * plain.spacing and plain.scaled(2.0).band == 2 * plain.band


@pytest.mark.parametrize("ink", [np.zeros((40, 100)), np.ones((40, 100)), np.zeros((1, 1)), np.ones((1, 1))])
def test_no_strokes_have_no_spacing(ink: np.ndarray) -> None:
    assert writing_size(ink.astype(np.float32)).spacing == 0
