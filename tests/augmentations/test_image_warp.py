import numpy as np
import pytest

from seqlabel.augmentations import ImageWarpConfig
from seqlabel.records import LineImage

NOTHING = {
    "shear": 0.0,
    "rotation_degrees": 0.0,
    "stretch": 0.0,
    "squeeze": 0.0,
    "elastic": 0.0,
    "stroke_width": 0.0,
    "contrast": 0.0,
    "noise": 0.0,
    "probability": 1.0,
}
GEOMETRY = {"shear": 0.5, "rotation_degrees": 3.0, "stretch": 0.3, "squeeze": 0.2, "elastic": 0.03}
WIDTHS = [286, 256, 260, 201, 297, 240]
SUMS = [2515360, 2420285, 2385798, 1956604, 2890449, 2246199]


def line(height: int = 40, width: int = 240, paper: int = 255) -> LineImage:
    pixels = np.full((height, width), paper, np.uint8)
    for left in range(40, width - 40, 30):
        pixels[height // 4 : 3 * height // 4, left : left + 4] = 0
    return LineImage(pixels)


def warped(seed: int, image: LineImage, **settings: float) -> np.ndarray:
    augment = ImageWarpConfig(**{**NOTHING, **settings}).build()
    return augment(image, np.random.default_rng(seed)).pixels


def stroke_starts(pixels: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.diff((pixels[len(pixels) // 2] < 128).astype(int)) == 1)


def ink_columns(pixels: np.ndarray) -> np.ndarray:
    return np.flatnonzero((pixels < 128).any(axis=0))


@pytest.mark.parametrize("seed", range(5))
def test_the_default_keeps_the_height_and_bytes(seed: int) -> None:
    pixels = ImageWarpConfig().build()(line(), np.random.default_rng(seed)).pixels
    assert pixels.dtype == np.uint8
    assert pixels.shape[0] == 40


@pytest.mark.parametrize("paper", [255, 180])
@pytest.mark.parametrize("seed", range(5))
def test_what_comes_into_view_has_the_colour_of_the_paper(seed: int, paper: int) -> None:
    pixels = warped(seed, line(paper=paper), **GEOMETRY)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    assert (border == paper).all()


@pytest.mark.parametrize("seed", range(10))
def test_no_ink_is_pushed_over_the_ends_of_a_sheared_line(seed: int) -> None:
    pixels = np.full((40, 80), 255, np.uint8)
    pixels[2:38, [1, 2, 3, -4, -3, -2]] = 0
    sheared = warped(seed, LineImage(pixels), shear=0.4)
    assert float((255.0 - sheared).sum()) == pytest.approx(float((255.0 - pixels).sum()), rel=0.02)


def test_stretch_changes_the_width_within_its_range() -> None:
    widths = [warped(seed, line(), stretch=0.25).shape[1] for seed in range(40)]
    assert 180 <= min(widths) < 195
    assert 285 < max(widths) <= 300


def test_stretching_moves_the_strokes_along() -> None:
    pixels = warped(3, line(), stretch=0.25)
    ratio = pixels.shape[1] / 240
    found, expected = ink_columns(pixels)[[0, -1]], ink_columns(line().pixels)[[0, -1]] * ratio
    assert abs(ratio - 1) > 0.02
    np.testing.assert_allclose(found, expected, atol=2)


def test_squeeze_changes_the_height_of_the_writing() -> None:
    heights = {int((warped(seed, line(), squeeze=0.3) < 128).any(axis=1).sum()) for seed in range(20)}
    assert min(heights) < 19 < 21 < max(heights)


@pytest.mark.parametrize("seed", range(4))
def test_tone_and_noise_move_no_stroke(seed: int) -> None:
    pixels = warped(seed, line(), contrast=0.3, noise=8.0)
    np.testing.assert_array_equal(ink_columns(pixels), ink_columns(line().pixels))
    assert (pixels != line().pixels).any()


def test_strokes_become_thicker_thinner_or_softer() -> None:
    ink = [float((255.0 - warped(seed, line(), stroke_width=1.0)).sum()) for seed in range(20)]
    before = float((255.0 - line().pixels).sum())
    assert min(ink) < 0.9 * before
    assert max(ink) > 1.1 * before


def test_probability_nought_leaves_geometry_and_tone_alone() -> None:
    settings = {**GEOMETRY, "contrast": 0.3, "noise": 8.0, "probability": 0.0}
    np.testing.assert_array_equal(warped(1, line(), **settings), line().pixels)


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (64, 3)])
def test_odd_shapes_survive(shape: tuple[int, int]) -> None:
    image = LineImage(np.full(shape, 255, np.uint8))
    pixels = (
        ImageWarpConfig(probability=1.0, stroke_width=1.0).build()(image, np.random.default_rng(1)).pixels
    )
    assert pixels.shape[0] == shape[0]
    assert pixels.shape[1] >= 1


def test_the_results_for_a_seed_are_those_of_the_first_version() -> None:
    # Taken from the code of 2026-11-25, which had Pillow's mesh and filters: training runs can be repeated.
    augment = ImageWarpConfig(stroke_width=1.0).build()
    found = [augment(line(), np.random.default_rng(seed)).pixels for seed in range(6)]
    assert [pixels.shape[1] for pixels in found] == WIDTHS
    sums = [int(pixels.sum(dtype=np.int64)) for pixels in found]
    np.testing.assert_allclose(sums, SUMS, rtol=1e-5)


def test_width_jitter_moves_strokes_sideways_and_keeps_the_line_as_long_as_it_is() -> None:
    moved = []
    for seed in range(20):
        pixels = warped(seed, line(width=400), width_jitter=0.3)
        assert pixels.shape == (40, 400)
        assert (pixels[9] == 255).all() and (pixels[31] == 255).all()
        moved.append(
            float(np.abs(ink_columns(pixels)[[0, -1]] - ink_columns(line(width=400).pixels)[[0, -1]]).max())
        )
    assert np.median(moved) > 2


def test_width_jitter_stretches_some_parts_and_squeezes_others() -> None:
    edges = stroke_starts(warped(3, line(width=800), width_jitter=0.4))
    steps = np.diff(edges)
    assert len(edges) == len(range(40, 760, 30))  # no stroke is lost, none comes twice
    assert steps.min() < 25 and steps.max() > 36


def test_more_jitter_moves_more() -> None:
    def roughness(jitter: float) -> float:
        images = [warped(seed, line(width=800), width_jitter=jitter) for seed in range(8)]
        return float(np.concatenate([np.diff(stroke_starts(pixels)) for pixels in images]).std())

    assert roughness(0.0) < 0.5 < roughness(0.1) < roughness(0.3)


def test_letters_are_bent_one_by_one_and_stay_in_their_places() -> None:
    shifts = []
    for seed in range(10):
        edges = stroke_starts(warped(seed, line(height=64, width=800), letter_elastic=0.03))
        assert len(edges) == len(range(40, 760, 30))
        shifts.append(edges - stroke_starts(line(height=64, width=800).pixels))
    moved = np.array(shifts)
    assert 0.5 < moved.std() < 3
    assert np.abs(moved).max() < 10
    # Strokes a letter apart move on their own, more than those of the coarse grid would.
    assert np.corrcoef(moved[:, :-2].ravel(), moved[:, 2:].ravel())[0, 1] < 0.5


def test_ascenders_small_letters_and_descenders_change_their_heights_one_by_one() -> None:
    pixels = np.full((100, 60), 255, np.uint8)
    pixels[10:40, 20:25] = 0  # an ascender, over
    pixels[40:60, 20:45] = 0  # small letters, over
    pixels[60:90, 40:45] = 0  # a descender
    tall = {"above": [], "small": [], "below": []}
    for seed in range(30):
        found = warped(seed, LineImage(pixels), zones=0.2) < 128
        rows = [np.flatnonzero(found[:, column]) for column in (22, 32, 42)]
        small = rows[1][-1] - rows[1][0] + 1
        tall["above"].append(rows[1][0] - rows[0][0])
        tall["small"].append(small)
        tall["below"].append(rows[2][-1] - rows[1][-1])
    above, small, below = (np.array(values) for values in tall.values())
    assert above.min() < 27 and above.max() > 33
    assert small.min() < 18 and small.max() > 22
    assert abs(np.corrcoef(above, below)[0, 1]) < 0.5
    np.testing.assert_array_equal(warped(1, LineImage(pixels), zones=0.0), pixels)
