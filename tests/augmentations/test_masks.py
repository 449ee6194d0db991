import numpy as np
import pytest

from seqlabel.augmentations import MasksConfig


def masked(config: MasksConfig, num_frames: int, dim: int, seed: int) -> np.ndarray:
    return config.build()(np.ones((num_frames, dim), np.float32), np.random.default_rng(seed))


def longest_run(is_masked: np.ndarray) -> int:
    longest = run = 0
    for one in is_masked:
        run = run + 1 if one else 0
        longest = max(longest, run)
    return longest


@pytest.mark.parametrize("seed", range(20))
def test_only_whole_bands_become_zero(seed: int) -> None:
    features = masked(MasksConfig(), 100, 20, seed)
    frames, columns = (features == 0).all(axis=1), (features == 0).all(axis=0)
    np.testing.assert_array_equal(features == 0, frames[:, None] | columns[None, :])


@pytest.mark.parametrize("seed", range(20))
def test_one_band_is_no_wider_than_asked(seed: int) -> None:
    config = MasksConfig(num_time_masks=1.0, max_frames=7, num_feature_masks=1, max_features=4)
    features = masked(config, 100, 20, seed)
    assert longest_run((features == 0).all(axis=1)) <= 7
    assert longest_run((features == 0).all(axis=0)) <= 4


def test_bands_of_every_width_from_none_to_the_widest_occur() -> None:
    config = MasksConfig(num_time_masks=1.0, max_frames=3, num_feature_masks=0)
    widths = {int((masked(config, 100, 2, seed) == 0).all(axis=1).sum()) for seed in range(100)}
    assert widths == {0, 1, 2, 3}


def test_every_frame_can_be_masked_the_first_and_the_last_included() -> None:
    config = MasksConfig(num_time_masks=1.0, max_frames=4, num_feature_masks=0)
    is_masked = sum((masked(config, 20, 1, seed) == 0).astype(int) for seed in range(300))
    assert (is_masked > 0).all()


def test_the_number_of_bands_of_frames_follows_the_length() -> None:
    config = MasksConfig(num_time_masks=2.0, max_frames=2, num_feature_masks=0)
    long = np.mean([(masked(config, 1000, 1, seed) == 0).mean() for seed in range(200)])
    # 20 bands with a mean width of one frame over 1000 frames, fewer where bands meet.
    assert 0.018 < long < 0.021


def test_a_short_example_keeps_most_of_its_frames() -> None:
    config = MasksConfig(num_time_masks=1.0, max_frames=50, num_feature_masks=0)
    assert all((masked(config, 10, 3, seed) == 0).all(axis=1).sum() <= 2 for seed in range(50))


def test_bands_of_frames_grow_with_the_example_where_that_is_asked_for() -> None:
    config = MasksConfig(num_time_masks=0.1, num_feature_masks=0, max_frames=3, longest_share=0.05)
    longest = [
        max(int((masked(config, num_frames, 1, seed) == 0).sum()) for seed in range(200))
        for num_frames in (100, 1000)
    ]
    assert longest == [5, 50]


def test_no_share_masks_more_than_a_fifth_at_once() -> None:
    config = MasksConfig(num_time_masks=0.1, num_feature_masks=0, longest_share=1.0)
    assert max(int((masked(config, 100, 1, seed) == 0).sum()) for seed in range(300)) == 20
