from pathlib import Path

import pytest

from data_prep import common_voice
from seqlabel.errors import ManifestError
from seqlabel.manifest import read_manifest
from tests.data_prep.audio_files import make_audio

HEADING = "client_id\tpath\tsentence_id\tsentence\tup_votes\n"


def make_corpus(root: Path, suffix: str = ".mp3") -> Path:
    for number, split in enumerate(("train", "dev", "test")):
        name = f"common_voice_br_{number}"
        make_audio(root / "br" / "clips" / f"{name}.mp3")
        row = f'speaker{number}\t{name}{suffix}\tabc\t"Demat"  d\'it, « a »!\t2\n'
        (root / "br" / f"{split}.tsv").write_text(HEADING + row)
    return root


@pytest.mark.parametrize("suffix", [".mp3", ""])
def test_the_tables_are_the_splits(suffix: str, tmp_path: Path) -> None:
    source, out = make_corpus(tmp_path / "common_voice", suffix), tmp_path / "out"
    assert common_voice.main([str(source), str(out)]) == 0
    (dev,) = read_manifest(out / "dev.jsonl")
    assert (dev.id, dev.group) == ("common_voice_br_1", "speaker1")
    assert dev.text == '"Demat" d\'it, « a »!'
    assert dev.source == source / "br/clips/common_voice_br_1.mp3"


def test_the_published_lengths_are_used(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "common_voice")
    (source / "br/clip_durations.tsv").write_text("clip\tduration[ms]\ncommon_voice_br_0.mp3\t4104\n")
    prepared = common_voice.prepare(source, tmp_path / "out")
    assert prepared.seconds["train"] == 4.104
    assert prepared.seconds["test"] == pytest.approx(0.1, abs=0.1)


def test_clips_that_are_missing_and_rows_without_a_sentence_are_counted(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "common_voice")
    with (source / "br/train.tsv").open("a") as table:
        table.write("speaker7\tgone.mp3\tx\tDemat\t2\nspeaker8\tmute.mp3\tx\t \t2\n")
    prepared = common_voice.prepare(source, tmp_path / "out")
    assert prepared.left_out == {"no clip": ["gone.mp3"], "no sentence": ["mute.mp3"]}


def test_two_languages_at_once_are_refused(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "common_voice")
    make_corpus(tmp_path / "other")
    (tmp_path / "other" / "br").rename(source / "cy")
    with pytest.raises(ManifestError, match=r"several languages \(br, cy\)"):
        common_voice.prepare(source, tmp_path / "out")
    assert common_voice.prepare(source / "cy", tmp_path / "out").num_signals == 3


def test_a_table_without_its_columns_is_refused(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "common_voice")
    (source / "br/dev.tsv").write_text("client_id\tpath\ttext\n")
    with pytest.raises(ManifestError, match=r"dev\.tsv:1: no column sentence"):
        common_voice.prepare(source, tmp_path / "out")


def test_a_row_of_another_width_is_named(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "common_voice")
    with (source / "br/test.tsv").open("a") as table:
        table.write("speaker7\tgone.mp3\n")
    with pytest.raises(ManifestError, match=r"test\.tsv:3: 2 columns; expected 5"):
        common_voice.prepare(source, tmp_path / "out")
