import numpy as np
import pytest

from seqlabel.errors import FormatError
from seqlabel.formats.line_cut import (
    LineCutConfig,
    _moved_columns,
    _upper_quartile,
    cut_page_line,
    shrunk,
    straightened,
)
from seqlabel.formats.page import PageLine
from seqlabel.records import LineImage


def page_line(baseline: list[tuple[float, float]], polygon: list[tuple[float, float]]) -> PageLine:
    return PageLine("l", "text", np.array(polygon, float), np.array(baseline, float), (0.0, 0.0, 1.0, 1.0))


def test_a_sloping_line_is_made_level() -> None:
    page = np.full((300, 400), 255, np.uint8)
    columns = np.arange(50, 350)
    page[(columns * 0.5).astype(int) + 40, columns] = 0  # ink along the base line itself
    line = page_line([(50, 65), (349, 214)], [(50, 45), (349, 194), (349, 224), (50, 75)])
    strip, polygon = straightened(page, line)
    rows, _ = np.nonzero(strip == 0)
    assert rows.max() - rows.min() <= 1
    assert polygon[:, 1].max() - polygon[:, 1].min() == pytest.approx(30)


@pytest.mark.parametrize("is_downwards", [True, False])
def test_writing_in_the_margin_is_turned_upright(is_downwards: bool) -> None:
    upright = np.full((40, 200), 255, np.uint8)
    upright[25:30, 10:190] = 0  # the text
    upright[5:10, 10:20] = 100  # an accent above its beginning
    page = np.rot90(upright, -1 if is_downwards else 1)
    height, width = page.shape
    baseline = [(10.0, 10.0), (10.0, 189.0)] if is_downwards else [(29.0, 189.0), (29.0, 10.0)]
    corners = [(0.0, 0.0), (width - 1.0, 0.0), (width - 1.0, height - 1.0), (0.0, height - 1.0)]
    strip, polygon = straightened(page, page_line(baseline, corners))
    np.testing.assert_array_equal(strip[:40, :200], upright)
    assert polygon[:, 0].max() == pytest.approx(199)


def test_a_line_without_a_base_line_is_only_cut() -> None:
    page = np.arange(60, dtype=np.uint8).reshape(6, 10)
    polygon = np.array([(2.0, 1.0), (7.0, 1.0), (7.0, 4.0)])
    strip, moved = straightened(page, PageLine("l", "t", polygon, None, (0.0, 0.0, 1.0, 1.0)))
    np.testing.assert_array_equal(strip, page[:, 2:8])
    np.testing.assert_array_equal(moved, polygon - [2, 0])


def test_shrinking_keeps_the_mean_and_the_proportions() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (256, 600), dtype=np.uint8)
    small = shrunk(LineImage(pixels), 128).pixels
    assert small.shape == (128, 300)
    expected = pixels.reshape(128, 2, 300, 2).mean(axis=(1, 3))
    assert np.abs(small - expected).max() <= 0.5


def test_shrinking_by_a_broken_factor_weighs_border_rows() -> None:
    pixels = np.repeat(np.array([[0], [90], [240]], np.uint8), 3, axis=1)
    small = shrunk(LineImage(pixels), 2).pixels
    np.testing.assert_array_equal(small, [[30, 30], [190, 190]])


def test_a_small_line_keeps_its_size() -> None:
    image = LineImage(np.zeros((128, 50), np.uint8))
    assert shrunk(image) is image


SLOPING = [(10.0, 30.0), (100.0, 45.0), (190.0, 40.0)]
OUTLINE = [(10.0, 12.0), (100.0, 25.0), (190.0, 22.0), (190.0, 50.0), (100.0, 56.0), (10.0, 41.0)]


