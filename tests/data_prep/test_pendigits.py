import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from data_prep import pendigits
from data_prep.corpus_source import prepare_into
from seqlabel.errors import ManifestError
from seqlabel.formats import read_strokes
from seqlabel.manifest import read_manifest
from seqlabel.records import Strokes

HEAD = '.INCLUDE        dene.doc\n\n.LEXICON "0" "1" "2" "3" "4" "5" "6" "7" "8" "9"\n.HIERARCHY      DIGIT\n'


def segment(number: int, label: int, writer: int, index: int) -> str:
    """A digit as a slanted stroke, 100 wide and 200 high, somewhere on the tablet."""
    left, low = 50 + 3 * index, 100 + 7 * (index % 10)
    return (
        f'\n.SEGMENT DIGIT    {number} ? "{label}"\n.COMMENT {label} {writer:2d}  {index:3d}\n.PEN_DOWN\n'
        f" {left}  {low + 200}\n {left + 40}  {low + 90}\n {left + 100}  {low}\n.PEN_UP\n.DT 100\n"
    )


def unipen(num_writers: int, num_digits: int) -> str:
    # Writers alternate in the file and the writing order is mixed up, as in the published files.
    order = np.random.default_rng(0).permutation(num_digits)
    rows = [(writer, int(index)) for index in order for writer in range(1, num_writers + 1)]
    parts = [segment(number, index % 10, writer, index) for number, (writer, index) in enumerate(rows)]
    return HEAD + "".join(parts)


def make_corpus(root: Path) -> Path:
    root.mkdir(parents=True)
    (root / "pendigits-orig.train").write_text(unipen(4, 20))
    (root / "pendigits-orig.test").write_text(unipen(2, 17))
    return root


def digit(label: str, left: float, top: float) -> pendigits.Digit:
    points = np.array([[left, top], [left + 100, top + 200]], np.float32)
    return pendigits.Digit(label, "train01", 0, Strokes((points,)))


@pytest.mark.parametrize("num_digits", range(41))
def test_the_cuts_use_each_digit_once_in_strings_of_3_to_7(num_digits: int) -> None:
    cuts = pendigits.cut_points(num_digits, np.random.default_rng(num_digits))
    assert [place for start, end in cuts for place in range(start, end)] == list(
        range(num_digits if num_digits >= 3 else 0)
    )
    assert all(3 <= end - start <= 7 for start, end in cuts)


def test_digits_set_side_by_side_keep_their_shape_and_do_not_overlap() -> None:
    digits = [digit("1", 300, 0), digit("2", 20, 100), digit("3", 150, -50)]
    strokes = pendigits.set_side_by_side(digits, np.random.default_rng(0)).strokes
    assert len(strokes) == 3
    for stroke, original in zip(strokes, digits, strict=True):
        np.testing.assert_array_equal(np.diff(stroke, axis=0), np.diff(original.ink.strokes[0], axis=0))
    for left, right in pairwise(strokes):
        gap = right[:, 0].min() - left[:, 0].max()
        assert pendigits.MIN_GAP - 1 <= gap <= pendigits.MAX_GAP + 1


def test_digits_set_side_by_side_stand_on_one_line() -> None:
    digits = [digit("1", 0, top) for top in (0, 250, 90)]
    strokes = pendigits.set_side_by_side(digits, np.random.default_rng(0)).strokes
    assert all(abs(stroke[:, 1].max()) < 5 * pendigits.BASELINE_JITTER for stroke in strokes)


