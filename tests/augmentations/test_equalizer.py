import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlabel.augmentations import EqualizerConfig
from seqlabel.records import Waveform

OCTAVES = np.array([62.5, 125, 250, 500, 1000, 2000, 4000])


def equalized(samples: np.ndarray, rate: int, seed: int = 1, **settings: float) -> np.ndarray:
    augment = EqualizerConfig(probability=1.0, **settings).build()
    return augment(Waveform(samples.astype(np.float32), rate), np.random.default_rng(seed)).samples


def gains_db(seed: int, hertz: np.ndarray, rate: int = 16000, **settings: float) -> np.ndarray:
    """What becomes of each frequency, measured on a click, whose spectrum is flat."""
    click = np.zeros(rate)
    click[rate // 2] = 1.0
    spectrum = np.abs(np.fft.rfft(equalized(click, rate, seed, **settings).astype(np.float64)))
    return 20 * np.log10(spectrum[np.rint(hertz).astype(int)])


def test_gains_have_the_standard_deviation_that_is_asked_for_and_differ_from_octave_to_octave() -> None:
    # That the power stays moves all gains of an example alike, so differences of two octaves are looked at.
    found = np.array([gains_db(seed, OCTAVES[1:], gain_db=6.0) for seed in range(200)])
    differences = np.diff(found, axis=1)
    assert differences.std(axis=0) == pytest.approx([6 * np.sqrt(2)] * 5, rel=0.15)
    assert abs(np.corrcoef(found[:, 1] - found[:, 0], found[:, 4] - found[:, 3])[0, 1]) < 0.2


def test_gains_lie_on_lines_between_the_octaves() -> None:
    low, middle, high = gains_db(3, np.array([500, 500 * 2**0.5, 1000]), gain_db=9.0)
    assert middle == pytest.approx((low + high) / 2, abs=0.3)
    assert abs(high - low) > 1


def test_all_below_the_lowest_frequency_has_its_gain() -> None:
    found = gains_db(2, np.array([1, 20, 62]), gain_db=9.0)
    assert found == pytest.approx([found[0]] * 3, abs=0.5)


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_a_click_stays_where_it_was_and_noise_as_loud_as_it_was(rate: int) -> None:
    click = np.zeros(rate)
    click[rate // 3] = 0.9
    assert np.abs(equalized(click, rate)).argmax() == rate // 3
    noise = np.random.default_rng(1).normal(0, 0.1, rate)
    assert np.square(equalized(noise, rate).astype(np.float64)).mean() == pytest.approx(0.01, rel=0.03)


def test_what_the_end_rings_with_does_not_come_round_to_the_beginning() -> None:
    samples = np.zeros(4000)
    samples[-1] = 1.0
    assert np.abs(equalized(samples, 16000, gain_db=10.0)[:2000]).max() < 0.01


@given(
    rate=st.integers(1, 50_000),
    samples=st.lists(st.floats(-1e6, 1e6, width=32, allow_subnormal=False), min_size=0, max_size=50),
    gain_db=st.floats(0, 40, allow_subnormal=False),
    octaves=st.floats(0.1, 10),
)
@settings(deadline=None)
def test_any_signal_at_any_rate_keeps_its_length_and_is_finite(
    rate: int, samples: list[float], gain_db: float, octaves: float
) -> None:
    found = equalized(np.array(samples), rate, gain_db=gain_db, octaves=octaves)
    assert found.shape == (len(samples),)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
