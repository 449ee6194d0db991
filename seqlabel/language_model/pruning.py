"""Entropy pruning: n-grams go whose absence changes the distribution least.

Source: Stolcke, "Entropy-based pruning of backoff language models", DARPA Broadcast News workshop, 1998.
"""

from collections.abc import Sequence
from typing import Any, no_type_check

import numpy as np
from jaxtyping import Float64

from seqlabel.compiled import compiled, forget_if_changed
from seqlabel.language_model import automaton as automaton_module
from seqlabel.language_model.automaton import Automaton, Ngrams, build_automaton, step
from seqlabel.language_model.ngram import BEGIN, END, NgramModel


def prune(model: NgramModel, threshold: float) -> NgramModel:
    """Returns the model without the n-grams (n >= 2) whose removal raises the perplexity by less than a share.

    Args:
        model: a back-off model whose probabilities sum to one.
        threshold: 1e-8 to 1e-6 are usual; each n-gram is judged as if it alone went.
    """
    orders = model.orders
    lower = _lower_log_probs(model.automaton, sum(map(len, orders)))
    unigram = orders[0].log_prob.astype(np.float64)
    if BEGIN in model.ids and END in model.ids:
        unigram[model.ids[BEGIN]] = unigram[model.ids[END]]  # as many sentences begin as end
    history_log_probs = [unigram]
    for ngrams in orders[1:]:
        history_log_probs.append(history_log_probs[-1][ngrams.history] + ngrams.log_prob)
    first = np.concatenate([[0], np.cumsum([len(ngrams) for ngrams in orders])])
    kept = [np.ones(len(ngrams), bool) for ngrams in orders]
    for index in range(len(orders) - 1, 0, -1):
        of_history = history_log_probs[index - 1][orders[index].history]
        change = _changes(orders[index], lower[first[index] : first[index + 1]], of_history)
        kept[index] = np.expm1(change) >= threshold
        if index + 1 < len(orders):
            kept[index][orders[index + 1].history[kept[index + 1]]] = True
    return NgramModel.from_orders(model.words, _renormalized(_taken(orders, kept)))


def _changes(
    ngrams: Ngrams, lower: Float64[np.ndarray, " M"], of_history: Float64[np.ndarray, " M"]
) -> Float64[np.ndarray, " M"]:
    """Returns by how many nats a word the cross-entropy rises when an n-gram goes (Stolcke 1998, equation 4)."""
    log_prob = ngrams.log_prob.astype(np.float64)
    own, backed = np.exp(log_prob), np.exp(lower)
    rest = np.maximum(1.0 - np.bincount(ngrams.history, weights=own), 1e-12)[ngrams.history]
    lower_rest = np.maximum(1.0 - np.bincount(ngrams.history, weights=backed), 1e-12)[ngrams.history]
    before = np.log(rest) - np.log(lower_rest)
    after = np.log(rest + own) - np.log(lower_rest + backed)
    own_change = own * (lower + after - log_prob)
    change: Float64[np.ndarray, " M"] = -np.exp(of_history) * (own_change + rest * (after - before))
    return change


def _taken(orders: Sequence[Ngrams], kept: Sequence[np.ndarray]) -> list[Ngrams]:
    """Returns the n-grams that are kept, their histories numbered anew; orders without any are left out."""
    taken = []
    number = np.zeros(1, np.int64)
    for index, (ngrams, keep) in enumerate(zip(orders, kept, strict=True)):
        if not keep.any():
            break
        history = number[ngrams.history[keep]] if index else ngrams.history
        backoff = None if ngrams.backoff is None else ngrams.backoff[keep]
        taken.append(Ngrams(history, ngrams.word[keep], ngrams.log_prob[keep], backoff))
        number = np.cumsum(keep) - 1
    taken[-1] = Ngrams(taken[-1].history, taken[-1].word, taken[-1].log_prob, None)
    return taken


def _renormalized(orders: Sequence[Ngrams]) -> list[Ngrams]:
    """Returns the same probabilities with back-off weights that make every history sum to one."""
    done = [orders[0]]
    for ngrams in orders[1:]:
        below = done[-1]
        trial = build_automaton(
            [
                *done[:-1],
                Ngrams(below.history, below.word, below.log_prob, np.zeros(len(below), np.float32)),
                ngrams,
            ]
        )
        lower = _lower_log_probs(trial, sum(map(len, done)) + len(ngrams))[-len(ngrams) :]
        own = np.bincount(
            ngrams.history, weights=np.exp(ngrams.log_prob.astype(np.float64)), minlength=len(below)
        )
        backed = np.bincount(ngrams.history, weights=np.exp(lower), minlength=len(below))
        backoff = np.zeros(len(below))
        has_any = np.bincount(ngrams.history, minlength=len(below)) > 0
        rest = np.maximum(1.0 - own, 1e-12), np.maximum(1.0 - backed, 1e-12)
        backoff[has_any] = (np.log(rest[0]) - np.log(rest[1]))[has_any]
        done[-1] = Ngrams(below.history, below.word, below.log_prob, backoff.astype(np.float32))
        done.append(ngrams)
    return done


def _lower_log_probs(automaton: Automaton, num_arcs: int) -> Float64[np.ndarray, " A"]:
    """Returns for each n-gram the log-probability that its word has after the next shorter history; 0 for unigrams."""
    found = np.zeros(num_arcs)
    _fill_lower(automaton.arrays, found)
    return found


@compiled
@no_type_check
def _fill_lower(arrays: Any, found: Any) -> None:
    first_arc, arc_word, _, _, _, backoff_state = arrays
    for state in range(1, len(backoff_state)):
        shorter = np.int64(backoff_state[state])
        for arc in range(first_arc[state], first_arc[state + 1]):
            found[arc] = step(arrays, shorter, arc_word[arc])[0]


forget_if_changed((_fill_lower,), (automaton_module,))
