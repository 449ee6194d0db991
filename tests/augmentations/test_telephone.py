import io

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlabel.augmentations import TelephoneConfig
from seqlabel.augmentations.telephone import a_law, mu_law
from seqlabel.errors import ConfigError
from seqlabel.records import Waveform


def call(samples: np.ndarray, rate: int, *companding: str, **band: float) -> np.ndarray:
    augment = TelephoneConfig(probability=1.0, companding=companding or ("none",), **band).build()
    return augment(Waveform(samples.astype(np.float32), rate), np.random.default_rng(1)).samples


def gain_db(hertz: float, rate: int, **band: float) -> float:
    tone = 0.3 * np.sin(2 * np.pi * hertz * np.arange(rate) / rate)
    found = call(tone, rate, **band)[rate // 10 : -rate // 10].astype(np.float64)
    return float(10 * np.log10((found**2).mean() / 0.045 + 1e-12))


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100])
@pytest.mark.parametrize("hertz", [310, 1000, 3390])
def test_the_band_goes_through_as_it_is(rate: int, hertz: float) -> None:
    assert gain_db(hertz, rate) == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100])
@pytest.mark.parametrize("hertz", [50, 150, 205, 3750, 3900])
def test_what_lies_outside_of_the_band_does_not_go_through(rate: int, hertz: float) -> None:
    assert gain_db(hertz, rate) < -50


@pytest.mark.parametrize("companding", ["none", "mu_law", "a_law"])
def test_nothing_is_left_above_4_khz(companding: str) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 32000)
    spectrum = np.abs(np.fft.rfft(call(noise, 32000, companding) * np.hanning(32000))) ** 2
    assert 10 * np.log10(spectrum[4100:].sum() / spectrum[:4000].sum()) < -60


def test_another_band_can_be_asked_for() -> None:
    assert gain_db(80, 16000, low_hz=50.0) == pytest.approx(0.0, abs=0.1)
    assert gain_db(2000, 16000, high_hz=1500.0) < -50
    assert gain_db(30, 16000, low_hz=0.0) == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize(("law", "subtype"), [(mu_law, "ULAW"), (a_law, "ALAW")])
def test_every_sample_is_companded_as_libsndfile_does(law: object, subtype: str) -> None:
    values = np.arange(-32768, 32768).astype(np.int16)
    memory = io.BytesIO()
    soundfile.write(memory, values, 8000, format="WAV", subtype=subtype)
    memory.seek(0)
    expected, _ = soundfile.read(memory, dtype="int16")
    np.testing.assert_array_equal(law(values), expected)  # type: ignore[operator]


@pytest.mark.parametrize("companding", ["mu_law", "a_law"])
@pytest.mark.parametrize("size", [0.9, 0.1, 0.01])
def test_the_noise_of_companding_lies_some_35_db_below_the_speech(companding: str, size: float) -> None:
    turn = 2 * np.pi * np.arange(16000) / 16000
    tone = size * (np.sin(1000 * turn) + 0.3 * np.sin(1870 * turn)) / 1.3
    noise = call(tone, 16000, companding).astype(np.float64) - call(tone, 16000)
    assert 28 < 10 * np.log10((tone**2).mean() / (noise[800:-800] ** 2).mean()) < 45


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("companding", ["none", "mu_law"])
def test_a_click_stays_where_it_was(rate: int, companding: str) -> None:
    samples = np.zeros(rate)
    samples[rate // 3] = 0.9
    assert np.abs(call(samples, rate, companding)).argmax() == rate // 3


def test_what_the_end_rings_with_does_not_come_round_to_the_beginning() -> None:
    samples = np.zeros(4000)
    samples[-1] = 1.0
    assert np.abs(call(samples, 16000)[:2000]).max() < 1e-3


def test_every_companding_that_is_named_is_drawn() -> None:
    augment = TelephoneConfig(probability=1.0).build()
    noise = Waveform(np.random.default_rng(1).normal(0, 0.1, 400).astype(np.float32), 8000)
    found = {augment(noise, np.random.default_rng(seed)).samples.tobytes() for seed in range(40)}
    assert len(found) == 3


@given(
    rate=st.integers(1, 50_000),
    samples=st.lists(st.floats(-1e6, 1e6, width=32, allow_subnormal=False), min_size=0, max_size=50),
    companding=st.sampled_from(["none", "mu_law", "a_law"]),
)
@settings(deadline=None)
def test_any_signal_at_any_rate_keeps_its_length_and_is_finite(
    rate: int, samples: list[float], companding: str
) -> None:
    found = call(np.array(samples), rate, companding)
    assert found.shape == (len(samples),)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_silence_stays_silent_but_for_the_steps_of_companding() -> None:
    assert np.abs(call(np.zeros(800), 16000, "none")).max() == 0
    assert np.abs(call(np.zeros(800), 16000, "mu_law")).max() == 0
    assert np.abs(call(np.zeros(800), 16000, "a_law")).max() < 0.001


def test_a_band_that_is_upside_down_is_refused() -> None:
    with pytest.raises(ConfigError, match="telephone: low_hz 3500 is above high_hz 3400"):
        TelephoneConfig(low_hz=3500.0).build()
