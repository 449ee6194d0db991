from itertools import pairwise

import numpy as np
import pytest

from seqlabel.errors import ConfigError, FormatError
from seqlabel.features import BezierConfig, InkNormalizationConfig
from seqlabel.features.bezier import LONGEST_PAUSE, SAMPLING, curve_features, curves_of
from seqlabel.features.bezier_fit import fit_curves
from seqlabel.features.ink_normalization import normalized
from seqlabel.features.ink_points import resample
from seqlabel.records import Example, Strokes

DX, DY, ONE, TWO, ANGLE_ONE, ANGLE_TWO, T1, T2, T3, PEN = range(10)


def bezier(control: np.ndarray, s: np.ndarray) -> np.ndarray:
    """De Casteljau's construction, (len(s), columns)."""
    points = [np.broadcast_to(point, (len(s), control.shape[1])) for point in control]
    while len(points) > 1:
        points = [a + s[:, None] * (b - a) for a, b in pairwise(points)]
    return points[0]


def even(control: np.ndarray, step: float = 0.02) -> np.ndarray:
    """Points at even distances along a curve, with the parameter as their time."""
    s = np.linspace(0, 1, 4000)
    fine = bezier(control, s)
    way = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(fine, axis=0).T))])
    wanted = np.interp(np.linspace(0, way[-1], round(way[-1] / step) + 1), way, s)
    return np.column_stack([bezier(control, wanted), wanted])


def control_points(features: np.ndarray) -> np.ndarray:
    """The curves (T, 4, 2) that features stand for, from the first point at 0, 0 on."""
    control = np.zeros((len(features), 4, 2))
    here = np.zeros(2)
    for row, out in zip(features, control, strict=True):
        chord = row[[DX, DY]]
        length, angle = np.hypot(*chord), np.arctan2(chord[1], chord[0])
        one, two = angle + row[ANGLE_ONE], angle + np.pi + row[ANGLE_TWO]
        out[0], out[3] = here, here + chord
        out[1] = out[0] + length * row[ONE] * np.array([np.cos(one), np.sin(one)])
        out[2] = out[3] + length * row[TWO] * np.array([np.cos(two), np.sin(two)])
        here = out[3]
    return control


def ink(*strokes: object, times: tuple[np.ndarray, ...] | None = None) -> Strokes:
    return Strokes(tuple(np.asarray(stroke, np.float32).reshape(-1, 2) for stroke in strokes), times)


def arches(number: int = 10) -> list[np.ndarray]:
    """Small letters of x-height 30 on a base line at 100."""
    arch = np.array([[0.0, 100.0], [0.0, 70.0], [10.0, 70.0], [10.0, 100.0]])
    return [arch + np.array([20 * i, 0]) for i in range(number)]


@pytest.mark.parametrize(
    "control",
    [
        [[0, 0], [1, 1], [2, 1], [3, 0]],
        [[0, 0], [0.5, 2], [2.5, -2], [3, 0]],
        [[5, 5], [5, 3], [4, 2], [2, 2]],
    ],
)
def test_a_cubic_is_found_again(control: list[list[float]]) -> None:
    true = np.array(control, float)
    points = even(true)
    curves = fit_curves(points, np.array([len(points)]), 0.02, 2.5)
    assert len(curves.owner) == 1
    # The ways of fit and curve agree far better than the tolerance asks for, and so do the control points.
    fitted = even(curves.control[0, :, :2], 0.001)[:, :2]
    gaps = np.hypot(*(points[:, None, :2] - fitted[None]).transpose(2, 0, 1)).min(axis=1)
    assert gaps.max() < 0.002
    np.testing.assert_allclose(curves.control[0, :, :2], true, atol=0.02)


def test_the_parameter_of_a_cubic_is_its_time() -> None:
    points = even(np.array([[0, 0], [1, 1], [2, 1], [3, 0]], float))
    curves = fit_curves(points, np.array([len(points)]), 0.02, 2.5)
    np.testing.assert_allclose(curve_features(curves.control)[0, [T1, T2, T3]], [1, 0, 0], atol=0.02)


def gaps_to_curves(signal: Strokes, tolerance: float) -> tuple[np.ndarray, int]:
    """How far the points of a line are from the curves of their own strokes, and how many curves there are."""
    even_ink = normalized(signal, InkNormalizationConfig(), "x_height")
    curves = curves_of(even_ink, tolerance, 2.5)
    gaps = []
    for number, stroke in enumerate(even_ink.strokes):
        own = curves.control[curves.owner == number][:, :, :2]
        on_curves = np.concatenate([bezier(control, np.linspace(0, 1, 300)) for control in own])
        points, _ = resample([stroke], SAMPLING)
        gaps.append(np.hypot(*(points[:, None] - on_curves[None]).transpose(2, 0, 1)).min(axis=1))
    return np.concatenate(gaps), len(curves.owner)


