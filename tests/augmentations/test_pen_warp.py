from itertools import pairwise

import numpy as np
import pytest

from seqlabel.augmentations import PenWarpConfig
from seqlabel.augmentations.pen_warp import keep_mask, smooth_noise
from seqlabel.features import BezierConfig, GravesPenConfig, PenConfig
from seqlabel.records import Strokes

NOTHING = {
    "slant": 0.0,
    "rotation_degrees": 0.0,
    "stretch": 0.0,
    "shift": 0.0,
    "wave": 0.0,
    "drop_points": 0.0,
    "scale": 0.0,
    "squeeze": 0.0,
    "jitter": 0.0,
    "time_warp": 0.0,
    "bend": 0.0,
}


def only(**setting: float) -> PenWarpConfig:
    return PenWarpConfig(**{**NOTHING, **setting})


def word() -> Strokes:
    rng = np.random.default_rng(1)
    walks = [np.cumsum(rng.normal(size=(30, 2)), axis=0) * 20 + [i * 150, 40] for i in range(4)]
    return Strokes(tuple(walk.astype(np.float32) for walk in walks))


def points(ink: Strokes) -> np.ndarray:
    return np.concatenate(ink.strokes).astype(np.float64)


def warped(config: PenWarpConfig, seed: int) -> np.ndarray:
    return points(config.build()(word(), np.random.default_rng(seed)))


def size(values: np.ndarray) -> float:
    return float(np.ptp(values))


def test_the_strokes_and_their_points_stay_in_number_and_order() -> None:
    lengths = [len(stroke) for stroke in PenWarpConfig().build()(word(), np.random.default_rng(2)).strokes]
    assert lengths == [len(stroke) for stroke in word().strokes]


def test_slant_moves_points_sideways_in_proportion_to_their_height() -> None:
    before, after = points(word()), warped(only(slant=0.3), 3)
    np.testing.assert_allclose(after[:, 1], before[:, 1], atol=1e-2)
    moved = after[:, 0] - before[:, 0]
    slope, offset = np.polyfit(before[:, 1], moved, 1)
    assert abs(slope) > 0.01
    np.testing.assert_allclose(moved, slope * before[:, 1] + offset, atol=1e-2)


def test_stretch_changes_the_width_and_leaves_the_height() -> None:
    before, after = points(word()), warped(only(stretch=0.3), 3)
    np.testing.assert_allclose(after[:, 1], before[:, 1], atol=1e-2)
    assert abs(np.log(size(after[:, 0]) / size(before[:, 0]))) > 0.01


def test_rotation_keeps_every_distance() -> None:
    before, after = points(word()), warped(only(rotation_degrees=10.0), 3)
    assert np.abs(after - before).max() > 1
    between = [np.hypot(*(ink[:, None] - ink[None, :]).transpose(2, 0, 1)) for ink in (before, after)]
    np.testing.assert_allclose(between[1], between[0], atol=1e-2)


def test_shift_moves_each_stroke_as_a_whole_and_on_its_own() -> None:
    moved = PenWarpConfig(**{**NOTHING, "shift": 0.2}).build()(word(), np.random.default_rng(3))
    offsets = []
    for before, after in zip(word().strokes, moved.strokes, strict=True):
        offset = after - before
        np.testing.assert_allclose(offset, np.broadcast_to(offset[0], offset.shape), atol=1e-2)
        offsets.append(tuple(offset[0].round(1)))
    assert len(set(offsets)) == len(offsets)


def test_wave_is_smooth() -> None:
    before, after = points(word()), warped(only(wave=0.1), 3)
    order = np.argsort(before[:, 0])
    displacement = (after - before)[order][:, 0]
    assert np.abs(displacement).max() > 1
    # Points side by side move nearly alike, seen against how far the displacements range.
    assert np.median(np.abs(np.diff(displacement))) < 0.05 * size(displacement)


def test_dropping_points_keeps_the_ends_of_strokes_and_the_order() -> None:
    dropped = PenWarpConfig(**{**NOTHING, "drop_points": 0.9}).build()(word(), np.random.default_rng(4))
    assert sum(map(len, dropped.strokes)) < sum(map(len, word().strokes))
    for before, after in zip(word().strokes, dropped.strokes, strict=True):
        np.testing.assert_allclose(after[[0, -1]], before[[0, -1]], atol=1e-2)
        kept = [int(np.abs(before - point).sum(axis=1).argmin()) for point in after]
        assert kept == sorted(set(kept))


