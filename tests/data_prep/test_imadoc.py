from pathlib import Path

import pytest

from data_prep import imadoc
from data_prep.corpus_source import prepare_into
from seqlabel.errors import FormatError, ManifestError
from seqlabel.manifest import read_manifest

ROWS = [("w1-s1-l00", "w1", "train"), ("w2-s1-l00", "w2", "dev"), ("w3-s1-l00", "w3", "test")]
INK = """<?xml version="1.0" encoding="UTF-8"?>
<ink xmlns="http://www.w3.org/2003/InkML">
  <annotation type="writer">{writer}</annotation>
  <annotation type="truth">{text}</annotation>
  <trace id="t0">958 2865, 963 2856, 963 2852</trace>
</ink>
"""


def make_corpus(root: Path, rows: list[tuple[str, str, str]] = ROWS) -> Path:
    for line_id, writer, _ in rows:
        folder = root / "lines" / writer
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{line_id}.inkml").write_text(INK.format(writer=writer, text="deceived  me"))
    table = ["id\twriter\tsplit", *("\t".join(row) for row in rows)]
    (root / "splits.tsv").write_text("\n".join(table) + "\n")
    return root


def test_a_tiny_corpus_becomes_three_manifests(tmp_path: Path) -> None:
    source, out = make_corpus(tmp_path / "imadoc"), tmp_path / "out"
    assert imadoc.main([str(source), str(out)]) == 0
    for line_id, writer, split in ROWS:
        (example,) = read_manifest(out / f"{split}.jsonl")
        assert (example.id, example.text, example.group) == (line_id, "deceived me", writer)
        assert example.source == source / "lines" / writer / f"{line_id}.inkml"


def test_a_writer_in_two_splits_is_refused(tmp_path: Path) -> None:
    source = make_corpus(tmp_path, [*ROWS, ("w1-s2-l00", "w1", "test")])
    with pytest.raises(ManifestError, match="w1 stands in train and in test"):
        imadoc.prepare(source, tmp_path / "out")


def test_a_wrong_row_of_the_table_is_named(tmp_path: Path) -> None:
    source = make_corpus(tmp_path)
    (source / "splits.tsv").write_text("id\twriter\tsplit\nw1-s1-l00\tw1\tvalid\n")
    with pytest.raises(ManifestError, match=r"splits\.tsv:2: "):
        imadoc.prepare(source, tmp_path / "out")


def test_a_table_without_its_heading_is_refused(tmp_path: Path) -> None:
    source = make_corpus(tmp_path)
    (source / "splits.tsv").write_text("w1-s1-l00\tw1\ttrain\n")
    with pytest.raises(ManifestError, match=r"splits\.tsv:1: expected the heading"):
        imadoc.prepare(source, tmp_path / "out")


def test_a_line_that_is_missing_is_named(tmp_path: Path) -> None:
    source = make_corpus(tmp_path)
    (source / "lines/w2/w2-s1-l00.inkml").unlink()
    with pytest.raises(FormatError, match=r"w2-s1-l00\.inkml"):
        imadoc.prepare(source, tmp_path / "out")


def test_a_line_by_another_writer_is_refused(tmp_path: Path) -> None:
    source = make_corpus(tmp_path)
    (source / "lines/w2/w2-s1-l00.inkml").write_text(INK.format(writer="w9", text="me"))
    with pytest.raises(ManifestError, match="is by w9"):
        imadoc.prepare(source, tmp_path / "out")


def test_a_line_without_truth_is_counted(tmp_path: Path) -> None:
    source = make_corpus(tmp_path, [*ROWS, ("w1-s2-l00", "w1", "train")])
    (source / "lines/w1/w1-s2-l00.inkml").write_text(INK.format(writer="w1", text=" "))
    prepared = imadoc.prepare(source, tmp_path / "out")
    assert prepared.left_out == {"no annotation 'truth'": ["w1-s2-l00"]}


def test_lines_of_the_real_corpus_are_read_where_they_lie(corpora: Path, tmp_path: Path) -> None:
    table = (corpora / "imadoc" / "splits.tsv").read_text().splitlines()
    rows = [row for row in table[1:] if row.split("\t")[2] == "train"][::100]
    for split in ("dev", "test"):
        rows += [row for row in table[1:] if row.split("\t")[2] == split][::40]
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "splits.tsv").write_text("\n".join([table[0], *rows]))
    (tmp_path / "part" / "lines").symlink_to(corpora / "imadoc" / "lines")
    prepared = prepare_into(imadoc.prepare, tmp_path / "part", tmp_path / "out")
    letters = {letter for examples in prepared.splits.values() for e in examples for letter in e.text or ""}
    assert letters <= set("abcdefghijklmnopqrstuvwxyz ")
    assert sum(len(examples) for examples in prepared.splits.values()) == len(rows)
