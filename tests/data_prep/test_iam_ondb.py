from pathlib import Path

import pytest

from data_prep import iam_ondb
from seqlabel.errors import ManifestError
from seqlabel.formats import read_strokes
from seqlabel.manifest import read_manifest

LINE = """<?xml version="1.0" encoding="ISO-8859-1"?>
<WhiteboardCaptureSession><WhiteboardDescription><SensorLocation corner="top_left"/></WhiteboardDescription>
<StrokeSet><Stroke colour="black" start_time="1.0" end_time="1.1">
<Point x="10" y="20" time="1.0"/><Point x="12" y="30" time="1.1"/></Stroke></StrokeSet></WhiteboardCaptureSession>
"""
FORMS = {"a01-000u": "train", "a01-001w": "dev", "b02-010": "dev2", "c03-100z": "test"}
TEXTS = ["A MOVE to stop", "Mr. Gaitskell   from"]


def folders(form: str) -> Path:
    base = form.rstrip("uwz")
    return Path(base[:3]) / base


def make_corpus(root: Path) -> Path:
    for form in (*FORMS, "d04-200u"):
        lines = root / "lineStrokes-all" / "lineStrokes" / folders(form)
        lines.mkdir(parents=True, exist_ok=True)
        for number in (1, 2):
            (lines / f"{form}-{number:02d}.xml").write_text(LINE)
        texts = root / "ascii-all" / "ascii" / folders(form)
        texts.mkdir(parents=True, exist_ok=True)
        text = "OCR:\n\nSomething else\n\nCSR:\n\n" + "\n".join(TEXTS) + "\n\n"
        (texts / f"{form}.txt").write_text(text)
    original = root / "original-xml-all" / "original" / folders("a01-000u")
    original.mkdir(parents=True)
    whole = LINE.replace(
        "<WhiteboardDescription>", '<General><Form writerID="10052"/></General><WhiteboardDescription>'
    )
    (original / "strokesu.xml").write_text(whole)
    (root / "task1").mkdir()
    for split, name in iam_ondb.LISTS.items():
        (root / "task1" / name).write_text(
            "".join(f"{form}\n" for form, own in FORMS.items() if own == split)
        )
    return root


def test_the_lists_of_task_1_make_the_splits(tmp_path: Path) -> None:
    source, out = make_corpus(tmp_path / "iam"), tmp_path / "out"
    assert iam_ondb.main([str(source), str(out)]) == 0
    for form, split in FORMS.items():
        examples = read_manifest(out / f"{split}.jsonl")
        assert [example.id for example in examples] == [f"{form}-01", f"{form}-02"]
        assert [example.text for example in examples] == ["A MOVE to stop", "Mr. Gaitskell from"]
        assert {example.group for example in examples} == {"10052" if form == "a01-000u" else form}
        assert read_strokes(examples[0].source).strokes[0].tolist() == [[10, 20], [12, 30]]


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "iam")
    lines = source / "lineStrokes-all" / "lineStrokes"
    (lines / "a01/a01-000/a01-000u-01.xml").unlink()
    (lines / "a01/a01-001/a01-001w-02.xml").write_text("<x/>")
    (lines / "b02/b02-010/b02-010-03.xml").write_text(LINE)
    (source / "task1/testset_f.txt").write_text("c03-100z\nc03-101z\n")
    prepared = iam_ondb.prepare(source, tmp_path / "out")
    assert prepared.left_out == {
        "form of no list of task 1": ["d04-200u"],
        "line without ink": ["a01-000u-01"],
        "ink that cannot be read": ["a01-001w-02"],
        "form with fewer texts than lines": ["b02-010"],
        "form without ink": ["c03-101z"],
    }
    assert {split: len(examples) for split, examples in prepared.splits.items()} == {
        "train": 1, "dev": 1, "dev2": 0, "test": 2,
    }  # fmt: skip


def test_texts_come_from_the_whole_forms_where_there_is_no_ascii(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "iam")
    (source / "ascii-all").rename(tmp_path / "elsewhere")
    texts = "".join(f'<TextLine id="l{n}" text="{text} &amp;amp; co"/>' for n, text in enumerate(TEXTS))
    whole = source / "original-xml-all/original/a01/a01-000/strokesu.xml"
    whole.write_text(
        whole.read_text().replace("<General>", f"<Transcription>{texts}</Transcription><General>")
    )
    prepared = iam_ondb.prepare(source, tmp_path / "out")
    assert [example.text for example in prepared.splits["train"]] == [
        "A MOVE to stop & co",
        "Mr. Gaitskell from & co",
    ]
    assert len(prepared.left_out["form with fewer texts than lines"]) == 3


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("task1/trainset.txt", "a01\n", r"trainset\.txt:1: 'a01' is no form"),
        ("task1/testset_v.txt", "a01-000u\n", "stands in the list of train too"),
        ("ascii-all/ascii/a01/a01-000/a01-000u.txt", "OCR:\nx\n", "no line 'CSR:'"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    source = make_corpus(tmp_path / "iam")
    (source / name).write_text(text)
    with pytest.raises(ManifestError, match=message):
        iam_ondb.prepare(source, tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "message"), [("task1", "no trainset"), ("lineStrokes-all", "no lineStrokes")]
)
def test_a_missing_part_is_named(tmp_path: Path, name: str, message: str) -> None:
    source = make_corpus(tmp_path / "iam")
    (source / name).rename(tmp_path / "elsewhere")
    with pytest.raises(ManifestError, match=message):
        iam_ondb.prepare(source, tmp_path / "out")
