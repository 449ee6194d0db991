import numpy as np
import pytest

from seqlabel.errors import ConfigError
from seqlabel.features.stacking import StackingConfig, stack


def test_frames_stand_side_by_side_and_the_last_is_repeated() -> None:
    features = np.arange(8, dtype=np.float32).reshape(4, 2)
    stacked = stack(features, StackingConfig(num_frames=3, step=3))
    np.testing.assert_array_equal(stacked, [[0, 1, 2, 3, 4, 5], [6, 7, 6, 7, 6, 7]])


def test_windows_may_overlap() -> None:
    features = np.arange(5, dtype=np.float32)[:, None]
    stacked = stack(features, StackingConfig(num_frames=3, step=2))
    np.testing.assert_array_equal(stacked, [[0, 1, 2], [2, 3, 4], [4, 4, 4]])


@pytest.mark.parametrize("num_frames", [1, 2, 3, 6, 7])
def test_the_number_of_frames_is_divided_and_rounded_up(num_frames: int) -> None:
    features = np.zeros((num_frames, 2), np.float32)
    assert stack(features, StackingConfig(num_frames=2, step=3)).shape == (-(-num_frames // 3), 4)


def test_one_frame_at_a_time_changes_nothing() -> None:
    features = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    np.testing.assert_array_equal(stack(features, StackingConfig(num_frames=1, step=1)), features)


@pytest.mark.parametrize("setting", [{"num_frames": 0}, {"step": 0}])
def test_a_setting_below_one_is_refused(setting: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        StackingConfig(**setting)


def test_frames_to_the_left_stand_before_the_frame_itself() -> None:
    features = np.arange(5, dtype=np.float32)[:, None]
    spliced = stack(features, StackingConfig(num_frames=3, step=1, left=1))
    np.testing.assert_array_equal(spliced, [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 4]])


def test_splicing_goes_with_subsampling() -> None:
    features = np.arange(5, dtype=np.float32)[:, None]
    spliced = stack(features, StackingConfig(num_frames=3, step=3, left=2))
    np.testing.assert_array_equal(spliced, [[0, 0, 0], [1, 2, 3]])


@pytest.mark.parametrize("left", [-1, 3])
def test_the_frame_itself_is_always_among_those_side_by_side(left: int) -> None:
    with pytest.raises(ConfigError, match="fewer than num_frames"):
        StackingConfig(num_frames=3, step=1, left=left)
