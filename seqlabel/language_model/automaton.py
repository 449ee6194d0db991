"""A back-off n-gram model as a machine: states are histories, arcs are words, and what fails falls back.

A state is a history that the model knows, down to the empty one (state 0). To score a word, its arc is looked for in
the state; where there is none, the state's back-off weight is added and the next shorter history is asked. One step
gives the probability and the longest known history after the word, which is all that a decoder has to keep.

Source: Allauzen, Mohri, Roark, "Generalized algorithms for constructing statistical language models", ACL 2003.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, no_type_check

import numpy as np
from jaxtyping import Float32, Int32, Int64

from seqlabel.compiled import compiled

UNSEEN = -100.0 * float(np.log(10.0))
"""The log-probability of a word without unigram in a model without `<unk>`; KenLM's value."""
EMPTY = 0
"""The state that knows nothing of what came before."""


@dataclass(frozen=True, slots=True)
class Automaton:
    """The arrays of a model; natural logarithms throughout.

    Attributes:
        first_arc: (S + 1,) where the arcs of each state begin; those of one state are sorted by word.
        arc_word, arc_log_prob, arc_state: (A,) the word of an arc, its log-probability, and the state it leads to.
        backoff_log_prob, backoff_state: (S,) what a failure costs and where it leads.
    """

    first_arc: Int64[np.ndarray, " S1"]
    arc_word: Int32[np.ndarray, " A"]
    arc_log_prob: Float32[np.ndarray, " A"]
    arc_state: Int32[np.ndarray, " A"]
    backoff_log_prob: Float32[np.ndarray, " S"]
    backoff_state: Int32[np.ndarray, " S"]

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """The arrays in the order in which the compiled functions take them."""
        return (
            self.first_arc,
            self.arc_word,
            self.arc_log_prob,
            self.arc_state,
            self.backoff_log_prob,
            self.backoff_state,
        )

    def step(self, state: int, word: int) -> tuple[float, int]:
        """Returns the log-probability of a word after a state, and the state after it."""
        log_prob, after = step(self.arrays, state, word)
        return float(log_prob), int(after)


@compiled
@no_type_check
def place_of(values: Any, low: int, high: int, value: int) -> int:
    """Returns where a value stands between two places of sorted values, -1 where it does not."""
    end = high
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low if low < end and values[low] == value else np.int64(-1)


@compiled
@no_type_check
def step(arrays: Any, state: int, word: int) -> tuple[float, int]:
    """Returns the log-probability of `word` after `state`, and the state after it."""
    first_arc, arc_word, arc_log_prob, arc_state, backoff_log_prob, backoff_state = arrays
    cost = 0.0
    state = np.int64(state)
    while True:
        low, high = first_arc[state], first_arc[state + 1]
        if state == 0:
            # Unigrams are dense more often than not: look where the word would stand then.
            guess = low + word
            if guess < high and arc_word[guess] == word:
                return cost + arc_log_prob[guess], np.int64(arc_state[guess])
        low = place_of(arc_word, low, high, word)
        if low >= 0:
            return cost + arc_log_prob[low], np.int64(arc_state[low])
        if state == 0:
            return cost + UNSEEN, np.int64(0)
        cost += backoff_log_prob[state]
        state = np.int64(backoff_state[state])


@compiled
@no_type_check
def walk(arrays: Any, state: int, words: Any, log_probs: Any) -> int:
    """Fills in the log-probability of each word after those before it; returns the last state."""
    for i in range(len(words)):
        log_probs[i], state = step(arrays, state, words[i])
    return state


@dataclass(frozen=True, slots=True)
class Ngrams:
    """All n-grams of one order, sorted by `(history, word)`.

    Attributes:
        history: (M,) the number of the n-gram of the order below that the last word follows; zeros for unigrams.
        word: (M,) the last word.
        log_prob: (M,) of the word after its history.
        backoff: (M,) what it costs that a longer n-gram is not there; None for the highest order.
    """

    history: Int64[np.ndarray, " M"]
    word: Int32[np.ndarray, " M"]
    log_prob: Float32[np.ndarray, " M"]
    backoff: Float32[np.ndarray, " M"] | None

    def __len__(self) -> int:
        """The number of n-grams."""
        return len(self.word)


def build_automaton(orders: Sequence[Ngrams]) -> Automaton:
    """Returns the machine of a model: one state for each n-gram below the highest order, one arc for each n-gram.

    Args:
        orders: unigrams first.
    """
    counts = [len(ngrams) for ngrams in orders]
    # State 0 is the empty history; then come the unigrams, the bigrams and so on, each order in its order.
    first_state = 1 + np.concatenate([[0], np.cumsum(counts[:-1])]).astype(np.int64)
    num_states = int(first_state[-1])
    num_arcs = np.zeros(num_states, np.int64)
    num_arcs[0] = counts[0]
    for below, ngrams in enumerate(orders[1:]):
        begin = first_state[below]
        num_arcs[begin : begin + counts[below]] = np.bincount(ngrams.history, minlength=counts[below])
    # N-grams are sorted by history, and histories are numbered in the same order: the arcs lie state by state.
    first_arc = np.concatenate([[0], np.cumsum(num_arcs)])
    arc_word = np.concatenate([ngrams.word for ngrams in orders]).astype(np.int32)
    arc_log_prob = np.concatenate([ngrams.log_prob for ngrams in orders]).astype(np.float32)
    arc_state = np.full(len(arc_word), -1, np.int32)
    arc_state[: num_states - 1] = np.arange(1, num_states)
    weights = [ngrams.backoff for ngrams in orders[:-1] if ngrams.backoff is not None]
    backoff_log_prob = np.concatenate([np.zeros(1, np.float32), *weights]).astype(np.float32)
    backoff_state = np.zeros(num_states, np.int32)
    _link(first_arc, arc_word, arc_state, backoff_state)
    return Automaton(first_arc, arc_word, arc_log_prob, arc_state, backoff_log_prob, backoff_state)


@compiled
@no_type_check
def _link(first_arc: Any, arc_word: Any, arc_state: Any, backoff_state: Any) -> None:
    """Fills in where failures lead, and where the arcs of the highest order lead: to the longest known suffix."""
    for state in range(len(backoff_state)):
        for arc in range(first_arc[state], first_arc[state + 1]):
            word = arc_word[arc]
            suffix = np.int64(0)
            if state != 0:
                shorter = np.int64(backoff_state[state])
                while True:
                    low = place_of(arc_word, first_arc[shorter], first_arc[shorter + 1], word)
                    if low >= 0:
                        suffix = np.int64(arc_state[low])
                        break
                    if shorter == 0:
                        break
                    shorter = np.int64(backoff_state[shorter])
            if arc_state[arc] < 0:
                arc_state[arc] = suffix
            else:
                backoff_state[arc_state[arc]] = suffix