@pytest.mark.parametrize("tolerance", [0.03, 0.06, 0.15])
def test_no_point_of_real_ink_is_farther_from_its_curve_than_said(corpora, tolerance: float) -> None:
    feature = BezierConfig().build()
    for source in sorted((corpora / "imadoc" / "lines").rglob("*.inkml"))[::450]:
        gaps, _ = gaps_to_curves(feature.read(Example(id="a", source=source)), tolerance)
        assert gaps.max() < tolerance + 0.01  # what the 300 points of a curve are apart
        assert np.median(gaps) < tolerance / 2


def test_real_ink_has_a_few_curves_for_each_letter_and_fewer_where_less_exact(corpora) -> None:
    sources = sorted((corpora / "imadoc" / "lines").rglob("*.inkml"))[::300]
    texts = [source.read_text(encoding="utf-8").split('"truth">')[1].split("<")[0] for source in sources]
    num_letters = sum(map(len, texts))
    numbers = []
    for tolerance in (0.03, 0.06, 0.12):
        feature = BezierConfig(tolerance=tolerance).build()
        inks = [feature.read(Example(id="a", source=source)) for source in sources]
        numbers.append(sum(len(feature(one)) for one in inks))
    num_points = sum(len(stroke) for one in inks for stroke in one.strokes)
    assert numbers[0] > numbers[1] > numbers[2]
    assert 2 * num_letters < numbers[1] < 5 * num_letters
    assert numbers[1] < num_points / 5


def test_the_features_hold_what_it_takes_to_draw_the_ink_again(corpora) -> None:
    source = sorted((corpora / "imadoc" / "lines").rglob("*.inkml"))[7]
    feature = BezierConfig().build()
    signal = feature.read(Example(id="a", source=source))
    features = feature(signal).astype(np.float64)
    even_ink = normalized(signal, InkNormalizationConfig(), "x_height")
    drawn = control_points(features) + even_ink.strokes[0][0]
    on_ink = np.concatenate([bezier(c, np.linspace(0, 1, 60)) for c in drawn[features[:, PEN] == 1]])
    points = np.concatenate(even_ink.strokes)
    gaps = np.hypot(*(points[:, None] - on_ink[None]).transpose(2, 0, 1)).min(axis=1)
    assert gaps.max() < 0.15


def test_curves_of_a_stroke_join_and_ways_through_the_air_lead_on() -> None:
    rng = np.random.default_rng(1)
    walks = [np.cumsum(rng.normal(size=(40, 2)), axis=0) * 12 + [i * 90, 40] for i in range(4)]
    even_ink = normalized(ink(*walks), InkNormalizationConfig(), "x_height")
    features = BezierConfig().build()(ink(*walks)).astype(np.float64)
    assert (features[:, PEN] == 0).sum() == 3
    drawn = control_points(features) + even_ink.strokes[0][0]
    np.testing.assert_allclose(drawn[-1, 3], even_ink.strokes[-1][-1], atol=1e-4)
    air = features[features[:, PEN] == 0]
    np.testing.assert_allclose(air[:, [ONE, TWO]], 1 / 3, atol=1e-4)
    np.testing.assert_allclose(air[:, [ANGLE_ONE, ANGLE_TWO]], 0, atol=1e-4)


def test_a_straight_stroke_by_hand() -> None:
    # The last stroke goes 90 down and 120 to the right, in 5 heights of 30, in one curve.
    row = BezierConfig().build()(ink(*arches(), np.linspace([300, 10], [420, 100], 40)))[-1]
    np.testing.assert_allclose(row[[DX, DY]], [4, 3], atol=0.02)
    np.testing.assert_allclose(row[[ONE, TWO]], 1 / 3, atol=0.01)
    np.testing.assert_allclose(row[[ANGLE_ONE, ANGLE_TWO]], 0, atol=0.01)
    np.testing.assert_allclose(row[[T2, T3]], 0, atol=0.1)
    assert row[PEN] == 1


def test_an_arch_to_the_right_by_hand() -> None:
    # Half a circle over the line: the pen sets out upwards and arrives downwards, a right angle from the chord each.
    turn = np.linspace(np.pi, 2 * np.pi, 100)
    half = np.stack([400 + 60 * np.cos(turn), 85 + 60 * np.sin(turn)], axis=1)
    row = BezierConfig(tolerance=0.1).build()(ink(*arches(), half))[-1]
    np.testing.assert_allclose(row[[DX, DY]], [4, 0], atol=0.02)
    assert row[ANGLE_ONE] == pytest.approx(-np.pi / 2, abs=0.1)
    assert row[ANGLE_TWO] == pytest.approx(np.pi / 2, abs=0.1)
    # The known best arm of half a circle is 4/3 of the radius.
    np.testing.assert_allclose(row[[ONE, TWO]], 2 / 3, atol=0.05)


