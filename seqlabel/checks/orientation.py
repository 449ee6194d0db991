"""Which line images stand upside down, told from the others of the same corpus, whatever their script.

Turned by half a turn, a line of writing has the same ink with every small pattern turned. What tells both apart is
learnt from the corpus itself, since most of its lines are upright: a logistic regression over the differences between
an image and itself turned, judged on lines that it has not learnt from.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float16, Float64
from PIL import Image

HEIGHTS = (32, 16)
"""Pixels that lines are scaled to: strokes, and the shapes of letters."""
LEAST_LINES = 60
"""Fewer lines than these teach nothing that could be relied upon."""
MOST_LINES = 5000
"""As many are learnt from; more change nothing."""
LEAST_ASPECT = 5.0
"""Shorter lines, such as names and numbers, look much the same when they are turned."""
NUM_FOLDS = 5
LEAST_ACCURACY = 0.9
"""Where fewer of the long lines are taken for upright, the regression has not understood the script."""
SURELY = 2.5
"""Logarithm of the odds from which on a line is said to be turned, by what is common to all writers."""
SURELY_OF_GROUP = 5.0
"""The same beside the other lines of its writer or page: an unusual hand has many doubtful lines, none turned."""
PRIOR_LINES = 5
"""Lines that the corpus as a whole counts for in what is usual in a group."""

_WEIGHTS = 1 << np.arange(9).reshape(3, 3)
_TURNED = np.array([sum(((code >> bit) & 1) << (8 - bit) for bit in range(9)) for code in range(512)])
"""The pattern that each pattern of 3 x 3 pixels becomes by half a turn."""


def turned_difference(is_ink: Bool[np.ndarray, "height width"]) -> Float16[np.ndarray, " D"] | None:
    """Returns how the patterns and the profile of a line differ from those of the line turned by half a turn.

    Of the turned line it is the same with the opposite sign.

    Args:
        is_ink: which pixels are ink.

    Returns:
        None for a line that is too short to tell.
    """
    rows = np.flatnonzero(is_ink.any(axis=1))
    columns = np.flatnonzero(is_ink.any(axis=0))
    if not len(rows):
        return None
    inner = is_ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = inner.shape
    if width < LEAST_ASPECT * height or height < 4:
        return None
    grey = Image.fromarray(np.where(inner, np.uint8(255), np.uint8(0)))
    parts = []
    for rows_of_scale in HEIGHTS:
        size = (max(1, round(width * rows_of_scale / height)), rows_of_scale)
        small = np.asarray(grey.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)) > 100
        parts += [_patterns(small), _profile(small)]
    return np.concatenate(parts).astype(np.float16)


def _patterns(is_ink: Bool[np.ndarray, "height width"]) -> Float64[np.ndarray, " 512"]:
    """Returns how much more often each pattern of 3 x 3 pixels stands there than the turned one."""
    bits = np.pad(is_ink, 1).astype(np.int64)
    height, width = is_ink.shape
    codes = np.zeros((height, width), np.int64)
    for y in range(3):
        for x in range(3):
            codes += bits[y : y + height, x : x + width] * _WEIGHTS[y, x]
    counts = np.bincount(codes.reshape(-1), minlength=512).astype(np.float64)
    counts[[0, 511]] = 0  # paper and the inner of strokes
    shares = np.sqrt(counts / max(1.0, float(counts.sum())))
    found: Float64[np.ndarray, " 512"] = shares - shares[_TURNED]
    return found


def _profile(is_ink: Bool[np.ndarray, "height width"]) -> Float64[np.ndarray, " half"]:
    """Returns how much more ink each row of the upper half has than the row that takes its place by half a turn."""
    ink = is_ink.mean(axis=1)
    shares = ink / max(1e-9, float(ink.sum()))
    found: Float64[np.ndarray, " half"] = 2 * (shares - shares[::-1])[: len(shares) // 2]
    return found


def upside_down(differences: Sequence[Float16[np.ndarray, " _D"]], keys: Sequence[str]) -> list[int] | None:
    """Returns the indices of the lines that stand upside down; None where that cannot be told.

    Args:
        differences: of each line, from `turned_difference`.
        keys: of each line, its writer or page: nothing is learnt about a line from others of the same.
    """
    if len(differences) < LEAST_LINES:
        return None
    scores = _scores(np.array(differences), keys)
    if (scores > 0).mean() < LEAST_ACCURACY:
        return None
    is_turned = (scores < -SURELY) & (_beside_group(scores, keys) < -SURELY_OF_GROUP)
    return np.flatnonzero(is_turned).tolist()


def _beside_group(scores: Float64[np.ndarray, " N"], keys: Sequence[str]) -> Float64[np.ndarray, " N"]:
    """Returns the logarithm of the odds that a line is upright, its score being normal about plus or minus the usual.

    The usual is the median of its group, without its sign, so that a page that is turned as a whole is found too.
    """
    middle = float(np.median(np.abs(scores)))
    variance = (1.4826 * float(np.median(np.abs(np.abs(scores) - middle)))) ** 2
    found = np.zeros(len(scores))
    by_key: dict[str, list[int]] = {}
    for index, key in enumerate(keys):
        by_key.setdefault(key, []).append(index)
    for members in by_key.values():
        own = scores[members]
        own_middle = float(np.median(own))
        own_variance = (1.4826 * float(np.median(np.abs(own - own_middle)))) ** 2
        count = len(members) + PRIOR_LINES
        usual = (len(members) * abs(own_middle) + PRIOR_LINES * middle) / count
        spread = (len(members) * own_variance + PRIOR_LINES * variance) / count
        found[members] = 2 * usual * own / max(spread, 1e-6)
    return found


def _scores(lines: Float16[np.ndarray, "N D"], keys: Sequence[str]) -> Float64[np.ndarray, " N"]:
    """Returns the logarithm of the odds that each line is upright, learnt from the lines of other folds."""
    from sklearn.linear_model import LogisticRegression

    fold_of = {key: number % NUM_FOLDS for number, key in enumerate(dict.fromkeys(keys))}
    is_many = len(fold_of) >= NUM_FOLDS
    folds = np.array([fold_of[key] if is_many else index % NUM_FOLDS for index, key in enumerate(keys)])
    rng = np.random.default_rng(0)
    scores = np.zeros(len(lines))
    for fold in range(NUM_FOLDS):
        is_here = folds == fold
        if not is_here.any() or is_here.all():
            continue
        others = np.flatnonzero(~is_here)
        if len(others) > MOST_LINES:
            others = rng.choice(others, MOST_LINES, replace=False)
        learnt = lines[others].astype(np.float64)
        both = np.concatenate([learnt, -learnt])
        is_upright = np.repeat([1, 0], len(learnt))
        model = LogisticRegression(C=10.0, fit_intercept=False, max_iter=300).fit(both, is_upright)
        scores[is_here] = model.decision_function(lines[is_here].astype(np.float64))
    return scores
