"""Features under the settings of `presets` against librosa, torchaudio's Kaldi functions and kaldi-native-fbank."""

from types import ModuleType
from typing import Any

import librosa
import numpy as np
import pytest
import torch
import torchaudio
import torchaudio.compliance.kaldi as kaldi
from msgspec.structs import replace

from seqlabel.features import LogMelConfig, MfccConfig, presets
from seqlabel.features.deltas import deltas
from seqlabel.features.mel_filters import VocalTractWarp, fit_filters
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.features.stacking import StackingConfig, stack
from seqlabel.formats import read_audio
from seqlabel.records import Waveform

RATES = (8000, 11025, 16000, 22050, 44100)
EVERY_RATE = pytest.mark.parametrize("rate", RATES)
EVERY_FRAMING = pytest.mark.parametrize("framing", ["snip", "reflect"])


@pytest.fixture(scope="module")
def knf() -> ModuleType:
    return pytest.importorskip("kaldi_native_fbank", reason="kaldi-native-fbank is not installed")


def _waveform(rate: int, seconds: float = 1.3) -> Waveform:
    """Harmonics that glide in noise, of changing loudness, with an offset."""
    rng = np.random.default_rng(rate)
    at = np.arange(int(rate * seconds)) / rate
    phase = 2 * np.pi * np.cumsum(140 + 50 * np.sin(5 * at)) / rate
    voice = sum(np.sin(k * phase) / k for k in range(1, 20))
    samples = 0.1 * voice * (0.5 + 0.5 * np.sin(9 * at)) + rng.normal(0, 0.01, len(at)) + 0.02
    return Waveform(samples.astype(np.float32), rate)


def _theirs(function: Any, waveform: Waveform, framing: str, **options: Any) -> np.ndarray:
    samples = torch.from_numpy(waveform.samples * 32768)[None]
    snip = framing == "snip"
    options = {"energy_floor": 0.0, "use_energy": True, **options}
    return function(samples, sample_frequency=waveform.sample_rate, snip_edges=snip, **options).numpy()


def _native(options: Any, extractor: type, waveform: Waveform, framing: str) -> np.ndarray:
    options.frame_opts.dither = 0
    options.frame_opts.samp_freq = waveform.sample_rate
    options.frame_opts.snip_edges = framing == "snip"
    online = extractor(options)
    online.accept_waveform(waveform.sample_rate, waveform.samples * 32768)
    online.input_finished()
    return np.stack([online.get_frame(index) for index in range(online.num_frames_ready)])


@EVERY_RATE
@EVERY_FRAMING
def test_kaldi_mfcc_is_that_of_torchaudio(rate: int, framing: str) -> None:
    ours = replace(presets.kaldi_mfcc(rate), framing=framing).build()(_waveform(rate))
    theirs = _theirs(kaldi.mfcc, _waveform(rate), framing)
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


@EVERY_RATE
@EVERY_FRAMING
def test_kaldi_mfcc_is_that_of_kaldi_native_fbank(rate: int, framing: str, knf: ModuleType) -> None:
    ours = replace(presets.kaldi_mfcc(rate), framing=framing).build()(_waveform(rate))
    theirs = _native(knf.MfccOptions(), knf.OnlineMfcc, _waveform(rate), framing)
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


@EVERY_RATE
@EVERY_FRAMING
@pytest.mark.parametrize("raw_energy", [True, False])
def test_kaldi_log_mel_with_energy_is_that_of_torchaudio(rate: int, framing: str, raw_energy: bool) -> None:
    config = replace(presets.kaldi_log_mel(rate, 40), framing=framing, energy="log", raw_energy=raw_energy)
    theirs = _theirs(kaldi.fbank, _waveform(rate), framing, num_mel_bins=40, raw_energy=raw_energy)
    np.testing.assert_allclose(config.build()(_waveform(rate)), theirs, atol=5e-4)


