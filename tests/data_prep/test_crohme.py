from pathlib import Path

import pytest

from data_prep import crohme
from data_prep.corpus_source import prepare_into
from seqlabel.errors import ManifestError
from seqlabel.formats import read_strokes
from seqlabel.manifest import read_manifest

FORMULA = """<ink xmlns="http://www.w3.org/2003/InkML">
<traceFormat><channel name="X" type="decimal"/><channel name="Y" type="decimal"/></traceFormat>
<annotation type="truth">$\\alpha+1$</annotation>{writer}
<annotationXML type="truth" encoding="Content-MathML"><math xmlns='http://www.w3.org/1998/Math/MathML'>
<mi xml:id="A_1">a</mi></math></annotationXML>
<trace id="0">1 2, 3 4</trace><trace id="1">5 6, 7 8</trace><trace id="2">5 4, 5 9</trace><trace id="3">9 2, 9 9</trace>
<traceGroup xml:id="4"><annotation type="truth">Segmentation</annotation>
<traceGroup xml:id="5"><annotation type="truth">\\alpha</annotation><traceView traceDataRef="0"/>
<annotationXML href="A_1"/></traceGroup>
<traceGroup xml:id="6"><annotation type="truth">+</annotation><traceView traceDataRef="1"/>
<traceView traceDataRef="2"/></traceGroup>
<traceGroup xml:id="7"><annotation type="truth">1</annotation><traceView traceDataRef="3"/></traceGroup>
</traceGroup></ink>
"""


def write_formula(path: Path, writer: str | None, text: str = FORMULA) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        text.replace("{writer}", f'<annotation type="writer">{writer}</annotation>' if writer else "")
    )


def make_corpus(root: Path) -> Path:
    for number in range(10):
        write_formula(root / "train/expressmatch" / f"f{number}.inkml", f"w{number}")
    write_formula(root / "TestEM2014GT/18_em_0.inkml", None)
    return root


def test_each_symbol_is_an_example(tmp_path: Path) -> None:
    source, out = make_corpus(tmp_path / "crohme"), tmp_path / "out"
    assert crohme.main([str(source), str(out)]) == 0
    test = read_manifest(out / "test.jsonl")
    assert [(example.id, example.text) for example in test] == [
        ("TestEM2014GT/18_em_0-00", "\\alpha"),
        ("TestEM2014GT/18_em_0-01", "+"),
        ("TestEM2014GT/18_em_0-02", "1"),
    ]
    assert {example.group for example in test} == {"TestEM2014GT/18_em_0"}
    plus = read_strokes(test[1].source)
    assert [stroke.tolist() for stroke in plus.strokes] == [[[5, 6], [7, 8]], [[5, 4], [5, 9]]]


def test_whole_writers_are_set_apart_where_there_is_no_valid_folder(tmp_path: Path) -> None:
    prepared = crohme.prepare(make_corpus(tmp_path / "crohme"), tmp_path / "out")
    groups = {split: {example.group for example in examples} for split, examples in prepared.splits.items()}
    assert (len(groups["train"]), len(groups["dev"])) == (9, 1) and not groups["train"] & groups["dev"]
    write_formula(tmp_path / "crohme/valid/v.inkml", "w1")
    prepared = crohme.prepare(tmp_path / "crohme", tmp_path / "out")
    assert len(prepared.splits["train"]) == 30
    assert [example.id for example in prepared.splits["dev"]] == ["valid/v-00", "valid/v-01", "valid/v-02"]


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "crohme")
    write_formula(source / "train/broken.inkml", "w0", FORMULA[:-9])
    write_formula(source / "train/dangling.inkml", "w0", FORMULA.replace('Ref="2"', 'Ref="22"'))
    write_formula(source / "train/blank.inkml", "w0", FORMULA.replace(">1</ann", "> </ann"))
    write_formula(source / "train/noink.inkml", "w0", FORMULA.replace('<traceView traceDataRef="3"/>', ""))
    write_formula(source / "train/plain.inkml", "w0", "<ink><trace>1 2</trace></ink>")
    prepared = crohme.prepare(source, tmp_path / "out")
    assert {reason: len(ids) for reason, ids in prepared.left_out.items()} == {
        "file that cannot be read": 2,
        "symbol without label": 1,
        "symbol without ink": 1,
        "file without symbols": 1,
    }
    assert prepared.left_out["symbol without ink"] == ["train/noink-02"]


def test_without_a_test_folder_no_test_is_written(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "crohme")
    (source / "TestEM2014GT").rename(tmp_path / "elsewhere")
    prepare_into(crohme.prepare, source, tmp_path / "out")
    assert not (tmp_path / "out/test.jsonl").exists() and (tmp_path / "out/dev.jsonl").exists()


def test_what_an_earlier_run_wrote_below_the_corpus_is_not_read(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "crohme")
    write_formula(source / "out" / "a.inkml", "w0")
    assert crohme.prepare(source, source / "out").num_signals == 33


def test_a_folder_without_formulas_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"no \.inkml file"):
        crohme.prepare(tmp_path, tmp_path / "out")
