"""Examples that are far too long or too short for their text, beside others with as much text.

The length of an example grows with its text, but not in proportion, since there is silence or paper around it, and
short texts vary more than long ones. So each is compared with those that have about as much text: by how many (robust)
standard deviations the logarithm of its length differs from their median.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float64, Int64

LEAST_EXAMPLES = 50
"""Neighbours that an example is compared with; of fewer examples nothing is said."""
MOST_DEVIATIONS = 4.0
LEAST_FACTOR = 2.0
"""An outlier differs by this factor at least, however alike the others are."""
NUM_PAIRS = 50_000


def length_outliers(
    lengths: Mapping[str, Float64[np.ndarray, " N"]], num_characters: Int64[np.ndarray, " N"]
) -> tuple[str, list[tuple[int, float, float]]] | None:
    """Returns which of several measures of length was used, and the outliers by it.

    Of several measures (pixels across, or these in heights of the line) that one is taken which goes best with the
    texts of the corpus.

    Args:
        lengths: by the name of the measure, above 0; NaN where an example has none.
        num_characters: of each text, above 0.

    Returns:
        The name, and for each outlier its index, its length, and the length that would be usual for its text; None
        where there are too few examples.
    """
    found = []
    for name, measured in lengths.items():
        is_known = np.isfinite(measured) & (measured > 0) & (num_characters > 0)
        if is_known.sum() >= LEAST_EXAMPLES:
            indices = np.flatnonzero(is_known)
            residuals, deviation = _residuals(np.log(measured[indices]), num_characters[indices])
            found.append((float(np.median(deviation)), name, indices, residuals, deviation))
    if not found:
        return None
    _, name, indices, residuals, deviation = min(found, key=lambda one: one[:2])
    is_far = (np.abs(residuals) > MOST_DEVIATIONS * deviation) & (np.abs(residuals) > np.log(LEAST_FACTOR))
    outliers = [
        (int(indices[place]), float(lengths[name][indices[place]]), float(np.exp(-residuals[place])))
        for place in np.flatnonzero(is_far)
    ]
    return name, [(index, length, length * factor) for index, length, factor in outliers]


def _residuals(
    log_lengths: Float64[np.ndarray, " N"], num_characters: Int64[np.ndarray, " N"]
) -> tuple[Float64[np.ndarray, " N"], Float64[np.ndarray, " N"]]:
    """Returns how far each logarithm is from what its neighbours have, and the deviation among these."""
    log_characters = np.log(num_characters.astype(np.float64))
    trend = log_lengths - _slope(log_characters, log_lengths) * log_characters
    residuals, deviations = np.zeros((2, len(trend)))
    order = np.argsort(num_characters, kind="stable")
    ordered = trend[order]
    _, starts = np.unique(num_characters[order], return_index=True)
    ends = np.append(starts[1:], len(order))
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        missing = max(0, LEAST_EXAMPLES - (end - start))
        first, last = max(0, start - -(-missing // 2)), min(len(order), end + -(-missing // 2))
        if last - first < LEAST_EXAMPLES:  # at one end of the lengths: more from the other side
            first = max(0, min(first, last - LEAST_EXAMPLES))
            last = min(len(order), max(last, first + LEAST_EXAMPLES))
        around = ordered[first:last]
        middle = float(np.median(around))
        residuals[order[start:end]] = ordered[start:end] - middle
        # 1.4826 makes the median absolute deviation of normal values their standard deviation.
        deviations[order[start:end]] = 1.4826 * float(np.median(np.abs(around - middle)))
    everywhere = 1.4826 * float(np.median(np.abs(residuals)))
    return residuals, np.maximum(deviations, max(everywhere, 0.02))


def _slope(x: Float64[np.ndarray, " N"], y: Float64[np.ndarray, " N"]) -> float:
    """Returns the median slope between pairs of points (Theil and Sen), of pairs that are drawn."""
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, len(x), (2, NUM_PAIRS))
    differs = np.abs(x[first] - x[second]) > 1e-9
    if not differs.any():
        return 0.0
    return float(np.median((y[first] - y[second])[differs] / (x[first] - x[second])[differs]))


def measures_of(
    rows: Sequence[Mapping[str, float] | None],
) -> dict[str, Float64[np.ndarray, " N"]]:
    """Returns the measures of all examples, one array for each, NaN where an example has none."""
    names = dict.fromkeys(name for row in rows if row is not None for name in row)
    return {
        name: np.array([np.nan if row is None else row.get(name, np.nan) for row in rows], np.float64)
        for name in names
    }