@EVERY_RATE
def test_kaldi_log_mel_is_that_of_kaldi_native_fbank(rate: int, knf: ModuleType) -> None:
    options = knf.FbankOptions()
    options.mel_opts.num_bins = 40
    theirs = _native(options, knf.OnlineFbank, _waveform(rate), "snip")
    ours = presets.kaldi_log_mel(rate, 40).build()(_waveform(rate))
    np.testing.assert_allclose(ours, theirs, atol=5e-4)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"window_shape": "hamming"}, {"window_type": "hamming"}),
        ({"window_shape": "hann"}, {"window_type": "hanning"}),
        ({"window_shape": "blackman"}, {"window_type": "blackman"}),
        ({"window_shape": "rectangular"}, {"window_type": "rectangular"}),
        ({"remove_dc": False}, {"remove_dc_offset": False}),
        ({"preemphasis": 0.0}, {"preemphasis_coefficient": 0.0}),
        ({"remove_dc": False, "preemphasis": 0.5}, {"remove_dc_offset": False, "preemphasis_coefficient": 0.5}),
        ({"lifter": None}, {"cepstral_lifter": 0.0}),
        ({"energy": "c0"}, {"use_energy": False}),
        ({"energy_floor": 1e9}, {"energy_floor": 1e9}),
        ({"num_mel_filters": 40, "num_cepstra": 40, "high_hz": 7600.0}, {
            "num_mel_bins": 40, "num_ceps": 40, "high_freq": -400.0,
        }),
        ({"window_seconds": 0.032, "step_seconds": 0.008}, {"frame_length": 32.0, "frame_shift": 8.0}),
        ({"vtln_warp": 0.9}, {"vtln_warp": 0.9}),
        ({"vtln_warp": 1.15}, {"vtln_warp": 1.15}),
        ({"vtln_warp": 1.1, "vtln_low_hz": 200.0, "vtln_high_hz": 6000.0}, {
            "vtln_warp": 1.1, "vtln_low": 200.0, "vtln_high": 6000.0,
        }),
    ],
    ids=str,
)  # fmt: skip
def test_every_setting_of_kaldi_has_the_same_effect_as_in_torchaudio(
    ours: dict[str, Any], theirs: dict[str, Any]
) -> None:
    config = replace(presets.kaldi_mfcc(), **ours)
    assert config != presets.kaldi_mfcc()
    expected = _theirs(kaldi.mfcc, _waveform(16000), "snip", **theirs)
    np.testing.assert_allclose(config.build()(_waveform(16000)), expected, atol=1e-3)


@pytest.mark.parametrize("factor", [0.8, 0.93, 1.0, 1.07, 1.2])
def test_warped_filters_are_those_of_kaldi_native_fbank(factor: float, knf: ModuleType) -> None:
    frames, filters = knf.FrameExtractionOptions(), knf.MelBanksOptions()
    filters.num_bins = 23
    theirs = knf.MelBanks(filters, frames, factor).get_matrix()
    warp = VocalTractWarp(factor=factor, low_hz=100, high_hz=7500)
    ours = fit_filters(16000, 400, 23, 20, 8000, mel_scale="kaldi", warp=warp).T
    np.testing.assert_allclose(ours[:, : theirs.shape[1]], theirs, atol=1e-4)


@pytest.mark.parametrize("num_samples", [401, 480, 560, 641])
def test_reflected_edges_of_short_waveforms_are_those_of_kaldi(num_samples: int, knf: ModuleType) -> None:
    waveform = Waveform(_waveform(16000).samples[:num_samples], 16000)
    ours = replace(presets.kaldi_mfcc(), framing="reflect").build()(waveform)
    np.testing.assert_allclose(
        ours, _native(knf.MfccOptions(), knf.OnlineMfcc, waveform, "reflect"), atol=1e-3
    )


@pytest.mark.parametrize("num_samples", [1, 30, 90, 200, 399])
def test_reflection_goes_back_and_forth_in_what_is_shorter_than_a_window(
    num_samples: int, knf: ModuleType
) -> None:
    waveform = Waveform(_waveform(16000).samples[:num_samples], 16000)
    ours = replace(presets.kaldi_mfcc(), framing="reflect").build()(waveform)
    if num_samples < 80:  # Kaldi has no frame for less than half a step
        assert len(ours) == 1 and np.isfinite(ours).all()
        return
    np.testing.assert_allclose(
        ours, _native(knf.MfccOptions(), knf.OnlineMfcc, waveform, "reflect"), atol=1e-3
    )


def test_kaldi_features_of_a_real_recording_are_those_of_torchaudio(corpora) -> None:
    waveform = read_audio(min((corpora / "speechocean/audio").rglob("*.ogg")), sample_rate=16000)
    theirs = _theirs(kaldi.mfcc, waveform, "snip")
    np.testing.assert_allclose(presets.kaldi_mfcc().build()(waveform), theirs, atol=5e-3)


# --- librosa ----------------------------------------------------------------------------------------------


@EVERY_RATE
def test_librosa_mfcc_is_that_of_librosa(rate: int) -> None:
    theirs = librosa.feature.mfcc(y=_waveform(rate).samples, sr=rate).T
    np.testing.assert_allclose(presets.librosa_mfcc(rate).build()(_waveform(rate)), theirs, atol=5e-3)


@EVERY_RATE
def test_librosa_log_mel_is_that_of_librosa(rate: int) -> None:
    mel = librosa.feature.melspectrogram(
        y=_waveform(rate).samples, sr=rate, n_fft=1024, hop_length=160, n_mels=64
    )
    ours = presets.librosa_log_mel(rate, 1024, 160, 64).build()(_waveform(rate))
    np.testing.assert_allclose(ours, librosa.power_to_db(mel).T, atol=2e-3)


@pytest.mark.parametrize("unit_area", [False, True])
@pytest.mark.parametrize("mel_scale", ["htk", "slaney"])
def test_filters_of_either_scale_and_norm_are_those_of_librosa(mel_scale: Any, unit_area: bool) -> None:
    ours = fit_filters(16000, 512, 40, 50, 7000, mel_scale=mel_scale, unit_area=unit_area).T
    norm = "slaney" if unit_area else None
    theirs = librosa.filters.mel(
        sr=16000, n_fft=512, n_mels=40, fmin=50, fmax=7000, htk=mel_scale == "htk", norm=norm
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * theirs.max())


