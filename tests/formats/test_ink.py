import json

import numpy as np
import pytest

from seqlabel.errors import FormatError
from seqlabel.formats import read_inkml, read_strokes, read_unipen_segments, write_strokes
from seqlabel.records import Strokes


def points(strokes):
    return [stroke.tolist() for stroke in strokes.strokes]


def error_of(path, reader=read_strokes):
    with pytest.raises(FormatError) as caught:
        reader(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message
    return message


@pytest.fixture
def inkml(tmp_path):
    def write(body, namespace=' xmlns="http://www.w3.org/2003/InkML"'):
        (tmp_path / "a.inkml").write_text(
            f"<?xml version='1.0'?>\n<ink{namespace}>{body}</ink>", encoding="utf-8"
        )
        return tmp_path / "a.inkml"

    return write


@pytest.fixture
def unipen(tmp_path):
    def write(text):
        (tmp_path / "a.unipen").write_text(text)
        return tmp_path / "a.unipen"

    return write


FORMAT = '<traceFormat xml:id="f"><channel name="{}"/><channel name="{}"/><channel name="{}"/></traceFormat>'


# --- InkML


@pytest.mark.parametrize("namespace", ["", ' xmlns="http://www.w3.org/2003/InkML"'])
def test_points_are_separated_by_commas(inkml, namespace):
    assert points(read_strokes(inkml("<trace>1 2, 3.5 -4,5 6 </trace>", namespace))) == [
        [[1, 2], [3.5, -4], [5, 6]]
    ]


def test_the_order_of_the_channels_is_that_of_the_format(inkml):
    path = inkml(FORMAT.format("T", "Y", "X") + "<trace>100 1 2, 110 3 4</trace>")
    assert points(read_strokes(path)) == [[[2, 1], [4, 3]]]


def test_further_channels_are_left_out(inkml):
    path = inkml(FORMAT.format("X", "Y", "F") + "<trace>1 2 99, 3 4 98</trace>")
    assert points(read_strokes(path)) == [[[1, 2], [3, 4]]]


def test_an_axis_of_negative_orientation_is_turned_round(inkml):
    body = '<traceFormat><channel name="X"/><channel name="Y" orientation="-ve"/></traceFormat>'
    assert points(read_strokes(inkml(body + "<trace>1 2</trace>"))) == [[[1, -2]]]


def test_numbers_may_touch_where_a_sign_or_prefix_parts_them(inkml):
    # The example of the recommendation, section 3.2.1, with its table of values.
    path = inkml("""<trace>1125 18432,'23'43,"7"-8,3-5,7 -3,6 2,6 8,3 6,2 4,3 6,-1 5</trace>""")
    expected = [(1125, 18432), (1148, 18475), (1178, 18510), (1211, 18540), (1251, 18567), (1297, 18596)]
    expected += [(1349, 18633), (1404, 18676), (1461, 18723), (1521, 18776), (1580, 18834)]
    assert points(read_strokes(path)) == [[list(point) for point in expected]]


def test_an_explicit_value_ends_the_differences(inkml):
    assert points(read_strokes(inkml("<trace>10 20,'1'2,3 4,!50!60,51 61</trace>"))) == [
        [[10, 20], [11, 22], [14, 26], [50, 60], [51, 61]]
    ]


def test_a_star_carries_a_value_on(inkml):
    assert points(read_strokes(inkml("<trace>10 20,* 21,12 *</trace>"))) == [[[10, 20], [10, 21], [12, 21]]]


def test_hexadecimal_numbers_are_read(inkml):
    assert points(read_strokes(inkml("<trace>#FF #10, -#A 1</trace>"))) == [[[255, 16], [-10, 1]]]


def test_truth_values_of_other_channels_are_passed_over(inkml):
    path = inkml(FORMAT.format("X", "Y", "B") + "<trace>1 2 T,3 4 F</trace>")
    assert points(read_strokes(path)) == [[[1, 2], [3, 4]]]


def test_a_missing_value_is_refused_by_name(inkml):
    assert "'?'" in error_of(inkml("<trace>1 2, ? 3</trace>"))


@pytest.mark.parametrize(
    "text", ["1 2, 3", "1 2,, 3 4", "1 2, x 4", "'1'2", "* 1", ", 1 2", "nan 1", "1_0 2", "1 2;3 4"]
)
def test_a_broken_trace_is_refused_by_name(inkml, text):
    assert "trace" in error_of(inkml(f'<trace id="t7">{text}</trace>'))


def test_pen_up_traces_are_left_out(inkml):
    assert points(read_strokes(inkml('<trace>1 2</trace><trace type="penUp">8 9</trace>'))) == [[[1, 2]]]


def test_a_continued_trace_is_one_stroke(inkml):
    body = '<trace xml:id="a" continuation="begin">1 2</trace><trace>7 7</trace>'
    body += '<trace continuation="end" priorRef="#a">3 4</trace>'
    assert points(read_strokes(inkml(body))) == [[[1, 2], [3, 4]], [[7, 7]]]


def test_each_trace_has_the_format_of_its_context(inkml):
    body = """<definitions>
      <traceFormat xml:id="xy"><channel name="X"/><channel name="Y"/></traceFormat>
      <traceFormat xml:id="yx"><channel name="Y"/><channel name="X"/></traceFormat>
      <context xml:id="one" traceFormatRef="#xy"/><context xml:id="two" traceFormatRef="#yx"/>
    </definitions><trace contextRef="#one">1 2</trace><trace contextRef="#two">1 2</trace>"""
    assert points(read_strokes(inkml(body))) == [[[1, 2]], [[2, 1]]]


def test_a_trace_that_could_have_either_format_is_refused(inkml):
    body = """<traceFormat><channel name="X"/><channel name="Y"/></traceFormat>
      <traceFormat><channel name="Y"/><channel name="X"/></traceFormat><trace>1 2</trace>"""
    assert "trace formats" in error_of(inkml(body))


def test_annotations_come_with_the_ink(inkml):
    body = '<annotation type="truth"> été </annotation><trace>1 2</trace>'
    assert read_inkml(inkml(body)).annotations == {"truth": "été"}


def test_traces_inside_of_groups_are_read(inkml):
    assert points(
        read_strokes(inkml("<traceGroup><traceGroup><trace>1 2</trace></traceGroup></traceGroup>"))
    ) == [[[1, 2]]]


def test_a_doctype_is_refused_before_its_entities_grow(tmp_path):
    entities = '<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {b} "&{a};&{a};&{a};&{a};&{a};&{a};&{a};&{a};">'
        for a, b in zip("abcdefg", "bcdefgh", strict=True)
    )
    (tmp_path / "a.inkml").write_text(f"<!DOCTYPE ink [{entities}]><ink><trace>&h;</trace></ink>")
    assert "DOCTYPE" in error_of(tmp_path / "a.inkml")