def test_a_loop_and_a_way_back_are_more_than_one_curve() -> None:
    turn = np.linspace(0, 2 * np.pi, 100)
    loop = np.stack([400 + 60 * np.cos(turn), 85 + 60 * np.sin(turn)], axis=1)
    back = np.concatenate([np.linspace([500, 70], [500, 100], 30), np.linspace([500, 100], [500, 70], 30)])
    for stroke in (loop, back):
        features = BezierConfig(tolerance=1.0).build()(ink(*arches(), stroke))
        assert len(features) - np.flatnonzero(features[:, PEN] == 0)[-1] - 1 >= 2


def test_the_time_coefficients_follow_the_clock() -> None:
    stroke = np.linspace([300, 10], [300, 100], 61)
    times = np.linspace(0, 1, 61) ** 2 * 0.5
    signal = ink(
        *arches(), stroke, times=(*(np.float32([0, 1, 2, 3]) for _ in arches()), times.astype(np.float32))
    )
    row = BezierConfig().build()(signal)[-1]
    total = row[[T1, T2, T3]].sum()
    np.testing.assert_allclose(row[[T1, T2, T3]] / total, [0, 1, 0], atol=0.02)
    # Ten arches of a known way in 3 seconds each: the unit is the time of a height at the mean speed.
    ways = 10 * 70 + 90
    assert total == pytest.approx(0.5 * (ways / 30) / 30.5, rel=0.02)


def test_pauses_count_up_to_a_limit_and_never_backwards() -> None:
    stroke = np.linspace([300, 10], [300, 100], 20)
    for begin, expected in ((1000.0, LONGEST_PAUSE), (-3.0, 0.0)):
        times = (
            *(np.float32([0, 1, 2, 3]) for _ in arches()),
            np.linspace(begin, begin + 1, 20).astype(np.float32),
        )
        features = BezierConfig().build()(ink(*arches(), stroke, times=times))
        air = features[np.flatnonzero(features[:, PEN] == 0)[-1]]
        assert air[T1] == pytest.approx(expected, abs=1e-3)
        np.testing.assert_allclose(air[[T2, T3]], 0, atol=1e-3)


@pytest.mark.parametrize("factor", [1 / 1024, 0.37, 26.5])
def test_place_and_size_change_nothing_that_is_seen(factor: float) -> None:
    turn = np.linspace(0, 9, 150)
    wave = np.stack([40 * turn + 30 * np.sin(turn), 50 * np.cos(1.3 * turn) + 5 * np.sin(4 * turn)], axis=1)
    signal = ink(wave, wave[::-1] * [0.5, 0.7] + [430, 20])
    changed = Strokes(
        tuple((stroke + np.float32([512, -256])) * np.float32(factor) for stroke in signal.strokes)
    )
    first, second = (BezierConfig().build()(one) for one in (signal, changed))
    np.testing.assert_allclose(second, first, atol=5e-3)


def test_dots_are_curves_of_no_extent() -> None:
    features = BezierConfig().build()(ink([[5, 5]], [[7, 5]] * 4))
    assert features.shape == (3, 10)
    assert features[:, PEN].tolist() == [1, 0, 1]
    np.testing.assert_allclose(features[[0, 2]][:, [DX, DY, ANGLE_ONE, ANGLE_TWO]], 0, atol=1e-6)
    np.testing.assert_allclose(features[[0, 2]][:, [ONE, TWO]], 1 / 3, atol=1e-6)


def test_flagged_strokes_show_in_a_feature_more() -> None:
    config = BezierConfig(ink=InkNormalizationConfig(delayed_strokes="flag"))
    features = config.build()(ink(*arches(), [[45, 45]]))
    assert features.shape[1] == config.build().dim == 11
    assert features[:, 10].tolist() == [0.0] * (len(features) - 1) + [1.0]


def test_ink_without_a_point_is_refused() -> None:
    with pytest.raises(FormatError, match="no point"):
        BezierConfig().build()(ink())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"tolerance": 0.0}, "positive tolerance"),
        ({"longest_way": 1.2}, "longest way"),
        ({"ink": InkNormalizationConfig(delayed_strokes="remove")}, "kept, flagged or moved"),
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        BezierConfig(**wrong)
