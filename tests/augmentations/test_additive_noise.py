from pathlib import Path

import numpy as np
import pytest

from seqlabel.augmentations import AdditiveNoiseConfig
from seqlabel.augmentations.additive_noise import active_power
from seqlabel.errors import ConfigError, FormatError
from seqlabel.formats import write_wav
from seqlabel.records import Waveform

RATE = 8000


def speech(seconds: float = 2.0, seed: int = 1) -> Waveform:
    """Half a second of sound, half a second of silence, and so on."""
    rng = np.random.default_rng(seed)
    samples = 0.1 * rng.standard_normal(round(seconds * RATE), dtype=np.float32)
    samples[(np.arange(len(samples)) // (RATE // 2)) % 2 == 1] = 0
    return Waveform(samples, RATE)


def noise_of(config: AdditiveNoiseConfig, waveform: Waveform, seed: int = 1) -> np.ndarray:
    found = config.build()(waveform, np.random.default_rng(seed))
    return found.samples.astype(np.float64) - waveform.samples


def always(**settings: object) -> AdditiveNoiseConfig:
    return AdditiveNoiseConfig(**{"probability": 1.0, **settings})


def at_snr(snr_db: float, **settings: object) -> AdditiveNoiseConfig:
    return always(lowest_snr_db=snr_db, highest_snr_db=snr_db, **settings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two recordings at two rates, a tone and a lower one, in folders of their own, and a text beside them."""
    for name, rate, hertz, seconds in (("a/low.wav", 8000, 300, 0.7), ("b/high.wav", 16000, 2000, 3.0)):
        path = tmp_path / "noise" / name
        path.parent.mkdir(parents=True)
        samples = 0.2 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
        write_wav(path, Waveform(samples.astype(np.float32), rate))
    (tmp_path / "noise" / "README.txt").write_text("noise")
    return tmp_path / "noise"


@pytest.mark.parametrize("colour", ["white", "pink", "brown", "speech", "babble"])
@pytest.mark.parametrize("snr_db", [-5.0, 10.0, 40.0])
def test_the_noise_is_as_far_below_active_speech_as_was_asked_for(colour: str, snr_db: float) -> None:
    waveform = speech()
    is_active = np.abs(waveform.samples) > 0
    noise = noise_of(at_snr(snr_db, colours=(colour,)), waveform)
    active = float((waveform.samples[is_active].astype(np.float64) ** 2).mean())
    assert 10 * np.log10(active / (noise**2).mean()) == pytest.approx(snr_db, abs=0.05)


def test_pauses_do_not_make_the_noise_fainter() -> None:
    whole = speech()
    sound = Waveform(whole.samples[: RATE // 2], RATE)
    assert active_power(whole.samples, RATE) == pytest.approx(active_power(sound.samples, RATE), rel=0.05)


def test_ratios_fill_the_range_asked_for() -> None:
    waveform = speech(0.5)
    config = always(lowest_snr_db=0.0, highest_snr_db=20.0)
    level = active_power(waveform.samples, RATE)
    found = [10 * np.log10(level / (noise_of(config, waveform, seed) ** 2).mean()) for seed in range(200)]
    assert -0.1 < min(found) < 1
    assert 19 < max(found) < 20.1


def test_every_colour_that_is_named_is_heard_and_no_other() -> None:
    def tilt(noise: np.ndarray) -> float:
        spectrum = np.abs(np.fft.rfft(noise)) ** 2
        return float(10 * np.log10(spectrum[40:400].mean() / spectrum[-400:].mean()))

    config = at_snr(0.0, colours=("white", "brown"))
    tilts = [tilt(noise_of(config, speech(1.0), seed)) for seed in range(40)]
    white = [value for value in tilts if abs(value) < 3]
    brown = [value for value in tilts if value > 12]
    assert len(white) + len(brown) == 40
    assert min(len(white), len(brown)) > 8


def test_the_probability_says_how_many_signals_stay_as_they_are() -> None:
    augment, waveform = AdditiveNoiseConfig(probability=0.3).build(), speech(0.2)
    same = sum(augment(waveform, np.random.default_rng(seed)) is waveform for seed in range(500))
    assert 310 < same < 390


@pytest.mark.parametrize("num_samples", [0, 1, 2, 100, 8000])
def test_silence_gets_no_noise(num_samples: int) -> None:
    silence = Waveform(np.zeros(num_samples, np.float32), RATE)
    assert always().build()(silence, np.random.default_rng(1)) is silence


@pytest.mark.parametrize("size", [1e-42, 1e-20, 1e9])
def test_the_noise_is_finite_however_faint_or_loud_the_signal_is(size: float) -> None:
    waveform = Waveform(np.array([size, -size, size], np.float32), 1000)
    for seed in range(20):
        found = always().build()(waveform, np.random.default_rng(seed)).samples
        assert np.isfinite(found).all()
        assert found.dtype == np.float32


def test_recordings_are_taken_at_the_rate_of_the_signal_and_at_the_ratio_asked_for(folder: Path) -> None:
    waveform = speech()
    level = active_power(waveform.samples, RATE)
    augment = at_snr(7.0, folder=str(folder)).build()
    peaks = set()
    for seed in range(30):
        noise = augment(waveform, np.random.default_rng(seed)).samples.astype(np.float64) - waveform.samples
        assert 10 * np.log10(level / (noise**2).mean()) == pytest.approx(7.0, abs=0.05)
        peaks.add(round(np.abs(np.fft.rfft(noise)).argmax() * RATE / len(noise), -2))
    assert peaks == {300.0, 2000.0}


def test_a_recording_that_is_too_short_begins_again_without_a_gap(folder: Path) -> None:
    augment = at_snr(0.0, folder=str(folder / "a")).build()
    noise = augment(speech(3.0), np.random.default_rng(1)).samples - speech(3.0).samples
    levels = (noise.reshape(-1, 200) ** 2).mean(axis=1)
    assert levels.min() > 0.5 * levels.max()


def test_what_is_kept_in_memory_does_not_change_what_is_drawn(folder: Path) -> None:
    waveform = speech(4.0)
    kept = at_snr(0.0, folder=str(folder)).build()
    read_again = at_snr(0.0, folder=str(folder), kept_megabytes=0.0).build()
    one_kept = at_snr(0.0, folder=str(folder), kept_megabytes=0.03).build()
    assert [len(made.recordings.kept) for made in (kept, read_again, one_kept)] == [2, 0, 1]  # type: ignore[union-attr]
    for seed in range(12):
        first, second, third = (
            made(waveform, np.random.default_rng(seed)).samples for made in (kept, read_again, one_kept)
        )
        np.testing.assert_array_equal(first, second)
        np.testing.assert_array_equal(first, third)


def test_memory_is_bounded(folder: Path) -> None:
    made = at_snr(0.0, folder=str(folder), kept_megabytes=0.03).build()
    assert made.recordings is not None
    assert sum(samples.nbytes for samples in made.recordings.kept.values()) <= 30_000


def test_a_folder_that_is_missing_is_told_when_the_augmentation_is_built(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere: no such folder of noise; name another"):
        at_snr(0.0, folder=str(tmp_path / "nowhere")).build()


def test_a_folder_without_audio_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no noise")
    (tmp_path / ".hidden.wav").write_bytes(b"x")
    with pytest.raises(ConfigError, match="holds no audio; expected files of noise"):
        at_snr(0.0, folder=str(tmp_path)).build()


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not audio at all" * 100])
def test_a_recording_that_cannot_be_read_is_told_by_its_name(folder: Path, content: bytes) -> None:
    (folder / "broken.wav").write_bytes(content)
    with pytest.raises(FormatError, match=r"broken\.wav"):
        at_snr(0.0, folder=str(folder)).build()


def test_a_truncated_recording_is_told(folder: Path) -> None:
    whole = (folder / "b" / "high.wav").read_bytes()
    (folder / "b" / "high.wav").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match=r"high\.wav: is truncated"):
        at_snr(0.0, folder=str(folder)).build()


def test_a_recording_of_silence_is_told(folder: Path) -> None:
    write_wav(folder / "still.wav", Waveform(np.zeros(900, np.float32), 8000))
    with pytest.raises(ConfigError, match=r"still\.wav: holds silence alone"):
        at_snr(0.0, folder=str(folder)).build()


def test_a_range_that_is_upside_down_is_refused() -> None:
    with pytest.raises(ConfigError, match="additive_noise: lowest_snr_db 9 is above highest_snr_db 3"):
        always(lowest_snr_db=9.0, highest_snr_db=3.0).build()
