import pytest

from seqlabel.errors import FormatError
from seqlabel.formats import read_strokes, read_unipen, read_unipen_segments


def points(strokes):
    return [stroke.tolist() for stroke in strokes.strokes]


def error_of(path, reader=read_strokes):
    with pytest.raises(FormatError) as caught:
        reader(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message
    return message


@pytest.fixture
def unipen(tmp_path):
    def write(text):
        (tmp_path / "a.unipen").write_text(text)
        return tmp_path / "a.unipen"

    return write


TWO = """.INCLUDE dene.doc
.SEGMENT DIGIT 0 ? "8"
.COMMENT 8 12 224
.PEN_DOWN
 1 5
 2 7
.PEN_UP
.DT 100
.SEGMENT DIGIT 1-2 ? "4"
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


def test_pendigits_has_its_published_numbers_of_digits(corpora):
    segments = read_unipen_segments(corpora / "pendigits/pendigits-orig.test")
    assert len(segments) == 3498
    assert all(segment.label == segment.comment.split()[0] for segment in segments)
    assert all(stroke.min() >= -500 and stroke.max() <= 500 for s in segments for stroke in s.strokes.strokes)


# --- columns, segments, included files

WORDS = """.VERSION 1.0
.HIERARCHY PAGE WORD
.COORD X Y T P
.SEGMENT PAGE 0-2 OK "so what"
.SEGMENT WORD 0 OK "so"
.SEGMENT WORD 1:1-2:0 BAD "say \\"what\\""
.WRITER_ID w7
.PEN_DOWN
1 2 1000 50
3 4 1010 60
.PEN_DOWN
5 6 1500 70
7 8 1510 80
.PEN_UP
9 9 1600 0
.PEN_DOWN
1 1 2000 90
2 2 2010 95
"""


def test_segments_name_their_strokes_by_number(unipen):
    document = read_unipen(unipen(WORDS))
    assert document.hierarchy == ("PAGE", "WORD")
    assert [(s.level, s.quality, s.label, s.writer) for s in document.segments] == [
        ("PAGE", "OK", "so what", "w7"),
        ("WORD", "OK", "so", "w7"),
        ("WORD", "BAD", 'say "what"', "w7"),
    ]
    assert [points(segment.strokes) for segment in document.segments[1:]] == [
        [[[1, -2], [3, -4]]],
        [[[7, -8]], [[1, -1]]],
    ]
    assert len(document.strokes.strokes) == 3


def test_times_are_milliseconds_and_pressures_come_along(unipen):
    ink = read_strokes(unipen(WORDS))
    assert [column.tolist() for column in ink.times] == [
        [0, pytest.approx(0.01)],
        [0.5, pytest.approx(0.51)],
        [1, pytest.approx(1.01)],
    ]
    assert [column.tolist() for column in ink.pressures] == [[50, 60], [70, 80], [90, 95]]


def test_listed_components_are_read(unipen):
    (segment,) = read_unipen_segments(
        unipen('.SEGMENT WORD 0,2 ? "i"\n' + ".PEN_DOWN\n1 1\n" * 2 + ".PEN_DOWN\n3 3\n")
    )
    assert points(segment.strokes) == [[[1, -1]], [[3, -3]]]


def test_a_segment_without_numbers_has_the_strokes_after_it(unipen):
    path = unipen(
        '.SEGMENT CHARACTER\n.PEN_DOWN\n1 1\n.SEGMENT CHARACTER ? "b"\n.PEN_DOWN\n2 2\n.PEN_DOWN\n3 3\n'
    )
    first, second = read_unipen_segments(path)
    assert (first.label, points(first.strokes)) == ("", [[[1, -1]]])
    assert (second.label, points(second.strokes)) == ("b", [[[2, -2]], [[3, -3]]])


def test_included_files_are_read_beside_and_in_the_include_folder(tmp_path):
    (tmp_path / "include" / "abc" / "data").mkdir(parents=True)
    (tmp_path / "include" / "abc" / "abc.doc").write_text(".PAD\n a tablet\n.COORD Y X\n")
    (tmp_path / "include" / "abc" / "data" / "w1.dat").write_text(".PEN_DOWN\n1 2\n.PEN_UP\n")
    path = tmp_path / "data" / "1a" / "w1.dat"
    path.parent.mkdir(parents=True)
    path.write_text(
        '.INCLUDE abc/abc.doc\n.INCLUDE abc/data/w1.dat\n.INCLUDE w1.dat\n.SEGMENT DIGIT 0 ? "1"\n'
    )
    (segment,) = read_unipen_segments(path)
    assert points(segment.strokes) == [[[2, -1]]]


def test_a_file_that_is_included_and_missing_is_named(unipen):
    message = error_of(unipen('.INCLUDE abc/w1.dat\n.INCLUDE ../secret\n.SEGMENT DIGIT 0 ? "1"\n'))
    assert "abc/w1.dat, ../secret" in message


@pytest.mark.parametrize("numbers", ["3", "1-4", "2-1", "0:7", "0,9"])
def test_strokes_that_are_not_there_are_refused_by_line(unipen, numbers):
    path = unipen(f'.SEGMENT WORD {numbers} ? "so"\n' + ".PEN_DOWN\n1 1\n" * 3)
    assert ":1: segment 'so'" in error_of(path, read_unipen_segments)


@pytest.mark.parametrize("line", ["1 2", "1 2 x 4", "1 2 3"])
def test_a_point_without_its_columns_is_refused_by_line(unipen, line):
    assert ":3: " in error_of(unipen(f".COORD X Y T P\n.PEN_DOWN\n{line}\n"))


def test_a_coord_without_y_is_refused(unipen):
    assert ":1: .COORD X T" in error_of(unipen(".COORD X T\n.PEN_DOWN\n1 2\n"))


def test_an_excerpt_keeps_its_old_numbers(unipen):
    path = unipen(
        '.SEGMENT DIGIT 7-8 ? "4"\n.PEN_DOWN\n1 1\n.PEN_DOWN\n2 2\n.SEGMENT DIGIT 0 ? "1"\n.PEN_DOWN\n3 3\n'
    )
    assert [points(segment.strokes) for segment in read_unipen_segments(path)] == [
        [[[1, -1]], [[2, -2]]],
        [[[3, -3]]],
    ]


def test_a_file_without_segments_has_its_ink_alone(unipen):
    document = read_unipen(unipen(".PEN_DOWN\n1 2\n3 4\n.PEN_UP\n"))
    assert document.segments == () and points(document.strokes) == [[[1, -2], [3, -4]]]
