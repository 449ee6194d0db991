import itertools
from pathlib import Path

from data_prep import yesno
from seqlabel.manifest import read_manifest
from tests.data_prep.audio_files import make_audio

NAMES = ["_".join(digits) for digits in itertools.product("01", repeat=5)]


def make_corpus(root: Path) -> Path:
    for name in NAMES:
        make_audio(root / "waves_yesno" / f"{name}.wav")
    (root / "waves_yesno" / "README").write_text("by a Kaldi developer")
    return root


def test_the_second_half_is_test_and_a_tenth_of_the_first_is_dev(tmp_path: Path) -> None:
    source, out = make_corpus(tmp_path / "yesno"), tmp_path / "out"
    assert yesno.main([str(source), str(out)]) == 0
    train, dev, test = (read_manifest(out / f"{name}.jsonl") for name in ("train", "dev", "test"))
    assert (len(train), len(dev), len(test)) == (14, 2, 16)
    assert [example.id for example in test] == NAMES[16:]
    assert sorted(example.id for example in train + dev) == NAMES[:16]
    assert test[1].text == "yes no no no yes"
    assert test[1].source == source / "waves_yesno/1_0_0_0_1.wav"


def test_other_recordings_are_counted(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "yesno")
    make_audio(source / "waves_yesno" / "0_0_maybe.wav")
    prepared = yesno.prepare(source, tmp_path / "out")
    assert prepared.left_out == {"not named of 0 and 1": ["0_0_maybe.wav"]}
