from pathlib import Path

import numpy as np
import pytest

from data_prep import timit
from seqlabel.errors import ManifestError
from seqlabel.formats import write_wav
from seqlabel.manifest import read_manifest
from seqlabel.records import Waveform
from seqlabel.transcripts import read_folding
from tests.sphere import write_sphere

SPEAKERS = {"TRAIN": ["FCJF0", "MDAC0"], "TEST": ["FAKS0", "MDAB0", "FCMR0"]}
PHONES = "0 100 h#\n100 180 ix\n180 200 q\n200 260 tcl\n260 300 t\n300 380 h#\n"


def make_corpus(root: Path, phones: str = PHONES, is_lower: bool = False, ending: str = ".WAV") -> Path:
    for part, speakers in SPEAKERS.items():
        for speaker in speakers:
            for sentence in ("SA1", "SI1027"):
                name = f"{part}/DR1/{speaker}/{sentence}"
                path = root / (name.lower() if is_lower else name)
                path.parent.mkdir(parents=True, exist_ok=True)
                if ending == ".WAV":
                    write_sphere(path.with_suffix(".wav" if is_lower else ".WAV"), np.zeros(400, np.int16))
                else:
                    write_wav(path.with_suffix(ending), Waveform(np.zeros(400, np.float32), 16000))
                path.with_suffix(".phn" if is_lower else ".PHN").write_text(phones)
    return root


@pytest.mark.parametrize(("is_lower", "ending"), [(False, ".WAV"), (True, ".WAV"), (False, ".WAV.wav")])
def test_the_speakers_decide_the_split(is_lower: bool, ending: str, tmp_path: Path) -> None:
    source, out = make_corpus(tmp_path / "timit", is_lower=is_lower, ending=ending), tmp_path / "out"
    assert timit.main([str(source), str(out)]) == 0
    found = {name: read_manifest(out / f"{name}.jsonl") for name in ("train", "dev", "test")}
    ids = {name: [example.id for example in examples] for name, examples in found.items()}
    assert ids == {
        "train": ["FCJF0_SI1027", "MDAC0_SI1027"],
        "dev": ["FAKS0_SI1027"],
        "test": ["MDAB0_SI1027"],
    }
    example = found["test"][0]
    assert (example.text, example.group) == ("sil ix cl t sil", "MDAB0")
    # The glottal stop's 20 samples go to ix, the last 20 of the file to the end of the utterance.
    assert example.labels == (("sil", 100.0), ("ix", 100.0), ("cl", 60.0), ("t", 40.0), ("sil", 100.0))


def test_dialect_sentences_and_other_test_speakers_are_counted(tmp_path: Path) -> None:
    prepared = timit.prepare(make_corpus(tmp_path / "timit"), tmp_path / "out")
    assert {reason: len(ids) for reason, ids in prepared.left_out.items()} == {
        "dialect sentence, read by everybody": 5, "of TEST, but neither core nor dev": 1
    }  # fmt: skip


def test_the_tables_have_61_48_and_39_phones() -> None:
    for num_phones in (61, 48, 39):
        assert len({timit.fold_phone(phone, num_phones) for phone in timit.PHONES_61} - {None}) == num_phones
    assert len(timit.PHONES_61) == len(set(timit.PHONES_61)) == 61


def test_the_speakers_are_24_and_50_and_not_the_same() -> None:
    assert len(set(timit.CORE_TEST)) == 24 and len(set(timit.DEV)) == 50
    assert not set(timit.CORE_TEST) & set(timit.DEV)
    assert sum(speaker.startswith("F") for speaker in timit.CORE_TEST) == 8


@pytest.mark.parametrize("num_phones", [61, 48, 39])
def test_folding_in_two_steps_is_folding_in_one(num_phones: int, tmp_path: Path) -> None:
    timit.prepare(make_corpus(tmp_path / "timit"), tmp_path / "out", phones=num_phones)
    folding = read_folding(tmp_path / "out" / "fold.txt")
    for phone in timit.PHONES_61:
        own = timit.fold_phone(phone, num_phones)
        assert (folding[own] if own else None) == timit.fold_phone(phone, 39)


@pytest.mark.parametrize(
    ("phones", "said"),
    [
        ("0 100 h#\n100 180 xx\n", r"SA1\.PHN:2: '100 180 xx'|SI1027\.PHN:2: '100 180 xx'"),
        ("0 100 h#\n0 180 ix\n", r"PHN:2: begins at 0"),
        ("", "holds no phones"),
    ],
)
def test_a_wrong_file_of_phones_is_named(phones: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=said):
        timit.prepare(make_corpus(tmp_path / "timit", phones), tmp_path / "out")


def test_a_sentence_without_audio_is_named(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "timit")
    (source / "TEST/DR1/MDAB0/SI1027.WAV").unlink()
    with pytest.raises(ManifestError, match=r"SI1027\.PHN: no SI1027\.WAV"):
        timit.prepare(source, tmp_path / "out")


def test_files_below_neither_part_are_refused(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "timit")
    (source / "TEST").rename(source / "REST")
    with pytest.raises(ManifestError, match="below neither TRAIN nor TEST"):
        timit.prepare(source, tmp_path / "out")
