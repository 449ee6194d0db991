"""MFCC against librosa, torchaudio's Kaldi function and kaldi-native-fbank on one core; an hour of FLAC into features.

    python -m benchmarks.features [--rounds 9] [--hours 1] [--folder recordings/]

Each peer is compared under its own settings (`seqlabel.features.presets`), so that both compute the same numbers, which
is checked; librosa's with the frames and filters of the others, and with its own defaults (2048 points, 128 filters).
Utterances are made up, 2 to 15 seconds each. All take turns in one process with one thread; what is told is the
processor time, whose medians and ratios a busy machine disturbs less than time on the clock. Then an hour of utterances
in FLAC is decoded and becomes features in two processes, on the clock, the fastest of three. `--folder` takes the files
below a folder instead of made-up utterances for it.
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import kaldi_native_fbank
import librosa
import numpy as np
import torch
import torchaudio
from msgspec.structs import replace

from seqlabel.features import LogMel, LogMelConfig, Mfcc, MfccConfig, presets
from seqlabel.features.batched import BatchedFeature
from seqlabel.formats import AUDIO_SUFFIXES, read_audio
from seqlabel.records import Waveform

RATE = 16000
NUM_UTTERANCES = 24
GOALS = {
    "librosa": 3.0,
    "librosa's defaults": 3.0,
    "torchaudio.compliance.kaldi": 1.5,
    "kaldi-native-fbank": 0.8,
}
GOAL_SECONDS_AN_HOUR = 10.0
Job = Callable[[], list[np.ndarray]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--hours", type=float, default=1.0, help="of FLAC (default: 1)")
    parser.add_argument("--folder", type=Path, help="recordings to read in place of made-up FLAC")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    waveforms = [utterance(rng) for _ in range(NUM_UTTERANCES)]
    seconds = sum(len(waveform.samples) for waveform in waveforms) / RATE
    print(
        f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}, torchaudio "
        f"{version('torchaudio')}, librosa {version('librosa')}, kaldi-native-fbank {version('kaldi-native-fbank')}"
    )
    print(
        f"{len(waveforms)} utterances, {seconds:.0f} s of {RATE} Hz, 40 filters, 13 cepstra; one thread, medians of "
        f"{arguments.rounds} alternating rounds, processor time"
    )
    compare(waveforms, arguments.rounds)
    hours_of_files(arguments.hours, arguments.folder, rng)


def utterance(rng: np.random.Generator) -> Waveform:
    """Returns 2 to 15 seconds of harmonics and noise, as loud as syllables make them."""
    at = np.arange(int(RATE * rng.uniform(2, 15))) / RATE
    phase = 2 * np.pi * np.cumsum(rng.uniform(90, 220) * (1 + 0.2 * np.sin(3 * at))) / RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 25))
    loudness = np.clip(np.sin(2 * np.pi * rng.uniform(2, 5) * at + rng.uniform(0, 6)), 0, 1)
    samples = 0.1 * voice * loudness + rng.normal(0, 0.004, len(at)) * (1 + 5 * loudness)
    return Waveform(samples.astype(np.float32), RATE)


# --- one core ---------------------------------------------------------------------------------------------


def compare(waveforms: Sequence[Waveform], num_rounds: int) -> None:
    """Prints a table of the time that a frame takes, ours beside each peer's."""
    kaldi = replace(presets.kaldi_mfcc(RATE), num_mel_filters=40)
    rosa = replace(presets.librosa_mfcc(RATE, 512, 160, 13), num_mel_filters=40)
    jobs: dict[str, tuple[Job, Job, Job]] = {
        "librosa": (
            partial(of_librosa, waveforms, n_mfcc=13, n_mels=40, n_fft=512, hop_length=160),
            *ours(rosa, waveforms),
        ),
        "librosa's defaults": (
            partial(of_librosa, waveforms, n_mfcc=20),
            *ours(presets.librosa_mfcc(RATE), waveforms),
        ),
        "torchaudio.compliance.kaldi": (partial(of_torchaudio, waveforms), *ours(kaldi, waveforms)),
        "kaldi-native-fbank": (partial(of_kaldi_native_fbank, waveforms), *ours(kaldi, waveforms)),
    }
    print(
        f"{'us a frame':29s}{'peer':>8s}{'ours':>8s}{'batch':>8s}   ratio  of a batch  goal   largest difference"
    )
    for name, three in jobs.items():
        results = [job() for job in three]  # warm, and the same numbers
        differences = [np.abs(theirs - mine).max() for theirs, mine in zip(*results[:2], strict=True)]
        num_frames = sum(map(len, results[0]))
        seconds: list[list[float]] = [[], [], []]
        for _ in range(num_rounds):
            for job, taken in zip(three, seconds, strict=True):
                start = time.process_time()
                job()
                taken.append(time.process_time() - start)
        peer, mine, batch = (1e6 * statistics.median(taken) / num_frames for taken in seconds)
        print(
            f"{name:29s}{peer:8.2f}{mine:8.2f}{batch:8.2f}{peer / mine:8.2f}{peer / batch:12.2f}{GOALS[name]:6.1f}"
            f"{max(differences):21.1e}"
        )


