import numpy as np
import pytest

from seqlabel.errors import ConfigError, FormatError
from seqlabel.features import PenConfig
from seqlabel.features.ink_points import points_around, resample
from seqlabel.features.ink_size import turning_points, writing_band, x_height
from seqlabel.records import Example, Strokes

DX, DY, PEN_DOWN, COS, SIN, TURN_COS, TURN_SIN, HEIGHT = range(8)


def _strokes(*points: object) -> Strokes:
    return Strokes(tuple(np.asarray(stroke, np.float32).reshape(-1, 2) for stroke in points))


def _scribble() -> Strokes:
    angle = np.linspace(0, 12, 80)
    wave = np.stack([40 * angle + 30 * np.sin(angle), 100 * np.cos(angle)], axis=1)
    return _strokes(wave, [[100, -130]], wave[::-1] * [0.5, 0.7] + [600, 20])


def _line(first: tuple[float, float], last: tuple[float, float]) -> np.ndarray:
    return np.linspace(first, last, 50)


def test_moving_the_ink_changes_nothing() -> None:
    feature, ink = PenConfig().build(), _scribble()
    moved = Strokes(tuple(stroke + np.float32([512, -256]) for stroke in ink.strokes))
    np.testing.assert_allclose(feature(moved), feature(ink), atol=2e-3)


@pytest.mark.parametrize("factor", [1 / 1024, 0.37, 26.5])
def test_scaling_the_ink_changes_nothing(factor: float) -> None:
    feature, ink = PenConfig().build(), _scribble()
    scaled = Strokes(tuple(stroke * np.float32(factor) for stroke in ink.strokes))
    np.testing.assert_allclose(feature(scaled), feature(ink), atol=2e-3)


def test_the_speed_of_the_pen_changes_nothing() -> None:
    even = np.linspace(0, 1, 400)
    slow_start = even**3
    shapes = [np.stack([300 * t, 100 * np.sin(9 * t)], axis=1) for t in (even, slow_start)]
    first, second = (PenConfig(step=0.2).build()(_strokes(shape)) for shape in shapes)
    assert len(first) == len(second)
    np.testing.assert_allclose(first[1:, [DX, DY]], second[1:, [DX, DY]], atol=0.1)


def test_a_line_to_the_right_goes_one_step_at_a_time() -> None:
    ink = _strokes(_line((0, 0), (0, 100)), _line((50, 50), (150, 50)))
    frames = PenConfig(step=0.1).build()(ink)
    across = frames[-5:]
    np.testing.assert_allclose(across[:, DX], 1, atol=0.1)
    np.testing.assert_allclose(across[:, [DY, SIN, TURN_SIN]], 0, atol=1e-5)
    np.testing.assert_allclose(across[:, [COS, TURN_COS, PEN_DOWN]], 1, atol=1e-5)


def test_down_is_positive_and_its_sine_is_one() -> None:
    frames = PenConfig(step=0.1).build()(_strokes(_line((0, 0), (0, 100))))
    np.testing.assert_allclose(frames[1:, SIN], 1, atol=1e-5)
    assert (frames[1:, DY] > 0).all()


def test_height_falls_from_the_top_to_the_bottom_by_one_writing_height() -> None:
    frames = PenConfig(step=0.1).build()(_strokes(_line((0, 0), (0, 100))))
    assert frames[0, HEIGHT] > frames[-1, HEIGHT]
    assert frames[0, HEIGHT] - frames[-1, HEIGHT] == pytest.approx(1, abs=0.15)


def test_a_right_turn_by_ninety_degrees_has_the_sine_one() -> None:
    # To the right and then down the page, where y grows: the angle grows too.
    corner = np.concatenate([_line((0, 0), (100, 0)), _line((100, 0), (100, 100))])
    frames = PenConfig(step=0.05).build()(_strokes(corner))
    turns = np.arctan2(frames[:, TURN_SIN], frames[:, TURN_COS])
    assert turns.sum() == pytest.approx(np.pi / 2, abs=1e-4)


