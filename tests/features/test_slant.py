from pathlib import Path

import numpy as np
import pytest

from seqlabel.features import ColumnConfig
from seqlabel.features.slant import SHEARS, deslanted, slant
from seqlabel.formats import write_line_image
from seqlabel.records import Example, LineImage


def strokes(shear: float, height: int = 64, width: int = 400, every: int = 17) -> np.ndarray:
    """Grey pixels of long strokes that lean to the right by a tangent."""
    pixels = np.full((height, width), 230, np.uint8)
    for foot in range(80, width - 80, every):
        for row in range(8, height - 8):
            column = round(foot + shear * ((height - 1) / 2 - row))
            pixels[row, column : column + 4] = 20
    return pixels


def ink(pixels: np.ndarray) -> np.ndarray:
    return ((230.0 - pixels) / 210.0).clip(0, 1).astype(np.float32)


def leaning_columns(pixels: np.ndarray) -> float:
    """Columns between the top and the bottom of the first stroke."""
    top, bottom = (int(np.nonzero(pixels[row] < 128)[0][0]) for row in (8, 55))
    return abs(top - bottom)


@pytest.mark.parametrize("degrees", [-25, -10, 0, 15, 40, 55])
def test_the_slant_of_strokes_is_found(degrees: int) -> None:
    shear = float(np.tan(np.deg2rad(degrees)))
    found = slant(ink(strokes(shear)))
    assert np.rad2deg(np.arctan(found)) == pytest.approx(degrees, abs=7)
    assert found in SHEARS


def test_deslanted_strokes_stand_upright() -> None:
    pixels = strokes(float(np.tan(np.deg2rad(36))))
    upright = deslanted(LineImage(pixels), ink(pixels)).pixels
    assert upright.shape[0] == 64
    # A stroke that leans by 36 degrees covers 35 columns between its ends; the rest is the estimate's error.
    assert leaning_columns(pixels) > 30
    assert leaning_columns(upright) < 10


def test_the_line_goes_from_its_first_ink_to_its_last() -> None:
    pixels = strokes(0.0)
    columns = np.nonzero((pixels < 128).any(axis=0))[0]
    upright = deslanted(LineImage(pixels), ink(pixels)).pixels
    kept = np.nonzero((upright < 128).any(axis=0))[0]
    assert kept[-1] - kept[0] == columns[-1] - columns[0]
    assert upright.shape[1] == columns[-1] - columns[0] + 5


def test_a_line_without_ink_stays_as_it_is() -> None:
    blank = LineImage(np.full((64, 90), 255, np.uint8))
    assert slant(np.zeros((64, 90), np.float32)) == 0.0
    assert deslanted(blank, np.zeros((64, 90), np.float32)) is blank


def test_the_column_feature_deslants_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "line.png"
    write_line_image(path, LineImage(strokes(0.8)))
    example = Example(id="a", source=path)
    plain, upright = (
        ColumnConfig(deslant=deslant, pad_columns=0).build().read(example).pixels for deslant in (False, True)
    )
    assert leaning_columns(plain) > 30
    assert leaning_columns(upright) < 10
