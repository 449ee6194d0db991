import numpy as np
import pytest

from seqlabel.errors import FormatError
from seqlabel.features import PenConfig
from seqlabel.formats import (
    ink_row_address,
    read_ink,
    read_rows,
    read_strokes,
    split_ink_address,
    split_rows,
    write_strokes,
)
from seqlabel.records import Example, Strokes

PITCH = 30.0


def letter(x, row, slope=0.0):
    """A zigzag of height 10, its row `PITCH` apart from the next."""
    points = np.array([[0, 0], [2, 10], [4, 0], [6, 10]]) + np.array([x, row * PITCH + slope * x])
    return points.astype(np.float32)


def dot(x, row):
    return np.array([[x, row * PITCH - 6], [x + 1, row * PITCH - 6]], np.float32)


def page(num_rows=3, num_letters=12, slope=0.0):
    return [letter(12 * k, row, slope) for row in range(num_rows) for k in range(num_letters)]


def row_lengths(strokes):
    return [len(row.strokes) for row in split_rows(Strokes(tuple(strokes)))]


@pytest.mark.parametrize("slope", [-0.08, 0.0, 0.08])
@pytest.mark.parametrize("num_rows", [1, 2, 5])
def test_rows_are_found_on_sloping_lines_too(num_rows, slope):
    assert row_lengths(page(num_rows, slope=slope)) == [12] * num_rows


def test_a_last_row_of_one_letter_is_a_row():
    assert row_lengths([*page(2), letter(0, 2)]) == [12, 12, 1]


def test_dots_come_to_their_row_whenever_they_are_written():
    letters = page(3)
    at_once = [*letters[:12], dot(24, 0), dot(60, 0), *letters[12:24], dot(36, 1), *letters[24:], dot(3, 2)]
    assert row_lengths(at_once) == [14, 13, 13]
    at_the_end = [*letters, dot(24, 0), dot(60, 0), dot(36, 1), dot(3, 2)]
    rows = split_rows(Strokes(tuple(at_the_end)))
    assert [len(row.strokes) for row in rows] == [14, 13, 13]
    assert rows[1].strokes[-1].tolist() == dot(36, 1).tolist()


def test_times_of_a_row_count_from_its_first_point():
    strokes = page(2, 3)
    times = tuple(np.array([k, k + 0.1, k + 0.2, k + 0.3], np.float32) for k in range(6))
    pressures = tuple(np.full(4, k, np.float32) for k in range(6))
    second = split_rows(Strokes(tuple(strokes), times, pressures))[1]
    assert [column[0] for column in second.times] == [0, 1, 2]
    assert [column[0] for column in second.pressures] == [3, 4, 5]


@pytest.mark.parametrize(
    "strokes",
    [
        [dot(0, 0)],
        [dot(0, 0), dot(20, 3)],
        [np.array([[3.0, 4.0]], np.float32)] * 3,
        [np.zeros((0, 2), np.float32), letter(0, 0)],
        [np.array([[0, 0], [100, 0]], np.float32), np.array([[0, 30], [100, 30]], np.float32)],
    ],
)
def test_marks_alone_are_one_row(strokes):
    assert len(row_lengths(strokes)) == 1


def test_no_ink_has_no_rows():
    assert split_rows(Strokes(())) == []


def test_rows_are_sources_of_examples(tmp_path):
    path = tmp_path / "page.json"
    write_strokes(path, Strokes(tuple(page(3))))
    assert len(read_rows(path)) == 3
    source = ink_row_address(path, 1)
    assert source.name == "page.json:1" and split_ink_address(source) == (path, 1)
    assert split_ink_address(path) is None
    read = PenConfig().build().read(Example(id="a", source=source, text="x"))
    assert [stroke.tolist() for stroke in read.strokes] == [stroke.tolist() for stroke in page(3)[12:24]]
    with pytest.raises(FormatError, match="has 3 rows, counted from 0"):
        read_ink(ink_row_address(path, 3))
    write_strokes(path, Strokes(tuple(page(2))))  # a file that is written again is read again
    assert len(read_rows(path)) == 2


@pytest.mark.parametrize("name", ["none.inkml", "none.inkml:2"])
def test_a_missing_file_is_refused_by_name(tmp_path, name):
    with pytest.raises(FormatError, match=r"none\.inkml.*no such file"):
        read_ink(tmp_path / name)


def test_published_sentences_of_imadoc_are_split_into_their_rows(corpora):
    for path in sorted((corpora / "imadoc/sentences").rglob("*.inkml")):
        stem = f"{path.parent.name}-{path.stem}"
        lines = sorted((corpora / "imadoc/lines" / path.parent.name).glob(f"{stem}-l*.inkml"))
        expected = [sorted(stroke.tobytes() for stroke in read_strokes(line).strokes) for line in lines]
        found = [sorted(stroke.tobytes() for stroke in row.strokes) for row in read_rows(path)]
        assert found == expected, path
