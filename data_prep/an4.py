"""CMU Census (AN4): read alphanumerics and commands, one speaker an utterance, 16 kHz. Free for any use.

    python -m data_prep.an4 [SOURCE] OUT

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
`an4_raw.bigendian.tar.gz`) are not told their rate by any header, so they are written as wav below OUT.
"""

import re
import sys
from pathlib import Path

import numpy as np

from data_prep.corpus_source import Prepared, Published, find_root, ranked_by_hash, read_lines, run
from seqlabel.errors import ManifestError
from seqlabel.formats import read_audio, read_matrix, write_wav
from seqlabel.records import Example, Waveform

PUBLISHED = Published(
    name="an4",
    page="http://www.speech.cs.cmu.edu/databases/an4/",
    address="http://www.speech.cs.cmu.edu/databases/an4/an4_sphere.tar.gz",
    num_signals=1078,
)
NUM_DEV_SPEAKERS = 8
FRAMES_PER_SECOND = 100
RAW_SAMPLE_RATE = 16000


def prepare(source: Path, out: Path) -> Prepared:
    """Returns the splits; `source` is the folder above `etc`, or holds it."""
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
        prepared.splits[name] = [example for example, _ in pairs]
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
    return run(prepare, PUBLISHED, __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())
