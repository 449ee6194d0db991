from pathlib import Path

import pytest

from data_prep import speech_commands
from seqlabel.errors import ManifestError
from seqlabel.manifest import read_manifest
from tests.data_prep.audio_files import make_audio

SPEAKERS = [f"{number:08x}" for number in range(40)]


def make_corpus(root: Path, has_lists: bool = True) -> Path:
    for word in ("bed", "yes"):
        for speaker in SPEAKERS:
            make_audio(root / word / f"{speaker}_nohash_0.wav")
    make_audio(root / "_background_noise_" / "pink_noise.wav")
    if has_lists:
        for name, speaker in (("validation_list.txt", SPEAKERS[1]), ("testing_list.txt", SPEAKERS[2])):
            (root / name).write_text(f"bed/{speaker}_nohash_0.wav\nyes/{speaker}_nohash_0.wav\n")
    return root


def test_the_lists_are_the_splits(tmp_path: Path) -> None:
    source, out = make_corpus(tmp_path / "speech_commands"), tmp_path / "out"
    assert speech_commands.main([str(source), str(out)]) == 0
    dev = read_manifest(out / "dev.jsonl")
    assert [(e.id, e.text, e.group) for e in dev] == [
        ("bed/00000001_nohash_0", "bed", "00000001"), ("yes/00000001_nohash_0", "yes", "00000001")
    ]  # fmt: skip
    assert len(read_manifest(out / "train.jsonl")) == 76
    assert dev[0].source == source / "bed/00000001_nohash_0.wav"


def test_background_noise_is_counted(tmp_path: Path) -> None:
    prepared = speech_commands.prepare(make_corpus(tmp_path / "speech_commands"), tmp_path / "out")
    assert prepared.left_out == {"background noise": ["_background_noise_/pink_noise.wav"]}


def test_without_lists_a_speaker_is_in_one_split_only(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "speech_commands", has_lists=False)
    prepared = speech_commands.prepare(source, tmp_path / "out")
    groups = {name: {e.group for e in found} for name, found in prepared.splits.items()}
    assert set.union(*groups.values()) == set(SPEAKERS)
    assert sum(map(len, groups.values())) == len(SPEAKERS) and all(groups.values())


def test_the_hash_decides_as_in_the_published_lists() -> None:
    # The first lines of validation_list.txt and testing_list.txt of version 0.02.
    assert speech_commands.which_set("026290a7_nohash_0.wav") == "dev"
    assert speech_commands.which_set("0c40e715_nohash_0.wav") == "test"
    assert speech_commands.which_set("00176480_nohash_0.wav") == "train"


def test_one_list_alone_is_refused(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "speech_commands")
    (source / "testing_list.txt").unlink()
    with pytest.raises(ManifestError, match=r"testing_list\.txt: missing"):
        speech_commands.prepare(source, tmp_path / "out")


def test_what_a_list_names_and_is_not_there_is_counted(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "speech_commands")
    (source / "bed/00000001_nohash_0.wav").unlink()
    prepared = speech_commands.prepare(source, tmp_path / "out")
    assert prepared.left_out["in a list, but not there"] == ["bed/00000001_nohash_0.wav"]
