"""Interpolated modified Kneser-Ney smoothing, with Witten-Bell where a text is too small for its discounts.

Source: Chen and Goodman, "An empirical study of smoothing techniques for language modeling", Computer Speech and
Language 13, 1999, section 3; the treatment of `<s>`, `</s>` and `<unk>` is that of KenLM's lmplz (Heafield et al.,
ACL 2013), so that the same text gives the same model. Witten-Bell: ibid., section 2.5, interpolated.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from seqlabel.errors import ConfigError
from seqlabel.language_model.automaton import UNSEEN, Ngrams
from seqlabel.language_model.counts import Corpus, Counts, count_ngrams
from seqlabel.language_model.ngram import MAX_ORDER, NgramModel

_BEGIN = 1


@dataclass(frozen=True, slots=True)
class Estimate:
    """A model, and how each order of it was smoothed.

    Attributes:
        model: what was learnt.
        discounts: what was taken off counts of 1, 2, and 3 or more, for each order; None where Witten-Bell stands in.
    """

    model: NgramModel
    discounts: tuple[tuple[float, float, float] | None, ...]


def estimate(corpus: Corpus, order: int, cutoffs: Sequence[int] = ()) -> Estimate:
    """Returns the model of a text.

    Args:
        corpus: the text.
        order: length of the longest n-grams.
        cutoffs: for each order from 1, the count up to which n-grams are left out; the last goes for all that follow.
            Words are never left out: the first has to be 0.

    Raises:
        ConfigError: an order below 1 or above `MAX_ORDER`, or cut-offs that fall.
    """
    if not 1 <= order <= MAX_ORDER:
        raise ConfigError(f"order {order}: expected 1 to {MAX_ORDER}")
    limits = [*cutoffs, *[cutoffs[-1] if cutoffs else 0] * order][:order]
    if limits[0] != 0 or any(low > high for low, high in itertools.pairwise(limits)):
        raise ConfigError(
            f"cut-offs {' '.join(map(str, cutoffs))}: expected 0 for the words, then numbers that do not fall"
        )
    counts = count_ngrams(corpus, order)
    adjusted = [_adjusted(counts, index) for index in range(len(counts))]
    kept = [of_order.count > limit for of_order, limit in zip(counts, limits, strict=True)]
    kept[0][:] = True  # words that do not occur, such as <unk>, stay
    probabilities: list[Float64[np.ndarray, " M"]] = []
    gammas: list[Float64[np.ndarray, " H"]] = []
    discounts = []
    for index, of_order in enumerate(counts):
        of_counts = discounts_of(adjusted[index])
        discounts.append(of_counts)
        num_histories = 1 if index == 0 else len(counts[index - 1])
        share, gamma = _shares(of_order, adjusted[index], kept[index], num_histories, of_counts)
        lower = (
            np.full(len(of_order), 1.0 / (len(of_order) - 1))  # all words but <s>
            if index == 0
            else probabilities[-1][of_order.suffix]
        )
        probabilities.append(share + gamma[of_order.history] * lower)
        gammas.append(gamma)
    orders = _orders(counts, probabilities, gammas, kept)
    return Estimate(NgramModel.from_orders(corpus.words, orders), tuple(discounts))


def discounts_of(adjusted: np.ndarray) -> tuple[float, float, float] | None:
    """Returns what is taken off counts of 1, 2, and 3 or more, or None where the text is too small to tell."""
    with_count = np.bincount(np.minimum(adjusted, 5), minlength=6)[1:5].astype(np.float64)
    if (with_count[:3] == 0).any():
        return None
    y = with_count[0] / (with_count[0] + 2 * with_count[1])
    found = [j - (j + 1) * y * with_count[j] / with_count[j - 1] for j in (1, 2, 3)]
    if any(not 0 <= discount <= j for j, discount in enumerate(found, 1)):
        return None
    return found[0], found[1], found[2]


def _adjusted(counts: Sequence[Counts], index: int) -> np.ndarray:
    """Returns the counts that an order is estimated from: below the highest, after how many words an n-gram stands."""
    of_order = counts[index]
    if index == len(counts) - 1:
        adjusted = of_order.count.copy()
    else:
        adjusted = np.bincount(counts[index + 1].suffix, minlength=len(of_order))
        # Nothing stands before the beginning of a sentence.
        adjusted = np.where(of_order.begins, of_order.count, adjusted)
    if index == 0:
        adjusted[_BEGIN] = 0
    return adjusted


def _shares(
    of_order: Counts,
    adjusted: np.ndarray,
    kept: np.ndarray,
    num_histories: int,
    discounts: tuple[float, float, float] | None,
) -> tuple[Float64[np.ndarray, " M"], Float64[np.ndarray, " H"]]:
    """Returns the part of each probability that is its own count's, and what each history leaves to shorter ones."""
    count = adjusted.astype(np.float64)
    total = np.bincount(of_order.history, weights=count, minlength=num_histories)
    if discounts is None:
        seen = np.bincount(of_order.history, weights=adjusted > 0, minlength=num_histories)
        total = total + seen
        own = count
    else:
        off = np.array([0.0, *discounts])[np.minimum(adjusted, 3)]
        own = count - off
    own = np.where(kept, own, 0.0)
    safe = np.maximum(total, 1e-300)
    gamma = 1.0 - np.bincount(of_order.history, weights=own, minlength=num_histories) / safe
    gamma[total == 0] = 1.0
    return own / safe[of_order.history], np.clip(gamma, 0.0, 1.0)


def _orders(
    counts: Sequence[Counts],
    probabilities: Sequence[np.ndarray],
    gammas: Sequence[np.ndarray],
    kept: Sequence[np.ndarray],
) -> list[Ngrams]:
    """Returns the n-grams that are kept, numbered anew."""
    orders = []
    number = np.zeros(1, np.int64)
    for index, of_order in enumerate(counts):
        keep = kept[index]
        log_prob = _log(probabilities[index][keep])
        backoff = None if index == len(counts) - 1 else _log(gammas[index + 1][keep])
        if index == 0:
            log_prob[_BEGIN] = 0.0  # as lmplz writes it; it is never asked for
        orders.append(
            Ngrams(
                history=number[of_order.history[keep]] if index else of_order.history,
                word=of_order.word[keep],
                log_prob=log_prob,
                backoff=backoff,
            )
        )
        number = np.cumsum(keep) - 1
    return orders


def _log(values: Float64[np.ndarray, " M"]) -> Float32[np.ndarray, " M"]:
    """Returns natural logarithms, that of zero as what it is in ARPA files."""
    with np.errstate(divide="ignore"):
        found: Float32[np.ndarray, " M"] = np.maximum(np.log(values), UNSEEN).astype(np.float32)
    return found