def ours(config: MfccConfig, waveforms: Sequence[Waveform]) -> tuple[Job, Job]:
    """Returns what computes our features one waveform after the other, and of all of them as a padded batch."""
    feature = config.build()
    batched = BatchedFeature(feature)
    samples = torch.zeros(len(waveforms), max(len(waveform.samples) for waveform in waveforms))
    for row, waveform in zip(samples, waveforms, strict=True):
        row[: len(waveform.samples)] = torch.from_numpy(waveform.samples)
    lengths = torch.tensor([len(waveform.samples) for waveform in waveforms])

    def all_at_once() -> list[np.ndarray]:
        frames, num_frames = batched(samples, lengths)
        return [part[:count].numpy() for part, count in zip(frames, num_frames, strict=True)]

    return lambda: [feature(waveform) for waveform in waveforms], all_at_once


def of_librosa(waveforms: Sequence[Waveform], **settings: Any) -> list[np.ndarray]:
    return [librosa.feature.mfcc(y=waveform.samples, sr=RATE, **settings).T for waveform in waveforms]


def of_torchaudio(waveforms: Sequence[Waveform]) -> list[np.ndarray]:
    found = []
    for waveform in waveforms:
        samples = torch.from_numpy(waveform.samples)[None] * 32768
        cepstra = torchaudio.compliance.kaldi.mfcc(
            samples, num_mel_bins=40, use_energy=True, energy_floor=0.0
        )
        found.append(cepstra.numpy())
    return found


def of_kaldi_native_fbank(waveforms: Sequence[Waveform]) -> list[np.ndarray]:
    options = kaldi_native_fbank.MfccOptions()
    options.frame_opts.dither = 0
    options.mel_opts.num_bins = 40
    found = []
    for waveform in waveforms:
        online = kaldi_native_fbank.OnlineMfcc(options)
        online.accept_waveform(RATE, waveform.samples * 32768)
        online.input_finished()
        found.append(np.stack([online.get_frame(index) for index in range(online.num_frames_ready)]))
    return found


# --- files ------------------------------------------------------------------------------------------------


def hours_of_files(hours: float, folder: Path | None, rng: np.random.Generator) -> None:
    """Prints how long it takes to decode FLAC and to compute features on two cores."""
    with tempfile.TemporaryDirectory() as made:
        paths = made_up_files(Path(made), hours, rng) if folder is None else files_below(folder)
        seconds_of_audio = sum(seconds_of(path) for path in paths)
        for name, config in (
            ("MFCC with deltas", MfccConfig()),
            ("80 log-mel", LogMelConfig()),
            ("Kaldi's 80 log-mel", presets.kaldi_log_mel(RATE, 80)),
        ):
            taken = min(on_two_cores(partial(features_of, config), paths) for _ in range(3))
            an_hour = 3600 * taken / seconds_of_audio
            print(
                f"{name}: {seconds_of_audio / 3600:.2f} hours in {len(paths)} files decoded and computed in "
                f"{taken:.2f} s by two processes, {an_hour:.2f} s an hour, goal {GOAL_SECONDS_AN_HOUR:.0f}"
            )


def made_up_files(folder: Path, hours: float, rng: np.random.Generator) -> list[Path]:
    """Writes utterances of 2 to 15 seconds as 16-bit FLAC files."""
    import soundfile

    paths: list[Path] = []
    seconds = 0.0
    while seconds < 3600 * hours:
        waveform = utterance(rng)
        seconds += len(waveform.samples) / RATE
        paths.append(folder / f"{len(paths)}.flac")
        soundfile.write(paths[-1], waveform.samples, RATE, subtype="PCM_16")
    return paths


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)


def seconds_of(path: Path) -> float:
    waveform = read_audio(path, sample_rate=None)
    return len(waveform.samples) / waveform.sample_rate


def on_two_cores(work: Callable[[Sequence[Path]], int], paths: Sequence[Path]) -> float:
    """Returns the seconds that two processes need that have been started and have loaded what they need."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(work, [paths[:1]] * 8))  # starts and warms both
        start = time.perf_counter()
        sum(pool.map(work, [paths[index : index + 16] for index in range(0, len(paths), 16)]))
        return time.perf_counter() - start


@cache
def built(config: MfccConfig | LogMelConfig) -> Mfcc | LogMel:
    return config.build()


def features_of(config: MfccConfig | LogMelConfig, paths: Sequence[Path]) -> int:
    """Returns how many frames there are in the files, all of them computed."""
    torch.set_num_threads(1)
    feature = built(config)
    return sum(len(feature(read_audio(path, sample_rate=RATE))) for path in paths)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
