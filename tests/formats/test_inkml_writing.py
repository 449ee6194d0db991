import numpy as np
import pytest
from lxml import etree

from seqlabel.errors import FormatError
from seqlabel.formats import annotate_inkml, read_inkml, read_strokes, write_inkml, write_strokes
from seqlabel.records import Strokes

NAMES = ("strokes", "times", "pressures")


def ink(seed, has_times=True, has_pressures=True):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 9, 3)
    times, last = [], 0.0
    for size in sizes:
        times.append((last + np.cumsum(rng.random(size) / 50)).astype(np.float32))
        last = float(times[-1][-1]) + 0.3
    return Strokes(
        tuple((rng.normal(0, 10.0 ** rng.integers(-3, 4), (size, 2))).astype(np.float32) for size in sizes),
        tuple(column - times[0][0] for column in times) if has_times else None,
        tuple(rng.random(size, np.float32) for size in sizes) if has_pressures else None,
    )


def columns(strokes):
    return [
        None if values is None else [column.tolist() for column in values]
        for values in (getattr(strokes, name) for name in NAMES)
    ]


def test_what_is_read_is_what_was_written(tmp_path):
    groups = [
        (ink(1), 'été <&> "so"'),
        (ink(2), None),
        (ink(3, has_times=False), "no times"),
        (ink(4, has_pressures=False), "a\nb"),
        (ink(5, False, False), ""),
        (ink(6), "again"),
    ]
    write_inkml(tmp_path / "a.inkml", groups)
    back = read_inkml(tmp_path / "a.inkml").groups
    assert [group.annotations.get("truth") for group in back] == [text for _, text in groups]
    for (strokes, _), group in zip(groups, back, strict=True):
        assert columns(group.strokes) == columns(strokes)


def test_one_line_is_the_whole_ink_of_its_file(tmp_path):
    write_inkml(tmp_path / "a.inkml", [(ink(1), "so")])
    assert columns(read_strokes(tmp_path / "a.inkml")) == columns(ink(1))


def test_numbers_are_decimals_as_the_format_has_them(tmp_path):
    tiny = np.array([[1e-30, -3e20], [0.1, 2]], np.float32)
    write_inkml(tmp_path / "a.inkml", [(Strokes((tiny,)), None)])
    assert "e" not in etree.parse(tmp_path / "a.inkml").getroot()[-1][0].text
    assert read_strokes(tmp_path / "a.inkml").strokes[0].tolist() == tiny.tolist()


def test_the_file_is_made_of_what_inkml_has(tmp_path):
    write_inkml(tmp_path / "a.inkml", [(ink(1), "so"), (ink(2, False), "what")])
    root = etree.parse(tmp_path / "a.inkml").getroot()
    names = {etree.QName(element).localname for element in root.iter()}
    assert {etree.QName(element).namespace for element in root.iter()} == {"http://www.w3.org/2003/InkML"}
    assert names == set(
        [
            "ink",
            "definitions",
            "timestamp",
            "context",
            "traceFormat",
            "channel",
            "traceGroup",
            "annotation",
            "trace",
        ]
    )
    ids = {element.get("{http://www.w3.org/XML/1998/namespace}id") for element in root.iter()} - {None}
    references = {
        value.removeprefix("#")
        for element in root.iter()
        for key, value in element.items()
        if key in ("contextRef", "respectTo")
    }
    assert references == ids == {"start", "XYTF", "XYF"}


def test_characters_that_xml_has_not_are_replaced(tmp_path):
    write_inkml(tmp_path / "a.inkml", [(ink(1), "a\x00b")])
    assert read_inkml(tmp_path / "a.inkml").groups[0].annotations == {"truth": "a\ufffdb"}


@pytest.mark.parametrize(
    "groups", [[], [(Strokes(()), "a")], [(Strokes((np.zeros((0, 2), np.float32),)), "a")]]
)
def test_no_ink_is_refused_and_nothing_written(tmp_path, groups):
    with pytest.raises(FormatError, match="no point"):
        write_inkml(tmp_path / "a.inkml", groups)
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(FormatError, match="cannot be written"):
        write_inkml(tmp_path / "none" / "a.inkml", [(ink(1), "a")])


# --- texts put into a file

FILE = """<?xml version="1.0" encoding="UTF-8"?>
<!-- a comment that stays -->
<my:ink xmlns:my="http://www.w3.org/2003/InkML" documentID="d7">
  <my:annotation type="writer">w1</my:annotation>
  <my:traceGroup><my:annotation type="truth">so</my:annotation>
    <my:trace>1 2, 3 4</my:trace></my:traceGroup>
  <!-- between -->
  <my:traceGroup/>
  <my:traceGroup>
    <my:trace>5 6</my:trace>
  </my:traceGroup>
</my:ink>
"""


def test_texts_go_into_the_groups_with_ink_and_all_else_stays(tmp_path):
    (tmp_path / "a.inkml").write_text(FILE)
    annotate_inkml(tmp_path / "a.inkml", tmp_path / "b.inkml", ["se", "what"])
    groups = read_inkml(tmp_path / "b.inkml").groups
    assert [group.annotations for group in groups] == [
        {"truth": "so", "transcription": "se"},
        {},
        {"transcription": "what"},
    ]
    written = (tmp_path / "b.inkml").read_text()
    for text in ("se", "what"):
        assert written.count(f'<my:annotation type="transcription">{text}</my:annotation>') == 1
    without = written
    for text in ("se", "what"):
        without = without.replace(f'<my:annotation type="transcription">{text}</my:annotation>', "")
    assert "".join(without.split()).replace("'", '"') == "".join(FILE.split())
    annotate_inkml(tmp_path / "b.inkml", tmp_path / "c.inkml", ["se", "what"])
    assert (tmp_path / "c.inkml").read_bytes() == (tmp_path / "b.inkml").read_bytes()


def test_ink_without_groups_has_its_text_in_the_root(tmp_path):
    (tmp_path / "a.inkml").write_text("<ink><trace>1 2</trace></ink>")
    annotate_inkml(tmp_path / "a.inkml", tmp_path / "b.inkml", ["so"], "truth")
    assert read_inkml(tmp_path / "b.inkml").annotations == {"truth": "so"}


def test_another_number_of_texts_is_refused(tmp_path):
    (tmp_path / "a.inkml").write_text(FILE)
    with pytest.raises(FormatError, match="2 groups with ink, and 1 texts"):
        annotate_inkml(tmp_path / "a.inkml", tmp_path / "b.inkml", ["so"])
    assert not (tmp_path / "b.inkml").exists()


@pytest.mark.parametrize("column", NAMES)
@pytest.mark.parametrize("write", [write_strokes, lambda path, ink: write_inkml(path, [(ink, None)])])
def test_what_is_not_finite_is_not_written(tmp_path, column, write):
    strokes = ink(3)
    getattr(strokes, column)[1][0] = np.nan
    with pytest.raises(FormatError, match="not finite"):
        write(tmp_path / "a", strokes)
    assert list(tmp_path.iterdir()) == []
