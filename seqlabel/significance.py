"""Whether one system reads better than another: paired tests over the same lines.

Two tests, since they answer different questions. The bootstrap over groups asks whether the difference would be there
with other speakers or writers. MAPSSWE, the test of NIST's evaluations, asks whether it would be there in other words
of these; where one system is luckier with some speakers than with others, it is more easily convinced.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seqlabel.alignment import CORRECT, INSERTED, align_steps
from seqlabel.confidence import Difference, Interval, differences, number_of_resamples
from seqlabel.line_scores import Clusters, Line, LineScore, clusters, counted, words

BUFFER = 2
"""Words read right by both systems that part two segments, as in NIST's `sc_stats`."""
_QUANTILE = 1.959963984540054
"""Of the normal distribution, for an interval of 95 %."""


@dataclass(frozen=True, slots=True)
class SegmentTest:
    """What the matched-pairs test says.

    Attributes:
        num_segments: stretches in which either system errs.
        mean: errors of the first minus errors of the second, for each segment.
        difference: of the word error rates, as fractions, with p from the normal distribution.
    """

    num_segments: int
    mean: float
    difference: Difference


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems over the same lines. Differences are those of the first minus the second.

    Attributes:
        cer, wer: by bootstrap over groups or lines.
        segments: by MAPSSWE; None where fewer than two segments have errors.
        clusters: what was drawn.
    """

    cer: Difference
    wer: Difference
    segments: SegmentTest | None
    clusters: Clusters
    resamples: int
    seed: int


def compare(
    first: Sequence[LineScore], second: Sequence[LineScore], seed: int = 0, resamples: int | None = None
) -> Comparison:
    """Returns whether, by how much and how surely the first of two systems reads better than the second.

    Args:
        first, second: the same lines, in the same order, as each system has read them.
        seed: of the bootstrap.
        resamples: of the bootstrap; by default as many as `number_of_resamples` says.
    """
    drawn = clusters([score.line for score in first])
    errors, lengths = counted(first)
    resamples = number_of_resamples(drawn.num) if resamples is None else resamples
    cer, wer = differences(
        drawn.sums(errors - counted(second)[0])[:, :2], drawn.sums(lengths)[:, :2], seed, resamples
    )
    pairs = [
        pair
        for one, other in zip(first, second, strict=True)
        for pair in error_segments(one.line, other.line)
    ]
    num_words = sum(score.words.reference_length for score in first)
    return Comparison(cer, wer, mapsswe(pairs, num_words), drawn, resamples, seed)


def mapsswe(segments: Sequence[tuple[int, int]], num_words: int) -> SegmentTest | None:
    """Returns the matched-pairs sentence-segment word error test; None for fewer than two segments.

    Gillick and Cox (1989), "Some statistical issues in the comparison of speech recognition algorithms", section 3:
    the differences of errors in n segments have mean m and standard deviation s (of n - 1), and m / (s / sqrt(n)) is
    normal where both systems err alike and n is large.

    Args:
        segments: errors of the first and of the second system in each segment where either errs.
        num_words: words of all references, which the rates are over.

    Example:
        >>> found = mapsswe([(2, 0), (1, 0), (1, 1), (0, 1), (2, 1)], 100)
        >>> print(f"mean {found.mean}, p = {found.difference.p:.4f}")
        mean 0.6, p = 0.2393
    """
    if len(segments) < 2:
        return None
    gaps = np.array([one - other for one, other in segments], dtype=np.float64)
    mean, error = float(gaps.mean()), float(gaps.std(ddof=1) / math.sqrt(len(gaps)))
    scale = len(gaps) / num_words if num_words else math.nan
    if error == 0:
        # All differ by the same, which leaves the normal distribution without a width: a sign test.
        return SegmentTest(
            len(gaps), mean, Difference(mean * scale, None, 2.0 ** (1 - len(gaps)) if mean else 1.0)
        )
    p = math.erfc(abs(mean) / error / math.sqrt(2))
    low, high = ((mean + side * _QUANTILE * error) * scale for side in (-1, 1))
    return SegmentTest(len(gaps), mean, Difference(mean * scale, Interval(low, high), p))


def error_segments(first: Line, second: Line) -> list[tuple[int, int]]:
    """Returns the errors of both systems in each segment of a line where either errs.

    A segment ends where two words of the reference or more follow on each other that both systems have read right,
    with nothing inserted between them, and at the ends of the line (Pallett et al. 1990, "Tools for the analysis of
    benchmark speech recognition tests"). Lines are aligned as everywhere here, each edit at the same cost; NIST's
    `sclite` aligns with other costs, and does not see what the second system alone inserts at the end of a line.

    Example:
        >>> error_segments(Line("1", "a b c d e", "x b c d"), Line("1", "a b c d e", "a b c d e f"))
        [(1, 0), (1, 1)]
    """
    segments: list[tuple[int, int]] = []
    right = BUFFER
    sides = (_errors_by_word(first), _errors_by_word(second))
    for (inserted, wrong), (other_inserted, other_wrong) in zip(*sides, strict=True):
        for one, other in ((inserted, other_inserted), (wrong, other_wrong)):
            if one or other:
                if right >= BUFFER:
                    segments.append((0, 0))
                segments[-1] = (segments[-1][0] + one, segments[-1][1] + other)
                right = 0
        right += not (wrong or other_wrong)
    return segments


def _errors_by_word(line: Line) -> list[tuple[int, int]]:
    """For each word of the reference, and for the end: words inserted before it, and 1 where it is wrong."""
    found: list[tuple[int, int]] = []
    inserted = 0
    for step in align_steps(*words(line)):
        if step == INSERTED:
            inserted += 1
            continue
        found.append((inserted, int(step != CORRECT)))
        inserted = 0
    return [*found, (inserted, 0)]
