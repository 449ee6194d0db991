"""A bias for each token, learnt from what a network hears of a voice, or sees of a hand, whose texts nobody knows.

A network mistakes a voice that it does not know in a systematic manner: every six of one speaker is an eight. Then some
tokens come up more often than they do in texts, and others less. The biases bring them back to as often as in texts.
Saerens, Latinne and Decaestecker ("Adjusting the outputs of a classifier to new a priori probabilities", Neural
Computation 14(1), 2002) do so where the classes of new data come up more or less often; here it is what the network
makes of them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from seqlabel.tokens import BLANK, TokenTable

SPREAD = 1.0
"""Standard deviation in nats that biases are thought to have before anything is heard."""
MOST_STEPS = 1000
"""After so many the biases are taken as they are."""
CLOSE = 1e-3
"""The biases are found when no token comes up more or less often than it should by that share of one."""
SURE_BLANK = np.log1p(-1e-4)
"""Frames of which the network is as sure as this that they are blank say nothing about the tokens."""


@dataclass(frozen=True, slots=True)
class Adaptation:
    """What was found.

    Attributes:
        bias: (C,) in nats, for each token of the table; 0 for the blank.
        wanted: (C,) how often each token comes up in so long a text.
        before, after: (C,) how often it is expected to have come up, without the biases and with them.
    """

    bias: Float64[np.ndarray, " C"]
    wanted: Float64[np.ndarray, " C"]
    before: Float64[np.ndarray, " C"]
    after: Float64[np.ndarray, " C"]


def token_shares(texts: Iterable[str], tokens: TokenTable) -> Float64[np.ndarray, " C"]:
    """Returns how often each token of the table stands in texts, as shares of all; others are left out.

    Zeros where nothing in the texts is in the table.
    """
    found = Counter(token for text in texts for token in tokens.split(text))
    counts = np.array([float(found[token]) for token in tokens.tokens])
    counts[BLANK] = 0.0
    total = counts.sum()
    return counts / total if total else counts


def adapt(
    emissions: Sequence[Float32[np.ndarray, "_T C"]],
    shares: Float64[np.ndarray, " C"],
    spread: float = SPREAD,
) -> Adaptation:
    """Returns the biases with which tokens come up as often as in texts.

    Frames are independent of each other given what was heard, so a token is expected to come up as often as the sum
    over all frames of the probability that it is there and was not there in the frame before. The biases are the most
    probable ones where each is normally distributed by `spread`, and a token comes up as often as a Poisson variable
    whose mean is its share of all: what few examples say moves little.

    Args:
        emissions: (T, C) natural logarithms of each example, of CTC.
        shares: (C,) as `token_shares` gives them.
        spread: the standard deviation of a bias, in nats.
    """
    rows = _telling(emissions, len(shares))
    bias = np.zeros(len(shares))
    before = after = _counts(rows, bias)
    for _ in range(MOST_STEPS):
        wanted = after.sum() * shares
        slope = wanted - after - bias / spread**2
        slope[BLANK] = 0.0
        if np.abs(slope).max() < CLOSE:
            break
        bias += slope / (np.maximum(wanted, after) + 1 / spread**2)
        after = _counts(rows, bias)
    return Adaptation(bias, after.sum() * shares, before, after)


def _telling(emissions: Sequence[Float32[np.ndarray, "_T C"]], num_tokens: int) -> Float64[np.ndarray, "N C"]:
    """Returns the frames that may hold a token, each with the one before it; a blank lies between examples."""
    blank = np.full((1, num_tokens), -np.inf)
    blank[0, BLANK] = 0.0
    found = [blank]
    for log_probs in emissions:
        is_telling = log_probs[:, BLANK] < SURE_BLANK
        is_kept = is_telling.copy()
        is_kept[:-1] |= is_telling[1:]
        found += [log_probs[is_kept].astype(np.float64), blank]
    return np.concatenate(found)


def _counts(rows: Float64[np.ndarray, "N C"], bias: Float64[np.ndarray, " C"]) -> Float64[np.ndarray, " C"]:
    """Returns how often each token is expected to come up; 0 for the blank."""
    biased = rows + bias
    biased -= biased.max(axis=1, keepdims=True)
    probs = np.exp(biased, out=biased)
    probs /= probs.sum(axis=1, keepdims=True)
    counts: Float64[np.ndarray, " C"] = probs[1:].sum(axis=0) - (probs[1:] * probs[:-1]).sum(axis=0)
    counts[BLANK] = 0.0
    return counts
