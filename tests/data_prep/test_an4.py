import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data_prep import an4
from data_prep.corpus_source import prepare_into
from seqlabel.errors import FormatError, ManifestError
from seqlabel.formats import read_audio, write_wav
from seqlabel.manifest import read_manifest
from seqlabel.records import Waveform
from tests.sphere import write_sphere

TRAIN = ["fash/an1-fash-b", "mdcs/an2-mdcs-b", "mdcs2/an3-mdcs2-b", "fbbh/an4-fbbh-b", "fash/an5-fash-b"]
TEST = ["fcaw/an6-fcaw-b"]


def make_corpus(root: Path, marks: str = "<s> RUBOUT G {id} </s> (an{id})") -> Path:
    """A tiny AN4 with cepstra of 20 frames, alternately in the two byte orders."""
    (root / "etc").mkdir(parents=True)
    for split, folder, names in (("train", "an4_clstk", TRAIN), ("test", "an4test_clstk", TEST)):
        file_ids = [f"{folder}/{name}" for name in names]
        (root / "etc" / f"an4_{split}.fileids").write_text("\n".join(file_ids) + "\n")
        lines = [marks.replace("an{id}", Path(name).name).format(id="M") for name in names]
        (root / "etc" / f"an4_{split}.transcription").write_text("\n".join(lines) + "\n")
        for number, file_id in enumerate(file_ids):
            path = root / "feat" / f"{file_id}.mfc"
            path.parent.mkdir(parents=True, exist_ok=True)
            order = "<>"[number % 2]
            values = np.random.default_rng(number).normal(size=260)
            path.write_bytes(struct.pack(f"{order}i260f", 260, *values))
    return root


def test_sentence_marks_and_file_ids_are_taken_off() -> None:
    assert an4.clean_transcript("<s> ERASE C Q </s> (an407-fcaw-b)") == ("ERASE C Q", "an407-fcaw-b")
    assert an4.clean_transcript("YES (an251-fash-b)") == ("YES", "an251-fash-b")
    assert an4.clean_transcript("ENTER SIX") == ("ENTER SIX", None)


def test_a_tiny_corpus_becomes_three_manifests(tmp_path: Path) -> None:
    source, out = make_corpus(tmp_path / "an4"), tmp_path / "out"
    assert an4.main([str(source), str(out)]) == 0
    test = read_manifest(out / "test.jsonl")
    assert [(example.id, example.text, example.group) for example in test] == [
        ("an6-fcaw-b", "RUBOUT G M", "fcaw")
    ]
    assert test[0].source == source / "feat/an4test_clstk/fcaw/an6-fcaw-b.mfc"
    train = read_manifest(out / "train.jsonl")
    dev = read_manifest(out / "dev.jsonl")
    assert sorted(example.id for example in train + dev) == sorted(Path(name).name for name in TRAIN)


def test_one_person_with_two_names_stays_in_one_split(tmp_path: Path) -> None:
    prepared = an4.prepare(make_corpus(tmp_path / "an4"), tmp_path / "out")
    persons = {
        name: {(example.group or "").rstrip("2") for example in examples}
        for name, examples in prepared.splits.items()
    }
    assert not persons["train"] & persons["dev"]


def test_the_summary_gives_the_length_of_the_cepstra(tmp_path: Path) -> None:
    prepared = an4.prepare(make_corpus(tmp_path / "an4"), tmp_path / "out")
    assert prepared.seconds["test"] == pytest.approx(0.2)


def test_audio_is_used_where_there_are_no_cepstra(tmp_path: Path) -> None:
    root = make_corpus(tmp_path / "an4")
    for path in list(root.rglob("*.mfc")):
        audio = root / "wav" / path.relative_to(root / "feat").with_suffix(".wav")
        audio.parent.mkdir(parents=True, exist_ok=True)
        write_wav(audio, Waveform(np.zeros(8000, np.float32), 16000))
        path.unlink()
    prepared = an4.prepare(root, tmp_path / "out")
    assert prepared.splits["test"][0].source == root / "wav/an4test_clstk/fcaw/an6-fcaw-b.wav"
    assert prepared.seconds["test"] == pytest.approx(0.5)


def test_the_spheres_of_the_archive_are_referenced(tmp_path: Path) -> None:
    root = make_corpus(tmp_path / "an4")
    for path in list(root.rglob("*.mfc")):
        audio = root / "wav" / path.relative_to(root / "feat").with_suffix(".sph")
        write_sphere(audio, np.arange(1600, dtype=np.int16), byte_order="10")
        path.unlink()
    prepared = an4.prepare(root, tmp_path / "out")
    assert prepared.splits["test"][0].source == root / "wav/an4test_clstk/fcaw/an6-fcaw-b.sph"
    assert prepared.seconds["test"] == pytest.approx(0.1)


