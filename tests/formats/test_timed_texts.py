from io import BytesIO
from pathlib import Path

import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st
from praatio import textgrid as praat

from seqlabel.formats import WRITERS, TimedReading, TimedText, captions


def words(*rows: tuple[str, float, float]) -> tuple[TimedText, ...]:
    return tuple(TimedText(text, start, end, 0.5) for text, start, end in rows)


READING = TimedReading(
    "an hour/of talk",
    10.0,
    words(('say "it"', 0.5, 1.0), ("a<b&c", 1.0, 1.25), ("très", 3.0, 3.5)),
    words(("x", 0.5, 0.75), ("y", 0.75, 1.0)),
)


def lines(kind: str, reading: TimedReading = READING) -> str:
    return "\n".join(WRITERS[kind][1](reading)) + "\n"


def seconds(clock: str) -> float:
    hours, minutes, rest = clock.split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(rest)


@pytest.mark.parametrize("kind", ["srt", "vtt"])
def test_a_subtitle_reader_finds_the_captions(kind: str) -> None:
    found = webvtt.from_buffer(BytesIO(lines(kind).encode()), format=kind)
    shown = [(seconds(each.start), seconds(each.end), each.text) for each in found]
    assert [row[:2] for row in shown] == [(0.5, 1.25), (3.0, 3.5)]
    assert shown[1][2] == "très"
    assert "say" in shown[0][2]


def test_praat_reads_the_text_grid(tmp_path: Path) -> None:
    path = tmp_path / "x.TextGrid"
    path.write_text(lines("textgrid"), encoding="utf-8")
    found = praat.openTextgrid(str(path), includeEmptyIntervals=True)
    assert found.tierNames == ("words", "tokens")
    assert [tuple(entry) for entry in found.getTier("words").entries] == [
        (0, 0.5, ""),
        (0.5, 1.0, 'say "it"'),
        (1.0, 1.25, "a<b&c"),
        (1.25, 3.0, ""),
        (3.0, 3.5, "très"),
        (3.5, 10.0, ""),
    ]
    assert found.maxTimestamp == 10.0


def test_an_empty_recording_is_a_grid_of_silence(tmp_path: Path) -> None:
    path = tmp_path / "x.TextGrid"
    path.write_text(lines("textgrid", TimedReading("x", 2.0, (), ())), encoding="utf-8")
    found = praat.openTextgrid(str(path), includeEmptyIntervals=True)
    assert [tuple(entry) for entry in found.getTier("words").entries] == [(0, 2.0, "")]


@given(st.lists(st.tuples(*(st.floats(0, most, allow_subnormal=False) for most in (9, 3))), max_size=8))
def test_the_intervals_of_a_tier_lie_side_by_side(rows: list[tuple[float, float]]) -> None:
    texts = tuple(TimedText("x", start, start + length) for start, length in sorted(rows))
    grid = lines("textgrid", TimedReading("x", 5.0, texts, ())).splitlines()
    times = [float(line.split("=")[1]) for line in grid if line.startswith("            xm")]
    starts, ends = times[::2], times[1::2]
    assert starts[0] == 0
    assert all(start < end for start, end in zip(starts, ends, strict=True))


def test_ctm_has_one_word_a_line_without_spaces_in_it() -> None:
    assert lines("ctm").splitlines() == [
        'an_hour/of_talk 1 0.500 0.500 say_"it" 0.5000',
        "an_hour/of_talk 1 1.000 0.250 a<b&c 0.5000",
        "an_hour/of_talk 1 3.000 0.500 très 0.5000",
    ]


def test_words_that_follow_each_other_in_a_ctm_do_not_overlap() -> None:
    close = words(("a", 0.4186, 1.0774), ("b", 1.0774, 1.5001), ("c", 1.5001, 1.6))
    rows = [line.split() for line in lines("ctm", TimedReading("x", 2.0, close, ())).splitlines()]
    assert [(row[2], row[3]) for row in rows] == [("0.419", "0.658"), ("1.077", "0.423"), ("1.500", "0.100")]


def test_no_name_makes_a_line_of_a_ctm_a_comment() -> None:
    reading = TimedReading(";;x", 2.0, words(("a", 0, 1)), ())
    assert lines("ctm", reading).startswith("_;x 1 0.000")


def test_audacity_has_tabs() -> None:
    assert lines("audacity").splitlines()[2] == "3.000000\t3.500000\ttrès"


def test_captions_end_at_pauses_and_where_they_are_full() -> None:
    spoken = words(*((f"word{number:02d}", 0.3 * number, 0.3 * number + 0.25) for number in range(60)))
    found = captions(spoken)
    assert all(each.end - each.start <= 6.0 for each in found)
    assert all(max(map(len, each.text.split("\n"))) <= 44 for each in found)
    assert " ".join(each.text.replace("\n", " ") for each in found) == " ".join(word.text for word in spoken)
    assert len(captions(words(("a", 0, 0.5), ("b", 0.9, 1.2), ("c", 2.1, 2.2)))) == 2
    assert captions(words(("x" * 100, 0, 9)))[0].text == "x" * 100


def test_an_hour_is_written_with_its_hours() -> None:
    reading = TimedReading("x", 8000.0, words(("a", 7199.9996, 7200.5)), ())
    assert "02:00:00,000 --> 02:00:00,500" in lines("srt", reading)
