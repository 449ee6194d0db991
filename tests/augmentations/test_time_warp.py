import numpy as np
import pytest

from seqlabel.augmentations import TimeWarpConfig


def places(seed: int, num_frames: int = 100, max_frames: int = 20) -> np.ndarray:
    """The frame of the old features that each new frame shows."""
    ramp = np.repeat(np.arange(num_frames, dtype=np.float32)[:, None], 3, axis=1)
    return TimeWarpConfig(max_frames=max_frames).build()(ramp, np.random.default_rng(seed))[:, 0]


@pytest.mark.parametrize("seed", range(20))
def test_time_runs_forwards_from_the_first_frame_to_the_last(seed: int) -> None:
    found = places(seed)
    assert (found[0], found[-1]) == (0, 99)
    assert (np.diff(found) > 0).all()


@pytest.mark.parametrize("seed", range(20))
def test_there_are_two_speeds_one_on_each_side_of_the_frame_that_is_moved(seed: int) -> None:
    steps = np.diff(places(seed))
    turns = np.flatnonzero(np.abs(np.diff(steps)) > 1e-3)
    assert len(turns) <= 2
    if len(turns):
        centre = int(turns.max())
        assert np.ptp(steps[: turns.min() + 1]) < 1e-4
        assert np.ptp(steps[centre + 1 :]) < 1e-4


def test_frames_move_by_less_than_was_asked_for_and_both_ways() -> None:
    moves = [float(np.ptp([0, *(places(seed) - np.arange(100))])) for seed in range(300)]
    signed = [float((places(seed) - np.arange(100)).sum()) for seed in range(300)]
    assert 17 < max(moves) < 20
    assert min(signed) < -100 and max(signed) > 100


def test_a_short_example_moves_by_a_quarter_of_its_frames_at_most() -> None:
    assert (
        max(float(np.abs(places(seed, num_frames=16) - np.arange(16)).max()) for seed in range(200)) <= 3.01
    )


@pytest.mark.parametrize("num_frames", range(1, 8))
def test_very_short_examples_stay_as_they_are(num_frames: int) -> None:
    for seed in range(10):
        np.testing.assert_array_equal(places(seed, num_frames), np.arange(num_frames))
