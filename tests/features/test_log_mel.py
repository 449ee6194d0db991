import librosa
import numpy as np

from seqlabel.features import LogMel, LogMelConfig
from seqlabel.features.mel_filters import fit_filters
from seqlabel.records import Waveform


def test_the_filters_are_those_of_librosa() -> None:
    ours = fit_filters(16000, 400, 40, 130, 6800)
    theirs = librosa.filters.mel(sr=16000, n_fft=512, n_mels=40, fmin=130, fmax=6800, htk=True, norm=None)
    np.testing.assert_allclose(ours.T, theirs, atol=1e-4)


def test_no_filter_is_empty_when_there_are_many() -> None:
    for sample_rate, num_filters in ((16000, 80), (8000, 80), (8000, 40), (16000, 128)):
        filters = fit_filters(sample_rate, sample_rate // 40, num_filters, 0, sample_rate / 2)
        assert (filters.max(axis=0) > 0).all()


def test_log_energies_agree_with_librosa() -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    mel = librosa.feature.melspectrogram(
        y=np.pad(samples, (56, 56)),  # both set the window's 400 samples into the middle of the 512
        sr=16000,
        n_fft=512,
        win_length=400,
        hop_length=160,
        window="hamming",
        center=False,
        n_mels=80,
        htk=True,
        norm=None,
    )
    ours = LogMel(LogMelConfig(preemphasis=0.0))(Waveform(samples, 16000))
    np.testing.assert_allclose(ours, np.log(mel.T), atol=2e-3)


def test_a_tone_is_loudest_in_the_filter_around_it() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(4000) / 16000).astype(np.float32)
    frames = LogMel(LogMelConfig())(Waveform(tone, 16000))
    mel = np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 82)[1:-1]
    nearest = np.abs(700 * (10 ** (mel / 2595) - 1) - 1000).argmin()
    assert (np.abs(frames.argmax(axis=1) - nearest) <= 1).all()


def test_doubling_the_amplitude_adds_the_log_of_four() -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)
    feature = LogMel(LogMelConfig())
    louder = feature(Waveform(2 * samples, 16000)) - feature(Waveform(samples, 16000))
    np.testing.assert_allclose(louder, np.log(4), atol=1e-3)


def test_deltas_stand_beside_the_energies() -> None:
    feature = LogMel(LogMelConfig(num_deltas=1))
    frames = feature(Waveform(np.full(4000, 0.1, np.float32), 16000))
    assert frames.shape[1] == feature.dim == 160
    np.testing.assert_allclose(frames[5:-5, 80:], 0, atol=1e-3)
