import pytest

from seqlabel.errors import FormatError
from seqlabel.formats import read_strokes, read_whiteboard

BOARD = """<?xml version="1.0" encoding="ISO-8859-1"?>
<WhiteboardCaptureSession>
  <General><Form id="a01-000u" writerID="10052"/></General>
  <Transcription><Text>A MOVE</Text>
    <TextLine id="a01-000u-01" text="A &amp;quot;MOVE&amp;quot; to"/></Transcription>
  <WhiteboardDescription><SensorLocation corner="{corner}"/>
    <DiagonallyOppositeCoords x="6512" y="1376"/></WhiteboardDescription>
  <StrokeSet>
    <Stroke colour="black" start_time="769.05" end_time="769.64">
      <Point x="1073" y="1058" time="769.05"/><Point x="1072" y="1085" time="769.07"/></Stroke>
    <Stroke colour="black" start_time="769.70" end_time="769.90"><Point x="5" y="6" time="769.80"/></Stroke>
  </StrokeSet>
</WhiteboardCaptureSession>
"""
TOP_LEFT = BOARD.format(corner="top_left")


@pytest.fixture
def board(tmp_path):
    def write(text=TOP_LEFT):
        (tmp_path / "a01-000u-01.xml").write_text(text, encoding="latin-1")
        return tmp_path / "a01-000u-01.xml"

    return write


def test_a_whiteboard_has_ink_and_times(board):
    ink = read_strokes(board())
    assert [stroke.tolist() for stroke in ink.strokes] == [[[1073, 1058], [1072, 1085]], [[5, 6]]]
    assert [column.tolist() for column in ink.times] == [[0, pytest.approx(0.02)], [pytest.approx(0.75)]]
    assert ink.pressures is None


@pytest.mark.parametrize(
    ("corner", "expected"), [("top_right", [-5, 6]), ("bottom_left", [5, -6]), ("bottom_right", [-5, -6])]
)
def test_coordinates_grow_away_from_the_sensor(board, corner, expected):
    assert read_strokes(board(BOARD.format(corner=corner))).strokes[1].tolist() == [expected]


def test_transcription_and_writer_come_along(board):
    session = read_whiteboard(board())
    assert session.lines == (("a01-000u-01", 'A "MOVE" to'),)
    assert session.writer == "10052" and len(session.strokes.strokes) == 2


def test_without_every_time_there_are_none(board):
    assert read_strokes(board(TOP_LEFT.replace(' time="769.07"', ""))).times is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('x="1072"', 'x="a"', "stroke 0 has a point with x='a'"),
        ('y="6"', "", "stroke 1 has a point with y=None"),
        ('time="769.80"', 'time="nan"', "time='nan'"),
        ("top_left", "middle", "sits at 'middle'"),
        ("StrokeSet", "Other", "no point"),
        ("WhiteboardCaptureSession", "alto", "<alto>"),
        ("</WhiteboardCaptureSession>", "", "well-formed"),
    ],
)
def test_a_broken_board_is_refused(board, old, new, message):
    path = board(TOP_LEFT.replace(old, new))
    for reader in (read_strokes, read_whiteboard):
        with pytest.raises(FormatError) as caught:
            reader(path)
        assert message in str(caught.value) and str(path) in str(caught.value)
