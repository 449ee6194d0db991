import typing

import numpy as np
import pytest
from scipy import signal

from seqlabel.augmentations.coloured_noise import Colour, coloured_noise

RATE = 16000


def power_db(colour: Colour) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies and the power at them, in decibels."""
    noise = coloured_noise(colour, 30 * RATE, RATE, np.random.default_rng(1))
    hertz, power = signal.welch(noise.astype(float), RATE, nperseg=4096)
    return hertz, 10 * np.log10(power + 1e-30)


def fall(colour: Colour, low: float, high: float) -> float:
    """By how many decibels the power falls with each octave between two frequencies."""
    hertz, power = power_db(colour)
    between = (hertz >= low) & (hertz <= high)
    slope, _ = np.polyfit(np.log2(hertz[between]), power[between], 1)
    return -float(slope)


@pytest.mark.parametrize(("colour", "expected"), [("white", 0.0), ("pink", 3.01), ("brown", 6.02)])
def test_the_power_falls_with_each_octave_as_the_colour_says(colour: Colour, expected: float) -> None:
    assert fall(colour, 100, 7000) == pytest.approx(expected, abs=0.15)


@pytest.mark.parametrize("colour", ["speech", "babble"])
def test_speech_is_level_to_500_hz_and_falls_by_9_db_with_each_octave_above(colour: Colour) -> None:
    assert fall(colour, 130, 450) == pytest.approx(0.0, abs=0.6)
    assert fall(colour, 2600, 7000) == pytest.approx(9.0, abs=0.6)


@pytest.mark.parametrize(("colour", "least", "most"), [("speech", 0.0, 1.5), ("babble", 3.0, 9.0)])
def test_babble_rises_and_falls_and_speech_shaped_noise_does_not(
    colour: Colour, least: float, most: float
) -> None:
    noise = coloured_noise(colour, 30 * RATE, RATE, np.random.default_rng(2)).astype(float)
    levels = 10 * np.log10((noise.reshape(-1, RATE // 8) ** 2).mean(axis=1))
    assert least < levels.std() < most


@pytest.mark.parametrize("colour", typing.get_args(Colour))
@pytest.mark.parametrize("num_samples", [1, 2, 3, 1000])
@pytest.mark.parametrize("rate", [1, 1000, 44100])
def test_there_is_as_much_finite_noise_as_was_asked_for(colour: Colour, num_samples: int, rate: int) -> None:
    noise = coloured_noise(colour, num_samples, rate, np.random.default_rng(3))
    assert noise.shape == (num_samples,)
    assert noise.dtype == np.float32
    assert np.isfinite(noise).all()
