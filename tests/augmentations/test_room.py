import numpy as np
import pytest

from seqlabel.augmentations import RoomConfig
from seqlabel.augmentations.room import Room
from seqlabel.errors import ConfigError
from seqlabel.records import Waveform

RATE = 16000


def room(rt60: float = 0.4, metres: float = 1.0, **settings: float) -> Room:
    return RoomConfig(
        probability=1.0,
        shortest_rt60_seconds=rt60,
        longest_rt60_seconds=rt60,
        nearest_metres=metres,
        farthest_metres=metres,
        **settings,
    ).build()


def response(seed: int, **settings: float) -> np.ndarray:
    return room(**settings).impulse_response(RATE, np.random.default_rng(seed)).astype(np.float64)


def decay_seconds(found: np.ndarray) -> float:
    """Time for 60 dB, out of the fall from -5 to -35 dB of the energy to come (Schroeder 1965)."""
    energy = np.cumsum(found[::-1] ** 2)[::-1]
    level = 10 * np.log10(energy / energy[0])
    first, last = int(np.argmax(level < -5)), int(np.argmax(level < -35))
    slope, _ = np.polyfit(np.arange(first, last) / RATE, level[first:last], 1)
    return -60 / float(slope)


@pytest.mark.parametrize("rt60", [0.2, 0.4, 0.8])
@pytest.mark.parametrize("metres", [0.3, 2.0])
def test_the_sound_of_the_room_decays_in_the_time_asked_for(rt60: float, metres: float) -> None:
    found = [decay_seconds(response(seed, rt60=rt60, metres=metres)[16:]) for seed in range(20)]
    assert np.mean(found) == pytest.approx(rt60, rel=0.03)
    assert max(found) < 1.1 * rt60
    assert min(found) > 0.9 * rt60


@pytest.mark.parametrize("seed", range(10))
def test_the_direct_sound_comes_first_and_is_1(seed: int) -> None:
    found = response(seed)
    assert found[0] == 1
    assert np.abs(found[1:]).max() < 1


def test_noise_goes_on_where_the_images_end_as_loud_as_they_would_be() -> None:
    before, after = [], []
    for seed in range(60):
        found = response(seed, rt60=0.6)
        undamped = found**2 * 10 ** (6 * np.arange(len(found)) / RATE / 0.6)
        before.append(undamped[160:320].mean() / undamped[640:].mean())
        after.append(undamped[640:1280].mean() / undamped[1280:].mean())
    assert abs(10 * np.log10(np.mean(before))) < 1.5
    assert abs(10 * np.log10(np.mean(after))) < 0.3


def test_the_farther_the_microphone_the_more_of_the_room_is_heard() -> None:
    def direct_db(metres: float) -> float:
        responses = [response(seed, metres=metres) for seed in range(20)]
        return float(np.mean([-10 * np.log10((found[1:] ** 2).sum()) for found in responses]))

    near, middle, far = (direct_db(metres) for metres in (0.3, 0.8, 2.4))
    assert near > middle + 4 > far + 8


def test_the_first_reflection_is_that_of_the_geometry() -> None:
    # A floor 1 m below mouth and microphone, 2 m apart, everything else far away: one image, 2 * sqrt(2) m from the
    # microphone, in opposite phase.
    augment = room()
    far = np.array([60.0, 60.0, 60.0])
    mouth, microphone = np.array([30.0, 30.0, 1.0]), np.array([32.0, 30.0, 1.0])
    late = (2 * np.sqrt(2) - 2) / 343 * RATE
    silence = np.zeros(round(0.03 * RATE), np.float32)
    found = augment._response(far, mouth, microphone, 8.0, RATE, silence)
    assert np.abs(found[1:]).argmax() + 1 == round(late)
    decay = 6 * np.log(10) / 8.0
    kept = np.sqrt(np.exp(-decay * 4 * 60 / (343 * 6)))
    around = found[round(late) - 8 : round(late) + 9].astype(float)
    assert around.sum() == pytest.approx(-kept * 2 / (2 * np.sqrt(2)), rel=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_a_click_stays_where_it_was(seed: int) -> None:
    samples = np.zeros(6000, np.float32)
    samples[2000] = 0.5
    found = room(metres=0.5)(Waveform(samples, RATE), np.random.default_rng(seed)).samples
    assert np.abs(found).argmax() == 2000
    assert np.abs(found[:2000]).max() < 1e-5 * np.abs(found).max()


@pytest.mark.parametrize("seed", range(5))
def test_length_and_energy_stay(seed: int) -> None:
    samples = np.random.default_rng(9).normal(0, 0.1, 7001).astype(np.float32)
    found = room(rt60=0.9)(Waveform(samples, RATE), np.random.default_rng(seed)).samples
    assert found.shape == samples.shape
    assert (found.astype(float) ** 2).sum() == pytest.approx((samples.astype(float) ** 2).sum(), rel=1e-4)


def test_reverberation_is_the_convolution_with_the_response_of_the_same_seed() -> None:
    samples = np.random.default_rng(9).normal(0, 0.1, 3000).astype(np.float32)
    augment = room()
    rng = np.random.default_rng(4)
    rng.random()  # whether there is a room at all
    plain = np.convolve(samples.astype(float), augment.impulse_response(RATE, rng).astype(float))[:3000]
    plain *= np.sqrt((samples.astype(float) ** 2).sum() / (plain**2).sum())
    found = augment(Waveform(samples, RATE), np.random.default_rng(4)).samples
    np.testing.assert_allclose(found, plain, atol=1e-5)


@pytest.mark.parametrize("rate", [1, 50, 1000, 48000])
@pytest.mark.parametrize("num_samples", [0, 1, 2, 777])
@pytest.mark.parametrize("size", [0.0, 1e-30, 1.0])
def test_odd_signals_survive(rate: int, num_samples: int, size: float) -> None:
    given = Waveform(np.full(num_samples, size, np.float32), rate)
    found = RoomConfig(probability=1.0).build()(given, np.random.default_rng(3))
    assert found.samples.shape == (num_samples,)
    assert found.samples.dtype == np.float32
    assert np.isfinite(found.samples).all()


def test_the_smallest_room_has_room_for_a_voice_and_a_microphone() -> None:
    augment = RoomConfig(
        probability=1.0, smallest_metres=1.0, largest_metres=1.0, farthest_metres=50.0
    ).build()
    for seed in range(20):
        assert np.isfinite(augment.impulse_response(RATE, np.random.default_rng(seed))).all()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"shortest_rt60_seconds": 0.9}, "shortest_rt60_seconds 0.9 is above longest_rt60_seconds 0.6"),
        ({"nearest_metres": 5.0}, "nearest_metres 5 is above farthest_metres 3"),
        ({"smallest_metres": 12.0}, "smallest_metres 12 is above largest_metres 9"),
    ],
)
def test_a_range_that_is_upside_down_is_refused(settings: dict[str, float], told: str) -> None:
    with pytest.raises(ConfigError, match=f"room: {told}"):
        RoomConfig(**settings).build()
