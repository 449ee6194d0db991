"""An n-gram model: its words, its n-grams by order, and the probabilities of texts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float32, Float64, Int32

from seqlabel.errors import FormatError
from seqlabel.language_model.automaton import EMPTY, Automaton, Ngrams, build_automaton, walk

MAX_ORDER = 32
"""Words of the longest n-grams; the programs that make models go up to 10 or so."""
BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"
UNKNOWN_NAMES = (UNKNOWN, "<UNK>", "[UNK]")


class NgramModel:
    """A back-off model of words or characters.

    Attributes:
        words: the vocabulary; a word's id is its place. Begins and ends of sentences and `<unk>` are words as well.
        orders: the n-grams, unigrams first.
        automaton: the same, ready to be walked through.
    """

    def __init__(self, words: Sequence[str], orders: Sequence[Ngrams], automaton: Automaton) -> None:
        self.words = tuple(words)
        self.orders = tuple(orders)
        self.automaton = automaton

    @classmethod
    def from_orders(cls, words: Sequence[str], orders: Sequence[Ngrams]) -> "NgramModel":
        """Returns the model of n-grams that are sorted by history and word, unigrams in the order of `words`."""
        return cls(words, orders, build_automaton(orders))

    @property
    def order(self) -> int:
        """The length of the longest n-grams."""
        return len(self.orders)

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of each word."""
        return {word: id_ for id_, word in enumerate(self.words)}

    @cached_property
    def unknown(self) -> int | None:
        """The id that stands for every word not in the vocabulary, or None."""
        return next((self.ids[name] for name in UNKNOWN_NAMES if name in self.ids), None)

    @property
    def begin_state(self) -> int:
        """The state at the beginning of a sentence; that of an empty history where the model has no `<s>`."""
        return self.automaton.step(EMPTY, self.ids[BEGIN])[1] if BEGIN in self.ids else EMPTY

    def log_probs(self, words: Sequence[str], *, is_whole: bool = True) -> Float64[np.ndarray, " W"]:
        """Returns the natural log-probability of each word after those before it.

        Args:
            words: of one sentence.
            is_whole: whether the sentence begins and ends here; then the last value is that of its end.
        """
        state = self.begin_state if is_whole else EMPTY
        named = [*words, END] if is_whole and END in self.ids else list(words)
        unknown = -1 if self.unknown is None else self.unknown
        ids = np.array([self.ids.get(word, unknown) for word in named], np.int64)
        values = np.empty(len(ids))
        walk(self.automaton.arrays, state, ids, values)
        return values

    def perplexity(self, sentences: Iterable[Sequence[str]]) -> "Perplexity":
        """Returns the perplexities of sentences, with and without the words that the model does not know."""
        total = unknown_total = 0.0
        num_words = num_unknown = num_sentences = 0
        for sentence in sentences:
            values = self.log_probs(sentence)
            is_unknown = np.zeros(len(values), bool)
            is_unknown[: len(sentence)] = [word not in self.ids or word in UNKNOWN_NAMES for word in sentence]
            total += float(values.sum())
            unknown_total += float(values[is_unknown].sum())
            num_words += len(values)
            num_unknown += int(is_unknown.sum())
            num_sentences += 1
        return Perplexity(total, unknown_total, num_words, num_unknown, num_sentences)

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns all numbers of the model by name, for a file that holds them."""
        found: dict[str, np.ndarray] = {}
        for order, ngrams in enumerate(self.orders, 1):
            found[f"{order}.history"] = ngrams.history.astype(np.int32)
            found[f"{order}.word"] = ngrams.word
            found[f"{order}.log_prob"] = ngrams.log_prob
            if ngrams.backoff is not None:
                found[f"{order}.backoff"] = ngrams.backoff
        return found

    @classmethod
    def from_arrays(cls, words: Sequence[str], arrays: dict[str, np.ndarray]) -> "NgramModel":
        """Returns the model that `arrays` gave.

        Raises:
            KeyError, TypeError, ValueError: they are not arrays of a model; compiled code goes by them without a look.
        """
        orders: list[Ngrams] = []
        for order in range(1, 1 + max(int(name.split(".")[0]) for name in arrays)):
            orders.append(
                Ngrams(
                    history=arrays[f"{order}.history"].astype(np.int64),
                    word=arrays[f"{order}.word"],
                    log_prob=arrays[f"{order}.log_prob"],
                    backoff=arrays.get(f"{order}.backoff"),
                )
            )
            _check_order(orders, len(words))
        return cls.from_orders(words, orders)


def _check_order(orders: Sequence[Ngrams], num_words: int) -> None:
    """Does nothing where the last of some orders fits those before it.

    Raises:
        ValueError: it does not; the message says what is wrong.
    """
    ngrams, number = orders[-1], len(orders)
    columns = [ngrams.history, ngrams.word, ngrams.log_prob]
    columns += [ngrams.backoff] if ngrams.backoff is not None else []
    if any(column.ndim != 1 or len(column) != len(ngrams.word) for column in columns):
        raise ValueError(f"the {number}-grams are not columns of one length")
    if [column.dtype.kind for column in columns[1:]] != ["i", *"ff"[: len(columns) - 2]]:
        raise ValueError(f"the {number}-grams are of other types")
    num_histories = 1 if number == 1 else len(orders[-2].word)
    if number == 1 and not np.array_equal(ngrams.word, np.arange(num_words)):
        raise ValueError("the 1-grams are not the words in their order")
    for column, end in ((ngrams.history, num_histories), (ngrams.word, num_words)):
        if len(column) and not (column.min() >= 0 and column.max() < end):
            raise ValueError(f"the {number}-grams name what is not there")
    keys = ngrams.history.astype(np.int64) * num_words + ngrams.word
    if (np.diff(keys) <= 0).any():
        raise ValueError(f"the {number}-grams are not in order")
    if not all(np.isfinite(column).all() for column in columns[2:]):
        raise ValueError(f"the {number}-grams have numbers that are not finite")
    if number > 1 and orders[-2].backoff is None:
        raise ValueError(f"the {number - 1}-grams have no back-off weights")


@dataclass(frozen=True, slots=True)
class Perplexity:
    """What a text costs a model.

    Attributes:
        log_prob: of all words and ends of sentences, natural logarithm.
        unknown_log_prob: the part of it that unknown words have.
        num_words: words and ends of sentences.
        num_unknown: words that are not in the vocabulary.
        num_sentences: lines.
    """

    log_prob: float
    unknown_log_prob: float
    num_words: int
    num_unknown: int
    num_sentences: int

    @property
    def including_unknown(self) -> float:
        """Perplexity over all words; nan over none."""
        return float(np.exp(-self.log_prob / self.num_words)) if self.num_words else float("nan")

    @property
    def excluding_unknown(self) -> float:
        """Perplexity over the words that the model knows; nan over none."""
        known = self.num_words - self.num_unknown
        return float(np.exp(-(self.log_prob - self.unknown_log_prob) / known)) if known else float("nan")


Section = tuple[Int32[np.ndarray, "_ _"], Float32[np.ndarray, " _"], Float32[np.ndarray, " _"]]
"""The n-grams of one order in any order: their words, log-probabilities and back-off weights."""


def sorted_orders(sections: Sequence[Section], words: Sequence[str]) -> list[Ngrams]:
    """Returns n-grams sorted by history and word.

    A history that is missing, as in files from which n-grams were cut out, is added with the probability that its
    own history gives it, so that no probability changes.

    Args:
        sections: unigrams first; those have every word once, in the order of `words`.
        words: the vocabulary.

    Raises:
        FormatError: an n-gram stands there twice.
    """
    orders: list[Ngrams] = []
    keys: list[np.ndarray] = []
    for index, (ids, log_probs, backoffs) in enumerate(sections):
        history = np.zeros(len(ids), np.int64)
        for place in range(index):
            key = history * len(words) + ids[:, place]
            history = np.searchsorted(keys[place], key)
            if len(key) and (history.max() == len(keys[place]) or (keys[place][history] != key).any()):
                return sorted_orders(_with_histories(sections), words)
        key = history * len(words) + ids[:, index]
        by_key = np.argsort(key, kind="stable")
        key = key[by_key]
        twice = np.nonzero(key[1:] == key[:-1])[0]
        if len(twice):
            name = " ".join(words[id_] for id_ in ids[by_key[twice[0]]].tolist())
            raise FormatError(f"the n-gram {name!r} stands there twice; keep one")
        keys.append(key)
        is_last = index == len(sections) - 1
        orders.append(
            Ngrams(
                history=history[by_key],
                word=ids[by_key, index].astype(np.int32),
                log_prob=log_probs[by_key],
                backoff=None if is_last else backoffs[by_key],
            )
        )
    return orders


def _with_histories(sections: Sequence[Section]) -> list[Section]:
    """Returns the sections with every history that one of their n-grams has."""
    log_prob: dict[tuple[int, ...], float] = {}
    backoff: dict[tuple[int, ...], float] = {}
    for ids, log_probs, backoffs in sections:
        rows = [tuple(row) for row in ids.tolist()]
        log_prob.update(zip(rows, log_probs.tolist(), strict=True))
        backoff.update(zip(rows, backoffs.tolist(), strict=True))

    def backed_off(row: tuple[int, ...]) -> float:
        found = log_prob.get(row)
        return found if found is not None else backoff.get(row[:-1], 0.0) + backed_off(row[1:])

    known = [{row for row in log_prob if len(row) == order} for order in range(1, len(sections) + 1)]
    for order in range(len(sections) - 1, 0, -1):
        known[order - 1] |= {row[:-1] for row in known[order]}
    complete: list[Section] = []
    for order, (ids, log_probs, backoffs) in enumerate(sections):
        added = sorted(row for row in known[order] if row not in log_prob)
        complete.append(
            (
                np.concatenate([ids, np.array(added, np.int32).reshape(len(added), order + 1)]),
                np.concatenate([log_probs, np.array([backed_off(row) for row in added], np.float32)]),
                np.concatenate([backoffs, np.zeros(len(added), np.float32)]),
            )
        )
    return complete
