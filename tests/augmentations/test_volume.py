import numpy as np
import pytest

from seqlabel.augmentations import VolumeConfig
from seqlabel.errors import ConfigError
from seqlabel.records import Waveform


def tone(size: float) -> Waveform:
    return Waveform((size * np.sin(np.arange(4000) / 5)).astype(np.float32), 8000)


def louder(waveform: Waveform, seed: int = 1, **settings: float) -> np.ndarray:
    return VolumeConfig(**settings).build()(waveform, np.random.default_rng(seed)).samples


def test_six_decibels_less_halve_the_samples() -> None:
    given = tone(0.5)
    found = louder(given, lowest_db=-20 * np.log10(2), highest_db=-20 * np.log10(2))
    np.testing.assert_allclose(found, given.samples / 2, rtol=1e-6)


def test_gains_fill_the_range_asked_for_evenly_in_decibels() -> None:
    given = tone(0.01)
    gains = [
        20 * np.log10(louder(given, seed, lowest_db=-20.0, highest_db=10.0).max() / 0.01)
        for seed in range(300)
    ]
    assert -20.01 <= min(gains) < -19.5
    assert 9.5 < max(gains) <= 10.01
    assert abs(np.mean(gains) + 5) < 1.5


def test_what_goes_beyond_full_scale_is_cut_off_where_that_is_asked_for() -> None:
    cut = louder(tone(0.5), lowest_db=12.0, highest_db=12.0)
    whole = louder(tone(0.5), lowest_db=12.0, highest_db=12.0, clips=False)
    assert (cut.min(), cut.max()) == (-1.0, 1.0)
    assert whole.max() > 1.9
    np.testing.assert_array_equal(cut, np.clip(whole, -1, 1))


def test_a_range_that_is_upside_down_is_refused() -> None:
    with pytest.raises(ConfigError, match="volume: lowest_db 3 is above highest_db 2"):
        VolumeConfig(lowest_db=3.0, highest_db=2.0).build()
