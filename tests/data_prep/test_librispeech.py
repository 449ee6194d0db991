from pathlib import Path

import pytest

from data_prep import librispeech
from seqlabel.errors import ManifestError
from seqlabel.manifest import read_manifest
from tests.data_prep.audio_files import make_audio

READERS = {
    "train-clean-100": "103", "train-clean-360": "14", "train-other-500": "20", "dev-clean": "84", "test-clean": "61",
    "test-other": "367",
}  # fmt: skip


def make_corpus(root: Path) -> Path:
    (root / "LibriSpeech").mkdir(parents=True)
    (root / "LibriSpeech" / "SPEAKERS.TXT").write_text(";ID  |SEX| SUBSET |MINUTES| NAME\n")
    for subset, reader in READERS.items():
        chapter = root / "LibriSpeech" / subset / reader / "12"
        for number in range(2):
            make_audio(chapter / f"{reader}-12-000{number}.flac")
        lines = f"{reader}-12-0000 IT'S CHAPTER ONE\n{reader}-12-0001 TWO\n"
        (chapter / f"{reader}-12.trans.txt").write_text(lines)
    return root


def test_every_subset_has_its_manifest(tmp_path: Path) -> None:
    source, out = make_corpus(tmp_path / "librispeech"), tmp_path / "out"
    assert librispeech.main([str(source), str(out)]) == 0
    train = read_manifest(out / "train.jsonl")
    assert len(train) == 6 and {example.group for example in train} == {"103", "14", "20"}
    test = read_manifest(out / "test_other.jsonl")[0]
    assert (test.id, test.text, test.group) == ("367-12-0000", "IT'S CHAPTER ONE", "367")
    assert test.source == source / "LibriSpeech/test-other/367/12/367-12-0000.flac"
    assert not (out / "dev_other.jsonl").exists()


def test_the_train_subsets_can_be_chosen(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "librispeech")
    prepared = librispeech.prepare(source, tmp_path / "out", train="train-clean-100,train-other-500")
    assert {example.group for example in prepared.splits["train"]} == {"103", "20"}
    assert prepared.seconds["train"] == pytest.approx(0.4)


def test_a_subset_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "librispeech")
    with pytest.raises(ManifestError, match=r"train-960: no such folder.*dev-clean, test-clean"):
        librispeech.prepare(source, tmp_path / "out", train="train-960")


def test_utterances_without_audio_or_text_are_counted(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "librispeech")
    chapter = source / "LibriSpeech/dev-clean/84/12"
    (chapter / "84-12-0001.flac").unlink()
    (chapter / "84-12.trans.txt").write_text("84-12-0000 \n84-12-0001 TWO\n")
    prepared = librispeech.prepare(source, tmp_path / "out")
    assert prepared.left_out == {"no text": ["84-12-0000"], "no audio": ["84-12-0001"]}


def test_a_line_of_another_chapter_is_refused(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "librispeech")
    (source / "LibriSpeech/dev-clean/84/12/84-12.trans.txt").write_text("84-13-0000 TWO\n")
    with pytest.raises(ManifestError, match=r"84-12\.trans\.txt:1: '84-13-0000 TWO'"):
        librispeech.prepare(source, tmp_path / "out")
