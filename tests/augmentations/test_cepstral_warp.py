import numpy as np
import pytest

from seqlabel.augmentations import CepstralWarpConfig
from seqlabel.augmentations.cepstral_warp import hertz, mel
from seqlabel.records import Matrix


def cepstra_of_a_peak(peak_hz: float, config: CepstralWarpConfig, num_cepstra: int) -> np.ndarray:
    """Cepstra of a log-mel spectrum with one smooth peak."""
    return cosines(config, num_cepstra) @ np.exp(-(((centres_hz(config) - peak_hz) / 900) ** 2))


def centres_hz(config: CepstralWarpConfig) -> np.ndarray:
    edges = np.linspace(mel(config.low_hz), mel(config.high_hz), config.num_mel_filters + 2)
    return hertz(edges[1:-1])


def cosines(config: CepstralWarpConfig, num_cepstra: int) -> np.ndarray:
    band = np.arange(config.num_mel_filters) + 0.5
    return np.cos(np.pi * np.arange(num_cepstra)[:, None] * band / config.num_mel_filters)


def peak_hz(cepstra: np.ndarray, config: CepstralWarpConfig) -> float:
    spectrum = np.linalg.pinv(cosines(config, len(cepstra))) @ cepstra
    return float(centres_hz(config)[spectrum.argmax()])


def test_factor_one_is_the_identity() -> None:
    warp = CepstralWarpConfig().build().warp(1.0, 13)
    np.testing.assert_allclose(warp, np.eye(13), atol=1e-9)


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_a_peak_of_the_spectrum_moves_by_the_factor(factor: float) -> None:
    config = CepstralWarpConfig(num_mel_filters=80)
    before = cepstra_of_a_peak(2000, config, 20)
    after = config.build().warp(factor, 20) @ before
    # Frequencies are read at f x factor, so what stood at 2000 Hz is found at 2000 / factor.
    assert peak_hz(before, config) == pytest.approx(2000, rel=0.03)
    assert peak_hz(after, config) == pytest.approx(2000 / factor, rel=0.03)


def test_a_flat_spectrum_stays_flat() -> None:
    flat = np.zeros(13)
    flat[0] = 5.0
    np.testing.assert_allclose(CepstralWarpConfig().build().warp(1.2, 13) @ flat, flat, atol=1e-9)


def test_there_and_back_again_is_nearly_the_identity() -> None:
    augment = CepstralWarpConfig().build()
    cepstra = cepstra_of_a_peak(1500, augment.config, 13)
    there = augment.warp(1.1, 13) @ cepstra
    back = augment.warp(1 / 1.1, 13) @ there
    assert np.linalg.norm(back - cepstra) < 0.1 * np.linalg.norm(cepstra)
    assert np.linalg.norm(back - cepstra) < 0.5 * np.linalg.norm(there - cepstra)


def test_all_frames_of_an_example_have_one_vocal_tract() -> None:
    frame = np.random.default_rng(1).normal(size=13).astype(np.float32)
    warped = CepstralWarpConfig().build()(Matrix(np.stack([frame, frame])), np.random.default_rng(2)).values
    np.testing.assert_array_equal(warped[0], warped[1])
    assert not np.allclose(warped[0], frame)


def test_a_frame_is_warped_by_a_factor_within_the_strength() -> None:
    augment = CepstralWarpConfig(strength=0.1).build()
    frame = np.random.default_rng(1).normal(size=(1, 13)).astype(np.float32)
    for seed in range(5):
        warped = augment(Matrix(frame), np.random.default_rng(seed)).values
        candidates = [augment.warp(factor, 13) @ frame[0] for factor in np.linspace(0.9, 1.1, 2001)]
        assert min(np.abs(candidate - warped[0]).max() for candidate in candidates) < 1e-3


def test_mel_and_hertz_are_inverse_and_agree_at_1000() -> None:
    frequencies = np.array([0.0, 100.0, 1000.0, 8000.0])
    np.testing.assert_allclose(hertz(mel(frequencies)), frequencies, rtol=1e-12)
    assert float(mel(1000.0)) == pytest.approx(1000, abs=0.1)
