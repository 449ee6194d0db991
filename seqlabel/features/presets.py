"""Settings under which our features equal those of Kaldi and of librosa; `msgspec.structs.replace` changes them.

How equal they are, the tables in docs/speech_features.md say; `benchmarks/feature_agreement.py` prints them.
"""

from seqlabel.features.log_mel import LogMelConfig
from seqlabel.features.mfcc import MfccConfig

_FLOAT_EPSILON = 2.0**-23
"""Kaldi's least energy, on samples of up to 32768."""


def kaldi_mfcc(sample_rate: int = 16000) -> MfccConfig:
    """Kaldi's `compute-mfcc-feats` with its own defaults and no dither: 23 filters, 13 cepstra, lifter 22, log energy.

    Kaldi's `conf/mfcc_hires.conf` is this with num_mel_filters=40, num_cepstra=40, high_hz=7600 (16 kHz) and
    energy="c0".
    """
    return MfccConfig(
        sample_rate=sample_rate,
        num_mel_filters=23,
        low_hz=20.0,
        num_deltas=0,
        lifter=22,
        truncated_lengths=True,
        window_shape="povey",
        periodic_window=False,
        remove_dc=True,
        preemphasis_per_frame=True,
        mel_scale="kaldi",
        sample_scale=32768.0,
        energy_floor=_FLOAT_EPSILON,
        mel_floor=_FLOAT_EPSILON,
    )


def kaldi_log_mel(sample_rate: int = 16000, num_mel_filters: int = 23) -> LogMelConfig:
    """Kaldi's `compute-fbank-feats` with its own defaults and no dither; most recipes of today take 80 filters."""
    return LogMelConfig(
        sample_rate=sample_rate,
        num_mel_filters=num_mel_filters,
        low_hz=20.0,
        truncated_lengths=True,
        window_shape="povey",
        periodic_window=False,
        remove_dc=True,
        preemphasis_per_frame=True,
        mel_scale="kaldi",
        sample_scale=32768.0,
        energy_floor=_FLOAT_EPSILON,
        mel_floor=_FLOAT_EPSILON,
    )


def librosa_mfcc(
    sample_rate: int = 22050, fft_size: int = 2048, step: int = 512, num_cepstra: int = 20
) -> MfccConfig:
    """`librosa.feature.mfcc(y=y, sr=sample_rate, n_mfcc=num_cepstra, n_fft=fft_size, hop_length=step)`, transposed."""
    return MfccConfig(
        sample_rate=sample_rate,
        window_seconds=fft_size / sample_rate,
        step_seconds=step / sample_rate,
        num_mel_filters=128,
        num_cepstra=num_cepstra,
        energy="c0",
        num_deltas=0,
        preemphasis=0.0,
        framing="centre",
        window_shape="hann",
        mel_scale="slaney",
        unit_area=True,
        fft_size=fft_size,
        mel_floor=1e-10,
        decibels=True,
        top_db=80.0,
    )


def librosa_log_mel(
    sample_rate: int = 22050, fft_size: int = 2048, step: int = 512, num_mel_filters: int = 128
) -> LogMelConfig:
    """`librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=sample_rate, n_fft=fft_size, ...))`, transposed."""
    return LogMelConfig(
        sample_rate=sample_rate,
        window_seconds=fft_size / sample_rate,
        step_seconds=step / sample_rate,
        num_mel_filters=num_mel_filters,
        preemphasis=0.0,
        framing="centre",
        window_shape="hann",
        mel_scale="slaney",
        unit_area=True,
        fft_size=fft_size,
        mel_floor=1e-10,
        decibels=True,
        top_db=80.0,
    )
