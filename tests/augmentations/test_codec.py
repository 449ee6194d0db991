import typing

import numpy as np
import pytest

from seqlabel.augmentations import CodecConfig
from seqlabel.augmentations.codec import Format
from seqlabel.records import Waveform

every_format = pytest.mark.parametrize("name", typing.get_args(Format))

LEAST_SNR_DB = {"mp3": 12.0, "vorbis": 15.0, "gsm": 5.0, "adpcm": 15.0}


def voice(rate: int, seconds: float = 1.5) -> np.ndarray:
    """Harmonics of a voice that rises and falls, under the envelope of syllables."""
    time = np.arange(round(seconds * rate)) / rate
    turn = 2 * np.pi * np.cumsum(120 + 20 * np.sin(2 * np.pi * 1.5 * time)) / rate
    sound = sum(np.sin(number * turn) / number for number in range(1, 20))
    return (0.15 * sound * (0.2 + np.sin(2 * np.pi * 2 * time) ** 2)).astype(np.float32)


def coded(samples: np.ndarray, rate: int, name: str, seed: int = 1) -> np.ndarray:
    augment = CodecConfig(probability=1.0, formats=(name,)).build()
    return augment(Waveform(samples, rate), np.random.default_rng(seed)).samples


@every_format
@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100])
def test_the_error_is_bounded_and_there_is_one(name: str, rate: int) -> None:
    samples = voice(rate)
    error = coded(samples, rate, name).astype(np.float64) - samples
    snr_db = 10 * np.log10((samples.astype(np.float64) ** 2).mean() / (error**2).mean())
    assert LEAST_SNR_DB[name] < snr_db < 60


@every_format
@pytest.mark.parametrize("rate", [8000, 16000, 20000])
def test_nothing_is_moved_in_time(name: str, rate: int) -> None:
    samples = voice(rate)
    found = coded(samples, rate, name)
    size = 2 * len(samples)
    likeness = np.fft.irfft(np.fft.rfft(found, size) * np.conj(np.fft.rfft(samples, size)))
    assert abs((int(likeness.argmax()) + len(samples)) % size - len(samples)) <= rate // 4000


@every_format
@pytest.mark.parametrize("rate", [500, 1000, 8000, 48000, 96000])
@pytest.mark.parametrize("num_samples", [0, 1, 2, 1000])
def test_short_signals_at_any_rate_keep_their_length(name: str, rate: int, num_samples: int) -> None:
    for size in (0.0, 1.0, 1e6):
        found = coded(np.full(num_samples, size, np.float32), rate, name)
        assert found.shape == (num_samples,)
        assert found.dtype == np.float32
        assert np.isfinite(found).all()


def test_minutes_at_once_do_not_overflow_the_stack_of_libsndfile() -> None:
    samples = np.tile(voice(8000), 240)
    assert len(samples) > 300 * 8000
    assert len(coded(samples, 8000, "vorbis")) == len(samples)


@every_format
def test_the_same_samples_give_the_same_bytes_each_time(name: str) -> None:
    first, again = (coded(voice(8000), 8000, name) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_every_format_that_is_named_is_drawn() -> None:
    augment = CodecConfig(probability=1.0).build()
    waveform = Waveform(voice(8000, 0.2), 8000)
    found = {augment(waveform, np.random.default_rng(seed)).samples.tobytes() for seed in range(40)}
    assert len(found) == 4
