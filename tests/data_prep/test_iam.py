from pathlib import Path

import pytest

from data_prep import iam
from seqlabel.errors import ManifestError
from seqlabel.manifest import read_manifest
from tests.data_prep.line_images import draw

LINES = """#--- lines.txt ---#
# format: a01-000u-00 ok 154 19 408 746 1663 91 A|MOVE|to|stop|Mr.|Gaitskell|from
a01-000u-00 ok 154 19 408 746 1661 89 A|MOVE|to|stop
a01-000u-01 err 156 19 395 932 1850 105 nominating|any|.
b02-003-00 ok 156 19 395 932 1850 105 is|to|be
c03-004a-00 ok 156 19 395 932 1850 105 made
d04-005-00 ok 156 19 395 932 1850 105 "|at|a
e05-006-00 ok 156 19 395 932 1850 105 unlisted
"""
FORMS = "# forms\na01-000u 000 2 prt 7 5 52 36\nb02-003 001 2 all\nc03-004a 002 2 all\nd04-005 003 2 all\n"
LISTS = {
    "trainset.txt": ["a01-000u-00", "a01-000u-01"],
    "validationset1.txt": ["b02-003-00"],
    "validationset2.txt": ["c03-004a-00"],
    "testset.txt": ["d04-005-00"],
    "train.uttlist": ["a01-000u", "b02-003"],
    "validation.uttlist": ["c03-004a"],
    "test.uttlist": ["d04-005"],
}


def make_corpus(root: Path, lists: str = "set", folder: str = "splits") -> Path:
    for line in LINES.splitlines():
        if not line.startswith("#"):
            name = line.split()[0]
            form = "-".join(name.split("-")[:2])
            draw(root / "lines" / form.split("-")[0] / form / f"{name}.png")
    (root / "ascii").mkdir()
    (root / "ascii" / "lines.txt").write_text(LINES)
    (root / "ascii" / "forms.txt").write_text(FORMS)
    (root / folder).mkdir()
    for name, entries in LISTS.items():
        if lists in name:
            (root / folder / name).write_text("\n".join(entries) + "\n")
    return root


def ids(prepared: iam.Prepared) -> dict[str, list[str]]:
    return {split: [example.id for example in examples] for split, examples in prepared.splits.items()}


@pytest.mark.parametrize("folder", ["splits", "largeWriterIndependentTextLineRecognitionTask"])
def test_the_task_of_the_database_has_two_dev_sets(folder: str, tmp_path: Path) -> None:
    source, out = make_corpus(tmp_path / "iam", folder=folder), tmp_path / "out"
    assert iam.main([str(source), str(out)]) == 0
    train = read_manifest(out / "train.jsonl")
    assert [(e.id, e.text, e.group) for e in train] == [
        ("a01-000u-00", "A MOVE to stop", "000"),
        ("a01-000u-01", "nominating any .", "000"),
    ]
    assert train[0].source == source / "lines/a01/a01-000u/a01-000u-00.png"
    assert [e.text for e in read_manifest(out / "dev2.jsonl")] == ["made"]
    assert [e.text for e in read_manifest(out / "test.jsonl")] == ['" at a']


@pytest.mark.parametrize("split", ["aachen", "rwth"])
def test_lists_may_name_forms(split: str, tmp_path: Path) -> None:
    prepared = iam.prepare(make_corpus(tmp_path / "iam", "uttlist"), tmp_path / "out", split=split)
    assert ids(prepared) == {
        "train": ["a01-000u-00", "a01-000u-01", "b02-003-00"], "dev": ["c03-004a-00"], "test": ["d04-005-00"]
    }  # fmt: skip
    assert prepared.left_out == {f"in no list of {split}": ["e05-006-00"]}


def test_lists_that_are_not_there_are_asked_for_and_never_made_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = make_corpus(tmp_path / "iam", "uttlist")
    assert iam.main([str(source), str(tmp_path / "out"), "--split", "lwitlrt"]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and f"{source / 'splits'}: " in line and "trainset.txt" in line


def test_two_kinds_of_lists_for_one_name_are_refused(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "iam", "uttlist")
    for name, entry in (("tr.lst", "a01-000u-00"), ("va.lst", "b02-003-00"), ("te.lst", "d04-005-00")):
        (source / "splits" / name).write_text(entry)
    with pytest.raises(ManifestError, match=r"has train\.uttlist and tr\.lst"):
        iam.prepare(source, tmp_path / "out", split="aachen")


def test_what_is_marked_err_can_be_left_out(tmp_path: Path) -> None:
    prepared = iam.prepare(make_corpus(tmp_path / "iam"), tmp_path / "out", only_ok=True)
    assert prepared.left_out["marked err"] == ["a01-000u-01"]


def test_images_that_are_missing_or_empty_are_counted(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "iam")
    (source / "lines/a01/a01-000u/a01-000u-00.png").write_bytes(b"")
    (source / "lines/d04/d04-005/d04-005-00.png").unlink()
    prepared = iam.prepare(source, tmp_path / "out")
    assert prepared.left_out["image of 0 bytes"] == ["a01-000u-00"]
    assert prepared.left_out["no image"] == ["d04-005-00"]


def test_without_any_image_the_archive_is_named(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "iam")
    (source / "lines").rename(tmp_path / "elsewhere")
    with pytest.raises(ManifestError, match=r"unpack lines\.tgz"):
        iam.prepare(source, tmp_path / "out")


def test_a_line_in_two_lists_is_refused(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "iam")
    (source / "splits" / "testset.txt").write_text("a01-000u-00\n")
    with pytest.raises(ManifestError, match="a01-000u-00 stands in train and in test"):
        iam.prepare(source, tmp_path / "out")


def test_a_row_that_is_none_is_named(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "iam")
    (source / "ascii/lines.txt").write_text(LINES + "a01-000u-02 maybe 1 2 3 4 5 6 x\n")
    with pytest.raises(ManifestError, match=r"lines\.txt:9: "):
        iam.prepare(source, tmp_path / "out")


def test_words_are_examples_of_their_own(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "iam", "uttlist")
    names = ["a01-000u-00-00", "c03-004a-00-00", "d04-005-00-00"]
    (source / "ascii/words.txt").write_text("".join(f"{n} ok 154 408 768 27 51 AT B B C\n" for n in names))
    for name in names:
        draw(source / "words" / name[:3] / name.rsplit("-", 2)[0] / f"{name}.png")
    prepared = iam.prepare(source, tmp_path / "out", split="rwth", level="words")
    assert [(e.id, e.text) for e in prepared.splits["train"]] == [("a01-000u-00-00", "B B C")]
