"""Every feature against a slow loop over its definition, against values by hand, and where nothing must change."""

import math
from itertools import pairwise

import numpy as np
import pytest

from seqlabel.errors import ConfigError, FormatError
from seqlabel.features import GravesPenConfig, InkNormalizationConfig
from seqlabel.features.graves_pen import HIGH_PASS, MARGIN, high_pass, ink_around, ways
from seqlabel.features.ink_normalization import normalized
from seqlabel.features.ink_points import resample
from seqlabel.features.pen_speed import clock, relative_speed
from seqlabel.records import Example, Strokes

(
    PEN, HAT, SPEED, X, Y, COS, SIN, TURN_COS, TURN_SIN, ASPECT, SLOPE_COS, SLOPE_SIN, CURLINESS, LINEARITY,
    ASCENDERS, DESCENDERS, MAP,
) = range(17)  # fmt: skip
KEPT = InkNormalizationConfig()


def ink(*strokes: object, times: tuple[np.ndarray, ...] | None = None) -> Strokes:
    return Strokes(tuple(np.asarray(stroke, np.float32).reshape(-1, 2) for stroke in strokes), times)


def line(first: tuple[float, float], last: tuple[float, float], num: int = 50) -> np.ndarray:
    return np.linspace(first, last, num)


def arches(number: int = 10) -> list[np.ndarray]:
    """Small letters of x-height 30 on a base line at 100."""
    arch = np.array([[0.0, 100.0], [0.0, 70.0], [10.0, 70.0], [10.0, 100.0]])
    return [arch + np.array([20 * i, 0]) for i in range(number)]


def scribble() -> Strokes:
    rng = np.random.default_rng(3)
    walks = [np.cumsum(rng.normal(size=(40, 2)), axis=0) * 12 + [i * 90, 40] for i in range(5)]
    return ink(*walks, [[100, 30]], [[210, 10], [240, 12]])


def definition(points: list[np.ndarray], reach: int) -> np.ndarray:
    """The pen's way by its formulas, one stroke, point and sum at a time."""
    rows = []
    for stroke in points:
        n = len(stroke)
        for t in range(n):

            def direction(i: int, stroke: np.ndarray = stroke, n: int = n) -> float | None:
                if n == 1:
                    return None
                i = max(0, min(i, n - 2))
                dx, dy = stroke[i + 1] - stroke[i]
                return math.atan2(dy, dx)

            row = [float(t > 0)]
            angle, before = direction(t), direction(max(0, t - 1))
            if angle is None or before is None:
                row += [0.0, 0.0, 1.0, 0.0]
            else:
                row += [math.cos(angle), math.sin(angle), math.cos(angle - before), math.sin(angle - before)]
            vicinity = [stroke[i] for i in range(t - reach, t + reach + 1) if 0 <= i < n]
            dx = max(p[0] for p in vicinity) - min(p[0] for p in vicinity)
            dy = max(p[1] for p in vicinity) - min(p[1] for p in vicinity)
            row.append((dy - dx) / (dy + dx) if dy + dx else 0.0)
            ax, ay = vicinity[-1] - vicinity[0]
            length = math.hypot(ax, ay)
            row += [ax / length, ay / length] if length else [0.0, 0.0]
            way = sum(math.dist(a, b) for a, b in pairwise(vicinity))
            row.append(way / max(dx, dy) if max(dx, dy) else 1.0)
            squares = 0.0
            for x, y in vicinity:
                x, y = x - vicinity[0][0], y - vicinity[0][1]
                squares += ((x * ay - y * ax) / length) ** 2 if length else x * x + y * y
            row.append(squares / len(vicinity))
            rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize("reach", [1, 2, 5])
def test_the_way_of_the_pen_is_that_of_a_loop_over_its_definitions(reach: int) -> None:
    rng = np.random.default_rng(1)
    strokes = [rng.normal(size=(count, 2)) for count in (1, 2, 3, 17, 1, 40)]
    counts = np.array([len(stroke) for stroke in strokes])
    np.testing.assert_allclose(
        ways(np.concatenate(strokes), counts, reach), definition(strokes, reach), atol=1e-9
    )


