"""speechocean762: English sentences read by Mandarin speakers, 16 kHz. Free for commercial and other use.

    python -m data_prep.speechocean [SOURCE] OUT

The tree on disk, either the adults as Ogg Opus with one table:

    speechocean/
      utterances.tsv                  id <tab> speaker <tab> split <tab> text, with this heading
      audio/0036/000360013.ogg

or as published (OpenSLR 101), two Kaldi data folders:

    speechocean762/
      train/{wav.scp,text,utt2spk,spk2age}, test/...
      WAVE/SPEAKER0036/000360013.WAV

Writes train, dev and test: test is the published one; dev are the 8 train speakers with the smallest MD5 of
their names; train is the rest. Only adults (16 and over), as in the table: the published tree holds as many
children, who are counted and left out. Texts are put in upper case, which a few letters of them are not.
Audio is referenced where it lies.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from data_prep.corpus_source import Prepared, Published, find_root, ranked_by_hash, read_lines, run
from seqlabel.errors import ManifestError
from seqlabel.formats import read_audio
from seqlabel.records import Example

PUBLISHED = Published(
    name="speechocean",
    page="https://www.openslr.org/101/",
    address="https://www.openslr.org/resources/101/speechocean762.tar.gz",
    num_signals=5000,
)
NUM_DEV_SPEAKERS = 8
MIN_AGE_YEARS = 16


@dataclass(frozen=True)
class _Utterance:
    id: str
    speaker: str
    split: str
    text: str
    audio: Path


def prepare(source: Path, out: Path) -> Prepared:
    """Returns the splits; `source` is the folder of `utterances.tsv` or of `train/wav.scp`, or holds it."""
    prepared = Prepared(unit="utterances", group_unit="speakers")
    if list(source.glob("utterances.tsv")) or list(source.glob("*/utterances.tsv")):
        utterances = _read_table(find_root(source, "utterances.tsv", "utterances.tsv"))
    else:
        expected = "utterances.tsv beside audio/, or the published train/wav.scp, test/wav.scp and WAVE/"
        utterances = _read_kaldi(find_root(source, "train/wav.scp", expected), prepared)
    train_speakers = ranked_by_hash(one.speaker for one in utterances if one.split == "train")
    dev_speakers = set(train_speakers[: min(NUM_DEV_SPEAKERS, len(train_speakers) // 2)])
    prepared.splits = {"train": [], "dev": [], "test": []}
    prepared.seconds = dict.fromkeys(prepared.splits, 0.0)
    for one in utterances:
        split = "dev" if one.split == "train" and one.speaker in dev_speakers else one.split
        text = " ".join(one.text.upper().split())
        if not text:
            prepared.leave_out("no text", one.id)
            continue
        waveform = read_audio(one.audio, sample_rate=None)
        prepared.seconds[split] += len(waveform.samples) / waveform.sample_rate
        prepared.splits[split].append(Example(id=one.id, source=one.audio, text=text, group=one.speaker))
    return prepared


def _read_table(root: Path) -> list[_Utterance]:
    table = root / "utterances.tsv"
    rows = read_lines(table)
    if not rows or rows[0].split("\t") != ["id", "speaker", "split", "text"]:
        raise ManifestError(f"{table}:1: expected the heading 'id<tab>speaker<tab>split<tab>text'.")
    utterances = []
    for line_number, row in enumerate(rows[1:], start=2):
        fields = row.split("\t")
        if len(fields) != 4 or fields[2] not in ("train", "test"):
            raise ManifestError(
                f"{table}:{line_number}: {row!r} is not id<tab>speaker<tab>(train or test)<tab>text."
            )
        audio = root / "audio" / fields[1] / f"{fields[0]}.ogg"
        utterances.append(_Utterance(fields[0], fields[1], fields[2], fields[3], audio))
    return utterances


def _read_kaldi(root: Path, prepared: Prepared) -> list[_Utterance]:
    utterances = []
    for split in ("train", "test"):
        folder = root / split
        audio_of = _read_pairs(folder / "wav.scp")
        speaker_of = _read_pairs(folder / "utt2spk")
        text_of = _read_pairs(folder / "text")
        age_of = _read_pairs(folder / "spk2age")
        for utterance, audio in audio_of.items():
            speaker = speaker_of.get(utterance)
            if speaker is None or not age_of.get(speaker, "").isdecimal():
                raise ManifestError(
                    f"{folder}: {utterance} of wav.scp has no speaker in utt2spk with an age in spk2age."
                )
            if int(age_of[speaker]) < MIN_AGE_YEARS:
                prepared.leave_out(f"speaker under {MIN_AGE_YEARS}", utterance)
                continue
            utterances.append(_Utterance(utterance, speaker, split, text_of.get(utterance, ""), root / audio))
    return utterances


def _read_pairs(path: Path) -> dict[str, str]:
    """Returns first word -> rest of the line."""
    pairs = {}
    for line in read_lines(path):
        if line.strip():
            key, _, value = line.replace("\t", " ").partition(" ")
            pairs[key] = value.strip()
    return pairs


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())