def test_bare_samples_are_big_endian_and_get_a_header(tmp_path: Path) -> None:
    root, out = make_corpus(tmp_path / "an4"), tmp_path / "out"
    samples = (np.arange(1600) * 37 % 3001 - 1500).astype(np.int16)
    for path in list(root.rglob("*.mfc")):
        audio = root / "wav" / path.relative_to(root / "feat").with_suffix(".raw")
        audio.parent.mkdir(parents=True, exist_ok=True)
        audio.write_bytes(samples.astype(">i2").tobytes())
        path.unlink()
    assert an4.main([str(root), str(out)]) == 0
    (example,) = read_manifest(out / "test.jsonl")
    assert example.source == out / "wav/an4test_clstk/fcaw/an6-fcaw-b.wav"
    waveform = read_audio(example.source, sample_rate=None)
    assert waveform.sample_rate == 16000
    np.testing.assert_array_equal(np.rint(waveform.samples * 32768), samples)
    (root / "wav/an4test_clstk/fcaw/an6-fcaw-b.raw").write_bytes(b"odd")
    with pytest.raises(ManifestError, match=r"an6-fcaw-b\.raw: 3 bytes"):
        an4.prepare(root, out)


def test_a_missing_signal_is_named(tmp_path: Path) -> None:
    root = make_corpus(tmp_path / "an4")
    (root / "feat/an4test_clstk/fcaw/an6-fcaw-b.mfc").unlink()
    with pytest.raises(ManifestError, match=r"an6-fcaw-b\.mfc: missing"):
        an4.prepare(root, tmp_path / "out")


def test_a_truncated_signal_is_named(tmp_path: Path) -> None:
    root = make_corpus(tmp_path / "an4")
    path = root / "feat/an4test_clstk/fcaw/an6-fcaw-b.mfc"
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(FormatError, match=r"an6-fcaw-b\.mfc"):
        an4.prepare(root, tmp_path / "out")


def test_a_transcript_of_another_file_is_refused(tmp_path: Path) -> None:
    root = make_corpus(tmp_path / "an4")
    (root / "etc/an4_test.transcription").write_text("YES (an7-fcaw-b)\n")
    with pytest.raises(ManifestError, match=r"transcription:1: is of an7-fcaw-b"):
        an4.prepare(root, tmp_path / "out")


def test_a_missing_transcript_line_is_refused(tmp_path: Path) -> None:
    root = make_corpus(tmp_path / "an4")
    (root / "etc/an4_train.transcription").write_text("YES (an1-fash-b)\n")
    with pytest.raises(ManifestError, match="1 transcripts for the 5 files"):
        an4.prepare(root, tmp_path / "out")


def test_an_empty_transcript_is_counted(tmp_path: Path) -> None:
    root = make_corpus(tmp_path / "an4")
    lines = (root / "etc/an4_train.transcription").read_text().splitlines()
    lines[4] = "<s> </s> (an5-fash-b)"
    (root / "etc/an4_train.transcription").write_text("\n".join(lines))
    prepared = an4.prepare(root, tmp_path / "out")
    assert prepared.left_out == {"no words in the transcript": ["an5-fash-b"]}


def test_the_archive_is_fetched_and_prepared(tmp_path: Path, serve: Callable[[Path], str]) -> None:
    make_corpus(tmp_path / "made" / "an4")
    (tmp_path / "www").mkdir()
    with tarfile.open(tmp_path / "www" / "an4.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "made" / "an4", "an4")
    address = serve(tmp_path / "www") + "an4.tar.gz"
    arguments = ["--cache", str(tmp_path / "cache"), "--address", address, str(tmp_path / "out")]
    assert an4.main(arguments) == 0
    assert len(read_manifest(tmp_path / "out" / "test.jsonl")) == 1


def test_the_real_corpus_gives_the_published_counts(corpora: Path, tmp_path: Path) -> None:
    prepared = prepare_into(an4.prepare, corpora / "an4", tmp_path / "out")
    sizes = {name: len(examples) for name, examples in prepared.splits.items()}
    assert sizes == {"train": 831, "dev": 117, "test": 130}
    words = sum(len((example.text or "").split()) for example in prepared.splits["test"])
    assert words == 773
    assert not prepared.left_out
