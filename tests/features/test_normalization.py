from typing import Literal

import numpy as np
import pytest

from seqlabel.errors import ConfigError
from seqlabel.features.normalization import NormalizationConfig


def _features(seed: int, num_frames: int = 40) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(num_frames, 3)) * [1, 20, 0.1] + [5, -300, seed]).astype(np.float32)


def test_an_example_gets_mean_zero_and_deviation_one() -> None:
    normal = NormalizationConfig(scope="example").build()(_features(1))
    np.testing.assert_allclose(normal.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(normal.std(axis=0), 1, atol=1e-3)
    assert normal.dtype == np.float32


def test_without_variance_only_the_mean_goes() -> None:
    features = _features(1)
    centred = NormalizationConfig(scope="example", variance=False).build()(features)
    np.testing.assert_allclose(centred, features - features.mean(axis=0), atol=1e-3)


def test_the_corpus_statistics_are_those_of_all_frames_together() -> None:
    parts = [_features(seed, 10 * seed) for seed in (1, 2, 3)]
    normalizer = NormalizationConfig(scope="corpus").build()
    normalizer.fit((part, None) for part in parts)
    together = np.concatenate(parts).astype(np.float64)
    expected = (parts[0] - together.mean(axis=0)) / together.std(axis=0)
    np.testing.assert_allclose(normalizer(parts[0]), expected, atol=1e-4)


def test_the_state_of_a_corpus_can_be_put_into_another_normalizer() -> None:
    first, second = NormalizationConfig(scope="corpus").build(), NormalizationConfig(scope="corpus").build()
    first.fit((_features(seed), None) for seed in (1, 2))
    second.set_state(first.state())
    np.testing.assert_array_equal(first(_features(3)), second(_features(3)))


@pytest.mark.parametrize("scope", ["example", "group", "window"])
def test_nothing_is_kept_in_the_model_unless_the_scope_is_the_corpus(scope) -> None:
    normalizer = NormalizationConfig(scope=scope).build()
    normalizer.fit([(_features(1), "ada")])
    assert normalizer.state() == {}


def test_each_group_has_its_own_statistics() -> None:
    normalizer = NormalizationConfig(scope="group").build()
    normalizer.fit([(_features(1), "ada"), (_features(2), "ada"), (_features(9), "bob")])
    ada = np.concatenate([_features(1), _features(2)]).astype(np.float64)
    expected = (_features(1) - ada.mean(axis=0)) / ada.std(axis=0)
    np.testing.assert_allclose(normalizer(_features(1), "ada"), expected, atol=1e-3)
    alone = NormalizationConfig(scope="example").build()
    np.testing.assert_array_equal(normalizer(_features(9), "bob"), alone(_features(9)))


@pytest.mark.parametrize("scope", ["group", "corpus"])
def test_statistics_follow_a_change_of_the_example(scope: Literal["group", "corpus"]) -> None:
    normalizer = NormalizationConfig(scope=scope, follows_augmentation=True).build()
    normalizer.fit([(_features(1), "ada"), (_features(2), "ada")])
    changed = _features(1) * np.float32(3) - np.float32(7)
    np.testing.assert_allclose(
        normalizer(changed, "ada", _features(1)), normalizer(_features(1), "ada"), atol=1e-3
    )
    assert np.abs(normalizer(changed, "ada") - normalizer(_features(1), "ada")).max() > 1


@pytest.mark.parametrize("group", [None, "nobody"])
def test_an_unknown_group_is_normalised_by_the_example_itself(group: str | None) -> None:
    normalizer = NormalizationConfig(scope="group").build()
    normalizer.fit([(_features(1), "ada")])
    alone = NormalizationConfig(scope="example").build()
    np.testing.assert_array_equal(normalizer(_features(5), group), alone(_features(5)))


def test_constant_features_become_zeros() -> None:
    constant = np.full((30, 2), [3.3, -20], dtype=np.float32)
    np.testing.assert_allclose(NormalizationConfig().build()(constant), 0, atol=0.05)


def test_a_single_frame_becomes_zeros() -> None:
    np.testing.assert_allclose(NormalizationConfig().build()(_features(1, 1)), 0, atol=1e-3)


def test_the_features_are_left_as_they_were() -> None:
    features = _features(1)
    NormalizationConfig().build()(features)[:] = 0
    np.testing.assert_array_equal(features, _features(1))


def _by_hand(features: np.ndarray, start: int, end: int, at: int) -> np.ndarray:
    window = features[start:end].astype(np.float64)
    return (features[at] - window.mean(axis=0)) / window.std(axis=0)


@pytest.mark.parametrize(("at", "start", "end"), [(0, 0, 11), (3, 0, 11), (20, 15, 26), (39, 29, 40)])
def test_a_window_is_around_its_frame_and_stays_within_the_example(at: int, start: int, end: int) -> None:
    features = _features(1)
    normal = NormalizationConfig(scope="window", window=11).build()(features)
    np.testing.assert_allclose(normal[at], _by_hand(features, start, end, at), atol=1e-4)


@pytest.mark.parametrize(("at", "start", "end"), [(0, 0, 8), (9, 0, 10), (30, 20, 31)])
def test_a_window_that_is_not_centred_looks_back(at: int, start: int, end: int) -> None:
    features = _features(1)
    config = NormalizationConfig(scope="window", window=10, window_centred=False, least_window=8)
    np.testing.assert_allclose(config.build()(features)[at], _by_hand(features, start, end, at), atol=1e-4)


def test_a_window_as_long_as_the_example_is_the_example() -> None:
    windowed = NormalizationConfig(scope="window", window=100).build()(_features(2))
    np.testing.assert_allclose(windowed, NormalizationConfig().build()(_features(2)), atol=1e-4)


def test_a_large_mean_does_not_drown_the_deviation_in_a_window() -> None:
    features = (np.random.default_rng(0).normal(size=(3000, 1)) + 1e4).astype(np.float32)
    normal = NormalizationConfig(scope="window", window=300).build()(features)
    np.testing.assert_allclose(normal[1500], _by_hand(features, 1350, 1650, 1500), atol=1e-3)


def test_constant_features_become_zeros_in_a_window() -> None:
    constant = np.full((30, 2), [3.3, -20], dtype=np.float32)
    normal = NormalizationConfig(scope="window", window=7).build()(constant)
    np.testing.assert_allclose(normal, 0, atol=1e-3)


@pytest.mark.parametrize("setting", [{"window": 0}, {"least_window": 0}])
def test_a_window_without_frames_is_refused(setting: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="at least 1 frame"):
        NormalizationConfig(scope="window", **setting)
