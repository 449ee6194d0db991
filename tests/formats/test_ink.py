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


def columns(values):
    return None if values is None else [column.tolist() for column in values]


SECOND_ROW = [0, pytest.approx(0.01)]


@pytest.mark.parametrize(
    "text",
    [
        "[[[1, 2, 5, 7], [3, 4, 15, 8]]]",
        '{"strokes": [[[1, 2, 0.5, 7], [3, 4, 0.51, 8]]]}',
        '{"strokes": [{"x": [1, 3], "y": [2, 4], "t": [5, 15], "p": [7, 8]}], "label": "a"}',
        '[[{"x": 1, "y": 2, "t": 5, "p": 7}, {"x": 3, "y": 4, "t": 15, "p": 8}]]',
        '[{"penColor": "black", "points": [{"x": 1, "y": 2, "time": 1600000000000, "pressure": 7}, '
        '{"x": 3, "y": 4, "time": 1600000000010, "pressure": 8}]}]',
        '{"word": "cat", "drawing": [[[1, 3], [2, 4], [5, 15], [7, 8]]]}',
        '{"ink": [[[1, 3], [2, 4], [5, 15], [7, 8]]]}',
        '{"time_unit": "s", "strokes": [[[1, 2, 0, 7], [3, 4, 0.01, 8]]]}',
        '{"time_unit": "ms", "strokes": [[[1, 2, 0, 7], [3, 4, 10, 8]]]}',
    ],
)
def test_json_is_read_as_programs_write_it(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    ink = read_strokes(tmp_path / "a.json")
    assert points(ink) == [[[1, 2], [3, 4]]]
    assert columns(ink.times) == [SECOND_ROW] and columns(ink.pressures) == [[7, 8]]


def test_simplified_drawings_have_no_times(tmp_path):
    (tmp_path / "a.json").write_text('{"drawing": [[[1, 3, 4], [2, 4, 5]], [[9], [9]]]}')
    ink = read_strokes(tmp_path / "a.json")
    assert points(ink) == [[[1, 2], [3, 4], [4, 5]], [[9, 9]]] and ink.times is None


def test_times_that_only_some_strokes_have_are_no_times(tmp_path):
    (tmp_path / "a.json").write_text("[[[1, 2, 0]], [[3, 4]]]")
    assert read_strokes(tmp_path / "a.json").times is None


@pytest.mark.parametrize("has_times", [True, False])
@pytest.mark.parametrize("has_pressures", [True, False])
def test_written_times_and_pressures_are_read_exactly(tmp_path, has_times, has_pressures):
    rng = np.random.default_rng(1)
    shapes = (3, 1)
    times = tuple(rng.random(n, np.float32) + k for k, n in enumerate(shapes)) if has_times else None
    if times is not None:
        times = tuple(column - times[0][0] for column in times)
    ink = Strokes(
        tuple(rng.random((n, 2), np.float32) for n in shapes),
        times,
        tuple(rng.random(n, np.float32) for n in shapes) if has_pressures else None,
    )
    write_strokes(tmp_path / "a.json", ink)
    back = read_strokes(tmp_path / "a.json")
    for name in ("strokes", "times", "pressures"):
        assert columns(getattr(back, name)) == columns(getattr(ink, name))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"strokes": [[[1, 2]], {"x": [1], "y": [1, 2]}]}', "stroke 1: columns of 1 and 2"),
        ('{"drawing": [[[1, 2]]]}', "stroke 0: 1 columns"),
        ('{"points": []}', "keys points"),
        ('{"strokes": [[[1, 2]]], "time_unit": 3}', "time_unit"),
        ('{"strokes": [[[1, 2, 0]]], "time_unit": "hours"}', "time_unit 'hours'; expected one of s, ms"),
        ('[[{"x": 1}]]', "stroke 0"),
        ("[[[1, 2, 1e999]]]", "out of range"),
    ],
)
def test_broken_json_is_refused_with_its_stroke(tmp_path, text, message):
    (tmp_path / "a.json").write_text(text)
    assert message in error_of(tmp_path / "a.json")
