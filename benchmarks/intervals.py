"""How often the 95 % intervals hold the truth, and how often two equal systems are told apart, on simulated corpora.

    python -m benchmarks.intervals [--corpora 1000] [--groups 5 10 20 40 100]

Error rates come in groups, as they do with speakers and writers, of 5 to 29 lines with 20 to 59 symbols each:

- `even`: rates of a beta distribution (5, 95);
- `skewed`: of a gamma distribution, as wide as its mean;
- `heavy`: of a log-normal distribution (sigma 1): a few speakers are read very badly;
- `paired`: differences of two systems that find the same speakers hard (gamma) and differ by 30 % from speaker to
  speaker (log-normal); the first errs 10 % more;
- `equal`: the same without the 10 %, and `alike` without the 30 % either, for the share of p < 0.05, which is to be
  5 %, with the matched-pairs test beside; each error is a segment of its own. The matched-pairs test takes what differs
  from speaker to speaker for a difference of the systems.

Ours stands beside the percentile interval of Bisani and Ney (2004), `plain`, over the same resamples.
"""

import argparse
from collections.abc import Callable

import numpy as np

from seqlabel.confidence import differences, rate_intervals
from seqlabel.significance import mapsswe

RESAMPLES = 2000
ON_MANY = 400_000
"""Groups from which the truth is taken."""
Corpus = tuple[np.ndarray, np.ndarray]
Generator = np.random.Generator


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpora", type=int, default=1000)
    parser.add_argument("--groups", type=int, nargs="+", default=[5, 10, 20, 40, 100])
    arguments = parser.parse_args()
    generator = np.random.default_rng(1)
    print(f"{arguments.corpora:,} corpora each; in % of them: covered (truth below, truth above)")
    print("what      groups  ours                plain")
    for name, rates in (("even", _even), ("skewed", _skewed), ("heavy", _heavy)):
        for groups in arguments.groups:
            _coverage(name, generator, groups, arguments.corpora, _single(rates), are_rates=True)
    for groups in arguments.groups:
        _coverage("paired", generator, groups, arguments.corpora, _pair(1.1), are_rates=False)
    print("\nwhat      groups  p < 0.05: ours  MAPSSWE")
    for name, spread in (("equal", 0.3), ("alike", 0.0)):
        for groups in arguments.groups:
            _false_alarms(name, generator, groups, arguments.corpora, spread)


def _coverage(
    name: str,
    generator: Generator,
    groups: int,
    corpora: int,
    corpus: Callable[[Generator, int], Corpus],
    are_rates: bool,
) -> None:
    counts, lengths = corpus(generator, ON_MANY)
    truth = counts.sum() / lengths.sum()
    found: dict[str, list[tuple[float, float]]] = {"ours": [], "plain": []}
    for seed in range(corpora):
        counts, lengths = corpus(generator, groups)
        columns = counts[:, None], lengths[:, None]
        if are_rates:
            [ours] = rate_intervals(*columns, seed, RESAMPLES)
        else:
            [difference] = differences(*columns, seed, RESAMPLES)
            ours = difference.interval
        found["ours"].append((np.nan, np.nan) if ours is None else (ours.low, ours.high))
        found["plain"].append(_percentiles(counts, lengths, seed))
    said = []
    for intervals in found.values():
        low, high = np.array(intervals).T
        below, above = 100 * (truth < low).mean(), 100 * (truth > high).mean()
        covered = 100 * ((low <= truth) & (truth <= high)).mean()
        said.append(f"{covered:5.1f} ({below:4.1f} {above:5.1f}) ")
    print(f"{name:<8}  {groups:6}  {'  '.join(said)}", flush=True)


def _false_alarms(name: str, generator: Generator, groups: int, corpora: int, spread: float) -> None:
    ours = matched = 0
    for seed in range(corpora):
        first, second, lengths = _two_systems(generator, groups, 1.0, spread)
        [difference] = differences((first - second)[:, None], lengths[:, None], seed, RESAMPLES)
        ours += difference.p is not None and difference.p < 0.05
        segments = [(1, 0)] * int(first.sum()) + [(0, 1)] * int(second.sum())
        test = mapsswe(segments, int(lengths.sum()))
        matched += test is not None and test.difference.p is not None and test.difference.p < 0.05
    print(f"{name:<8}  {groups:6}  {100 * ours / corpora:14.1f}  {100 * matched / corpora:7.1f}", flush=True)


def _percentiles(counts: np.ndarray, lengths: np.ndarray, seed: int) -> tuple[float, float]:
    groups = len(counts)
    chosen = np.random.default_rng(seed).integers(0, groups, (RESAMPLES, groups))
    rates = counts[chosen].sum(axis=1) / lengths[chosen].sum(axis=1)
    low, high = np.quantile(rates, [0.025, 0.975])
    return float(low), float(high)


def _single(rates: Callable[[Generator, int], np.ndarray]) -> Callable[[Generator, int], Corpus]:
    def corpus(generator: Generator, groups: int) -> Corpus:
        lengths = _lengths(generator, groups)
        errors = generator.binomial(lengths, np.minimum(rates(generator, groups), 0.9))
        return errors.astype(float), lengths.astype(float)

    return corpus


def _pair(ratio: float) -> Callable[[Generator, int], Corpus]:
    def corpus(generator: Generator, groups: int) -> Corpus:
        first, second, lengths = _two_systems(generator, groups, ratio, 0.3)
        return first - second, lengths

    return corpus


def _two_systems(
    generator: Generator, groups: int, ratio: float, spread: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    lengths = _lengths(generator, groups)
    mean = _skewed(generator, groups) * lengths
    first = generator.poisson(ratio * mean * generator.lognormal(0.0, spread, groups))
    second = generator.poisson(mean * generator.lognormal(0.0, spread, groups))
    return first.astype(float), second.astype(float), lengths.astype(float)


def _lengths(generator: Generator, groups: int) -> np.ndarray:
    """Words or characters of each group: those of its lines, whose sum is near to normal."""
    lines = generator.integers(5, 30, groups)
    return np.maximum(np.round(generator.normal(39.5 * lines, 11.5 * np.sqrt(lines))), 50).astype(int)


def _even(generator: Generator, groups: int) -> np.ndarray:
    return generator.beta(5.0, 95.0, groups)


def _skewed(generator: Generator, groups: int) -> np.ndarray:
    return generator.gamma(1.0, 0.05, groups)


def _heavy(generator: Generator, groups: int) -> np.ndarray:
    return generator.lognormal(np.log(0.03), 1.0, groups)


if __name__ == "__main__":
    main()
