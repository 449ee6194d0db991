"""CMU Census (AN4): read alphanumerics and commands, one speaker an utterance, 16 kHz. Free for any use.

    python -m data_prep.an4 [SOURCE] OUT [--narrow]

The tree on disk, as Sphinx cepstra or as audio (`an4_sphere.tar.gz`, `an4_raw.bigendian.tar.gz`):

    an4/
      etc/an4_train.fileids          an4_clstk/fash/an251-fash-b
      etc/an4_train.transcription    <s> YES </s> (an251-fash-b)       <s> </s> in some versions only
      etc/an4_test.fileids, etc/an4_test.transcription
      feat/an4_clstk/fash/an251-fash-b.mfc                  13 cepstra, 100 frames a second
      feat/an4test_clstk/...
      or wav/an4_clstk/fash/an251-fash-b.sph                or .wav, or .raw: 16 bits, big-endian, no header

Writes train, dev and test, referencing the signals where they lie: test is the published one (130 utterances,
10 speakers); dev are the 8 train speakers with the smallest MD5 of their names, about 100 utterances; train
is the rest. `mdcs` and `mdcs2` may be one person in two sessions, so the final digit is left out of the name
that is hashed, and the two go together. Without SOURCE the audio is fetched, not the cepstra. Bare samples (of
`an4_raw.bigendian.tar.gz`) are not told their rate by any header, so they are written as wav below OUT. With --narrow
the cepstra are written as OUT/narrow/an251-fash-b.npy, as a recording of 8 kHz would have given them (10 cepstra of
the filters below 3684 Hz), so that they train a network together with such recordings (recipes/fsdd/voices.py).
"""

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from data_prep.corpus_source import Flags, Prepared, Published, find_root, ranked_by_hash, read_lines, run
from seqlabel.errors import ManifestError
from seqlabel.features.mel import orthonormal_dct
from seqlabel.formats import read_audio, read_matrix, write_npy, write_wav
from seqlabel.records import Example, Matrix, Waveform

PUBLISHED = Published(
    name="an4",
    page="http://www.speech.cs.cmu.edu/databases/an4/",
    address="http://www.speech.cs.cmu.edu/databases/an4/an4_sphere.tar.gz",
    num_signals=1078,
)
NUM_DEV_SPEAKERS = 8
FRAMES_PER_SECOND = 100
RAW_SAMPLE_RATE = 16000
NUM_FILTERS, NUM_CEPSTRA = 40, 13
NUM_NARROW_FILTERS, NUM_NARROW_CEPSTRA = 30, 10
FLAGS: Flags = {"--narrow": {"action": "store_true", "help": "write the cepstra as of 8 kHz"}}


