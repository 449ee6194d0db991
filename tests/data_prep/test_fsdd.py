import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data_prep import fsdd
from data_prep.corpus_source import fetch, prepare_into
from seqlabel.errors import FormatError, ManifestError
from seqlabel.formats import read_audio, write_wav
from seqlabel.manifest import read_manifest
from seqlabel.records import Waveform

FEW = {"train": 12, "dev": 4, "test": 4}


def make_corpus(root: Path, speakers: tuple[str, ...] = ("ada", "bob")) -> Path:
    """Tones of 50 ms, a height for each digit, a loudness for each split."""
    (root / "recordings").mkdir(parents=True)
    for speaker in speakers:
        for digit in range(10):
            for index in (0, 5, 10, 11):
                level = {"test": 0.1, "dev": 0.3, "train": 0.6}[fsdd.split_of(index)]
                samples = level * np.sin(np.arange(400) * (0.2 + 0.1 * digit))
                path = root / "recordings" / f"{digit}_{speaker}_{index}.wav"
                write_wav(path, Waveform(samples.astype(np.float32), 8000))
    return root


def prepare_few(source: Path, out: Path) -> fsdd.Prepared:
    return fsdd.prepare(source, out, FEW)


def test_the_official_test_recordings_are_the_first_five() -> None:
    assert [fsdd.split_of(index) for index in (0, 4, 5, 9, 10, 49)] == [
        "test",
        "test",
        "dev",
        "dev",
        "train",
        "train",
    ]


def test_the_single_manifests_reference_the_recordings_where_they_lie(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "fsdd")
    prepared = prepare_few(source, tmp_path / "out")
    assert {name: len(prepared.splits[f"single_{name}"]) for name in FEW} == {
        "train": 40,
        "dev": 20,
        "test": 20,
    }
    seven = next(example for example in prepared.splits["single_test"] if example.id == "7_bob_0")
    assert (seven.text, seven.group) == ("seven", "bob")
    assert seven.source == source / "recordings" / "7_bob_0.wav"


def test_strings_have_3_to_7_words_of_one_speaker(tmp_path: Path) -> None:
    prepared = prepare_few(make_corpus(tmp_path / "fsdd"), tmp_path / "out")
    for name, number in FEW.items():
        assert len(prepared.splits[name]) == number
        for example in prepared.splits[name]:
            words = (example.text or "").split(" ")
            assert 3 <= len(words) <= 7
            assert set(words) <= set(fsdd.WORDS)
            assert example.group in example.id


def test_strings_are_made_of_recordings_of_their_own_split(tmp_path: Path) -> None:
    prepared = prepare_few(make_corpus(tmp_path / "fsdd"), tmp_path / "out")
    for name, level in (("test", 0.1), ("dev", 0.3), ("train", 0.6)):
        for example in prepared.splits[name]:
            assert np.abs(read_audio(example.source, sample_rate=None).samples).max() == pytest.approx(
                level, abs=0.01
            )


def test_a_string_is_as_long_as_its_recordings_and_pauses(tmp_path: Path) -> None:
    prepared = prepare_few(make_corpus(tmp_path / "fsdd"), tmp_path / "out")
    for example in prepared.splits["train"]:
        waveform = read_audio(example.source, sample_rate=None)
        num_words = len((example.text or "").split())
        assert waveform.sample_rate == 8000
        assert 400 * num_words <= len(waveform.samples) <= 400 * num_words + 2000 * (num_words - 1)


def test_recordings_are_used_about_equally_often(tmp_path: Path) -> None:
    prepared = fsdd.prepare(make_corpus(tmp_path / "fsdd", ("ada",)), tmp_path / "out", FEW)
    words = [word for example in prepared.splits["train"] for word in (example.text or "").split()]
    counts = [words.count(word) for word in fsdd.WORDS]
    assert max(counts) - min(counts) <= 2  # two recordings of each digit, one more round for some


def test_each_speaker_is_left_out_in_turn(tmp_path: Path) -> None:
    prepared = prepare_few(make_corpus(tmp_path / "fsdd", ("ada", "bob", "cleo")), tmp_path / "out")
    for speaker in ("ada", "bob", "cleo"):
        for split in ("train", "dev"):
            others = prepared.splits[f"without_{speaker}_{split}"]
            assert others == [one for one in prepared.splits[split] if one.group != speaker]
            assert others
        for split in ("train", "dev", "test"):
            own = prepared.splits[f"only_{speaker}_{split}"]
            assert own == [one for one in prepared.splits[split] if one.group == speaker] != []


