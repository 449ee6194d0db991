"""How far error rates, and their differences, can be trusted: the bootstrap over groups.

Errors of one speaker or writer come together, so that groups are drawn anew and not words: with a bootstrap over words
or lines an interval is too narrow (Bisani and Ney 2004, "Bootstrap estimates for confidence intervals in ASR
performance evaluation"). A rate is a ratio of two sums over groups, and a set of resamples is one matrix of how often
each group was drawn times the sums of the groups.

The intervals are studentised (bootstrap-t): the quantiles are those of (resampled rate - rate) / its standard error,
not those of the resampled rates. With few groups, percentiles are too narrow: they take the spread over G groups for
that over G - 1, know no tails of Student's t, and end too low for a rate with skewed groups (a few bad speakers).
A rate has two quantiles of its own (Efron and Tibshirani 1993, section 12.5); a difference of two systems, which has
little skewness, one quantile of the absolute value (Hall 1988, "On symmetric bootstrap confidence intervals").
`benchmarks/intervals.py` measures how often each covers the truth.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

LEVEL = 0.95
"""What share of intervals holds the truth."""
MOST_CELLS = 4_000_000
"""Draws that are in memory at once."""
MOST_WITHOUT_SPREAD = 0.01
"""The share of resamples without any spread beyond which no interval is told: errors in four groups or fewer."""


@dataclass(frozen=True, slots=True)
class Interval:
    """What a rate, or a difference of rates, may be in other groups of the kind: fractions, printed in per cent."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"[{100 * self.low:.2f}, {100 * self.high:.2f}]"


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of two rates over the same examples, first minus second, as a fraction.

    Attributes:
        points: the difference.
        interval: where it may lie; None where too few groups differ.
        p: how probable a difference at least as large is, seen from either side, if there is none; None likewise.
    """

    points: float
    interval: Interval | None
    p: float | None


@dataclass(frozen=True, slots=True)
class _Studentised:
    """Ratios of sums with their standard errors, and the resampled deviations in units of those."""

    ratios: Float[np.ndarray, " K"]
    errors: Float[np.ndarray, " K"]
    deviations: Float[np.ndarray, "R K"]
    without_spread: Float[np.ndarray, " K"]


def number_of_resamples(num_groups: int) -> int:
    """Returns 10,000, or fewer for many groups, down to 1,000: a second's work at most."""
    return int(np.clip(4_000_000 // max(num_groups, 1), 1000, 10_000))


def rate_intervals(
    counts: Float[np.ndarray, "G K"],
    lengths: Float[np.ndarray, "G K"],
    seed: int = 0,
    resamples: int | None = None,
    level: float = LEVEL,
) -> list[Interval | None]:
    """Returns the interval of each of K rates, sum of `counts` / sum of `lengths`, by bootstrap over G groups.

    None where there is none: one group, nothing counted, no errors or errors in too few groups, all groups alike.

    Example:
        >>> errors, words = np.arange(20.0)[:, None], np.full((20, 1), 100.0)
        >>> [interval] = rate_intervals(errors, words)
        >>> print(f"{interval.low:.3f} {interval.high:.3f}")
        0.068 0.123
    """
    found = _studentise(counts, lengths, seed, resamples)
    tail = (1 - level) / 2
    # No interpolation: the deviation of a resample without spread is infinite.
    low, high = np.quantile(found.deviations, [tail, 1 - tail], axis=0, method="inverted_cdf")
    return [
        Interval(max(float(ratio - error * above), 0.0), float(ratio - error * below)) if told else None
        for ratio, error, below, above, told in zip(
            found.ratios, found.errors, low, high, _is_told(found), strict=True
        )
    ]


def differences(
    counts: Float[np.ndarray, "G K"],
    lengths: Float[np.ndarray, "G K"],
    seed: int = 0,
    resamples: int | None = None,
    level: float = LEVEL,
) -> list[Difference]:
    """Returns each of K differences of rates, where `counts` are errors of one system minus those of the other.

    Both systems have read the same examples, so that what makes a group hard for both does not count.
    """
    found = _studentise(counts, lengths, seed, resamples)
    deviations = np.abs(found.deviations)
    widths = np.quantile(deviations, level, axis=0, method="inverted_cdf") * found.errors
    with np.errstate(divide="ignore", invalid="ignore"):
        as_large = (deviations >= np.abs(found.ratios / found.errors)).sum(axis=0)
    return [
        Difference(
            float(ratio),
            Interval(float(ratio - width), float(ratio + width)) if told else None,
            float((1 + count) / (1 + len(deviations))) if told else None,
        )
        for ratio, width, count, told in zip(found.ratios, widths, as_large, _is_told(found), strict=True)
    ]


def _is_told(found: _Studentised) -> list[bool]:
    return [
        bool(np.isfinite(ratio) and error > 0 and share <= MOST_WITHOUT_SPREAD)
        for ratio, error, share in zip(found.ratios, found.errors, found.without_spread, strict=True)
    ]


def _studentise(
    counts: Float[np.ndarray, "G K"], lengths: Float[np.ndarray, "G K"], seed: int, resamples: int | None
) -> _Studentised:
    num_groups = len(counts)
    sums = np.stack([counts, lengths, counts**2, counts * lengths, lengths**2])
    ratios, errors = _ratios(sums.sum(axis=1), num_groups)
    flat = sums.transpose(1, 0, 2).reshape(num_groups, -1)
    parts = [_ratios(_unflat(drawn @ flat), num_groups) for drawn in _draws(num_groups, seed, resamples)]
    resampled = np.concatenate([part[0] for part in parts])
    spreads = np.concatenate([part[1] for part in parts])
    with np.errstate(divide="ignore", invalid="ignore"):
        # 0 / 0, a resample without spread at the rate itself, and one of empty groups alone say nothing.
        deviations = np.nan_to_num((resampled - ratios) / spreads, nan=0.0, posinf=np.inf, neginf=-np.inf)
    return _Studentised(ratios, errors, deviations, (spreads == 0).mean(axis=0))


def _ratios(
    sums: Float[np.ndarray, "5 *R K"], num_groups: int
) -> tuple[Float[np.ndarray, "*R K"], Float[np.ndarray, "*R K"]]:
    """Ratios, and their standard errors by linearisation (Cochran 1977, section 2.11)."""
    count, length, count_squared, product, length_squared = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = count / length
        residual = count_squared - 2 * ratio * product + ratio**2 * length_squared
        # What is left of rounding where every residual is zero is not a spread.
        residual = np.where(residual > 1e-9 * (1 + count_squared), residual, 0.0)
        return ratio, np.sqrt(residual * num_groups / max(num_groups - 1, 1)) / length


def _unflat(sums: Float[np.ndarray, "R K5"]) -> Float[np.ndarray, "5 R K"]:
    return np.moveaxis(sums.reshape(len(sums), 5, -1), 1, 0)


def _draws(num_groups: int, seed: int, resamples: int | None) -> Iterator[Float[np.ndarray, "R G"]]:
    """How often each group is in each resample, some resamples at a time."""
    generator = np.random.default_rng(seed)
    left = number_of_resamples(num_groups) if resamples is None else resamples
    at_once = max(MOST_CELLS // num_groups, 1)
    while left > 0:
        rows = min(left, at_once)
        chosen: Int[np.ndarray, "R G"] = generator.integers(0, num_groups, (rows, num_groups))
        chosen += np.arange(rows)[:, None] * num_groups
        drawn = np.bincount(chosen.ravel(), minlength=rows * num_groups)
        yield drawn.reshape(rows, num_groups).astype(np.float64)
        left -= rows