@pytest.mark.parametrize("num_points", [0, 1, 2])
def test_strokes_of_a_point_or_two_lose_none(num_points: int) -> None:
    assert keep_mask(num_points, 1.0, np.random.default_rng(1)).tolist() == [True] * num_points


def test_a_bigger_tablet_changes_only_the_scale() -> None:
    big = Strokes(tuple(stroke * np.float32(64) for stroke in word().strokes))
    augment = PenWarpConfig().build()
    small = points(augment(word(), np.random.default_rng(5)))
    np.testing.assert_allclose(
        points(augment(big, np.random.default_rng(5))) / 64, small, rtol=1e-4, atol=1e-2
    )


@pytest.mark.parametrize("strokes", [(), (np.zeros((0, 2), np.float32),)], ids=["none", "an empty one"])
def test_ink_without_a_point_is_left_alone(strokes: tuple[np.ndarray, ...]) -> None:
    ink = Strokes(strokes)
    assert PenWarpConfig().build()(ink, np.random.default_rng(6)) is ink


def test_a_single_dot_survives() -> None:
    dot = Strokes((np.array([[7.0, 9.0]], np.float32),))
    moved = PenWarpConfig().build()(dot, np.random.default_rng(7))
    np.testing.assert_allclose(moved.strokes[0], dot.strokes[0], atol=1e-3)


def test_times_and_pressures_stay_with_their_points() -> None:
    ink = word()
    places = tuple(np.arange(len(stroke), dtype=np.float32) for stroke in ink.strokes)
    warp = PenWarpConfig(slant=0, rotation_degrees=0, stretch=0, wave=0, drop_points=0.5).build()
    dropped = warp(Strokes(ink.strokes, times=places, pressures=places), np.random.default_rng(3))
    assert isinstance(dropped, Strokes) and dropped.times is not None and dropped.pressures is not None
    assert sum(map(len, dropped.strokes)) < sum(map(len, ink.strokes))
    for stroke, before, times, pressures in zip(
        dropped.strokes, ink.strokes, dropped.times, dropped.pressures, strict=True
    ):
        assert np.allclose(stroke, before[times.astype(int)], atol=1e-3)
        assert np.array_equal(times, pressures)


def test_scale_changes_width_and_height_alike() -> None:
    before, after = points(word()), warped(only(scale=0.3), 3)
    ratios = [size(after[:, axis]) / size(before[:, axis]) for axis in (0, 1)]
    assert abs(np.log(ratios[0])) > 0.01
    assert ratios[1] == pytest.approx(ratios[0], rel=1e-4)


def test_features_of_one_size_do_not_see_the_scale() -> None:
    bigger = only(scale=0.5).build()(word(), np.random.default_rng(3))
    feature = PenConfig().build()
    np.testing.assert_allclose(feature(bigger), feature(word()), atol=5e-3)


def long_line() -> Strokes:
    """Upright bars one after the other, 50 high and 20 apart."""
    bars = [np.array([[20 * i, 0], [20 * i, 50]], np.float32) for i in range(60)]
    return Strokes(tuple(bars))


def test_squeeze_changes_the_distances_slowly_and_leaves_the_height_and_order() -> None:
    squeezed = only(squeeze=0.4).build()(long_line(), np.random.default_rng(2))
    places = np.array([stroke[0, 0] for stroke in squeezed.strokes])
    gaps = np.diff(places)
    assert (gaps > 0).all()
    assert gaps.max() / gaps.min() > 1.5
    assert np.abs(np.diff(np.log(gaps))).max() < 0.45
    for before, after in zip(long_line().strokes, squeezed.strokes, strict=True):
        np.testing.assert_allclose(after[:, 1], before[:, 1], atol=1e-3)
        assert after[0, 0] == after[1, 0]


def smooth_stroke() -> Strokes:
    turn = np.linspace(0, 20, 2000)
    return Strokes((np.stack([40 * turn, 100 * np.sin(turn)], axis=1).astype(np.float32),))


def test_jitter_is_as_strong_as_said_and_smooth_along_the_stroke() -> None:
    for num_points, neighbours in ((0.0, 0.0), (4.0, 0.98)):
        config = PenWarpConfig(**{**NOTHING, "jitter": 0.02, "jitter_points": num_points})
        moved = points(config.build()(smooth_stroke(), np.random.default_rng(3))) - points(smooth_stroke())
        assert moved.std() == pytest.approx(0.02 * 200, rel=0.15)
        found = np.corrcoef(moved[1:, 1], moved[:-1, 1])[0, 1]
        assert found == pytest.approx(neighbours, abs=0.05)


