from pathlib import Path

import pytest

from data_prep import vctk
from seqlabel.errors import ManifestError
from seqlabel.manifest import read_manifest
from tests.data_prep.audio_files import make_audio

SPEAKERS = [f"p{number}" for number in range(225, 245)] + ["s5"]


def make_corpus(root: Path, is_old: bool = False) -> Path:
    for speaker in SPEAKERS:
        for number in ("001", "002"):
            name = f"{speaker}_{number}"
            if is_old:
                make_audio(root / "wav48" / speaker / f"{name}.wav")
            else:
                for mic in (1, 2):
                    make_audio(root / "wav48_silence_trimmed" / speaker / f"{name}_mic{mic}.flac")
            text = root / "txt" / speaker / f"{name}.txt"
            text.parent.mkdir(parents=True, exist_ok=True)
            text.write_text("Please call  Stella.\n")
    return root


@pytest.mark.parametrize(("mic", "ending"), [(1, "_mic1.flac"), (2, "_mic2.flac")])
def test_whole_speakers_are_set_apart(mic: int, ending: str, tmp_path: Path) -> None:
    source, out = make_corpus(tmp_path / "vctk"), tmp_path / "out"
    assert vctk.main([str(source), str(out), "--mic", str(mic)]) == 0
    found = {name: read_manifest(out / f"{name}.jsonl") for name in ("train", "dev", "test")}
    groups = {name: {example.group for example in examples} for name, examples in found.items()}
    assert {name: len(group) for name, group in groups.items()} == {"train": 17, "dev": 2, "test": 2}
    assert set.union(*groups.values()) == set(SPEAKERS)
    example = found["dev"][0]
    assert example.text == "Please call Stella."
    assert example.source == source / f"wav48_silence_trimmed/{example.group}/{example.id}{ending}"


def test_the_older_tree_is_read(tmp_path: Path) -> None:
    prepared = vctk.prepare(make_corpus(tmp_path / "vctk", is_old=True), tmp_path / "out")
    assert prepared.num_signals == 42
    assert prepared.splits["train"][0].source.suffix == ".wav"


def test_speakers_without_texts_or_without_the_microphone_are_counted(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "vctk")
    make_audio(source / "wav48_silence_trimmed/p315/p315_001_mic1.flac")
    (source / "wav48_silence_trimmed/p225/p225_002_mic1.flac").unlink()
    prepared = vctk.prepare(source, tmp_path / "out")
    assert prepared.left_out == {
        "audio without a text": ["p315_001"], "text without p225/*_mic1.flac": ["p225_002"]
    }  # fmt: skip


def test_without_a_folder_of_audio_both_names_are_told(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "vctk")
    (source / "wav48_silence_trimmed").rename(source / "wav")
    with pytest.raises(ManifestError, match="neither wav48_silence_trimmed nor wav48"):
        vctk.prepare(source, tmp_path / "out")