def test_the_times_of_the_words_are_those_of_the_recordings(tmp_path: Path) -> None:
    prepared = prepare_few(make_corpus(tmp_path / "fsdd"), tmp_path / "out")
    rows = [line.split() for line in (tmp_path / "out" / "train.ctm").read_text().splitlines()]
    for example in prepared.splits["train"]:
        own = [row for row in rows if row[0] == example.id]
        assert [row[4] for row in own] == (example.text or "").split()
        samples = np.abs(read_audio(example.source, sample_rate=None).samples)
        for _, _, start, length, _ in own:
            first, last = round(8000 * float(start)), round(8000 * (float(start) + float(length)))
            assert last - first == 400
            assert samples[first + 20 : last].max() > 0.5  # the tone of training recordings
        ends = [round(8000 * (float(row[2]) + float(row[3]))) for row in own]
        begins = [round(8000 * float(row[2])) for row in own]
        assert begins[0] == 0 and abs(ends[-1] - len(samples)) <= 8
        for end, begin in zip(ends[:-1], begins[1:], strict=True):
            assert samples[end + 8 : begin - 8].max(initial=0.0) < 0.3


def test_pauses_hold_noise_and_never_digital_silence() -> None:
    silence = np.zeros(400, np.float32)
    joined, _ = fsdd.join([silence, silence, silence], np.random.default_rng(1))
    pause = joined[400:-400]
    pause = pause[pause != 0]
    assert len(pause) > 50
    assert np.abs(pause).max() < 10 * fsdd.FAINTEST_NOISE


def test_pauses_are_quieter_than_the_speech_even_where_no_part_of_it_is_quiet() -> None:
    loud = (0.6 * np.sin(np.arange(4000) * 0.3)).astype(np.float32)
    joined, _ = fsdd.join([loud, loud], np.random.default_rng(1))
    pause = joined[4000:-4000]
    assert len(pause) > 50
    assert pause.std() == pytest.approx(0.1 * loud.std(), rel=0.2)


def test_the_noise_level_is_that_of_the_quietest_part() -> None:
    rng = np.random.default_rng(0)
    samples = np.concatenate([rng.normal(0, 0.3, 4000), rng.normal(0, 0.01, 1000)])
    assert fsdd.noise_level(samples) == pytest.approx(0.01, rel=0.2)


def test_running_twice_gives_the_same_files(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "fsdd")
    contents = []
    for name in ("first", "second"):
        prepare_into(prepare_few, source, tmp_path / name)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        contents.append({path.relative_to(tmp_path / name): path.read_bytes() for path in files})
    assert contents[0] == contents[1]


def test_the_manifests_can_be_read_back(tmp_path: Path) -> None:
    prepare_into(prepare_few, make_corpus(tmp_path / "fsdd"), tmp_path / "out")
    examples = read_manifest(tmp_path / "out" / "train.jsonl")
    assert len(examples) == FEW["train"]
    assert all(example.source.is_file() for example in examples)


def test_a_file_with_another_name_is_counted(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "fsdd")
    (source / "recordings" / "0_ada_0.wav").rename(source / "recordings" / "hello.wav")
    prepared = prepare_few(source, tmp_path / "out")
    assert prepared.left_out == {"not named {digit}_{speaker}_{index}.wav": ["hello.wav"]}


def test_a_truncated_recording_is_named(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "fsdd")
    path = source / "recordings" / "3_ada_10.wav"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(FormatError, match=r"3_ada_10\.wav"):
        prepare_few(source, tmp_path / "out")


def test_a_corpus_without_test_recordings_is_refused(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "fsdd")
    for path in (source / "recordings").glob("*_0.wav"):
        path.unlink()
    with pytest.raises(ManifestError, match="belongs to test"):
        prepare_few(source, tmp_path / "out")


def test_the_archive_is_fetched_and_prepared(tmp_path: Path, serve: Callable[[Path], str]) -> None:
    make_corpus(tmp_path / "made" / "free-spoken-digit-dataset-1.0.10", ("ada",))
    (tmp_path / "www").mkdir()
    shutil.make_archive(str(tmp_path / "www" / "v1.0.10"), "zip", tmp_path / "made")
    address = serve(tmp_path / "www") + "v1.0.10.zip"
    fetched = fetch(fsdd.PUBLISHED, address=address, cache=tmp_path / "cache")
    assert len(prepare_few(fetched, tmp_path / "out").splits["single_train"]) == 20


def test_recordings_of_the_real_corpus_are_joined(corpora: Path, tmp_path: Path) -> None:
    (tmp_path / "part" / "recordings").mkdir(parents=True)
    for path in (corpora / "fsdd" / "recordings").glob("*_theo_*.wav"):
        if int(path.stem.rsplit("_", 1)[1]) < 12:
            (tmp_path / "part" / "recordings" / path.name).symlink_to(path)
    prepared = prepare_into(prepare_few, tmp_path / "part", tmp_path / "out")
    assert {name: len(prepared.splits[f"single_{name}"]) for name in FEW} == {
        "train": 20,
        "dev": 50,
        "test": 50,
    }
    assert 0.5 < prepared.seconds["train"] / FEW["train"] < 6.0
