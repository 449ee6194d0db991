import numpy as np
import pytest

from seqlabel.line_scores import (
    Line,
    by_group,
    character_confusions,
    clusters,
    intervals,
    score_lines,
    total,
    word_confusions,
)
from seqlabel.metrics import ErrorCounts, score

TEXTS = [("one two", "one too"), ("six", "six"), ("", "oh"), ("naïve", "nai\u0308ve"), ("a b c", "b c d")]
LINES = [Line(str(place), *texts, f"w{place % 2}") for place, texts in enumerate(TEXTS)]


def _of_groups(*groups: str | None) -> list[Line]:
    return [Line(str(place), "abc", "abd", group) for place, group in enumerate(groups)]


def test_the_sum_of_lines_is_the_score_of_the_set() -> None:
    assert total(score_lines(LINES)) == score(TEXTS)


def test_the_sum_of_groups_is_the_sum_of_lines() -> None:
    groups = by_group(score_lines(LINES))
    assert sum((rates.characters for rates in groups.values()), ErrorCounts()) == score(TEXTS).characters
    assert groups["w1"] == score(TEXTS[1::2])


def test_groups_come_worst_first_and_lines_without_one_last() -> None:
    lines = [Line("1", "ab", "ab", "good"), Line("2", "ab", "", "bad"), Line("3", "ab", "xy", None)]
    assert list(by_group(score_lines(lines))) == ["bad", "good", None]


def test_characters_can_be_taken_apart_otherwise() -> None:
    [found] = score_lines([Line("1", "ae\u0323\u0302", "ae\u0323\u0301")], "grapheme")
    assert found.characters == ErrorCounts(1, 0, 0, 2)
    confusions = character_confusions([Line("1", "ae\u0323\u0302", "ae\u0323\u0301")], "grapheme")
    assert confusions == {("\u1ec7", "\u1eb9\u0301"): 1}


def test_confusions_come_with_the_most_frequent_first() -> None:
    lines = [Line("1", "abc", "adc"), Line("2", "abc", "adce"), Line("3", "abc", "bc")]
    assert list(character_confusions(lines).items()) == [(("b", "d"), 2), (("", "e"), 1), (("a", ""), 1)]
    assert word_confusions([Line("1", "a e\u0301t c", "a ét d")]) == {("c", "d"): 1}


def test_groups_are_drawn_where_there_are_enough() -> None:
    found = clusters(_of_groups(*"aabbccddeef"))
    assert (found.num, found.unit, found.remark) == (6, "groups", None)
    assert found.indices.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5]


def test_lines_without_a_group_among_others_are_groups_of_their_own_and_it_is_said() -> None:
    found = clusters(_of_groups(*"abcde", None, None))
    assert (found.num, found.unit) == (7, "groups")
    assert found.remark == "2 lines without a group count as one each"


@pytest.mark.parametrize(
    ("groups", "said"),
    [((None,) * 8, "no groups are known"), (("a",) * 8, "1 group is too few"), ((*"aabbccdd",), "4 groups")],
)
def test_lines_are_drawn_where_there_are_too_few_groups_and_it_is_said(
    groups: tuple[str | None, ...], said: str
) -> None:
    found = clusters(_of_groups(*groups))
    assert (found.num, found.unit) == (8, "lines")
    assert said in (found.remark or "")


def test_sums_of_clusters_are_those_of_their_lines() -> None:
    found = clusters(_of_groups(*"abcdea"))
    sums = found.sums(np.arange(12.0).reshape(6, 2))
    assert sums.tolist() == [[10, 12], [2, 3], [4, 5], [6, 7], [8, 9]]


def _corpus(group_of: str) -> list[Line]:
    """Thirty writers of ten lines each; the writers differ much, the lines of one little."""
    generator = np.random.default_rng(2)
    lines = []
    for writer, wrong in enumerate(generator.integers(0, 9, 30)):
        for number in range(10):
            text = "abcdefghijkl"
            group = f"w{writer}" if group_of == "writer" else None
            lines.append(Line(f"{writer}-{number}", text, "x" * int(wrong) + text[wrong:], group))
    return lines


def test_groups_make_an_interval_wider_than_lines_do() -> None:
    by_writer, by_line = (intervals(score_lines(_corpus(of)), resamples=1000) for of in ("writer", "line"))
    assert by_writer.cer is not None
    assert by_line.cer is not None
    assert by_writer.cer.high - by_writer.cer.low > 2 * (by_line.cer.high - by_line.cer.low)


def test_intervals_hold_the_rates_and_a_sentence_error_rate_ends_at_one() -> None:
    scores = score_lines(_corpus("line"))
    found, rates = intervals(scores, resamples=1000), total(scores)
    for interval, rate in ((found.cer, rates.cer), (found.wer, rates.wer), (found.ser, rates.ser)):
        assert interval is not None
        assert interval.low < rate < interval.high
    assert found.ser is not None
    assert found.ser.high <= 1


def test_what_intervals_rest_on_is_told() -> None:
    scores = score_lines(_corpus("writer"))
    assert str(intervals(scores, seed=3, resamples=1000)) == (
        "95 % intervals: bootstrap over 30 groups, 1,000 resamples, seed 3"
    )
    assert str(intervals(scores[:1])) == (
        "no 95 % intervals: too little differs among 1 line; "
        "1 group is too few to draw from, so they hold for this one alone"
    )
