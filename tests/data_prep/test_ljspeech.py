from pathlib import Path

import pytest

from data_prep import ljspeech
from seqlabel.errors import ManifestError
from seqlabel.manifest import read_manifest
from tests.data_prep.audio_files import make_audio


def make_corpus(root: Path) -> Path:
    rows = []
    for chapter in range(1, 9):
        for number in range(1, 4):
            name = f"LJ00{chapter}-000{number}"
            make_audio(root / "LJSpeech-1.1" / "wavs" / f"{name}.wav")
            rows.append(f'{name}|in 1865 "Dr."|in eighteen sixty-five  "Doctor"\n')
    (root / "LJSpeech-1.1" / "metadata.csv").write_text("".join(rows))
    return root


def test_whole_chapters_are_set_apart(tmp_path: Path) -> None:
    source, out = make_corpus(tmp_path / "ljspeech"), tmp_path / "out"
    assert ljspeech.main([str(source), str(out)]) == 0
    found = {name: read_manifest(out / f"{name}.jsonl") for name in ("train", "dev", "test")}
    assert {name: len(examples) for name, examples in found.items()} == {"train": 18, "dev": 3, "test": 3}
    assert len({example.group for example in found["dev"]}) == 1
    example = found["test"][0]
    assert example.text == 'in eighteen sixty-five "Doctor"'
    assert example.source == source / f"LJSpeech-1.1/wavs/{example.id}.wav"


def test_rows_without_audio_or_text_are_counted(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "ljspeech")
    with (source / "LJSpeech-1.1/metadata.csv").open("a") as table:
        table.write("LJ001-0009|a|a\nLJ001-0001|a|\n")
    prepared = ljspeech.prepare(source, tmp_path / "out")
    assert prepared.left_out == {"no audio": ["LJ001-0009"], "no text as read": ["LJ001-0001"]}


def test_a_row_of_two_columns_is_named(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "ljspeech")
    (source / "LJSpeech-1.1/metadata.csv").write_text("LJ001-0001|a\n")
    with pytest.raises(ManifestError, match=r"metadata\.csv:1: "):
        ljspeech.prepare(source, tmp_path / "out")
