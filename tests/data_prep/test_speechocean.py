from pathlib import Path

import numpy as np
import pytest

from data_prep import speechocean
from data_prep.corpus_source import prepare_into
from seqlabel.errors import FormatError, ManifestError
from seqlabel.formats import write_wav
from seqlabel.manifest import read_manifest
from seqlabel.records import Waveform

# speaker, split, age
SPEAKERS = [("0001", "train", 6), ("0002", "train", 30), ("0003", "train", 16), ("0004", "test", 40)]


def write_tone(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = 0.1 * np.sin(np.arange(8000) / 10, dtype=np.float32)
    write_wav(path, Waveform(samples.astype(np.float32), 16000))


def make_published(root: Path) -> Path:
    """A tiny speechocean762 as OpenSLR has it: Kaldi folders, one child among the speakers."""
    for split in ("train", "test"):
        speakers = [(speaker, age) for speaker, of_split, age in SPEAKERS if of_split == split]
        (root / split).mkdir(parents=True)
        tables: dict[str, list[str]] = {"wav.scp": [], "text": [], "utt2spk": [], "spk2age": []}
        for speaker, age in speakers:
            utterance = f"0{speaker}0011"
            name = f"WAVE/SPEAKER{speaker}/{utterance}.WAV"
            write_tone(root / name)
            tables["wav.scp"].append(f"{utterance}\t{name}")
            tables["text"].append(f"{utterance}\tWE CALL It BEAR")
            tables["utt2spk"].append(f"{utterance} {speaker}")
            tables["spk2age"].append(f"{speaker} {age}")
        for name, lines in tables.items():
            (root / split / name).write_text("\n".join(lines) + "\n")
    return root


def make_table(root: Path, rows: list[str]) -> Path:
    root.mkdir(parents=True)
    (root / "utterances.tsv").write_text("\n".join(["id\tspeaker\tsplit\ttext", *rows]) + "\n")
    return root


def test_the_published_tree_is_read(tmp_path: Path) -> None:
    source, out = make_published(tmp_path / "speechocean762"), tmp_path / "out"
    assert speechocean.main([str(source), str(out)]) == 0
    (test,) = read_manifest(out / "test.jsonl")
    assert (test.id, test.text, test.group) == ("000040011", "WE CALL IT BEAR", "0004")
    assert test.source == source / "WAVE/SPEAKER0004/000040011.WAV"
    groups = {name: {e.group for e in read_manifest(out / f"{name}.jsonl")} for name in ("train", "dev")}
    assert groups["train"] | groups["dev"] == {"0002", "0003"}
    assert not groups["train"] & groups["dev"]


def test_children_are_counted_and_left_out(tmp_path: Path) -> None:
    prepared = speechocean.prepare(make_published(tmp_path / "speechocean762"), tmp_path / "out")
    assert prepared.left_out == {"speaker under 16": ["000010011"]}


def test_the_archive_may_have_a_folder_of_its_own(tmp_path: Path) -> None:
    make_published(tmp_path / "unpacked" / "speechocean762")
    prepared = speechocean.prepare(tmp_path / "unpacked", tmp_path / "out")
    assert len(prepared.splits["test"]) == 1


def test_a_speaker_without_an_age_is_refused(tmp_path: Path) -> None:
    source = make_published(tmp_path / "speechocean762")
    (source / "test" / "spk2age").write_text("0009 30\n")
    with pytest.raises(ManifestError, match="000040011"):
        speechocean.prepare(source, tmp_path / "out")


def test_the_hours_of_each_split_are_counted(tmp_path: Path) -> None:
    prepared = speechocean.prepare(make_published(tmp_path / "speechocean762"), tmp_path / "out")
    assert prepared.seconds == {"train": 0.5, "dev": 0.5, "test": 0.5}


def test_a_row_without_its_fields_is_named(tmp_path: Path) -> None:
    source = make_table(tmp_path / "speechocean", ["1\t0001\ttrain"])
    with pytest.raises(ManifestError, match=r"utterances\.tsv:2: "):
        speechocean.prepare(source, tmp_path / "out")


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    source = make_table(tmp_path / "speechocean", ["1\t0001\ttrain\tYES"])
    with pytest.raises(FormatError, match=r"1\.ogg"):
        speechocean.prepare(source, tmp_path / "out")


def test_speakers_of_the_real_corpus_are_read_where_they_lie(corpora: Path, tmp_path: Path) -> None:
    table = (corpora / "speechocean" / "utterances.tsv").read_text(encoding="utf-8").splitlines()
    source = make_table(tmp_path / "part", table[1::100])
    (source / "audio").symlink_to(corpora / "speechocean" / "audio")
    prepared = prepare_into(speechocean.prepare, source, tmp_path / "out")
    assert sum(len(examples) for examples in prepared.splits.values()) == len(table[1::100])
    assert all(e.text == (e.text or "").upper() for examples in prepared.splits.values() for e in examples)
    assert 1.0 < prepared.seconds["test"] / len(prepared.splits["test"]) < 20.0
