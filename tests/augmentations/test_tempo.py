import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlabel.augmentations import TempoConfig
from seqlabel.augmentations.tempo import at_tempo
from seqlabel.errors import ConfigError
from seqlabel.records import Waveform


def tone(hertz: float, rate: int, seconds: float = 2.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize("tempo", [0.5, 0.8, 0.9, 1.1, 1.25, 2.0])
@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("hertz", [90, 220, 1000])
def test_a_tone_keeps_its_pitch_and_its_loudness_and_gets_another_length(
    tempo: float, rate: int, hertz: float
) -> None:
    samples = tone(hertz, rate)
    found = at_tempo(samples, rate, tempo)
    assert len(found) == round(len(samples) / tempo)
    spectrum = np.abs(np.fft.rfft(found * np.hanning(len(found))))
    assert spectrum.argmax() * rate / len(found) == pytest.approx(hertz, abs=1.5)
    level = np.sqrt((found[rate // 20 : -rate // 20].astype(float) ** 2).mean())
    assert level == pytest.approx(0.5 / np.sqrt(2), rel=0.03)


@pytest.mark.parametrize("tempo", [0.7, 1.4])
def test_what_happens_in_the_middle_happens_at_its_share_of_the_new_length(tempo: float) -> None:
    rng = np.random.default_rng(1)
    samples = rng.normal(0, 0.001, 32000).astype(np.float32)
    for start in (8000, 16000, 24000):
        samples[start : start + 1600] += 0.3 * rng.normal(size=1600).astype(np.float32)
    found = at_tempo(samples, 16000, tempo)
    loud = np.flatnonzero(np.convolve(found.astype(float) ** 2, np.ones(160) / 160, "same") > 0.02)
    starts = loud[np.flatnonzero(np.diff(loud, prepend=-9999) > 1600)]
    np.testing.assert_allclose(starts, np.array([8000, 16000, 24000]) / tempo, atol=0.02 * 16000)


@pytest.mark.parametrize("tempo", [0.8, 1.25])
def test_sounds_are_not_doubled_or_hollowed_out_where_pieces_meet(tempo: float) -> None:
    samples = tone(170, 16000)
    found = at_tempo(samples, 16000, tempo).astype(float)[800:-800]
    levels = np.sqrt((found[: len(found) // 400 * 400].reshape(-1, 400) ** 2).mean(axis=1))
    assert levels.min() > 0.9 * 0.5 / np.sqrt(2)
    assert levels.max() < 1.1 * 0.5 / np.sqrt(2)


def test_tempos_fill_the_range_asked_for() -> None:
    augment = TempoConfig(slowest=0.8, fastest=1.25).build()
    given = Waveform(np.zeros(1000, np.float32), 8000)
    lengths = [len(augment(given, np.random.default_rng(seed)).samples) for seed in range(200)]
    assert 800 <= min(lengths) < 830
    assert 1200 < max(lengths) <= 1250


@given(
    num_samples=st.integers(1, 300),
    rate=st.integers(1, 50_000),
    tempo=st.floats(0.1, 10, allow_subnormal=False),
    size=st.sampled_from([0.0, 1e-30, 1.0, 1e6]),
)
@settings(deadline=None, max_examples=200)
def test_any_signal_at_any_rate_survives(num_samples: int, rate: int, tempo: float, size: float) -> None:
    samples = (size * np.random.default_rng(1).uniform(-1, 1, num_samples)).astype(np.float32)
    found = at_tempo(samples, rate, tempo)
    assert found.dtype == np.float32
    assert len(found) == (num_samples if tempo == 1 else max(1, round(num_samples / tempo)))
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= 1.0001 * size


def test_a_range_that_is_upside_down_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"tempo: slowest 1\.2 is above fastest 1\.1"):
        TempoConfig(slowest=1.2, fastest=1.1).build()