def prepare(source: Path, out: Path, *, narrow: bool = False) -> Prepared:
    """Returns the splits; `source` is the folder above `etc`, or holds it; `narrow` makes cepstra `narrowed`."""
    root = find_root(
        source, "etc/an4_train.fileids", "the AN4 tree: etc/ with an4_{train,test}.fileids, and feat/ or wav/"
    )
    prepared = Prepared(unit="utterances", group_unit="speakers")
    train = _read_split(root, "train", out, prepared)
    speakers = ranked_by_hash(_person(example.group) for example, _ in train)
    dev_speakers = set(speakers[: min(NUM_DEV_SPEAKERS, len(speakers) // 2)])
    parts = {
        "train": [pair for pair in train if _person(pair[0].group) not in dev_speakers],
        "dev": [pair for pair in train if _person(pair[0].group) in dev_speakers],
        "test": _read_split(root, "test", out, prepared),
    }
    for name, pairs in parts.items():
        prepared.splits[name] = [
            _narrowed_example(example, out) if narrow else example for example, _ in pairs
        ]
        prepared.seconds[name] = sum(seconds for _, seconds in pairs)
    return prepared


def clean_transcript(line: str) -> tuple[str, str | None]:
    """Returns the words without the sentence marks, and the file id in the final parentheses.

    >>> clean_transcript("<s> ERASE C Q </s> (an407-fcaw-b)")
    ('ERASE C Q', 'an407-fcaw-b')
    """
    match = re.fullmatch(r"(.*?)\s*(?:\(([^()\s]+)\))?\s*", line)
    if match is None:  # cannot happen on a single line, but the type checker does not know
        return line, None
    words = [word for word in match[1].split() if word not in ("<s>", "</s>", "<sil>")]
    return " ".join(words), match[2]


def narrowed(cepstra: Float32[np.ndarray, "T 13"]) -> Float32[np.ndarray, "T 10"]:
    """Returns the cepstra of the 30 lowest of Sphinx's 40 filters, 130 to 3684 Hz, which 8 kHz have room for.

    13 cepstra determine a smooth log mel spectrum (the shortest one that has them), of which 30 values are transformed
    again, as `MfccConfig(num_mel_filters=30, low_hz=130, high_hz=3684, num_cepstra=10, energy="c0")` does it.
    """
    # Sphinx's own transform: a mean over the filters, in which the first counts half.
    places = np.arange(NUM_FILTERS) + 0.5
    transform = np.cos(np.pi / NUM_FILTERS * np.outer(places, np.arange(NUM_CEPSTRA))) / NUM_FILTERS
    transform[0] /= 2
    log_mel = cepstra @ np.linalg.pinv(transform)[:, :NUM_NARROW_FILTERS].astype(np.float32)
    found: np.ndarray = log_mel @ orthonormal_dct(NUM_NARROW_FILTERS, NUM_NARROW_CEPSTRA)
    return found


def _narrowed_example(example: Example, out: Path) -> Example:
    if example.source.suffix != ".mfc":
        return example
    target = out / "narrow" / f"{example.id}.npy"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_npy(target, Matrix(narrowed(read_matrix(example.source).values)))
    return replace(example, source=target)


def _person(speaker: str | None) -> str:
    return (speaker or "").rstrip("0123456789")


def _read_split(root: Path, split: str, out: Path, prepared: Prepared) -> list[tuple[Example, float]]:
    ids_path = root / "etc" / f"an4_{split}.fileids"
    texts_path = root / "etc" / f"an4_{split}.transcription"
    file_ids = [line.strip() for line in read_lines(ids_path) if line.strip()]
    transcripts = [line for line in read_lines(texts_path) if line.strip()]
    if len(file_ids) != len(transcripts):
        raise ManifestError(
            f"{texts_path}: {len(transcripts)} transcripts for the {len(file_ids)} files of {ids_path.name}. "
            "The two must go line by line."
        )
    pairs = []
    for line_number, (file_id, transcript) in enumerate(zip(file_ids, transcripts, strict=True), start=1):
        text, utterance = clean_transcript(transcript)
        name = file_id.rsplit("/", 1)[-1]
        if utterance is not None and utterance != name:
            raise ManifestError(
                f"{texts_path}:{line_number}: is of {utterance}, but {ids_path.name} has {name} there."
            )
        signal, seconds = _find_signal(root, file_id, out)
        if not text:
            prepared.leave_out("no words in the transcript", name)
            continue
        pairs.append((Example(id=name, source=signal, text=text, group=Path(file_id).parent.name), seconds))
    return pairs


def _find_signal(root: Path, file_id: str, out: Path) -> tuple[Path, float]:
    """Returns the file and its length in seconds; it is read, so a damaged one is found here."""
    cepstra = root / "feat" / f"{file_id}.mfc"
    if cepstra.is_file():
        return cepstra, len(read_matrix(cepstra).values) / FRAMES_PER_SECOND
    for suffix in (".wav", ".sph"):
        audio = root / "wav" / f"{file_id}{suffix}"
        if audio.is_file():
            waveform = read_audio(audio, sample_rate=None)
            return audio, len(waveform.samples) / waveform.sample_rate
    raw = root / "wav" / f"{file_id}.raw"
    if raw.is_file():
        return _unpack_raw(raw, out / "wav" / f"{file_id}.wav")
    raise ManifestError(
        f"{cepstra}: missing, and there is no {file_id}.wav, .sph or .raw below {root / 'wav'} either."
    )


def _unpack_raw(path: Path, target: Path) -> tuple[Path, float]:
    data = path.read_bytes()
    if not data or len(data) % 2:
        raise ManifestError(
            f"{path}: {len(data)} bytes; expected samples of 2 bytes. Is the corpus complete?"
        )
    samples = np.frombuffer(data, ">i2").astype(np.float32) / 32768
    target.parent.mkdir(parents=True, exist_ok=True)
    write_wav(target, Waveform(samples, RAW_SAMPLE_RATE))
    return target, len(samples) / RAW_SAMPLE_RATE


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments, flags=FLAGS)


if __name__ == "__main__":
    sys.exit(main())