@pytest.mark.parametrize("turns", [0, 1, -1])
def test_every_pixel_of_a_line_is_found_again_on_the_page(turns: int) -> None:
    upright = np.random.default_rng(3).integers(0, 250, (80, 200), dtype=np.uint8)
    page = np.rot90(upright, -turns)
    height, width = page.shape

    def turned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        if turns == 0:
            return points
        return [(width - 1 - y, x) if turns == 1 else (y, height - 1 - x) for x, y in points]

    image, place = cut_page_line(
        page, page_line(turned(SLOPING), turned(OUTLINE)), LineCutConfig(max_height=1000)
    )
    rows, columns = np.mgrid[: image.pixels.shape[0], : image.pixels.shape[1]]
    middles = np.column_stack([columns.ravel() + 0.5, rows.ravel() + 0.5])
    x, y = np.floor(place.on_page(middles)).astype(int).clip(0, [width - 1, height - 1]).T
    same = page[y, x] == image.pixels.ravel()
    inside = same.reshape(image.pixels.shape)
    assert inside[:, 20:-20].mean() > 0.8  # all but the paper around the outline
    assert inside[len(inside) // 2].all()


def test_places_of_a_line_that_was_scaled_down() -> None:
    page = np.full((600, 900), 255, np.uint8)
    line = page_line([(100, 400), (800, 400)], [(100, 100), (800, 100), (800, 500), (100, 500)])
    image, place = cut_page_line(page, line, LineCutConfig(max_height=100))
    assert image.pixels.shape[0] == 100
    found = place.on_page(np.array([[0.0, 0.0], [float(image.pixels.shape[1]), 100.0]]))
    np.testing.assert_allclose(found, [[100, 100], [801, 501]], atol=1.5)


def test_a_line_without_area_is_refused() -> None:
    with pytest.raises(FormatError, match=r"line l: .* no area"):
        cut_page_line(np.zeros((9, 9), np.uint8), page_line([(0, 0), (1, 0)], [(1, 1), (5, 1), (3, 1)]))


def curved_page(sag: float = 30.0) -> tuple[np.ndarray, PageLine]:
    """A page with upright strokes, 20 high with one of 32, on a base line that sags; the outline is 4 around the 20."""
    page = np.full((200, 500), 200, np.uint8)
    x = np.arange(50, 451)
    base = 90 + sag * np.sin(np.pi * (x - 50) / 400)
    for place, column in enumerate(range(60, 441, 20)):
        bottom = round(float(base[column - 50]))
        page[bottom - (32 if place == 9 else 20) : bottom, column : column + 3] = 10
    baseline = list(zip(x.tolist(), base.tolist(), strict=True))
    above = [(a, b - 24) for a, b in baseline]
    below = [(a, b + 4) for a, b in baseline]
    return page, page_line(baseline, above + below[::-1])


def test_a_curved_line_is_made_level() -> None:
    page, line = curved_page()
    image, _ = cut_page_line(page, line)
    rows, _ = np.nonzero(image.pixels < 100)
    assert rows.max() - rows.min() + 1 <= 26  # on the page they reach over 50 rows
    bottoms = [np.flatnonzero(column)[-1] for column in (image.pixels < 100).T if column.any()]
    assert max(bottoms) - min(bottoms) <= 2  # a stroke is three columns wide, with one height for all


def test_strokes_beyond_the_outline_are_paper_without_a_margin_and_stand_there_with_one() -> None:
    page, line = curved_page()

    def tallest(config: LineCutConfig) -> int:
        return int((cut_page_line(page, line, config)[0].pixels < 100).sum(axis=0).max())

    assert tallest(LineCutConfig()) < 26
    assert tallest(LineCutConfig(margin_below=0.5)) < 26
    assert tallest(LineCutConfig(margin_above=0.5)) == 32


@pytest.mark.parametrize(
    ("margins", "more"),
    [
        ({"margin_above": 0.5}, (14, 0)),
        ({"margin_below": 0.25}, (7, 0)),
        ({"margin_left": 1.0}, (0, 28)),
        ({"margin_right": 0.5, "margin_left": 0.5, "margin_above": 1.0}, (28, 28)),
    ],
)
def test_margins_are_in_heights_of_the_line(margins: dict[str, float], more: tuple[int, int]) -> None:
    page, line = curved_page()  # its outline is 28 high
    without, with_margins = (
        np.array(cut_page_line(page, line, config)[0].pixels.shape)
        for config in (LineCutConfig(), LineCutConfig(**margins))
    )
    assert np.abs(with_margins - without - more).max() <= 1


@pytest.mark.parametrize("turns", [0, 1, -1])
def test_margins_lie_around_the_line_and_not_around_the_page(turns: int) -> None:
    upright = np.full((80, 200), 250, np.uint8)
    upright[10:14, 20:180] = 0  # something above the outline
    upright[70:74, 20:180] = 90  # and something below it
    page = np.rot90(upright, -turns)
    height, width = page.shape

    def turned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        if turns == 0:
            return points
        return [(width - 1 - y, x) if turns == 1 else (y, height - 1 - x) for x, y in points]

    line = page_line(turned([(20, 50), (180, 50)]), turned([(20, 30), (180, 30), (180, 60), (20, 60)]))
    above, _ = cut_page_line(page, line, LineCutConfig(margin_above=0.7))
    below, _ = cut_page_line(page, line, LineCutConfig(margin_below=0.5))
    assert above.pixels.min() == 0 and not (above.pixels == 90).any()
    assert below.pixels.min() == 90


@pytest.mark.parametrize("sag", [0.0, 30.0])
def test_places_of_a_line_with_margins_are_those_of_the_page(sag: float) -> None:
    page, line = curved_page(sag)
    config = LineCutConfig(margin_above=0.5, margin_below=0.2, margin_left=0.4, margin_right=0.1)
    image, place = cut_page_line(page, line, config)
    rows, columns = np.nonzero(image.pixels < 100)
    x, y = np.floor(place.on_page(np.column_stack([columns + 0.5, rows + 0.5]))).astype(int).T
    assert (page[y, x] < 100).all()


def test_margins_end_where_the_page_does() -> None:
    page = np.full((30, 60), 250, np.uint8)
    polygon = np.array([(5.0, 10.0), (50.0, 10.0), (50.0, 20.0), (5.0, 20.0)])
    line = PageLine("l", "t", polygon, None, (0.0, 0.0, 1.0, 1.0))
    everywhere = LineCutConfig(margin_above=9, margin_below=9, margin_left=9, margin_right=9)
    image, place = cut_page_line(page, line, everywhere)
    assert image.pixels.shape == page.shape
    np.testing.assert_allclose(place.on_page(np.array([[0.0, 0.0]])), [[0, 0]])


def test_an_outline_without_a_base_line_has_margins_too() -> None:
    page = np.full((60, 100), 250, np.uint8)
    page[5:50, 40:43] = 0
    polygon = np.array([(10.0, 20.0), (80.0, 20.0), (80.0, 40.0), (10.0, 40.0)])
    line = PageLine("l", "t", polygon, None, (0.0, 0.0, 1.0, 1.0))
    heights = [
        int((cut_page_line(page, line, config)[0].pixels < 100).sum(axis=0).max())
        for config in (LineCutConfig(), LineCutConfig(margin_above=0.5), LineCutConfig(margin_below=0.25))
    ]
    assert heights == [21, 31, 26]


def test_a_line_is_scaled_to_the_height_that_is_asked_for() -> None:
    page, line = curved_page()
    assert cut_page_line(page, line, LineCutConfig(max_height=16))[0].pixels.shape[0] == 16


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 1000, 1003])
def test_the_tone_of_paper_is_the_upper_quartile_of_numpy(size: int) -> None:
    values = np.random.default_rng(size).integers(0, 256, size).astype(np.uint8)
    assert _upper_quartile(values) == np.percentile(values, 75)
    assert _upper_quartile(np.full(size, 255, np.uint8)) == 255


def test_columns_are_moved_each_by_its_own_rows_and_the_border_is_repeated() -> None:
    rng = np.random.default_rng(1)
    page = rng.integers(0, 256, (20, 30)).astype(np.uint8)
    for first in (np.cumsum(rng.integers(-1, 2, 30)), np.full(30, 18), rng.integers(-9, 25, 30)):
        rows = (np.arange(7)[:, None] + first[None, :]).clip(0, 19)
        assert np.array_equal(_moved_columns(page, first, 7), page[rows, np.arange(30)])
