"""Free Spoken Digit Dataset: isolated English digits by 6 speakers, 8 kHz wav. CC BY-SA 4.0.

    python -m data_prep.fsdd [SOURCE] OUT

The tree on disk:

    fsdd/
      recordings/7_jackson_32.wav        {digit}_{speaker}_{index}.wav

Writes below OUT:

- single_train, single_dev, single_test: the recordings one by one, referenced where they lie;
- train, dev, test: connected strings of 3 to 7 digits by one speaker, 16-bit wav at 8 kHz. The recordings
  follow each other after a pause of 0 to 0.25 s filled with noise as loud as the quietest tenth of the
  quietest recording, at least 20 dB below the string. The text is the words: "seven two two";
- without_{speaker}_train, without_{speaker}_dev, only_{speaker}_train, only_{speaker}_dev, only_{speaker}_test: the
  strings of all speakers but one, and those of the one, for models that have never heard their speaker;
- train.ctm, dev.ctm, test.ctm: where each word of the strings begins and how long it is, in NIST's form. The
  recordings are cut closely, so that these are the borders of what was said.

The official split: index 0-4 is test, the rest train; of the train recordings index 5-9 is taken out for dev.
A string is made of recordings of its own split only, each used about equally often. The seed is fixed.
"""

import itertools
import re
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_prep.corpus_source import Prepared, Published, find_root, run
from seqlabel.errors import ManifestError
from seqlabel.formats import WRITERS, TimedReading, TimedText, read_audio, write_wav
from seqlabel.records import Example, Waveform
from seqlabel.whole_files import write_whole

PUBLISHED = Published(
    name="fsdd",
    page="https://github.com/Jakobovski/free-spoken-digit-dataset",
    address="https://github.com/Jakobovski/free-spoken-digit-dataset/archive/v1.0.10.zip",
    num_signals=3000,
)
SEED = 2016
SAMPLE_RATE = 8000
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NUM_STRINGS = {"train": 3000, "dev": 300, "test": 300}
MIN_DIGITS, MAX_DIGITS = 3, 7
MAX_PAUSE_SECONDS = 0.25
NOISE_WINDOW_SECONDS = 0.01
LOUDEST_NOISE = 0.1  # of the loudness of the string: 20 dB below
FAINTEST_NOISE = 1e-4  # of full scale: digital silence is something no microphone gives


@dataclass(frozen=True)
class Recording:
    """One spoken digit and where it lies."""

    path: Path
    digit: int
    speaker: str
    index: int
    samples: np.ndarray


def prepare(source: Path, out: Path, num_strings: Mapping[str, int] = NUM_STRINGS) -> Prepared:
    """Returns the splits after the strings stand in `out/strings`, `num_strings` of each split."""
    root = find_root(source, "recordings", "recordings/{digit}_{speaker}_{index}.wav")
    prepared = Prepared(unit="examples", group_unit="speakers")
    parts: dict[str, list[Recording]] = {"train": [], "dev": [], "test": []}
    for recording in _read_recordings(root / "recordings", prepared):
        parts[split_of(recording.index)].append(recording)
    for split, recordings in parts.items():
        if not recordings:
            raise ManifestError(f"{root / 'recordings'}: no recording whose index belongs to {split}.")
        prepared.splits[f"single_{split}"] = [
            Example(id=one.path.stem, source=one.path, text=WORDS[one.digit], group=one.speaker)
            for one in recordings
        ]
        prepared.seconds[f"single_{split}"] = sum(len(one.samples) for one in recordings) / SAMPLE_RATE
    for split, recordings in parts.items():
        prepared.splits[split], prepared.seconds[split] = _write_strings(
            recordings, split, num_strings[split], out
        )
    speakers = sorted({one.speaker for one in parts["train"]})
    for speaker in speakers if len(speakers) > 1 else ():
        for split in ("train", "dev"):
            others = [example for example in prepared.splits[split] if example.group != speaker]
            prepared.splits[f"without_{speaker}_{split}"] = others
        for split in ("train", "dev", "test"):
            own = [example for example in prepared.splits[split] if example.group == speaker]
            prepared.splits[f"only_{speaker}_{split}"] = own
    return prepared


def split_of(index: int) -> str:
    """Returns the split of a recording by its index (0-4 and 5-49 are the corpus's own test and train)."""
    if index < 5:
        return "test"
    return "dev" if index < 10 else "train"


