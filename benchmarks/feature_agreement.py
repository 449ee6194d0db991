"""How far our features are from those of librosa, torchaudio's Kaldi functions and kaldi-native-fbank, as a table.

    python -m benchmarks.feature_agreement [--folder recordings/]

At each sample rate a made-up utterance, or the first three recordings below a folder, are given to us and to the peer
with the same settings. The table has the largest and the mean absolute difference of all values; the last two columns
have those between torchaudio and kaldi-native-fbank, which both follow Kaldi.
"""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import kaldi_native_fbank
import librosa
import numpy as np
import torch
import torchaudio
from msgspec.structs import replace

from benchmarks.features import files_below, utterance
from seqlabel.features import presets
from seqlabel.features.deltas import deltas
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.formats import read_audio
from seqlabel.records import Waveform

RATES = (8000, 11025, 16000, 44100)
Compute = Callable[[Waveform], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, help="recordings in place of a made-up utterance")
    arguments = parser.parse_args()
    paths = files_below(arguments.folder)[:3] if arguments.folder else []
    print("| features | peer | rate | largest | mean | torchaudio to native, largest | mean |")
    print("|---|---|---|---|---|---|---|")
    for rate in RATES:
        waveforms = [read_audio(path, sample_rate=rate) for path in paths] or [made_up(rate)]
        for name, framing in (("MFCC", "snip"), ("MFCC, reflected edges", "reflect")):
            ours = replace(presets.kaldi_mfcc(rate), framing=framing).build()
            of_torch = partial(of_torchaudio, torchaudio.compliance.kaldi.mfcc, framing)
            of_native = partial(of_kaldi_native, kaldi_native_fbank.OnlineMfcc, framing)
            of_kaldi(f"Kaldi {name}", rate, waveforms, ours, of_torch, of_native)
        log_mel = presets.kaldi_log_mel(rate, 40).build()
        of_torch = partial(of_torchaudio, torchaudio.compliance.kaldi.fbank, "snip")
        of_native = partial(of_kaldi_native, kaldi_native_fbank.OnlineFbank, "snip")
        of_kaldi("Kaldi log-mel, 40", rate, waveforms, log_mel, of_torch, of_native)
        row("librosa MFCC", "librosa", rate, waveforms, presets.librosa_mfcc(rate).build(), rosa_mfcc)
        row(
            "librosa log-mel, dB", "librosa", rate, waveforms, presets.librosa_log_mel(rate).build(), rosa_mel
        )
    others(waveforms)


def made_up(rate: int) -> Waveform:
    """Returns an utterance whose spectrum goes up to half the rate, unlike that of a resampled one."""
    return Waveform(utterance(np.random.default_rng(3)).samples, rate)


def of_kaldi(
    name: str, rate: int, waveforms: Sequence[Waveform], ours: Compute, of_torch: Compute, of_native: Compute
) -> None:
    """Prints two rows, ours against both followers of Kaldi."""
    apart = "{:.1e} | {:.1e}".format(*differences(waveforms, of_torch, of_native))
    row(name, "torchaudio", rate, waveforms, ours, of_torch, apart)
    row(name, "kaldi-native-fbank", rate, waveforms, ours, of_native, apart)


def row(
    name: str,
    peer: str,
    rate: int,
    waveforms: Sequence[Waveform],
    ours: Compute,
    theirs: Compute,
    apart: str = " | ",
) -> None:
    """Prints one row."""
    largest, mean = differences(waveforms, ours, theirs)
    print(f"| {name} | {peer} | {rate} | {largest:.1e} | {mean:.1e} | {apart} |")


def differences(waveforms: Sequence[Waveform], first: Compute, second: Compute) -> tuple[float, float]:
    """Returns the largest and the mean absolute difference."""
    apart = [np.abs(first(waveform) - second(waveform)) for waveform in waveforms]
    return max(float(part.max()) for part in apart), float(np.mean(np.concatenate(apart)))


def of_torchaudio(function: Any, framing: str, waveform: Waveform) -> np.ndarray:
    is_mfcc = function is torchaudio.compliance.kaldi.mfcc
    found: np.ndarray = function(
        torch.from_numpy(waveform.samples)[None] * 32768,
        sample_frequency=waveform.sample_rate,
        snip_edges=framing == "snip",
        energy_floor=0.0,
        use_energy=is_mfcc,
        num_mel_bins=23 if is_mfcc else 40,
    ).numpy()
    return found


def of_kaldi_native(extractor: Any, framing: str, waveform: Waveform) -> np.ndarray:
    is_mfcc = extractor is kaldi_native_fbank.OnlineMfcc
    options = kaldi_native_fbank.MfccOptions() if is_mfcc else kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.samp_freq = waveform.sample_rate
    options.frame_opts.snip_edges = framing == "snip"
    options.mel_opts.num_bins = 23 if is_mfcc else 40
    online = extractor(options)
    online.accept_waveform(waveform.sample_rate, waveform.samples * 32768)
    online.input_finished()
    return np.stack([online.get_frame(index) for index in range(online.num_frames_ready)])


def rosa_mfcc(waveform: Waveform) -> np.ndarray:
    found: np.ndarray = librosa.feature.mfcc(y=waveform.samples, sr=waveform.sample_rate).T
    return found


def rosa_mel(waveform: Waveform) -> np.ndarray:
    mel = librosa.feature.melspectrogram(y=waveform.samples, sr=waveform.sample_rate)
    found: np.ndarray = librosa.power_to_db(mel).T
    return found


def others(waveforms: Sequence[Waveform]) -> None:
    """Prints the rows of what is computed out of cepstra: deltas and sliding normalisation."""
    rate = waveforms[0].sample_rate
    cepstra = presets.kaldi_mfcc(rate).build()
    sliding = NormalizationConfig(scope="window", window=300).build()
    functional = torchaudio.functional

    def torch_deltas(waveform: Waveform) -> np.ndarray:
        found: np.ndarray = (
            functional.compute_deltas(torch.from_numpy(cepstra(waveform).T.copy()), 5).numpy().T
        )
        return found

    def rosa_deltas(waveform: Waveform) -> np.ndarray:
        found: np.ndarray = librosa.feature.delta(cepstra(waveform), width=5, axis=0, mode="nearest")
        return found

    def torch_sliding(waveform: Waveform) -> np.ndarray:
        exact = torch.from_numpy(cepstra(waveform)).double()
        found: np.ndarray = functional.sliding_window_cmn(exact, 300, center=True, norm_vars=True).numpy()
        return found

    row("deltas of MFCC", "torchaudio", rate, waveforms, lambda one: deltas(cepstra(one)), torch_deltas)
    row("deltas of MFCC", "librosa", rate, waveforms, lambda one: deltas(cepstra(one)), rosa_deltas)
    row(
        "sliding normalisation",
        "torchaudio",
        rate,
        waveforms,
        lambda one: sliding(cepstra(one)),
        torch_sliding,
    )


if __name__ == "__main__":
    main()