def timed(ink: Strokes) -> Strokes:
    number = np.cumsum([0, *(len(stroke) for stroke in ink.strokes)])
    times = [np.arange(a, b, dtype=np.float32) * 0.01 for a, b in pairwise(number)]
    return Strokes(ink.strokes, tuple(times), tuple(time + 1 for time in times))


def way_of(stroke: np.ndarray) -> np.ndarray:
    steps = np.diff(stroke.astype(np.float64), axis=0)
    return steps[:, 0] + 1j * steps[:, 1]


def test_bend_turns_and_lengthens_steps_slowly_and_leaves_the_middle_of_each_stroke() -> None:
    # Three level strokes of 4,000 steps each, 100 heights long: the changes are new after every 20 steps.
    across = np.linspace(0, 10_000, 4001, dtype=np.float32)
    given = Strokes(tuple(np.stack([across, np.full_like(across, y)], axis=1) for y in (0, 50, 100)))
    bent = only(bend=0.2).build()(given, np.random.default_rng(3))
    for before, after in zip(given.strokes, bent.strokes, strict=True):
        np.testing.assert_allclose(after.mean(axis=0), before.mean(axis=0), rtol=1e-4, atol=0.05)
        change = np.log(way_of(after) / way_of(before))
        new = change[10::20]
        for part in (new.real, new.imag):
            # Between whole places the noise is a mean of two, so that it is a little smaller than 0.2.
            assert 0.12 < part.std() < 0.22 and abs(part.mean()) < 0.04
            assert abs(np.corrcoef(part[:-2], part[2:])[0, 1]) < 0.25
        assert np.abs(np.diff(change.real)).max() < 0.2 and np.abs(np.diff(change.imag)).max() < 0.2
        assert abs(np.corrcoef(new.real, new.imag)[0, 1]) < 0.25