def test_a_tiny_corpus_becomes_six_manifests(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert pendigits.main([str(make_corpus(tmp_path / "pendigits")), str(out)]) == 0
    singles = read_manifest(out / "single_train.jsonl") + read_manifest(out / "single_dev.jsonl")
    assert len(singles) == 80
    assert len(read_manifest(out / "single_test.jsonl")) == 34
    for name in ("train", "dev", "test"):
        assert all(3 <= len(example.text or "") <= 7 for example in read_manifest(out / f"{name}.jsonl"))


def test_no_writer_is_in_two_splits(tmp_path: Path) -> None:
    prepared = pendigits.prepare(make_corpus(tmp_path / "pendigits"), tmp_path / "out")
    groups = {name: {example.group for example in examples} for name, examples in prepared.splits.items()}
    assert groups["train"] == groups["single_train"]
    assert not groups["train"] & groups["dev"]
    assert not groups["test"] & (groups["train"] | groups["dev"])


def test_each_test_digit_is_in_exactly_one_string_and_in_writing_order(tmp_path: Path) -> None:
    prepared = pendigits.prepare(make_corpus(tmp_path / "pendigits"), tmp_path / "out")
    written: dict[str | None, str] = defaultdict(str)
    for example in prepared.splits["test"]:
        written[example.group] += example.text or ""
    assert set(written.values()) == {"".join(str(index % 10) for index in range(17))}


def test_each_train_digit_is_in_several_strings_cut_differently(tmp_path: Path) -> None:
    prepared = pendigits.prepare(make_corpus(tmp_path / "pendigits"), tmp_path / "out")
    texts = Counter(example.text for example in prepared.splits["train"])
    num_digits = sum(len(text or "") * count for text, count in texts.items())
    assert num_digits == pendigits.NUM_PASSES["train"] * 40
    assert len(texts) > 10


def test_a_string_holds_the_ink_of_its_digits(tmp_path: Path) -> None:
    prepared = pendigits.prepare(make_corpus(tmp_path / "pendigits"), tmp_path / "out")
    for example in prepared.splits["test"]:
        assert len(read_strokes(example.source).strokes) == len(example.text or "")


def test_running_twice_gives_the_same_files(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "pendigits")
    contents = []
    for name in ("first", "second"):
        prepare_into(pendigits.prepare, source, tmp_path / name)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        contents.append({path.relative_to(tmp_path / name): path.read_bytes() for path in files})
    assert contents[0] == contents[1]


def test_the_published_zip_is_fetched_and_its_compressed_files_are_read(
    tmp_path: Path, serve: Callable[[Path], str]
) -> None:
    (tmp_path / "www").mkdir()
    with zipfile.ZipFile(tmp_path / "www" / "digits.zip", "w") as archive:
        archive.writestr("pendigits-orig.tra.Z", literal_compress(unipen(2, 5).encode()))
        archive.writestr("pendigits-orig.tes.Z", literal_compress(unipen(1, 4).encode()))
    arguments = ["--address", serve(tmp_path / "www") + "digits.zip", "--cache", str(tmp_path / "cache")]
    assert pendigits.main([*arguments, str(tmp_path / "out")]) == 0
    assert len(read_manifest(tmp_path / "out" / "single_test.jsonl")) == 4


def literal_compress(data: bytes) -> bytes:
    """A valid .Z file without any compression: nine-bit codes, the table cleared before it needs ten."""
    out = bytearray(b"\x1f\x9d\x90")
    for start in range(0, len(data), 239):
        codes = [*data[start : start + 239], 256]  # 240 codes are 30 full groups of 8
        codes += [0] * (-len(codes) % 8 if start + 239 < len(data) else 0)
        bits = sum(code << (9 * place) for place, code in enumerate(codes))
        out += bits.to_bytes(-(-9 * len(codes) // 8), "little")
    return bytes(out)


def test_a_comment_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "pendigits")
    path = source / "pendigits-orig.test"
    path.write_text(path.read_text().replace(".COMMENT 3  2", ".COMMENT 3  x"))
    with pytest.raises(ManifestError, match="expected 'digit writer index'"):
        pendigits.prepare(source, tmp_path / "out")


def test_a_missing_test_file_is_refused(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "pendigits")
    (source / "pendigits-orig.test").unlink()
    with pytest.raises(ManifestError, match=r"none of pendigits-orig\.test"):
        pendigits.prepare(source, tmp_path / "out")


def test_real_digits_stand_upright(corpora: Path, tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    for name, writers in (("pendigits-orig.train", ("12", "26")), ("pendigits-orig.test", ("6",))):
        head, *parts = re.split(r"(?=^\.SEGMENT)", (corpora / "pendigits" / name).read_text(), flags=re.M)
        own = [part for part in parts if part.split(".COMMENT", 1)[1].split()[1] in writers]
        (tmp_path / "part" / name).write_text(head + "".join(own[:60]))
    prepared = prepare_into(pendigits.prepare, tmp_path / "part", tmp_path / "out")
    sevens = [example for example in prepared.splits["single_test"] if example.text == "7"]
    assert sevens
    for example in sevens:
        points = read_strokes(example.source).strokes[0]
        assert points[0, 1] < points[-1, 1]  # a seven begins at its top: y grows downwards
    assert sum(len(example.text or "") for example in prepared.splits["test"]) == len(
        prepared.splits["single_test"]
    )
