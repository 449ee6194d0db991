import numpy as np
import pytest

from seqlabel.errors import ConfigError
from seqlabel.features import InkNormalizationConfig, PenConfig
from seqlabel.features.ink_normalization import (
    normalized,
    order_with_moved,
    rotated,
    sheared,
    skew,
    slant_by_histogram,
    slant_by_projection,
)
from seqlabel.formats.ink import read_strokes
from seqlabel.records import Strokes

DEGREES = np.pi / 180
NOTHING = InkNormalizationConfig()
SLANTS = pytest.mark.parametrize("slant", [slant_by_histogram, slant_by_projection])


def letters(number: int = 20) -> list[np.ndarray]:
    """Upright letters of one height from 0 to 1 with an ascender now and then, joined by ways to the right above."""
    shapes = []
    for i in range(number):
        top = -1.0 if i % 5 == 2 else 0.0
        shapes.append(np.array([[i, 0.9], [i + 0.3, top], [i + 0.3, 1.0], [i + 0.6, 0.95]]))
    return shapes


def strokes(*points: object) -> Strokes:
    return Strokes(tuple(np.asarray(stroke, np.float32).reshape(-1, 2) for stroke in points))


def lines(corpora, every: int) -> list[Strokes]:
    return [read_strokes(path) for path in sorted((corpora / "imadoc" / "lines").rglob("*.inkml"))[::every]]


def doubles(ink: Strokes) -> list[np.ndarray]:
    return [stroke.astype(np.float64) for stroke in ink.strokes]


@pytest.mark.parametrize("degrees", [-25, -8, -2, 0, 3, 12, 25])
def test_the_skew_of_turned_letters_is_found(degrees: float) -> None:
    turned = rotated(letters(), degrees * DEGREES)
    assert skew(turned) / DEGREES == pytest.approx(degrees, abs=0.7)


@pytest.mark.parametrize("degrees", [-8, 3, 15])
def test_turning_a_real_line_turns_its_base_line_by_as_much(corpora, degrees: float) -> None:
    errors = []
    for ink in lines(corpora, 60):
        straight = doubles(ink)
        errors.append((skew(rotated(straight, degrees * DEGREES)) - skew(straight)) / DEGREES - degrees)
    assert np.median(np.abs(errors)) < 0.1
    assert np.mean(np.abs(errors) < 0.5) > 0.9


def test_a_line_without_skew_is_level(corpora) -> None:
    config = InkNormalizationConfig(skew="base_line")
    left = [skew(normalized(ink, config, "x_height").strokes) / DEGREES for ink in lines(corpora, 60)]
    assert np.mean(np.abs(left) < 0.2) > 0.9


@pytest.mark.parametrize("few", [1, 2])
def test_a_letter_or_two_have_no_skew(few: int) -> None:
    assert skew(rotated(letters(few), 0.2)) == 0.0


@SLANTS
@pytest.mark.parametrize("tangent", [-0.7, -0.2, 0.0, 0.3, 1.0])
def test_the_slant_of_sheared_letters_is_found(slant, tangent: float) -> None:
    leaning = sheared(letters(), -tangent)
    found = np.degrees(np.arctan(slant(leaning)))
    assert found == pytest.approx(np.degrees(np.arctan(tangent)), abs=4)


@SLANTS
def test_writing_that_leans_to_the_right_has_a_positive_slant(slant) -> None:
    # The top of each letter, where y is small, is further to the right than its foot.
    assert slant([np.array([[i + 0.5, 0.0], [float(i), 1.0]]) for i in range(5)]) == pytest.approx(
        0.5, abs=0.05
    )


@SLANTS
@pytest.mark.parametrize("points", [[[0, 0]], [[0, 0], [5, 0]]], ids=["a dot", "a dash"])
def test_ink_without_downstrokes_has_no_slant(slant, points: list[list[float]]) -> None:
    assert slant([np.array(points, float)]) == 0.0


@SLANTS
def test_shearing_real_lines_changes_what_is_found_by_as_much(corpora, slant) -> None:
    errors = []
    for ink in lines(corpora, 60):
        upright = normalized(ink, NOTHING, "x_height").strokes
        before = np.degrees(np.arctan(slant(upright)))
        tangent = np.tan((before + 12) * DEGREES) - np.tan(before * DEGREES)
        errors.append(np.degrees(np.arctan(slant(sheared(upright, -tangent)))) - before - 12)
    assert np.median(np.abs(errors)) <= 1.5


def test_one_way_of_finding_the_slant_agrees_that_the_other_has_removed_it(corpora) -> None:
    """Slants in degrees of the same lines, before and after the histogram's correction, measured by projection."""
    inks = lines(corpora, 25)
    before, after = (
        np.degrees(
            np.arctan([slant_by_projection(normalized(ink, config, "x_height").strokes) for ink in inks])
        )
        for config in (NOTHING, InkNormalizationConfig(slant="histogram"))
    )
    assert np.std(after) < 0.6 * np.std(before)
    assert abs(np.mean(after)) < 4


