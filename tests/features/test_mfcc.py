import librosa
import numpy as np
import pytest
import torch
import torchaudio

from seqlabel.errors import ConfigError, FormatError
from seqlabel.features import Mfcc, MfccConfig
from seqlabel.formats import read_audio, read_matrix
from seqlabel.records import Waveform

PLAIN = MfccConfig(energy="c0", num_deltas=0, preemphasis=0.0)


def _speechlike(num_seconds: float = 1.0) -> np.ndarray:
    """A gliding voice with two moving resonances in a little noise, 16 kHz."""
    rng = np.random.default_rng(0)
    seconds = np.arange(int(16000 * num_seconds)) / 16000
    phase = 2 * np.pi * np.cumsum(120 + 40 * np.sin(2 * np.pi * seconds)) / 16000
    voice = np.zeros(len(seconds))
    for harmonic in range(1, 50):
        hz = harmonic * 120
        first, second = 500 + 300 * np.sin(9 * seconds), 1800 + 700 * np.cos(7 * seconds)
        gain = 1 / (1 + ((hz - first) / 150) ** 2) + 0.5 / (1 + ((hz - second) / 200) ** 2)
        voice += gain * np.sin(harmonic * phase)
    loudness = 0.55 + 0.45 * np.sin(2 * np.pi * 3 * seconds)
    return (0.1 * voice * loudness + rng.normal(0, 0.003, len(seconds))).astype(np.float32)


def _padded_to_transform(samples: np.ndarray, window: int, fft_size: int) -> np.ndarray:
    before = (fft_size - window) // 2
    return np.pad(samples, (before, fft_size - window - before))


def _librosa_mfcc(samples: np.ndarray, sample_rate: int, fft_size: int) -> np.ndarray:
    window, step = round(0.025 * sample_rate), round(0.010 * sample_rate)
    mel = librosa.feature.melspectrogram(
        y=_padded_to_transform(samples, window, fft_size),
        sr=sample_rate,
        n_fft=fft_size,
        win_length=window,
        hop_length=step,
        window="hamming",
        center=False,
        n_mels=40,
        htk=True,
        norm=None,
    )
    floor = 2.0**-30 / 12 * np.square(librosa.filters.get_window("hamming", window)).sum()
    return librosa.feature.mfcc(S=np.log(np.maximum(mel, floor)), n_mfcc=13, dct_type=2, norm="ortho").T


def test_cepstra_agree_with_librosa() -> None:
    samples = _speechlike()
    ours = Mfcc(PLAIN)(Waveform(samples, 16000))
    np.testing.assert_allclose(ours, _librosa_mfcc(samples, 16000, 512), atol=2e-3)


def test_cepstra_of_a_real_recording_agree_with_librosa(corpora) -> None:
    waveform = read_audio(corpora / "fsdd" / "recordings" / "7_jackson_0.wav", sample_rate=8000)
    ours = Mfcc(MfccConfig(sample_rate=8000, energy="c0", num_deltas=0, preemphasis=0.0))
    theirs = _librosa_mfcc(waveform.samples, 8000, ours._spectra.fft_size)
    np.testing.assert_allclose(ours(waveform), theirs, atol=5e-3)


def test_cepstra_agree_with_torchaudio() -> None:
    samples = 100 * _speechlike()  # loud, so that torchaudio's fixed 1e-6 in the logarithm does not matter
    transform = torchaudio.transforms.MFCC(
        16000,
        n_mfcc=13,
        log_mels=True,
        melkwargs={
            "n_fft": 512,
            "win_length": 400,
            "hop_length": 160,
            "n_mels": 40,
            "center": False,
            "window_fn": torch.hamming_window,
        },
    )
    theirs = transform(torch.from_numpy(_padded_to_transform(samples, 400, 512))).numpy().T
    np.testing.assert_allclose(Mfcc(PLAIN)(Waveform(samples, 16000)), theirs, atol=2e-3)


