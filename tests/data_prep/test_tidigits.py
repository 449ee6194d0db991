from pathlib import Path

import numpy as np
import pytest

from data_prep import tidigits
from seqlabel.manifest import read_manifest
from tests.data_prep.audio_files import make_audio
from tests.sphere import write_sphere

SPEAKERS = {
    "adults/train": ["man/ae", "man/aj", "woman/ac"], "adults/test": ["woman/ak"],
    "children/train": ["boy/ae"], "children/test": ["girl/fa"],
}  # fmt: skip


def make_corpus(root: Path, is_upper: bool = False) -> Path:
    for part, speakers in SPEAKERS.items():
        for speaker in speakers:
            for name in ("1a", "3z82ob"):
                place = f"{part}/{speaker}/{name}.wav"
                make_audio(root / "data" / (place.upper() if is_upper else place))
    return root


@pytest.mark.parametrize("is_upper", [False, True])
def test_names_are_texts_and_speakers_stay_whole(is_upper: bool, tmp_path: Path) -> None:
    source, out = make_corpus(tmp_path / "tidigits", is_upper), tmp_path / "out"
    assert tidigits.main([str(source), str(out)]) == 0
    found = {name: read_manifest(out / f"{name}.jsonl") for name in ("train", "dev", "test")}
    assert {name: len(examples) for name, examples in found.items()} == {"train": 6, "dev": 2, "test": 4}
    assert [(e.id, e.text, e.group) for e in found["test"][:2]] == [
        ("woman-ak-1a", "one", "woman-ak"), ("woman-ak-3z82ob", "three zero eight two oh", "woman-ak")
    ]  # fmt: skip
    assert len({example.group for example in found["train"] + found["dev"]}) == 4


def test_children_can_be_left_out(tmp_path: Path) -> None:
    prepared = tidigits.prepare(make_corpus(tmp_path / "tidigits"), tmp_path / "out", speakers="adults")
    assert prepared.left_out == {
        "not of the adults": ["girl-fa-1a", "girl-fa-3z82ob", "boy-ae-1a", "boy-ae-3z82ob"]
    }


def test_other_files_are_counted(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "tidigits")
    make_audio(source / "data/adults/train/man/ae/hello.wav")
    make_audio(source / "data/doc/1a.wav")
    assert tidigits.prepare(source, tmp_path / "out").left_out == {
        "not named of digits and a or b": ["data/adults/train/man/ae/hello.wav"],
        "not in train or test, man, woman, boy or girl": ["data/doc/1a.wav"],
    }


def test_files_compressed_with_shorten_are_said_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = make_corpus(tmp_path / "tidigits")
    for path in source.rglob("*.wav"):
        write_sphere(path, np.zeros(100, np.int16), coding="pcm,embedded-shorten-v1.09", sample_rate=20000)
    assert tidigits.main([str(source), str(tmp_path / "out")]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and "embedded-shorten" in line and "sph2pipe -f wav" in line