def test_shearing_leaves_the_base_line_where_it_is() -> None:
    stroke = np.array([[0.0, 1.0], [3.0, 0.0], [5.0, 2.0]])
    np.testing.assert_allclose(sheared([stroke], 0.5)[0], [[0, 1], [2.5, 0], [5.5, 2]])


def test_turning_is_clockwise_as_one_sees_it() -> None:
    flat = [np.array([[0.0, 0.0], [10.0, 0.0]])]
    turned = rotated(flat, 90 * DEGREES)[0]
    np.testing.assert_allclose(turned, [[5, -5], [5, 5]], atol=1e-9)


def test_without_options_the_ink_is_scaled_and_nothing_else() -> None:
    ink = strokes(*(stroke * 30 for stroke in letters()))
    even = normalized(ink, NOTHING, "x_height")
    for before, after in zip(ink.strokes, even.strokes, strict=True):
        ratio = np.diff(after, axis=0) / np.where(np.diff(before, axis=0) == 0, 1, np.diff(before, axis=0))
        np.testing.assert_allclose(ratio[ratio != 0], ratio[ratio != 0][0], rtol=1e-4)
    assert even.below is None and even.times is None


def test_turned_and_slanted_ink_has_the_features_of_the_straight_and_upright() -> None:
    # Enough turns on both lines, and each downstroke a quarter of a height wide.
    config = PenConfig(
        unit="x_height", step=0.25, ink=InkNormalizationConfig(skew="base_line", slant="histogram")
    )
    plain = strokes(*(stroke * 30 for stroke in letters()))
    other = strokes(*(stroke * 30 for stroke in rotated(sheared(letters(), -0.4), 5 * DEGREES)))
    feature = config.build()
    first, second = feature(plain), feature(other)
    assert abs(len(first) - len(second)) < 0.03 * len(first)
    raw = PenConfig(unit="x_height", step=0.25).build()
    cos, sin = 3, 4

    def mean_angle(frames: np.ndarray) -> float:
        down = frames[frames[:, sin] > 0.7]
        return float(np.degrees(np.arctan2(down[:, cos].mean(), down[:, sin].mean())))

    assert abs(mean_angle(first) - mean_angle(second)) < 3
    assert abs(mean_angle(raw(plain)) - mean_angle(raw(other))) > 10


@pytest.mark.parametrize(
    ("below", "order"),
    [
        ([None, None, None], [0, 1, 2]),
        ([None, None, 0], [0, 2, 1]),
        ([None, None, 0, None, 1, 0], [0, 2, 5, 1, 4, 3]),
        ([], []),
    ],
)
def test_delayed_strokes_come_right_after_the_ones_they_stand_over(
    below: list[int | None], order: list[int]
) -> None:
    assert order_with_moved(below) == order


def test_times_go_with_the_strokes_that_are_moved() -> None:
    stems = [[[30 * i, 0], [30 * i, 30], [30 * i + 8, 28]] for i in range(6)]
    dot = [[1, -20], [2, -20]]
    times = tuple(np.full(len(stroke), i, np.float32) for i, stroke in enumerate([*stems, dot]))
    ink = Strokes(strokes(*stems, dot).strokes, times)
    moved = normalized(ink, InkNormalizationConfig(delayed_strokes="move"), "x_height")
    assert moved.times is not None
    assert [values[0] for values in moved.times] == [0, 6, 1, 2, 3, 4, 5]
    assert moved.below == [None, 0, None, None, None, None, None]
    assert [len(stroke) for stroke in moved.strokes] == [3, 2, 3, 3, 3, 3, 3]


def test_the_flag_is_one_at_the_points_of_delayed_strokes() -> None:
    stems = [[[30 * i, 0], [30 * i, 30], [30 * i + 8, 28]] for i in range(6)]
    ink = strokes(*stems, [[1, -20]])
    flagged = PenConfig(ink=InkNormalizationConfig(delayed_strokes="flag"))
    frames, plain = flagged.build()(ink), PenConfig().build()(ink)
    assert flagged.build().dim == frames.shape[1] == 9
    np.testing.assert_array_equal(frames[:, :8], plain)
    assert frames[:, 8].tolist() == [0.0] * (len(frames) - 1) + [1.0]


def test_moved_strokes_change_the_order_of_points_alone() -> None:
    stems = [[[30 * i, 0], [30 * i, 30], [30 * i + 8, 28]] for i in range(6)]
    ink = strokes(*stems, [[1, -20]])
    moved = PenConfig(ink=InkNormalizationConfig(delayed_strokes="move")).build()(ink)
    plain = PenConfig().build()(ink)
    height = 7
    assert moved.shape == plain.shape
    assert (moved[:, height] != plain[:, height]).any()
    np.testing.assert_allclose(np.sort(moved[:, height]), np.sort(plain[:, height]), atol=1e-6)


def test_delayed_strokes_are_not_removed_where_nothing_tells_of_them() -> None:
    with pytest.raises(ConfigError, match="keep, flag or move"):
        PenConfig(ink=InkNormalizationConfig(delayed_strokes="remove"))