def test_each_stroke_is_bent_by_itself() -> None:
    rng = np.random.default_rng(1)
    line = np.stack([np.linspace(0, 300, 60), np.linspace(0, 100, 60)], axis=1).astype(np.float32)
    dot, nothing = np.array([[7, 9]], np.float32), np.empty((0, 2), np.float32)
    short = rng.normal(50, 20, size=(3, 2)).astype(np.float32)
    given = Strokes((line, dot, nothing, line, short, nothing))
    bent = only(bend=0.3).build()(given, np.random.default_rng(3)).strokes
    assert [len(stroke) for stroke in bent] == [60, 1, 0, 60, 3, 0]
    for before, after in zip(given.strokes, bent, strict=True):
        if len(before):
            np.testing.assert_allclose(after.mean(axis=0), before.mean(axis=0), rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(bent[1], dot, atol=1e-4)
    assert np.abs(bent[0] - bent[3]).max() > 5 and np.abs(bent[4] - short).max() > 0.5
    # No step has become much longer than it was: nothing is carried over from one stroke to the next.
    for before, after in zip(given.strokes, bent, strict=True):
        steps = [np.hypot(*np.diff(stroke, axis=0).T) for stroke in (before, after)]
        assert (steps[1] < 3 * steps[0] + 1e-3).all()


def test_bend_length_says_how_soon_a_stroke_goes_another_way() -> None:
    across = np.linspace(0, 1000, 401, dtype=np.float32)
    given = Strokes(tuple(np.stack([across, np.full_like(across, y)], axis=1) for y in (0, 100)))
    angles = [
        np.angle(
            way_of(
                PenWarpConfig(**{**NOTHING, "bend": 0.2, "bend_length": length})
                .build()(given, np.random.default_rng(3))
                .strokes[0]
            )
        )
        for length in (0.25, 4.0)
    ]
    assert np.abs(np.diff(angles[0])).mean() > 4 * np.abs(np.diff(angles[1])).mean()


def test_time_warp_changes_known_times_and_nothing_else() -> None:
    given = timed(word())
    moved = only(time_warp=0.5).build()(given, np.random.default_rng(3))
    np.testing.assert_allclose(points(moved), points(given), atol=1e-3)
    assert moved.times is not None and given.times is not None
    after, before = np.concatenate(moved.times), np.concatenate(given.times)
    assert (np.diff(after) > 0).all()
    assert after[0] == before[0]
    pace = np.diff(after) / 0.01
    assert pace.max() / pace.min() > 1.3
    assert np.abs(np.diff(np.log(pace))).max() < 0.25
    assert moved.pressures is given.pressures


def test_without_times_time_warp_takes_other_points_on_the_same_way() -> None:
    given = Strokes(smooth_stroke().strokes, None, (np.linspace(0, 1, 2000, dtype=np.float32),))
    moved = only(time_warp=0.5).build()(given, np.random.default_rng(3))
    assert moved.times is None and moved.pressures is not None
    stroke, before = moved.strokes[0], given.strokes[0]
    assert len(stroke) == len(moved.pressures[0]) != len(before)
    np.testing.assert_array_equal(stroke[[0, -1]], before[[0, -1]])
    # x grows along this stroke, so that y and the pressure belong to it.
    assert (np.diff(stroke[:, 0]) > 0).all()
    np.testing.assert_allclose(stroke[:, 1], np.interp(stroke[:, 0], *before.T), atol=1e-2)
    np.testing.assert_allclose(moved.pressures[0], stroke[:, 0] / 800, atol=1e-4)
    steps = np.diff(stroke[:, 0])
    assert steps.max() / steps.min() > 1.5


def test_features_without_speed_do_not_see_the_time_warp() -> None:
    slower = only(time_warp=0.6).build()(smooth_stroke(), np.random.default_rng(3))
    pen, graves, bezier = PenConfig().build(), GravesPenConfig().build(), BezierConfig().build()
    np.testing.assert_allclose(pen(slower), pen(smooth_stroke()), atol=2e-2)
    speed = 2
    before, after = graves(smooth_stroke()), graves(slower)
    assert np.abs(after[:, speed] - before[:, speed]).max() > 0.2
    np.testing.assert_allclose(np.delete(after, speed, 1), np.delete(before, speed, 1), atol=6e-2)
    assert np.abs(bezier(slower)[:, 6] - bezier(smooth_stroke())[:, 6]).max() > 0.1


@pytest.mark.parametrize("setting", ["scale", "squeeze", "jitter", "time_warp", "bend"])
def test_strokes_without_points_and_dots_survive(setting: str) -> None:
    empty, dot = np.zeros((0, 2), np.float32), np.array([[7.0, 9.0]], np.float32)
    ink = Strokes(
        (empty, dot, word().strokes[0], empty),
        None,
        (empty[:, 0], dot[:, 0], word().strokes[0][:, 0], empty[:, 0]),
    )
    for given in (ink, Strokes((dot,)), timed(ink)):
        moved = only(**{setting: 0.3}).build()(given, np.random.default_rng(3))
        assert [len(stroke) > 0 for stroke in moved.strokes] == [len(stroke) > 0 for stroke in given.strokes]
        assert all(np.isfinite(stroke).all() and stroke.dtype == np.float32 for stroke in moved.strokes)


def test_settings_that_are_off_draw_nothing() -> None:
    """What a seed gave before there were these settings; computed at 88fba82."""
    moved = PenWarpConfig(shift=0.1, drop_points=0.3).build()(word(), np.random.default_rng(11))
    found = points(moved)
    assert [len(stroke) for stroke in moved.strokes] == [25, 23, 24, 21]
    np.testing.assert_allclose(
        found[[0, -1]], [[-20.11956787, 67.93264008], [270.75030518, 0.39616537]], rtol=1e-6
    )


def test_smooth_noise_is_standard_normal_at_whole_places_and_smooth_between() -> None:
    noise = smooth_noise(np.arange(0, 4000, 0.01), np.random.default_rng(1))
    assert noise[::100].std() == pytest.approx(1, abs=0.05)
    assert np.abs(np.diff(noise)).max() < 0.1


@pytest.mark.parametrize("setting", ["scale", "squeeze", "jitter", "time_warp", "wave", "bend"])
def test_a_level_dash_is_varied_without_filling_the_memory(setting: str) -> None:
    dash = Strokes((np.array([[0.0, 5.0], [300.0, 5.0], [100_000.0, 5.0]], np.float32),))
    (warped,) = only(**{setting: 0.3}).build()(dash, np.random.default_rng(0)).strokes
    assert np.isfinite(warped).all() and np.ptp(warped[:, 0]) == pytest.approx(100_000, rel=0.9)
