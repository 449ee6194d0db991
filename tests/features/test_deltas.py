import librosa
import numpy as np

from seqlabel.features.deltas import append_deltas, deltas


def test_deltas_follow_the_htk_formula_worked_by_hand() -> None:
    features = np.array([[1.0], [2.0], [4.0], [7.0]], dtype=np.float32)
    # window 2: (1 (c[t+1] - c[t-1]) + 2 (c[t+2] - c[t-2])) / 10, ends repeated
    expected = [(2 - 1 + 2 * (4 - 1)) / 10, (4 - 1 + 2 * (7 - 1)) / 10, (7 - 2 + 2 * (7 - 1)) / 10]
    expected.append((7 - 4 + 2 * (7 - 2)) / 10)
    np.testing.assert_allclose(deltas(features, 2)[:, 0], expected, rtol=1e-6)


def test_deltas_agree_with_librosa() -> None:
    features = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    for window in (1, 2, 4):
        theirs = librosa.feature.delta(features, width=2 * window + 1, axis=0, mode="nearest")
        np.testing.assert_allclose(deltas(features, window), theirs, atol=1e-5)


def test_a_straight_line_has_its_slope_away_from_the_ends() -> None:
    features = 3 * np.arange(10, dtype=np.float32)[:, None]
    np.testing.assert_allclose(deltas(features, 2)[2:-2], 3, rtol=1e-6)


def test_a_single_frame_has_no_slope() -> None:
    np.testing.assert_array_equal(deltas(np.ones((1, 3), np.float32), 2), np.zeros((1, 3)))


def test_delta_deltas_are_the_deltas_of_the_deltas() -> None:
    features = np.random.default_rng(1).normal(size=(12, 3)).astype(np.float32)
    slopes = deltas(features, 2)
    expected = np.concatenate([features, slopes, deltas(slopes, 2)], axis=1)
    np.testing.assert_array_equal(append_deltas(features, 2, 2), expected)


def test_order_zero_is_a_copy_of_the_features() -> None:
    features = np.ones((4, 2), np.float32)
    same = append_deltas(features, 2, 0)
    same[:] = 0
    assert features.sum() == 8
