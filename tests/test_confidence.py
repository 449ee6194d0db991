from itertools import product

import numpy as np
import pytest

from seqlabel import confidence
from seqlabel.confidence import Interval, differences, number_of_resamples, rate_intervals


def _column(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)[:, None]


def _studentised_by_hand(counts: np.ndarray, lengths: np.ndarray) -> tuple[float, float]:
    """A rate and its standard error, group by group: residuals of the ratio over the mean length."""
    rate = sum(counts) / sum(lengths)
    residuals = [count - rate * length for count, length in zip(counts, lengths, strict=True)]
    groups = len(counts)
    variance = sum(residual**2 for residual in residuals) / (groups - 1)
    return rate, (variance / groups) ** 0.5 / (sum(lengths) / groups)


def _every_resample(counts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The deviations of all G^G resamples, each as probable as any other."""
    rate, _ = _studentised_by_hand(counts, lengths)
    deviations = []
    for chosen in product(range(len(counts)), repeat=len(counts)):
        drawn, error = _studentised_by_hand(counts[list(chosen)], lengths[list(chosen)])
        deviations.append((drawn - rate) / error if error > 1e-12 else np.sign(drawn - rate) * np.inf)
    return np.nan_to_num(deviations, nan=0.0, posinf=np.inf, neginf=-np.inf)


COUNTS, LENGTHS = np.array([3.0, 1.0, 4.0, 2.0, 9.0, 6.0]), np.array([50.0, 41.0, 63.0, 70.0, 85.0, 32.0])


def test_an_interval_is_that_of_the_enumeration_of_all_resamples() -> None:
    rate, error = _studentised_by_hand(COUNTS, LENGTHS)
    low, high = np.quantile(_every_resample(COUNTS, LENGTHS), [0.025, 0.975])
    [found] = rate_intervals(COUNTS[:, None], LENGTHS[:, None], resamples=200_000)
    assert found is not None
    assert found.low == pytest.approx(rate - high * error, abs=0.02 * error)
    assert found.high == pytest.approx(rate - low * error, rel=0.03)


def test_a_difference_and_its_p_are_those_of_the_enumeration_of_all_resamples() -> None:
    gaps = COUNTS - np.array([2.0, 3.0, 1.0, 1.0, 4.0, 3.0])
    rate, error = _studentised_by_hand(gaps, LENGTHS)
    sizes = np.abs(_every_resample(gaps, LENGTHS))
    [found] = differences(gaps[:, None], LENGTHS[:, None], resamples=200_000)
    assert found.points == pytest.approx(rate)
    assert found.p == pytest.approx(np.mean(sizes >= abs(rate) / error), abs=0.004)
    assert found.interval is not None
    assert found.interval.high - rate == pytest.approx(np.quantile(sizes, 0.95) * error, rel=0.03)
    assert rate - found.interval.low == pytest.approx(found.interval.high - rate)


def test_p_is_below_five_per_cent_where_the_interval_leaves_zero_out() -> None:
    generator = np.random.default_rng(4)
    for seed in range(60):
        gaps, lengths = generator.normal(0.7, 2, (12, 1)), generator.uniform(20, 60, (12, 1))
        [found] = differences(gaps, lengths, seed, 999)
        assert found.interval is not None
        assert found.p is not None
        leaves_out = found.interval.low > 0 or found.interval.high < 0
        assert leaves_out == (found.p <= 0.05) or found.p == pytest.approx(0.05, abs=0.002)


def test_the_same_seed_gives_the_same_interval_and_another_nearly_so() -> None:
    arguments = COUNTS[:, None], LENGTHS[:, None]
    [one], [again], [other] = (rate_intervals(*arguments, seed) for seed in (5, 5, 6))
    assert one == again
    assert one is not None
    assert other is not None
    assert other.low == pytest.approx(one.low, rel=0.1)


def test_columns_have_the_intervals_that_they_have_alone() -> None:
    counts = np.stack([COUNTS, COUNTS[::-1]], axis=1)
    lengths = np.stack([LENGTHS, LENGTHS], axis=1)
    together = rate_intervals(counts, lengths)
    assert together == [rate_intervals(counts[:, [column]], lengths[:, [column]])[0] for column in range(2)]


def test_resamples_that_do_not_fit_into_memory_at_once_are_as_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confidence, "MOST_CELLS", 100)
    [found] = rate_intervals(COUNTS[:, None], LENGTHS[:, None], resamples=20_001)
    monkeypatch.undo()
    [expected] = rate_intervals(COUNTS[:, None], LENGTHS[:, None], resamples=20_001)
    assert found is not None
    assert expected is not None
    assert found.low == pytest.approx(expected.low, rel=0.05)
    assert found.high == pytest.approx(expected.high, rel=0.05)


@pytest.mark.parametrize(
    ("counts", "lengths"),
    [
        (_column(3), _column(50)),
        (_column(*[0] * 20), _column(*[50] * 20)),
        (_column(1, 2, 1, 3, *[0] * 30), _column(*[50] * 34)),
        (_column(*[5] * 20), _column(*[50] * 20)),
        (_column(*[1] * 19, 0), _column(*[1] * 20)),
        (_column(1, 2, 3, 4, 5), _column(0, 0, 0, 0, 0)),
    ],
    ids=[
        "one group",
        "no errors",
        "errors in four groups",
        "all alike",
        "all but one wrong",
        "nothing counted",
    ],
)
def test_there_is_no_interval_where_there_is_nothing_to_tell_it_from(
    counts: np.ndarray, lengths: np.ndarray
) -> None:
    assert rate_intervals(counts, lengths) == [None]


def test_a_rate_is_never_below_zero() -> None:
    [found] = rate_intervals(_column(40, 1, 1, 1, 1, 1, *[0] * 10), _column(*[50] * 16))
    assert found is not None
    assert found.low >= 0


def test_many_groups_have_fewer_resamples() -> None:
    assert [number_of_resamples(groups) for groups in (1, 40, 1000, 100_000)] == [10_000, 10_000, 4000, 1000]


def test_an_interval_is_printed_in_per_cent() -> None:
    assert str(Interval(0.0231, 0.0352)) == "[2.31, 3.52]"


@pytest.mark.slow
@pytest.mark.parametrize("spread", ["even", "skewed"])
def test_rates_of_forty_groups_are_covered_in_95_per_cent_of_corpora(spread: str) -> None:
    generator = np.random.default_rng(8)
    covered = 0
    for seed in range(1000):
        lengths = generator.integers(150, 1100, 40)
        rates = (
            generator.beta(5, 95, 40) if spread == "even" else generator.gamma(1.0, 0.05, 40).clip(max=0.9)
        )
        [found] = rate_intervals(
            generator.binomial(lengths, rates)[:, None].astype(float),
            lengths[:, None].astype(float),
            seed,
            1000,
        )
        covered += found is not None and found.low <= 0.05 <= found.high
    assert 930 <= covered <= 970


@pytest.mark.slow
def test_differences_of_forty_groups_are_covered_in_95_per_cent_of_corpora() -> None:
    generator = np.random.default_rng(9)
    covered = 0
    for seed in range(1000):
        lengths = generator.integers(150, 1100, 40)
        mean = generator.gamma(2.0, 0.025, 40) * lengths
        first, second = generator.poisson(1.2 * mean), generator.poisson(mean)
        [found] = differences(
            (first - second)[:, None].astype(float), lengths[:, None].astype(float), seed, 1000
        )
        covered += found.interval is not None and found.interval.low <= 0.01 <= found.interval.high
    assert 930 <= covered <= 970