def _sphinx_mfcc(samples: np.ndarray, *, with_quirks: bool) -> np.ndarray:
    """The front end of CMU Sphinx written out, -wlen 0.025625 -nfilt 40 -lowerf 130 -upperf 6800.

    Its quirks are filter edges rounded to whole bins and a transform that halves the first filter.
    """
    num_filters, fft_size, window = 40, 512, 410
    edges = np.linspace(*(2595 * np.log10(1 + np.array([130, 6800]) / 700)), num_filters + 2)
    bins = 700 * (10 ** (edges / 2595) - 1) / 16000 * fft_size
    bins = np.round(bins) if with_quirks else bins
    at = np.arange(fft_size // 2 + 1)
    weights = np.zeros((len(at), num_filters))
    for index, (left, middle, right) in enumerate(zip(bins, bins[1:], bins[2:], strict=False)):
        triangle = np.minimum((at - left) / (middle - left), (right - at) / (right - middle))
        weights[:, index] = np.maximum(triangle, 0) * 2 / (right - left)  # unit area
    emphasised = np.append(samples[0], samples[1:] - 0.97 * samples[:-1]) * 32768
    starts = range(0, len(samples) - window + 1, 160)
    frames = np.stack([emphasised[start : start + window] for start in starts]) * np.hamming(window)
    log_mel = np.log(np.abs(np.fft.rfft(frames, fft_size)) ** 2 @ weights)
    cosines = np.cos(np.pi / num_filters * np.outer(np.arange(num_filters) + 0.5, np.arange(13)))
    cosines[0] *= 0.5 if with_quirks else 1
    return log_mel @ cosines / num_filters


@pytest.mark.parametrize(("with_quirks", "least"), [(False, 0.999), (True, 0.85)])
def test_the_an4_settings_follow_the_sphinx_front_end(with_quirks: bool, least: float) -> None:
    """The corpus publishes cepstra without the audio, so its front end is written out above."""
    samples = _speechlike()
    sphinx = _sphinx_mfcc(samples, with_quirks=with_quirks)
    config = MfccConfig(window_seconds=0.025625, energy="c0", low_hz=130, high_hz=6800, num_deltas=0)
    ours = Mfcc(config)(Waveform(samples, 16000)) / np.sqrt(2 * 40)  # orthonormal against a plain mean
    assert ours.shape == sphinx.shape
    correlations = [np.corrcoef(ours[:, index], sphinx[:, index])[0, 1] for index in range(13)]
    assert min(correlations) > least
    np.testing.assert_allclose(ours[:, 1:].std(axis=0) / sphinx[:, 1:].std(axis=0), 1, atol=0.15)


def test_the_published_an4_cepstra_have_the_shape_of_ours(corpora) -> None:
    folder = corpora / "an4" / "feat" / "an4test_clstk" / "fcaw"
    published = read_matrix(sorted(folder.glob("*.mfc"))[0]).values
    ours = Mfcc(MfccConfig(energy="c0", low_hz=130, high_hz=6800, num_deltas=0))
    assert published.shape[1] == ours.dim


def test_log_energy_is_the_log_of_the_sum_of_squares() -> None:
    samples = _speechlike()
    energy = Mfcc(MfccConfig(num_deltas=0))(Waveform(samples, 16000))[:, 0]
    by_hand = [
        np.log(np.sum(samples[t * 160 : t * 160 + 400].astype(float) ** 2)) for t in range(len(energy))
    ]
    np.testing.assert_allclose(energy, by_hand, rtol=1e-4)


def test_preemphasis_is_the_filter_written_out() -> None:
    samples = _speechlike()
    filtered = np.append(0.03 * samples[0], samples[1:] - 0.97 * samples[:-1]).astype(np.float32)
    with_filter = Mfcc(MfccConfig(energy="c0", num_deltas=0))(Waveform(samples, 16000))
    np.testing.assert_allclose(with_filter, Mfcc(PLAIN)(Waveform(filtered, 16000)), atol=2e-3)


def test_liftering_weighs_the_cepstra_by_the_htk_sine() -> None:
    waveform = Waveform(_speechlike(), 16000)
    lifted = Mfcc(MfccConfig(energy="c0", num_deltas=0, preemphasis=0.0, lifter=22))(waveform)
    weights = 1 + 11 * np.sin(np.pi * np.arange(13) / 22)
    np.testing.assert_allclose(lifted, Mfcc(PLAIN)(waveform) * weights, atol=1e-3)


def test_only_frames_within_the_waveform_are_made() -> None:
    feature = Mfcc(MfccConfig())
    num_frames = {n: len(feature(Waveform(np.ones(n, np.float32), 16000))) for n in (400, 559, 560, 16000)}
    assert num_frames == {400: 1, 559: 1, 560: 2, 16000: 98}


def test_a_waveform_shorter_than_a_window_is_one_frame() -> None:
    frames = Mfcc(MfccConfig())(Waveform(np.ones(1, np.float32), 16000))
    assert frames.shape == (1, 39)


def test_a_frame_sees_nothing_but_its_own_samples() -> None:
    samples = _speechlike()
    changed = samples.copy()
    changed[1600:] = 0.5  # frame t covers 160 t to 160 t + 400: frames 0 to 7 end before sample 1600
    before, after = (Mfcc(PLAIN)(Waveform(part, 16000)) for part in (samples, changed))
    np.testing.assert_allclose(before[:8], after[:8], atol=1e-4)
    assert np.abs(before[8] - after[8]).max() > 0.1


def test_digital_silence_is_finite_and_below_a_whisper() -> None:
    feature = Mfcc(MfccConfig(num_deltas=0))
    silence = feature(Waveform(np.zeros(1600, np.float32), 16000))
    whisper = feature(Waveform(1e-3 * _speechlike()[:1600], 16000))
    assert np.isfinite(silence).all()
    assert silence[:, 0].max() < whisper[:, 0].min()


def test_a_waveform_without_samples_is_refused() -> None:
    with pytest.raises(FormatError, match="no samples"):
        Mfcc(MfccConfig())(Waveform(np.zeros(0, np.float32), 16000))


def test_a_waveform_of_another_rate_is_refused() -> None:
    with pytest.raises(FormatError, match="found 8000 Hz, expected 16000 Hz"):
        Mfcc(MfccConfig())(Waveform(np.zeros(800, np.float32), 8000))


@pytest.mark.parametrize(
    ("config", "named"),
    [
        (MfccConfig(num_cepstra=41), "num_cepstra"),
        (MfccConfig(high_hz=9000), "high_hz"),
        (MfccConfig(low_hz=5000, high_hz=4000), "low_hz"),
        (MfccConfig(num_deltas=3), "num_deltas"),
        (MfccConfig(delta_window=0), "delta_window"),
        (MfccConfig(step_seconds=0), "step"),
        (MfccConfig(preemphasis=1), "preemphasis"),
        (MfccConfig(lifter=0), "lifter"),
        (MfccConfig(sample_rate=0), "sample_rate"),
        (MfccConfig(low_hz=100, high_hz=101), "too narrow"),
        (MfccConfig(fft_size=256), "an even fft_size"),
        (MfccConfig(fft_size=511), "an even fft_size"),
        (MfccConfig(fft_size=1 << 40), "an even fft_size"),
        (MfccConfig(fft_size=400, num_mel_filters=128), "400 points are too narrow"),
        (MfccConfig(sample_scale=0.0), "sample_scale up to"),
        (MfccConfig(energy_floor=0.0), "floors and top_db above 0"),
        (MfccConfig(mel_floor=-1.0), "floors and top_db above 0"),
        (MfccConfig(top_db=0.0), "floors and top_db above 0"),
        (MfccConfig(dither=-1.0), "dither of at least 0"),
        (MfccConfig(dither=1.0, dither_seed=-1), "dither_seed of at least 0"),
        (MfccConfig(vtln_warp=3.0), "vtln_warp of 0.5 to 2"),
        (MfccConfig(vtln_warp=1.1, vtln_low_hz=7400), "expected low_hz < vtln_low_hz"),
        (MfccConfig(vtln_warp=0.9, vtln_high_hz=8000), "expected low_hz < vtln_low_hz"),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(config: MfccConfig, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        config.build()