@pytest.mark.parametrize("body", ["", "<trace></trace>", "<trace> </trace>"])
def test_ink_without_a_point_is_refused(inkml, body):
    assert "no point" in error_of(inkml(body))


def test_truncated_inkml_is_refused(inkml):
    path = inkml("<trace>1 2, 3 4</trace>")
    path.write_bytes(path.read_bytes()[:-12])
    assert "well-formed" in error_of(path)


def test_another_xml_file_is_refused(tmp_path):
    (tmp_path / "a.inkml").write_text("<alto/>")
    assert "<alto>" in error_of(tmp_path / "a.inkml")


# --- UNIPEN

TWO = """.INCLUDE dene.doc
.SEGMENT DIGIT 0 ? "8"
.COMMENT 8 12 224
.PEN_DOWN
 1 5
 2 7
.PEN_UP
.DT 100
.SEGMENT DIGIT 1 ? "4"
.PEN_DOWN
 3 3
.PEN_UP
 4 4
.PEN_DOWN
 5 6
.PEN_UP
"""


def test_segments_have_label_comment_and_strokes_with_y_downwards(unipen):
    first, second = read_unipen_segments(unipen(TWO))
    assert (first.label, first.comment, points(first.strokes)) == ("8", "8 12 224", [[[1, -5], [2, -7]]])
    assert (second.label, second.comment, points(second.strokes)) == ("4", "", [[[3, -3]], [[5, -6]]])


