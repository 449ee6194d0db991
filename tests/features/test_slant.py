from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from seqlabel.features import ColumnConfig
from seqlabel.features.slant import SHEARS, deslanted, slant, slant_by, slant_of_profile
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


@pytest.mark.parametrize("degrees", [-25, -10, 0, 9, 15, 20, 26, 33, 40, 55])
def test_the_profile_knows_every_slant(degrees: int) -> None:
    pixels = strokes(float(np.tan(np.deg2rad(degrees))))
    found = slant_of_profile(ink(pixels))
    assert np.rad2deg(np.arctan(found)) == pytest.approx(degrees, abs=2.5)
    # An upright rule is all of one column, and outweighs no row of strokes.
    pixels[:, 200:202] = 20
    assert slant_of_profile(ink(pixels)) == found


@pytest.mark.parametrize("how", ["gaps", "profile"])
def test_deslanted_strokes_stand_upright(how: Literal["gaps", "profile"]) -> None:
    pixels = strokes(float(np.tan(np.deg2rad(36))))
    upright = deslanted(LineImage(pixels), ink(pixels), slant_by(how, ink(pixels))).pixels
    assert upright.shape[0] == 64
    # A stroke that leans by 36 degrees covers 35 columns between its ends; the rest is the estimate's error.
    assert leaning_columns(pixels) > 30
    assert leaning_columns(upright) < 10


def test_the_line_goes_from_its_first_ink_to_its_last() -> None:
    pixels = strokes(0.0)
    columns = np.nonzero((pixels < 128).any(axis=0))[0]
    upright = deslanted(LineImage(pixels), ink(pixels), 0.0).pixels
    kept = np.nonzero((upright < 128).any(axis=0))[0]
    assert kept[-1] - kept[0] == columns[-1] - columns[0]
    assert upright.shape[1] == columns[-1] - columns[0] + 5


def test_a_line_without_ink_stays_as_it_is() -> None:
    blank = LineImage(np.full((64, 90), 255, np.uint8))
    assert slant(np.zeros((64, 90), np.float32)) == 0.0
    assert slant_of_profile(np.zeros((64, 90), np.float32)) == 0.0
    assert deslanted(blank, np.zeros((64, 90), np.float32), 0.0) is blank


def test_the_column_feature_deslants_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "line.png"
    write_line_image(path, LineImage(strokes(0.8)))
    example = Example(id="a", source=path)
    plain, upright = (
        ColumnConfig(deslant=deslant, pad_columns=0).build().read(example).pixels for deslant in (False, True)
    )
    assert leaning_columns(plain) > 30
    assert leaning_columns(upright) < 10


def test_a_hand_tells_its_slant_together(tmp_path: Path) -> None:
    examples = []
    for number, shear in enumerate((0.5, 0.5, 0.0)):
        path = tmp_path / f"{number}.png"
        write_line_image(path, LineImage(strokes(shear)))
        examples.append(Example(id=str(number), source=path, group="hand"))
    config = ColumnConfig(band=0.5, band_of="group", deslant=True, slant_by="profile", pad_columns=0)
    feature = config.build()
    alone = [leaning_columns(feature.read(example).pixels) for example in examples]
    feature.measure(examples)
    together = [leaning_columns(feature.read(example).pixels) for example in examples]
    assert max(alone) < 5
    assert max(together[:2]) < 5 and together[2] > 15  # it leans the other way now
    other = replace(examples[2], group="another hand")
    assert leaning_columns(feature.read(other).pixels) < 5


def test_the_slant_of_a_hand_follows_its_width(tmp_path: Path) -> None:
    path = tmp_path / "line.png"
    write_line_image(path, LineImage(strokes(0.5, width=800, every=40)))
    example = Example(id="line", source=path, group="hand")
    config = ColumnConfig(
        band=0.5, band_of="group", spacing=0.3, deslant=True, slant_by="profile", pad_columns=0
    )
    feature = config.build()
    feature.measure([example])
    read = feature.read(example).pixels
    assert read.shape[1] < 600  # narrower than it was
    assert leaning_columns(read) < 5
