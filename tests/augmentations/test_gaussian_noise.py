import numpy as np
import pytest

from seqlabel.augmentations import GaussianNoiseConfig


def test_the_noise_has_the_deviation_asked_for_and_no_mean() -> None:
    features = np.full((400, 50), 3.0, np.float32)
    noise = GaussianNoiseConfig(std=0.6).build()(features, np.random.default_rng(1)) - features
    assert float(noise.std()) == pytest.approx(0.6, rel=0.02)
    assert float(noise.mean()) == pytest.approx(0.0, abs=0.02)


def test_every_feature_of_every_frame_has_noise_of_its_own() -> None:
    noise = GaussianNoiseConfig(std=1.0).build()(np.zeros((500, 4), np.float32), np.random.default_rng(2))
    between_features = np.corrcoef(noise.T) - np.eye(4)
    between_frames = np.corrcoef(noise[:-1, 0], noise[1:, 0])[0, 1]
    assert np.abs(between_features).max() < 0.15
    assert abs(between_frames) < 0.15
