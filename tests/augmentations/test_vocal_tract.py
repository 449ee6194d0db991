import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from seqlabel.augmentations import VocalTractConfig
from seqlabel.augmentations.vocal_tract import warped_bins, with_formants_at
from seqlabel.errors import ConfigError
from seqlabel.records import Waveform


def vowel(rate: int, formant: float, pitch: float = 62.5, seconds: float = 1.0) -> np.ndarray:
    """A pulse train through one resonance, whose harmonics are loudest at the formant."""
    pulses = np.zeros(round(rate * seconds))
    pulses[:: round(rate / pitch)] = 1.0
    numerator, denominator = signal.iirpeak(formant, formant / 300, fs=rate)
    return (0.5 * signal.lfilter(numerator, denominator, pulses)).astype(np.float32)


def envelope_peak(samples: np.ndarray, rate: int) -> float:
    """The frequency at which the spectrum, smoothed over the harmonics, is highest."""
    hertz, power = signal.welch(samples, rate, nperseg=rate // 4)
    smooth = np.convolve(power, np.hanning(33), "same")
    return float(hertz[smooth.argmax()])


@pytest.mark.parametrize("factor", [0.8, 0.9, 1.1, 1.25])
@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("formant", [900, 2200])
def test_a_formant_moves_by_the_factor_and_the_pitch_stays(factor: float, rate: int, formant: float) -> None:
    given = vowel(rate, formant)
    found = with_formants_at(given, rate, factor)
    assert envelope_peak(found, rate) / envelope_peak(given, rate) == pytest.approx(factor, abs=0.06)
    # The first strong harmonics lie at the multiples of the pitch that they were at.
    spectrum = np.abs(np.fft.rfft(found * np.hanning(len(found))))
    pitch = rate / round(rate / 62.5)
    harmonics = np.rint(np.arange(4, 24) * pitch * len(found) / rate).astype(int)
    between = np.rint((np.arange(4, 24) + 0.5) * pitch * len(found) / rate).astype(int)
    assert all(spectrum[at - 2 : at + 3].max() > 10 * spectrum[at - 2 : at + 3].min() for at in harmonics)
    assert np.median(spectrum[harmonics]) > 30 * np.median(spectrum[between])


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_a_click_stays_where_it_was_and_noise_as_loud_as_it_was(factor: float) -> None:
    click = np.zeros(8000, np.float32)
    click[3000] = 0.9
    assert np.abs(with_formants_at(click, 16000, factor)).argmax() == 3000
    noise = np.random.default_rng(1).normal(0, 0.1, 16000).astype(np.float32)
    found = with_formants_at(noise, 16000, factor).astype(np.float64)
    assert (found**2).mean() == pytest.approx((noise.astype(np.float64) ** 2).mean(), rel=1e-3)
    tenths = np.sqrt((found.reshape(10, -1) ** 2).mean(axis=1))
    assert tenths == pytest.approx([0.1] * 10, rel=0.15)  # the first and the last as well


def test_a_factor_of_nearly_one_changes_nearly_nothing() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 5000).astype(np.float32)
    np.testing.assert_allclose(with_formants_at(noise, 16000, 1.000001), noise, atol=1e-4)


def test_the_ends_of_the_frequencies_stay_and_the_rest_goes_in_order() -> None:
    for factor in (0.5, 0.8, 1.0, 1.25, 2.0):
        place = warped_bins(257, factor)
        assert (place[0], place[-1]) == (0, 256) and (np.diff(place) > 0).all()
        assert place[100] == pytest.approx(100 / factor, rel=1e-4)


def test_many_frames_are_computed_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 20000).astype(np.float32)
    at_once = with_formants_at(noise, 16000, 1.2)
    monkeypatch.setattr("seqlabel.augmentations.vocal_tract.FRAMES_AT_ONCE", 7)
    np.testing.assert_allclose(with_formants_at(noise, 16000, 1.2), at_once, atol=1e-6)


def test_factors_fill_the_range_asked_for() -> None:
    augment = VocalTractConfig(lowest=0.8, highest=1.25).build()
    given = vowel(8000, 1500)
    peaks = [
        envelope_peak(augment(Waveform(given, 8000), np.random.default_rng(seed)).samples, 8000)
        for seed in range(40)
    ]
    assert 1100 < min(peaks) < 1350 and 1700 < max(peaks) < 2000


@given(
    rate=st.integers(1, 50_000),
    samples=st.lists(st.floats(-1e6, 1e6, width=32, allow_subnormal=False), min_size=0, max_size=50),
    factor=st.floats(0.3, 3),
)
@settings(deadline=None)
def test_any_signal_at_any_rate_keeps_its_length_and_is_finite(
    rate: int, samples: list[float], factor: float
) -> None:
    found = with_formants_at(np.array(samples, np.float32), rate, factor)
    assert found.shape == (len(samples),)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_a_range_that_is_upside_down_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"vocal_tract: lowest 1.2 is above highest 1.1"):
        VocalTractConfig(lowest=1.2, highest=1.1).build()