def test_the_ink_around_is_that_of_a_loop_over_its_definitions() -> None:
    points = np.random.default_rng(2).uniform(-2, 3, size=(80, 2))
    found = ink_around(points, 0.6)
    bins = np.floor(points / 0.15)  # four bins to a cell
    for t, (x, _) in enumerate(points):
        near = np.abs(points[:, 0] - x) <= 0.9
        assert found[t, 0] == (near & (points[:, 1] < -MARGIN)).sum()
        assert found[t, 1] == (near & (points[:, 1] > 1 + MARGIN)).sum()
        for cell in range(9):
            row, column = divmod(cell, 3)
            off = bins - bins[t] + 6
            inside = (off[:, 0] // 4 == column) & (off[:, 1] // 4 == row)
            assert found[t, 2 + cell] == inside.sum()


def test_the_high_pass_is_that_of_a_loop_over_its_definition() -> None:
    x = np.cumsum(np.random.default_rng(3).normal(size=50))
    expected = [x[t] - np.mean(x[max(0, t - 7) : t + 8]) for t in range(50)]
    np.testing.assert_allclose(high_pass(x, 7), expected, atol=1e-9)


def test_the_speed_is_that_of_a_loop_over_its_definition() -> None:
    rng = np.random.default_rng(4)
    strokes = [np.cumsum(rng.normal(size=(count, 2)), axis=0) for count in (12, 1, 30)]
    times = [np.cumsum(rng.integers(0, 3, size=len(stroke))).astype(np.float64) for stroke in strokes]
    times[2][:3] = times[2][0]
    points, counts = resample(strokes, 0.3)
    found = np.split(relative_speed(strokes, times, points, counts), np.cumsum(counts)[:-1])
    total_way = sum(math.dist(a, b) for s in strokes for a, b in pairwise(s))
    mean = total_way / sum(t[-1] - t[0] for t in times)
    for stroke, values, speeds in zip(strokes, times, found, strict=True):
        if len(stroke) == 1:
            assert speeds.tolist() == [0.0]
            continue
        way = np.cumsum([0.0, *(math.dist(a, b) for a, b in pairwise(stroke))])
        last = {float(t): w for t, w in zip(values, way, strict=True)}  # of one time the last place
        known = sorted(last.items())
        middles, each = [], []
        for (t0, w0), (t1, w1) in pairwise(known):
            middles.append((w0 + w1) / 2)
            each.append((w1 - w0) / (t1 - t0) / mean)
        for k, speed in enumerate(speeds):
            place = way[-1] * k / (len(speeds) - 1)
            assert speed == pytest.approx(float(np.interp(place, middles, each)), abs=1e-9)


def frames_of(signal: Strokes, **settings: object) -> np.ndarray:
    return GravesPenConfig(**settings).build()(signal)


def test_a_straight_line_by_hand() -> None:
    """Ten arches set the x-height of 30; the last stroke goes 60 to the right at half the x-height."""
    across = frames_of(ink(*arches(), line((300, 85), (360, 85))), step=0.1)[-21:]
    assert across[:, PEN].tolist() == [0.0] + [1.0] * 20
    np.testing.assert_allclose(across[:, [COS, TURN_COS, SLOPE_COS, CURLINESS]], 1, atol=1e-4)
    np.testing.assert_allclose(across[:, [SIN, TURN_SIN, SLOPE_SIN, LINEARITY, HAT]], 0, atol=1e-4)
    np.testing.assert_allclose(across[:, ASPECT], -1, atol=1e-4)
    np.testing.assert_allclose(across[:, Y], 0.5, atol=0.02)
    np.testing.assert_array_equal(across[:, [ASCENDERS, DESCENDERS]], 0)
    # Two heights of ink, of which a point in the middle has 0.6 in its own cell and 0.6 on either side.
    np.testing.assert_allclose(across[10, MAP:].reshape(3, 3)[1], 0.6, atol=0.11)
    np.testing.assert_array_equal(across[10, MAP:].reshape(3, 3)[[0, 2]], 0)


def test_a_circle_by_hand() -> None:
    """A circle with a radius of two heights: each step of 0.1 turns by 0.1 / 2."""
    turn = np.linspace(0, 2 * np.pi, 400)
    circle = np.stack([500 + 60 * np.cos(turn), 85 + 60 * np.sin(turn)], axis=1)
    signal = ink(*arches(), circle)
    around = frames_of(signal, step=0.1, vicinity_points=3)[-127:]
    assert around[0, PEN] == 0 and (around[1:, PEN] == 1).all()
    inner = around[4:-4]
    np.testing.assert_allclose(np.arctan2(inner[:, TURN_SIN], inner[:, TURN_COS]), 0.05, atol=2e-3)
    # The arc over 6 steps has the angle 0.3; its mean squared distance from the chord, by the heights over the chord.
    angles = np.linspace(-0.15, 0.15, 7)
    heights = 2 * (np.cos(angles) - np.cos(0.15))
    np.testing.assert_allclose(inner[:, LINEARITY], np.mean(heights**2), rtol=0.15)
    assert around[:, Y].max() - around[:, Y].min() == pytest.approx(4, abs=0.1)
    # Where the circle is steepest its vicinity is high and narrow.
    steep = np.abs(around[:, SIN]) > 0.995
    assert (around[steep][2:-2, ASPECT] > 0.7).all()


def test_a_pen_that_turns_back_has_curliness_two() -> None:
    there_and_back = np.concatenate([line((300, 85), (330, 85)), line((330, 85), (300, 85))])
    frames = frames_of(ink(*arches(), there_and_back), step=0.1)[-21:]
    assert frames[10, CURLINESS] == pytest.approx(2, abs=0.01)
    assert frames[10, TURN_COS] == pytest.approx(-1, abs=0.01)


def test_the_speed_follows_the_times() -> None:
    stroke = line((300, 85), (360, 85), 61)
    slow_then_fast = np.concatenate([np.arange(31) * 3.0, 90 + np.arange(1, 31)]).astype(np.float32)
    times = (*(np.float32([0, 1, 2, 3]) for _ in arches()), slow_then_fast)
    frames = frames_of(ink(*arches(), stroke, times=times), step=0.1)[-21:]
    assert frames[15, SPEED] / frames[5, SPEED] == pytest.approx(3, rel=0.01)
    moved = tuple(values * np.float32(0.001) + np.float32(5) for values in times)
    same = frames_of(ink(*arches(), stroke, times=moved), step=0.1)[-21:]
    np.testing.assert_allclose(same[:, SPEED], frames[:, SPEED], rtol=1e-2)


def test_without_times_the_points_of_the_tablet_are_the_clock() -> None:
    stroke = line((300, 85), (360, 85), 61)
    numbered, first = [], 0
    for each in (*arches(), stroke):
        numbered.append(np.arange(first, first + len(each), dtype=np.float32))
        first += len(each)
    with_times = frames_of(ink(*arches(), stroke, times=tuple(numbered)))
    np.testing.assert_allclose(frames_of(ink(*arches(), stroke)), with_times, atol=1e-5)


def test_times_that_run_backwards_are_held() -> None:
    ink_back = normalized(ink(line((0, 0), (0, 9), 4), times=(np.float32([0, 2, 1, 3]),)), KEPT, "band")
    assert clock(ink_back)[0].tolist() == [0, 2, 2, 3]


def test_the_hat_is_on_the_points_below_a_dot_and_the_dot_gives_none() -> None:
    dot = [[45, 45]]
    with_dot, without = (frames_of(ink(*arches(), *rest)) for rest in ([dot], []))
    assert len(with_dot) == len(without)
    np.testing.assert_array_equal(without[:, HAT], 0)
    points, _ = resample([stroke / 30 for stroke in arches()], 0.25)
    np.testing.assert_array_equal(with_dot[:, HAT], np.abs(points[:, 0] - 1.5) <= 0.5)
    changed = np.flatnonzero((with_dot != without).any(axis=0))
    assert {HAT, ASCENDERS} <= set(changed) <= {HAT, ASCENDERS, *range(MAP, MAP + 9)}


@pytest.mark.parametrize(
    ("mode", "width", "more"), [("keep", 25, 1), ("flag", 26, 1), ("move", 25, 1), ("remove", 25, 0)]
)
def test_a_delayed_stroke_gives_points_unless_it_is_removed(mode: str, width: int, more: int) -> None:
    settings = InkNormalizationConfig(delayed_strokes=mode)
    frames = frames_of(ink(*arches(), [[45, 45]]), ink=settings)
    assert frames.shape == (len(frames_of(ink(*arches()))) + more, width)
    assert frames[:, HAT].any()
    if mode == "flag":
        assert frames[:, 25].tolist() == [0.0] * (len(frames) - 1) + [1.0]


@pytest.mark.parametrize("factor", [1 / 1024, 0.37, 26.5])
def test_place_and_size_change_nothing(factor: float) -> None:
    signal = scribble()
    changed = Strokes(
        tuple((stroke + np.float32([512, -256])) * np.float32(factor) for stroke in signal.strokes)
    )
    first, second = frames_of(signal), frames_of(changed)
    np.testing.assert_allclose(second[:, :MAP], first[:, :MAP], atol=5e-3)


def test_the_sampling_of_the_tablet_changes_the_speed_alone() -> None:
    shapes = []
    for even in (np.linspace(0, 1, 800), np.linspace(0, 1, 800) ** 2):
        shapes.append(np.stack([300 * even, 100 * np.sin(9 * even)], axis=1))
    first, second = (frames_of(ink(shape)) for shape in shapes)
    assert first.shape == second.shape
    others = [X, Y, ASPECT, CURLINESS, LINEARITY]
    np.testing.assert_allclose(first[:, others], second[:, others], atol=0.1)
    assert np.abs(first[:, SPEED] - second[:, SPEED]).max() > 0.5


def test_far_along_the_line_the_filtered_x_is_as_at_its_beginning() -> None:
    frames = frames_of(ink(*arches(60)))
    middle = len(frames) // 2
    assert np.abs(frames[middle - 40 : middle + 40, X]).max() < HIGH_PASS
    assert np.mean(frames[middle - 40 : middle + 40, X]) == pytest.approx(0, abs=0.1)


def test_a_dot_is_one_point_without_direction() -> None:
    frames = frames_of(ink([[5, 5]] * 3))
    assert frames.shape == (1, 25)
    expected = [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]
    others = [
        PEN,
        HAT,
        SPEED,
        X,
        COS,
        SIN,
        TURN_COS,
        TURN_SIN,
        ASPECT,
        SLOPE_COS,
        SLOPE_SIN,
        CURLINESS,
        LINEARITY,
    ]
    assert frames[0, others].tolist() == expected


def test_ink_without_a_point_is_refused() -> None:
    with pytest.raises(FormatError, match="no point"):
        frames_of(ink())


@pytest.mark.parametrize(
    "wrong", [{"step": 0.0}, {"step": float("nan")}, {"cell_size": -1.0}, {"vicinity_points": 0}]
)
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="positive step"):
        GravesPenConfig(**wrong)


def test_a_real_line_has_hats_and_even_speed(corpora) -> None:
    feature = GravesPenConfig().build()
    sources = sorted((corpora / "imadoc" / "lines").rglob("*.inkml"))[::300]
    frames = np.concatenate([feature(feature.read(Example(id="a", source=source))) for source in sources])
    assert np.isfinite(frames).all()
    assert 0.01 < frames[:, HAT].mean() < 0.4
    assert 0.5 < np.median(frames[:, SPEED]) < 2
    assert 0 < np.median(frames[:, Y]) < 1
