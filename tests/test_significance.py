import math

import pytest
from scipy import stats

from seqlabel.line_scores import Line, score_lines
from seqlabel.significance import compare, error_segments, mapsswe


def _segments(reference: str, first: str, second: str) -> list[tuple[int, int]]:
    return error_segments(Line("1", reference, first), Line("1", reference, second))


@pytest.mark.parametrize(
    ("reference", "first", "second", "segments"),
    [
        ("a b c d e", "a b c d e", "a b c d e", []),
        ("a b c d e", "x b c d e", "a b c d e", [(1, 0)]),
        ("a b c d e", "x b c d e", "a b c d y", [(1, 0), (0, 1)]),
        ("a b c d", "x b c d", "a b c y", [(1, 0), (0, 1)]),
        ("a b c", "x b c", "a b y", [(1, 1)]),
        ("a b c d", "x b c d", "a b y d", [(1, 1)]),
        ("a b", "a b x", "a b", [(1, 0)]),
        ("a b", "a b", "a b x", [(0, 1)]),
        ("a b", "x a b", "a b", [(1, 0)]),
        ("a b c d", "y a b c d", "a b x c d", [(1, 0), (0, 1)]),
        ("a b c d e", "x b z c d e", "a b c d e", [(2, 0)]),
        ("a b c d", "", "a b c d", [(4, 0)]),
        ("", "x y", "x", [(2, 1)]),
    ],
)
def test_segments_end_at_two_words_that_both_have_right(
    reference: str, first: str, second: str, segments: list[tuple[int, int]]
) -> None:
    assert _segments(reference, first, second) == segments


def test_segments_of_both_orders_are_the_same_but_for_the_order() -> None:
    texts = "a b c d e f g h i", "a x c d q e g h", "b c d e f g z h i i"
    assert _segments(*texts) == [(b, a) for a, b in _segments(texts[0], texts[2], texts[1])]


def test_every_error_lies_in_a_segment() -> None:
    reference, first, second = "a b c d e f g h i j", "a b x c d y e f h i j j", "k b c d f f g h i"
    scored = score_lines([Line("1", reference, first), Line("1", reference, second)])
    found = _segments(reference, first, second)
    assert [sum(side) for side in zip(*found, strict=True)] == [score.words.errors for score in scored]


def test_the_matched_pairs_test_is_as_by_hand() -> None:
    # Differences 1, 2, 0, -1, 1, 1: mean 4/6, variance (of n - 1) (8 - 16/6) / 5, W = mean / sqrt(variance / 6).
    found = mapsswe([(1, 0), (2, 0), (1, 1), (0, 1), (1, 0), (2, 1)], 200)
    assert found is not None
    mean, error = 4 / 6, math.sqrt((8 - 16 / 6) / 5 / 6)
    assert found.num_segments == 6
    assert found.mean == pytest.approx(mean)
    assert found.difference.points == pytest.approx(4 / 200)
    assert found.difference.p == pytest.approx(2 * stats.norm.sf(mean / error))
    assert found.difference.interval is not None
    low, high = found.difference.interval.low, found.difference.interval.high
    assert (low + high) / 2 == pytest.approx(4 / 200)
    assert high - low == pytest.approx(2 * stats.norm.ppf(0.975) * error * 6 / 200)


def test_many_segments_have_the_p_of_a_t_test() -> None:
    segments = [(1, 0)] * 230 + [(0, 1)] * 180 + [(2, 0)] * 40 + [(1, 3)] * 30
    found = mapsswe(segments, 5000)
    assert found is not None
    expected = stats.ttest_rel(*zip(*segments, strict=True))
    assert found.difference.p == pytest.approx(float(expected.pvalue), abs=1e-3)


def test_segments_that_all_differ_alike_are_judged_by_their_signs() -> None:
    found = mapsswe([(1, 0)] * 5, 100)
    assert found is not None
    assert found.difference.interval is None
    assert found.difference.p == pytest.approx(stats.binomtest(5, 5).pvalue)
    same = mapsswe([(1, 1)] * 5, 100)
    assert same is not None
    assert same.difference.p == 1


def test_one_segment_says_nothing() -> None:
    assert mapsswe([(1, 0)], 100) is None


def _systems(groups: int) -> tuple[list[Line], list[Line]]:
    """Three lines of each group; the second system errs in every first line, in every other group once more."""
    first, second = [], []
    for group in range(groups):
        for number in range(3):
            text = "one two three four five"
            worse = ("one two three for five", text, "one tow three" if group % 2 else text)[number]
            better = "one two three" if group % 7 == 0 and number == 2 else text
            first.append(Line(f"{group}-{number}", text, better, f"writer{group}"))
            second.append(Line(f"{group}-{number}", text, worse, f"writer{group}"))
    return first, second


def test_the_better_system_is_found_and_the_order_turns_the_sign() -> None:
    first, second = (score_lines(lines) for lines in _systems(20))
    found, turned = compare(first, second), compare(second, first)
    assert found.clusters.num == 20
    assert found.clusters.unit == "groups"
    for one, other in ((found.cer, turned.cer), (found.wer, turned.wer)):
        assert one.points < 0
        assert one.points == -other.points
        assert one.p == other.p
        assert one.p is not None
        assert one.p < 0.01
    assert found.segments is not None
    assert turned.segments is not None
    assert found.segments.difference.p == turned.segments.difference.p


def test_differences_are_those_of_the_rates() -> None:
    first, second = (score_lines(lines) for lines in _systems(10))
    found = compare(first, second)
    words = sum(score.words.reference_length for score in first)
    gap = sum(s.words.errors for s in first) - sum(s.words.errors for s in second)
    assert found.wer.points == pytest.approx(gap / words)
    assert found.segments is not None
    assert found.segments.difference.points == pytest.approx(gap / words)


def test_a_system_does_not_differ_from_itself() -> None:
    scores = score_lines(_systems(10)[1])
    found = compare(scores, scores)
    assert found.cer.points == found.wer.points == 0
    assert found.cer.p is None
    assert found.segments is not None
    assert found.segments.difference.p == 1