def join(recordings: list[np.ndarray], rng: np.random.Generator) -> tuple[np.ndarray, list[int]]:
    """Returns the recordings one after the other with noisy pauses of random length, and where each begins."""
    loudness = float(np.sqrt(np.concatenate(recordings).astype(np.float64).var()))
    quietest = min(noise_level(samples) for samples in recordings)
    # Recordings are cut so close that some have no quiet part: what is quietest there may still be speech.
    level = max(FAINTEST_NOISE, min(quietest, loudness * LOUDEST_NOISE))
    pieces = [recordings[0]]
    starts = [0]
    for before, samples in itertools.pairwise(recordings):
        pause = int(rng.integers(0, int(MAX_PAUSE_SECONDS * SAMPLE_RATE) + 1))
        pieces += [rng.normal(0.0, level, pause), samples]
        starts.append(starts[-1] + len(before) + pause)
    return np.concatenate(pieces).clip(-1.0, 1.0).astype(np.float32), starts


def noise_level(samples: np.ndarray) -> float:
    """Returns the level (RMS) of the quietest tenth of the 10 ms windows; 0.0 for less than one window."""
    window = int(NOISE_WINDOW_SECONDS * SAMPLE_RATE)
    windows = samples[: len(samples) // window * window].astype(np.float64).reshape(-1, window)
    return float(np.quantile(np.sqrt((windows**2).mean(axis=1)), 0.1)) if len(windows) else 0.0


def _read_recordings(folder: Path, prepared: Prepared) -> list[Recording]:
    recordings = []
    for path in sorted(folder.glob("*.wav")):
        match = re.fullmatch(r"([0-9])_([^_]+)_([0-9]+)", path.stem)
        if match is None:
            prepared.leave_out("not named {digit}_{speaker}_{index}.wav", path.name)
            continue
        samples = read_audio(path, sample_rate=SAMPLE_RATE).samples
        recordings.append(Recording(path, int(match[1]), match[2], int(match[3]), samples))
    if not recordings:
        raise ManifestError(f"{folder}: no wav file named {{digit}}_{{speaker}}_{{index}}.wav in it.")
    return sorted(recordings, key=lambda one: (one.speaker, one.digit, one.index))


def _write_strings(
    recordings: list[Recording], split: str, num_strings: int, out: Path
) -> tuple[list[Example], float]:
    by_speaker: dict[str, list[Recording]] = defaultdict(list)
    for recording in recordings:
        by_speaker[recording.speaker].append(recording)
    examples = []
    times: list[str] = []
    ctm = WRITERS["ctm"][1]
    num_samples = 0
    for speaker, own in sorted(by_speaker.items()):
        # A seed for each speaker and split: another speaker more changes nobody else's strings.
        rng = np.random.default_rng([SEED, *f"{split} {speaker}".encode()])
        waiting: list[Recording] = []
        for number in range(num_strings // len(by_speaker)):
            length = int(rng.integers(MIN_DIGITS, MAX_DIGITS + 1))
            while (
                len(waiting) < length
            ):  # the whole stock, shuffled, again and again: all are used equally often
                waiting += [own[place] for place in rng.permutation(len(own))]
            chosen, waiting = waiting[:length], waiting[length:]
            example_id = f"{split}-{speaker}-{number:04d}"
            target = out / "strings" / split / speaker / f"{example_id}.wav"
            target.parent.mkdir(parents=True, exist_ok=True)
            samples, starts = join([one.samples for one in chosen], rng)
            words = [
                TimedText(WORDS[one.digit], start / SAMPLE_RATE, (start + len(one.samples)) / SAMPLE_RATE)
                for one, start in zip(chosen, starts, strict=True)
            ]
            times += ctm(TimedReading(example_id, len(samples) / SAMPLE_RATE, tuple(words), ()))
            write_wav(target, Waveform(samples, SAMPLE_RATE))
            num_samples += len(samples)
            text = " ".join(WORDS[one.digit] for one in chosen)
            examples.append(Example(id=example_id, source=target, text=text, group=speaker))
    write_whole(out / f"{split}.ctm", "".join(f"{line}\n" for line in times).encode())
    return examples, num_samples / SAMPLE_RATE


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())
