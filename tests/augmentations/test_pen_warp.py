import numpy as np
import pytest

from seqlabel.augmentations import PenWarpConfig
from seqlabel.augmentations.pen_warp import keep_mask
from seqlabel.records import Strokes

NOTHING = {
    "slant": 0.0,
    "rotation_degrees": 0.0,
    "stretch": 0.0,
    "shift": 0.0,
    "wave": 0.0,
    "drop_points": 0.0,
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