def test_only_the_first_point_of_a_stroke_is_reached_through_the_air() -> None:
    ink = _strokes(_line((0, 0), (0, 100)), _line((30, 0), (30, 100)), _line((60, 0), (60, 100)))
    down = PenConfig(step=0.25).build()(ink)[:, PEN_DOWN]
    starts = np.flatnonzero(down == 0)
    assert len(starts) == 3
    assert set(np.diff(starts)) == {len(down) // 3}
    assert set(down) == {0.0, 1.0}


def test_a_far_jump_keeps_its_direction_but_not_its_length() -> None:
    near, far = (_strokes(_line((0, 0), (0, 100)), _line((x, 0), (x, 100))) for x in (1000, 8000))
    first, second = (PenConfig(step=0.1).build()(ink) for ink in (near, far))
    start = int(np.flatnonzero(first[:, PEN_DOWN] == 0)[1])
    assert 3 < first[start, DX] < second[start, DX] < 12


def test_a_dot_is_one_point() -> None:
    frames = PenConfig().build()(_strokes([[5, 5]]))
    assert frames.shape == (1, 8)
    assert np.isfinite(frames).all()


def test_a_dot_pressed_long_is_one_point() -> None:
    assert len(PenConfig().build()(_strokes([[5, 5]] * 20))) == 1


def test_points_written_twice_change_nothing() -> None:
    feature, ink = PenConfig().build(), _scribble()
    doubled = Strokes(tuple(np.repeat(stroke, 3, axis=0) for stroke in ink.strokes))
    np.testing.assert_allclose(feature(doubled), feature(ink), atol=2e-3)


def test_strokes_are_resampled_each_on_its_own() -> None:
    strokes = [
        np.array(s, float) for s in ([[0, 0], [10, 0]], [[3, 4]], [[50, 0], [50, 1], [50, 5]], [[1, 1]] * 3)
    ]
    points, counts = resample(strokes, 2.0)
    alone = [resample([stroke], 2.0)[0] for stroke in strokes]
    assert counts.tolist() == [len(one) for one in alone] == [6, 1, 3, 1]
    np.testing.assert_allclose(points, np.concatenate(alone), atol=1e-9)


def test_strokes_without_points_are_passed_over() -> None:
    feature, ink = PenConfig().build(), _scribble()
    with_empty = Strokes((np.zeros((0, 2), np.float32), *ink.strokes, np.zeros((0, 2), np.float32)))
    np.testing.assert_array_equal(feature(with_empty), feature(ink))


def test_ink_without_height_is_measured_by_its_width() -> None:
    frames = PenConfig(step=0.1).build()(_strokes(_line((0, 7), (100, 7))))
    assert len(frames) == 11
    assert np.isfinite(frames).all()


def test_the_tremor_of_a_dash_does_not_become_a_thousand_points() -> None:
    dash = _line((0, 7), (1000, 7))
    dash[::2, 1] += 0.01
    assert len(PenConfig(step=0.1).build()(_strokes(dash))) < 20


def test_ink_without_a_point_is_refused() -> None:
    for ink in (Strokes(()), Strokes((np.zeros((0, 2), np.float32),))):
        with pytest.raises(FormatError, match="no point"):
            PenConfig().build()(ink)


@pytest.mark.parametrize("step", [0.0, -1.0, float("nan")])
def test_a_step_that_leads_nowhere_is_refused(step: float) -> None:
    with pytest.raises(ConfigError, match="step"):
        PenConfig(step=step)


def test_points_stand_at_equal_distances_and_include_both_ends() -> None:
    stroke = np.array([[0.0, 0.0], [0.1, 0.0], [3.0, 0.0], [3.0, 4.0]])
    points, _ = resample([stroke], 0.5)
    np.testing.assert_array_equal(points[[0, -1]], stroke[[0, -1]])
    np.testing.assert_allclose(np.hypot(*np.diff(points, axis=0).T), 6.9 / 14 * np.ones(14), atol=0.15)


def test_one_long_loop_does_not_set_the_height_of_the_line() -> None:
    zigzag = np.stack([np.arange(2000.0), np.tile([0.0, 25, 50, 75, 100, 75, 50, 25], 250)], axis=1)
    loop = np.array([[500.0, 0.0], [500.0, 800.0]])
    _, alone = writing_band([zigzag])
    _, with_loop = writing_band([zigzag, loop])
    assert with_loop == pytest.approx(alone, rel=0.1)


def test_a_real_line_has_a_sensible_number_of_points_for_each_letter(corpora) -> None:
    feature = PenConfig(step=0.2).build()
    sources = sorted((corpora / "imadoc" / "lines").rglob("*.inkml"))[::150]
    texts = [source.read_text(encoding="utf-8").split('"truth">')[1].split("<")[0] for source in sources]
    counts = [len(feature(feature.read(Example(id="a", source=source)))) for source in sources]
    assert 5 < sum(counts) / sum(map(len, texts)) < 40


def test_turns_alternate_and_small_tremor_is_none() -> None:
    y = np.array([0.0, 5.0, 10.0, 9.9, 10.0, 4.0, 8.0, 7.5, 8.0, 0.0])
    low, high = turning_points(y, np.array([len(y)]), 1.0)
    assert (y[low].tolist(), y[high].tolist()) == ([10.0, 8.0], [0.0, 4.0, 0.0])


def test_turns_of_several_strokes_are_those_of_each_alone() -> None:
    rng = np.random.default_rng(1)
    strokes = [np.cumsum(rng.normal(size=count)) for count in (30, 1, 2, 50)]
    low, high = turning_points(np.concatenate(strokes), np.array([30, 1, 2, 50]), 0.7)
    for found, kind in ((low, 0), (high, 1)):
        alone = [turning_points(y, np.array([len(y)]), 0.7)[kind] for y in strokes]
        starts = np.cumsum([0, 30, 1, 2])
        np.testing.assert_array_equal(
            found, np.concatenate([a + s for a, s in zip(alone, starts, strict=True)])
        )


def test_a_level_stroke_has_no_turns() -> None:
    low, high = turning_points(np.full(5, 3.0), np.array([5]), 0.5)
    assert len(low) == len(high) == 0


def test_the_x_height_is_found_among_long_ones() -> None:
    # Ten small arches of height 30 on a base line at 100, one l of height 90 and one p that goes down by 60.
    small = [np.array([[20 * i, 100.0], [20 * i + 5, 70.0], [20 * i + 10, 100.0]]) for i in range(10)]
    long = [np.array([[300.0, 10.0], [300.0, 100.0]]), np.array([[320.0, 70.0], [320.0, 160.0]])]
    top, height = x_height([*small, *long])
    assert (top, height) == (pytest.approx(70, abs=0.5), pytest.approx(30, abs=0.5))


def test_one_height_is_that_of_a_small_letter_when_the_recipe_says_so() -> None:
    arches = [np.array([[20 * i, 100.0], [20 * i + 5, 70.0], [20 * i + 10, 100.0]]) for i in range(10)]
    ink = _strokes(*arches, [[300, 10], [300, 100]])
    frames = PenConfig(step=0.25, unit="x_height").build()(ink)
    assert frames[0, HEIGHT] == pytest.approx(0.0, abs=0.05)
    assert frames[:, HEIGHT].max() == pytest.approx(3.0, abs=0.1)


def test_ink_with_few_turns_is_measured_by_its_band() -> None:
    top, height = x_height([np.array([[0.0, 0.0], [0.0, 90.0]])])
    assert 0 <= top < top + height <= 90


def test_the_points_around_are_those_of_a_count_by_hand() -> None:
    rng = np.random.default_rng(4)
    points = rng.uniform(0, 5, size=(60, 2))
    found = points_around(points, 3, 0.6)
    bins = np.floor(points / 0.15).astype(int)  # four bins to a cell of 0.6
    for i in (0, 17, 59):
        offset = bins - bins[i]
        column, row = ((offset + 6) // 4).T
        inside = (offset >= -6).all(axis=1) & (offset < 6).all(axis=1)
        expected = np.zeros(9)
        np.add.at(expected, row[inside] * 3 + column[inside], 1)
        np.testing.assert_allclose(found[i], expected, atol=1e-9)


def test_the_dot_over_a_stroke_shows_in_the_cell_above_it() -> None:
    stem, dot = _line((50, 40), (50, 100)), [[50, 20]]
    config = PenConfig(step=0.1, context_cells=3, cell_size=0.4)
    with_dot, without = (config.build()(ink) for ink in (_strokes(stem, dot), _strokes(stem)))
    above = 8 + 1
    assert with_dot[0, above] > 0 == without[0, above]


def test_context_adds_its_cells_to_the_features() -> None:
    feature = PenConfig(context_cells=5).build()
    assert feature(_scribble()).shape[1] == feature.dim == 8 + 25


def test_a_negative_number_of_cells_is_refused() -> None:
    with pytest.raises(ConfigError, match="-1 context cells"):
        PenConfig(context_cells=-1)