def test_htk_mel_in_natural_logarithms_is_that_of_librosa() -> None:
    config = replace(
        presets.librosa_log_mel(16000, 512, 160, 40),
        mel_scale="htk",
        unit_area=False,
        decibels=False,
        top_db=None,
    )
    mel = librosa.feature.melspectrogram(
        y=_waveform(16000).samples, sr=16000, n_fft=512, hop_length=160, n_mels=40, htk=True, norm=None
    )
    np.testing.assert_allclose(config.build()(_waveform(16000)), np.log(mel).T, atol=2e-3)


def test_quiet_parts_are_raised_to_a_distance_below_the_loudest() -> None:
    samples = _waveform(16000).samples * np.linspace(0, 1, 20800, dtype=np.float32) ** 6
    in_db = presets.librosa_log_mel(16000)
    raised = in_db.build()(Waveform(samples, 16000))
    assert raised.min() == pytest.approx(raised.max() - 80, abs=1e-3)
    theirs = librosa.power_to_db(librosa.feature.melspectrogram(y=samples, sr=16000)).T
    np.testing.assert_allclose(raised, theirs, atol=5e-3)
    natural = replace(in_db, decibels=False).build()(Waveform(samples, 16000))
    np.testing.assert_allclose(natural, raised / 10 * np.log(10), atol=1e-3)


# --- dither -----------------------------------------------------------------------------------------------


def test_dither_is_off_in_every_preset() -> None:
    for config in (
        presets.kaldi_mfcc(),
        presets.kaldi_log_mel(),
        presets.librosa_mfcc(),
        MfccConfig(),
        LogMelConfig(),
    ):
        assert config.dither is None


def test_dither_is_the_same_in_every_call_and_another_with_another_seed() -> None:
    silence = Waveform(np.zeros(16000, np.float32), 16000)
    config = replace(presets.kaldi_log_mel(), dither=1.0)
    first, again = config.build()(silence), config.build()(silence)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - replace(config, dither_seed=1).build()(silence)).max() > 0.1


def test_dither_of_silence_is_as_loud_as_that_of_torchaudio() -> None:
    silence = Waveform(np.zeros(32000, np.float32), 16000)
    torch.manual_seed(0)
    theirs = _theirs(kaldi.fbank, silence, "snip", dither=1.0, use_energy=False)
    ours = replace(presets.kaldi_log_mel(), dither=1.0).build()(silence)
    np.testing.assert_allclose(ours.mean(axis=0), theirs.mean(axis=0), atol=0.5)


# --- deltas, splicing, sliding normalisation --------------------------------------------------------------


def _matrix(num_frames: int) -> np.ndarray:
    rng = np.random.default_rng(num_frames)
    drift = np.cumsum(rng.normal(size=(num_frames, 5)), axis=0)
    return (drift + np.array([100, -50, 0, 3, 7])).astype(np.float32)


@pytest.mark.parametrize("window", [1, 2, 4])
def test_deltas_are_those_of_torchaudio_and_librosa(window: int) -> None:
    features = _matrix(60)
    ours = deltas(features, window)
    theirs = (
        torchaudio.functional.compute_deltas(torch.from_numpy(features.T.copy()), 2 * window + 1).numpy().T
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    other = librosa.feature.delta(features, width=2 * window + 1, axis=0, mode="nearest")
    np.testing.assert_allclose(ours, other, atol=1e-4)


@pytest.mark.parametrize(("num_frames", "context"), [(40, 5), (3, 5), (1, 2), (7, 0)])
def test_splicing_is_that_of_kaldi_native_fbank(num_frames: int, context: int, knf: ModuleType) -> None:
    features = _matrix(num_frames)
    options = knf.SpliceOptions(left_context=context, right_context=context)
    ours = stack(features, StackingConfig(num_frames=2 * context + 1, step=1, left=context))
    np.testing.assert_array_equal(ours, knf.splice_frames(features, options))


@pytest.mark.parametrize("variance", [False, True])
@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize(
    ("num_frames", "window", "least"), [(500, 60, 10), (500, 61, 100), (40, 300, 100), (2, 5, 1)]
)
def test_sliding_normalisation_is_that_of_torchaudio(
    variance: bool, centred: bool, num_frames: int, window: int, least: int
) -> None:
    config = NormalizationConfig(
        scope="window", window=window, window_centred=centred, least_window=least, variance=variance
    )
    features = _matrix(num_frames)
    theirs = torchaudio.functional.sliding_window_cmn(
        torch.from_numpy(features.astype(np.float64)), window, least, centred, variance
    ).numpy()
    np.testing.assert_allclose(config.build()(features), theirs, atol=1e-4, rtol=1e-4)
