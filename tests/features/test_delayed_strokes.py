import numpy as np
import pytest

from seqlabel.features.delayed_strokes import strokes_below
from seqlabel.features.ink_normalization import InkNormalizationConfig, normalized
from seqlabel.formats.ink import read_strokes

STEM = np.array([[0.0, 0.0], [0.05, 0.5], [0.1, 1.0], [0.4, 0.9]])
"""An i without its dot."""
TALL = np.array([[0.0, -1.0], [0.0, 0.0], [0.0, 1.0], [0.4, 0.9]])
"""A t without its bar."""


def found(*strokes: object) -> list[int | None]:
    """Mean line at 0, base line at 1."""
    return strokes_below([np.asarray(stroke, float).reshape(-1, 2) for stroke in strokes], 0.0, 1.0)


def at(x: float, stroke: np.ndarray) -> np.ndarray:
    return stroke + np.array([x, 0])


def test_a_dot_stands_over_its_stem_whenever_it_is_written() -> None:
    dot = [[0.1, -0.5]]
    assert found(STEM, dot, at(2, STEM)) == [None, 0, None]
    assert found(STEM, at(2, STEM), dot) == [None, None, 0]
    assert found(at(-2, STEM), STEM, at(2, STEM), dot) == [None, None, None, 1]


def test_a_bar_stands_over_the_stroke_that_it_crosses() -> None:
    bar = np.array([[-0.4, -0.2], [0.0, -0.22], [0.5, -0.25]])
    assert found(at(-3, TALL), TALL, at(2, STEM), bar) == [None, None, None, 1]


def test_a_bar_over_two_letters_stands_over_the_one_in_its_middle() -> None:
    bar = np.array([[-0.6, -0.2], [1.1, -0.2]])
    assert found(TALL, at(0.4, TALL), bar) == [None, None, 1]


def test_a_slanting_bar_is_one_too() -> None:
    bar = np.array([[-0.5, 0.1], [0.5, -0.3]])
    assert found(TALL, bar) == [None, 0]


@pytest.mark.parametrize(
    "stroke",
    [
        [[2.0, -0.5]],
        [[0.0, 0.1], [0.2, 0.0], [0.4, 0.3]],
        [[-0.4, 0.5], [0.4, 0.5]],
        [[-0.3, -1.0], [0.3, 1.0]],
        [[0.6, 0.0], [0.6, 1.0]],
    ],
    ids=[
        "a dot over nothing",
        "the arch of an r",
        "a dash in the middle",
        "the half of an x",
        "the next letter",
    ],
)
def test_other_strokes_are_not_delayed(stroke: list[list[float]]) -> None:
    assert found(TALL, stroke) == [None, None]


def test_what_is_written_first_and_what_is_written_later_is_not_stood_over() -> None:
    assert found([[0.1, -0.5]], STEM) == [None, None]


def test_two_dots_stand_over_the_letter_and_not_over_each_other() -> None:
    assert found(STEM, [[0.1, -0.5]], [[0.1, -0.8]]) == [None, 0, 0]


def test_another_size_and_place_change_nothing() -> None:
    strokes = [
        at(-3, TALL),
        TALL,
        at(2, STEM),
        np.array([[-0.4, -0.2], [0.5, -0.25]]),
        np.array([[2.1, -0.6]]),
    ]
    scaled = [stroke * 250 + np.array([40, -900]) for stroke in strokes]
    assert strokes_below(scaled, -900.0, 250.0) == found(*strokes) == [None, None, None, 1, 2]


def test_real_lines_have_as_many_delayed_strokes_as_the_text_lets_expect(corpora) -> None:
    """Many hands write bars of t and dots of i in one stroke with the rest; few strokes are taken for one wrongly."""
    sources = sorted((corpora / "imadoc" / "lines").rglob("*.inkml"))[::20]
    delayed, expected, without = 0, 0, []
    for source in sources:
        text = source.read_text(encoding="utf-8").split('"truth">')[1].split("<")[0]
        below = normalized(
            read_strokes(source), InkNormalizationConfig(), "x_height", find_delayed=True
        ).below
        number = sum(under is not None for under in below or [])
        delayed += number
        expected += sum(text.count(letter) for letter in "ijt")
        without.append(number - sum(text.count(letter) for letter in "ijt"))
    assert 0.4 * expected < delayed < expected
    assert np.mean([more > 1 for more in without]) < 0.05


def test_on_a_real_line_each_stands_over_an_earlier_stroke_near_it(corpora) -> None:
    for source in sorted((corpora / "imadoc" / "lines").rglob("*.inkml"))[::150]:
        ink = normalized(read_strokes(source), InkNormalizationConfig(), "x_height", find_delayed=True)
        for number, under in enumerate(ink.below or []):
            if under is not None:
                assert under < number
                assert ink.below is not None and ink.below[under] is None
                gap = ink.strokes[number].mean(axis=0)[0] - ink.strokes[under][:, 0]
                assert np.abs(gap).min() < 2