def test_all_strokes_of_a_unipen_file_are_one_ink(unipen):
    assert len(read_strokes(unipen(TWO)).strokes) == 3


def test_coord_says_which_columns_are_x_and_y(unipen):
    assert points(read_strokes(unipen(".COORD T Y X\n.PEN_DOWN\n9 1 2\n.PEN_UP\n"))) == [[[2, -1]]]


def test_negative_and_fractional_coordinates_are_read(unipen):
    assert points(read_strokes(unipen(".PEN_DOWN\n-1 .5\n.5 -2\n.PEN_UP\n"))) == [[[-1, -0.5], [0.5, 2]]]


def test_a_broken_point_is_refused_with_its_line(unipen):
    assert ":3:" in error_of(unipen(".PEN_DOWN\n1 2\n3 x\n.PEN_UP\n"))


def test_segments_that_point_elsewhere_are_refused(unipen):
    path = unipen('.SEGMENT WORD 0-1 ? "so"\n.SEGMENT WORD 2 ? "a"\n.PEN_DOWN\n1 2\n.PEN_UP\n')
    assert ":1:" in error_of(path, read_unipen_segments)


def test_a_file_of_other_keywords_is_refused(unipen):
    assert "PEN_DOWN" in error_of(unipen(".NOTHING here\n"))


# --- JSON


def test_written_strokes_are_read_exactly(tmp_path):
    strokes = Strokes(
        (np.array([[0.1, 2], [1e-7, -3e6]], np.float32), np.array([[1 / 3, 5]], np.float32)),
    )
    write_strokes(tmp_path / "a.json", strokes)
    back = read_strokes(tmp_path / "a.json")
    assert all(np.array_equal(a, b) for a, b in zip(strokes.strokes, back.strokes, strict=True))
    assert json.loads((tmp_path / "a.json").read_text())["strokes"][0][0] == [0.1, 2]


def test_a_bare_list_with_times_is_read(tmp_path):
    (tmp_path / "a.json").write_text("[[[1, 2, 0.01], [3, 4, 0.02]]]")
    assert points(read_strokes(tmp_path / "a.json")) == [[[1, 2], [3, 4]]]


@pytest.mark.parametrize(
    "text",
    [
        *("{}", '{"strokes": 3}', '{"strokes": [[[1]]]}', '{"strokes": [[["a", 2]]]}'),
        *("[[[1, 2]", "[]", "[[]]", "[" * 10**5, "[[[1e300, 1]]]", "[[[NaN, 1]]]"),
    ],
)
def test_broken_json_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    error_of(tmp_path / "a.json")


# --- any kind


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\0" * 100, b"<ink>\xff</ink>"])
def test_other_bytes_are_refused(tmp_path, data):
    (tmp_path / "a.inkml").write_bytes(data)
    error_of(tmp_path / "a.inkml")


@pytest.mark.parametrize("reader", [read_strokes, read_inkml, read_unipen_segments])
def test_missing_files_and_folders_are_refused_by_every_reader(tmp_path, reader):
    assert "no such file" in error_of(tmp_path / "none.inkml", reader)
    assert "folder" in error_of(tmp_path, reader)


def test_pendigits_has_its_published_numbers_of_digits(corpora):
    segments = read_unipen_segments(corpora / "pendigits/pendigits-orig.test")
    assert len(segments) == 3498
    assert all(segment.label == segment.comment.split()[0] for segment in segments)
    assert all(stroke.min() >= -500 and stroke.max() <= 500 for s in segments for stroke in s.strokes.strokes)


def test_a_line_of_imadoc_has_its_writer_and_truth(corpora):
    ink = read_inkml(corpora / "imadoc/lines/writer51/writer51-sentence12-l01.inkml")
    assert ink.annotations["writer"] == "writer51" and ink.annotations["truth"]
    assert len(ink.strokes.strokes) > 3


def test_published_sentences_of_imadoc_are_read(corpora):
    paths = sorted((corpora / "imadoc/sentences").rglob("*.inkml"))[:10]
    assert paths and all(len(read_strokes(path).strokes) > 3 for path in paths)
