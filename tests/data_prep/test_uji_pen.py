from pathlib import Path

import pytest

from data_prep import uji_pen
from seqlabel.errors import ManifestError
from seqlabel.formats import read_strokes
from seqlabel.manifest import read_manifest

FIRST = """.VERSION 1.0
.LEXICON "a" "7"
.HIERARCHY CHARACTER
.COORD X Y
.SEGMENT CHARACTER 0-1 ? "a"
.COMMENT a
.PEN_DOWN
 10 20
 15 25
.PEN_UP
.DT 100
.PEN_DOWN
 30 40
.PEN_UP
.SEGMENT CHARACTER 2 ? "7"
.PEN_DOWN
 50 60
.PEN_UP
"""


def second(writers: list[str], encoding: str = "utf-8") -> bytes:
    rows = ["// UJI: 100 units per millimetre"]
    for writer in writers:
        rows += ["// ASCII char: a", f"WORD a {writer}-01", "  NUMSTROKES 2"]
        rows += ["  POINTS 2 # 1 2 -3 4", "  POINTS 1 # 5 6"]
        rows += ["// Non-ASCII char: ntilde", f"WORD ñ {writer}-02", "  NUMSTROKES 1", "  POINTS 1 # 7 8"]
    return ("\r\n".join(rows) + "\r\n").encode(encoding)


TRN = [f"trn_UPV_W{number:02d}" for number in range(1, 21)]


def test_version_1_has_a_file_for_each_writer_and_y_downwards(tmp_path: Path) -> None:
    (tmp_path / "uji").mkdir()
    for number in range(1, 12):
        (tmp_path / "uji" / f"UJIpenchars-w{number:02d}").write_text(FIRST)
    assert uji_pen.main([str(tmp_path / "uji"), str(tmp_path / "out")]) == 0
    splits = {split: read_manifest(tmp_path / "out" / f"{split}.jsonl") for split in ("train", "dev", "test")}
    groups = {split: {example.group for example in examples} for split, examples in splits.items()}
    assert {split: len(found) for split, found in groups.items()} == {"train": 8, "dev": 1, "test": 2}
    assert len(set().union(*groups.values())) == 11
    first, other = splits["dev"]
    assert (first.text, other.text) == ("a", "7") and first.id == f"{first.group}-001"
    assert [stroke.tolist() for stroke in read_strokes(first.source).strokes] == [
        [[10, 20], [15, 25]],
        [[30, 40]],
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-15"])
def test_version_2_keeps_its_parts(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "uji").mkdir()
    (tmp_path / "uji" / "ujipenchars2.txt").write_bytes(second([*TRN, "tst_UJI_W41"], encoding))
    prepared = uji_pen.prepare(tmp_path / "uji", tmp_path / "out")
    assert {split: len(examples) for split, examples in prepared.splits.items()} == {
        "train": 28, "dev": 12, "test": 2,
    }  # fmt: skip
    first, other = prepared.splits["test"]
    assert (first.text, other.text, first.group) == ("a", "ñ", "UJI_W41")
    assert [stroke.tolist() for stroke in read_strokes(first.source).strokes] == [[[1, 2], [-3, 4]], [[5, 6]]]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("POINTS 2 # 1 2 -3 4", "POINTS 3 # 1 2 -3 4", ":5: .* with 4 numbers"),
        ("POINTS 2 # 1 2 -3 4", "POINTS 2 # 1 2 x 4", ":5: "),
        ("POINTS 2 # 1 2 -3 4", f"POINTS 2 # 1 2 {'9' * 60} 4", ":5: "),
        ("NUMSTROKES 2", "NUMSTROKES 3", ":8: 'WORD"),
        ("NUMSTROKES 2", "STROKES", ":4: 'STROKES'"),
        ("WORD a trn", "WORD a xyz", ":3: 'WORD a xyz"),
        ("  POINTS 1 # 7 8\r\n", "", ":9: 'the end of the file'"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = second(["trn_UJI_W01"]).decode().replace(old, new, 1)
    (tmp_path / "ujipenchars2.txt").write_text(text, newline="")
    with pytest.raises(ManifestError, match=rf"ujipenchars2\.txt{message}"):
        uji_pen.prepare(tmp_path, tmp_path / "out")


def test_a_character_without_ink_is_counted(tmp_path: Path) -> None:
    text = second(TRN[:2]).decode().replace("POINTS 1 # 7 8", "POINTS 0 #", 1)
    (tmp_path / "ujipenchars2.txt").write_text(text)
    prepared = uji_pen.prepare(tmp_path, tmp_path / "out")
    assert prepared.left_out == {"character without ink": ["UPV_W01-ñ-02"]}


def test_a_segment_without_label_is_refused(tmp_path: Path) -> None:
    (tmp_path / "UJIpenchars-w01").write_text(FIRST.replace('? "7"', "?"))
    with pytest.raises(ManifestError, match="segment 1 has no label"):
        uji_pen.prepare(tmp_path, tmp_path / "out")


def test_another_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("x")
    with pytest.raises(ManifestError, match="neither ujipenchars2"):
        uji_pen.prepare(tmp_path, tmp_path / "out")
