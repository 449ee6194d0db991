import numpy as np
import pytest

from seqlabel.augmentations import SpeedConfig
from seqlabel.augmentations.speed import resample_rows
from seqlabel.records import Matrix, Waveform


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.25, 2.0])
def test_the_length_is_divided_by_the_speed(speed: float) -> None:
    augment = SpeedConfig(slowest=speed, fastest=speed).build()
    rng = np.random.default_rng(1)
    values, samples = np.zeros((200, 3), np.float32), np.zeros(3000, np.float32)
    assert augment(Matrix(values), rng).values.shape == (round(200 / speed), 3)
    waveform = augment(Waveform(samples, 8000), rng)
    assert waveform.samples.shape == (round(3000 / speed),)
    assert waveform.sample_rate == 8000


def test_the_first_and_the_last_row_stay_and_a_line_stays_a_line() -> None:
    line = np.stack([np.arange(50), 100 - 2 * np.arange(50)], axis=1).astype(np.float32)
    slow = resample_rows(line, 0.7)
    np.testing.assert_array_equal(slow[[0, -1]], line[[0, -1]])
    np.testing.assert_allclose(np.diff(slow, n=2, axis=0), 0, atol=1e-4)


def test_twice_the_speed_of_a_tone_is_twice_its_pitch() -> None:
    tone = np.sin(2 * np.pi * 200 * np.arange(8000) / 8000).astype(np.float32)
    fast = SpeedConfig(slowest=2.0, fastest=2.0).build()(Waveform(tone, 8000), np.random.default_rng(1))
    hertz = np.abs(np.fft.rfft(fast.samples)).argmax() * 8000 / len(fast.samples)
    assert hertz == pytest.approx(400, abs=4)


def test_speeds_fill_the_range_asked_for() -> None:
    augment = SpeedConfig(slowest=0.8, fastest=1.25).build()
    rng = np.random.default_rng(1)
    lengths = [len(augment(Matrix(np.zeros((1000, 1), np.float32)), rng).values) for _ in range(200)]
    assert 800 <= min(lengths) < 830
    assert 1200 < max(lengths) <= 1250


@pytest.mark.parametrize("num_rows", [1, 2])
def test_very_short_signals_keep_at_least_one_row(num_rows: int) -> None:
    values = np.arange(num_rows, dtype=np.float32)[:, None]
    assert resample_rows(values, 9.0).tolist() == [[0.0]]
    assert resample_rows(values, 0.5)[:, 0].tolist()[-1] == num_rows - 1


@pytest.mark.parametrize("speed", [0.85, 1.15])
@pytest.mark.parametrize("hertz", [1000, 3000, 6000])
def test_a_tone_stays_one_tone_of_the_same_loudness(speed: float, hertz: float) -> None:
    tone = np.sin(2 * np.pi * hertz * np.arange(16000) / 16000).astype(np.float32)
    found = SpeedConfig(slowest=speed, fastest=speed, interpolation="filter").build()(
        Waveform(tone, 16000), np.random.default_rng(1)
    )
    turn = 2 * np.pi * hertz * speed * np.arange(len(found.samples)) / 16000
    waves = np.stack([np.sin(turn), np.cos(turn)], axis=1)[500:-500]
    samples = found.samples[500:-500].astype(np.float64)
    size, *_ = np.linalg.lstsq(waves, samples, rcond=None)
    assert np.hypot(*size) == pytest.approx(1.0, rel=0.01)
    assert ((samples - waves @ size) ** 2).mean() < 1e-8


def test_frequencies_that_have_no_place_at_the_new_speed_are_left_out_and_not_mirrored() -> None:
    tone = np.sin(2 * np.pi * 7500 * np.arange(16000) / 16000).astype(np.float32)
    found = SpeedConfig(slowest=1.2, fastest=1.2, interpolation="filter").build()(
        Waveform(tone, 16000), np.random.default_rng(1)
    )
    assert np.abs(found.samples[500:-500]).max() < 1e-3


@pytest.mark.parametrize("num_samples", [1, 2, 3])
@pytest.mark.parametrize("speed", [0.5, 1.0, 9.0])
def test_very_short_waveforms_keep_at_least_one_sample(num_samples: int, speed: float) -> None:
    augment = SpeedConfig(slowest=speed, fastest=speed, interpolation="filter").build()
    found = augment(Waveform(np.ones(num_samples, np.float32), 8000), np.random.default_rng(1)).samples
    assert found.shape == (max(1, round(num_samples / speed)),)
    assert np.isfinite(found).all()
