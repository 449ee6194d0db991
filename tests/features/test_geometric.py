from pathlib import Path

import numpy as np
import pytest

from seqlabel.errors import ConfigError
from seqlabel.features import GeometricColumnConfig
from seqlabel.features.geometric import column_geometry, otsu_threshold
from seqlabel.formats import write_line_image
from seqlabel.records import Example, LineImage


def _columns(*columns: str) -> np.ndarray:
    """Binary image from its columns, each a string from the top: '#' is ink."""
    return np.array([[mark == "#" for mark in column] for column in columns]).T


def test_a_column_with_two_strokes_has_the_values_worked_by_hand() -> None:
    # Height 8, ink in rows 1, 2 and 5, the neighbours the same.
    values = column_geometry(_columns(".##..#..", ".##..#..", ".##..#.."))[1]
    weight, centre = 3 / 8, (1 + 2 + 5) / 3 / 8
    moment = (1 + 4 + 25) / 3 / 64
    changes = 4 / 8  # paper-ink-paper-ink-paper
    between = 1 / 8  # row 2: rows 1 and 5 are the contours
    np.testing.assert_allclose(
        values, [weight, centre, moment, 1 / 8, 5 / 8, 0, 0, changes, between], rtol=1e-6
    )


def test_the_contours_of_a_rising_line_have_its_slope() -> None:
    values = column_geometry(_columns(".....#..", "....#...", "...#...."))
    np.testing.assert_allclose(values[1, 5:7], [-1 / 8, -1 / 8], rtol=1e-6)


def test_a_single_pixel_is_both_contours_with_nothing_between() -> None:
    values = column_geometry(_columns("...#...."))[0]
    np.testing.assert_allclose(values, [1 / 8, 3 / 8, 9 / 64, 3 / 8, 3 / 8, 0, 0, 2 / 8, 0], rtol=1e-6)


def test_an_empty_column_stands_in_the_middle() -> None:
    values = column_geometry(_columns("........", "........"))
    np.testing.assert_allclose(values, [[0, 0.5, 0, 0.5, 0.5, 0, 0, 0, 0]] * 2)


def test_a_full_column_is_finite_and_of_the_order_of_one() -> None:
    values = column_geometry(np.ones((64, 3), bool))
    assert np.isfinite(values).all()
    assert np.abs(values).max() <= 1


def test_otsu_parts_two_heaps_of_grey() -> None:
    rng = np.random.default_rng(0)
    heaps = np.concatenate([rng.normal(0.2, 0.05, 900), rng.normal(0.8, 0.05, 100)])
    assert 0.35 < otsu_threshold(heaps.clip(0, 1).astype(np.float32)[None]) < 0.7


def test_a_scan_with_grey_paper_is_binarised() -> None:
    pixels = np.full((16, 9), 180, np.uint8)
    pixels[4:8, 3:6] = 70
    weights = GeometricColumnConfig(height=16).build()(LineImage(pixels))[:, 0]
    np.testing.assert_allclose(weights, [0, 0, 0, 0.25, 0.25, 0.25, 0, 0, 0])


def test_noisy_paper_without_writing_has_no_ink() -> None:
    noise = np.random.default_rng(0).integers(228, 233, (32, 100)).astype(np.uint8)
    assert not GeometricColumnConfig(height=32).build()(LineImage(noise))[:, 0].any()


def test_a_height_without_rows_is_refused() -> None:
    with pytest.raises(ConfigError, match="height"):
        GeometricColumnConfig(height=1)


def test_the_shade_of_the_paper_is_no_ink_once_it_is_removed(tmp_path: Path) -> None:
    pixels = np.tile(np.linspace(250, 70, 400), (40, 1)).astype(np.uint8)
    pixels[10:30, 40:44] = pixels[10:30, 350:354] = 10
    write_line_image(tmp_path / "a.png", LineImage(pixels))
    example = Example(id="a", source=tmp_path / "a.png")
    weights = []
    for remove_background in (False, True):
        feature = GeometricColumnConfig(height=40, remove_background=remove_background).build()
        weights.append(feature(feature.read(example))[:, 0])
    assert (weights[0][250:340] > 0.5).mean() > 0.5
    assert weights[1][250:340].max() == 0
    assert weights[1][[41, 351]] == pytest.approx(0.5, abs=0.05)
