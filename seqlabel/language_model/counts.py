"""Texts as numbers, and how often each n-gram stands in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int32, Int64

from seqlabel.characters import UnicodeForm, graphemes, in_form
from seqlabel.errors import FormatError
from seqlabel.language_model.ngram import BEGIN, END, UNKNOWN

Unit = Literal["char", "grapheme", "word"]
SPACE = "<space>"
"""What a space is called in a model of characters, since words of an ARPA file have none in them."""
RESERVED = (UNKNOWN, BEGIN, END)
_BEGIN, _END = 1, 2


@dataclass(frozen=True, slots=True)
class Corpus:
    """Sentences one after the other, each from `<s>` to `</s>`.

    Attributes:
        words: the vocabulary, `RESERVED` first.
        ids: (L,) the words of all sentences.
        left: (L,) how many words stand between this one and the end of its sentence, both included.
    """

    words: tuple[str, ...]
    ids: Int32[np.ndarray, " L"]
    left: Int32[np.ndarray, " L"]


def units(text: str, unit: Unit, form: UnicodeForm | None = "NFC") -> list[str]:
    """Returns the words of a text, or its characters or graphemes, in one form, every white space as one `SPACE`.

    >>> units("ab  c", "char")
    ['a', 'b', '<space>', 'c']
    """
    words = in_form(text, form).split()
    if unit == "word":
        return words
    if unit == "char":
        return [SPACE if c == " " else c for c in " ".join(words)]
    # Word by word: a mark behind a space must not take the space along.
    parts = [part for word in words for part in (SPACE, *graphemes(word))]
    return parts[1:]


def corpus(texts: Iterable[str], unit: Unit, form: UnicodeForm | None = "NFC") -> Corpus:
    """Returns the sentences of the texts, a line each, in one form; lines without words are none.

    Raises:
        FormatError: there is nothing to learn from, or a word has a name that is reserved.
    """
    lines = [line for text in texts for line in in_form(text, form).splitlines()]
    sentences = [" ".join(words) for line in lines if (words := line.split())]
    if not sentences:
        raise FormatError("the texts are empty; give some that have words")
    words, ids, ends = (
        _characters(sentences) if unit == "char" else _words([units(s, unit, None) for s in sentences])
    )
    for name in RESERVED:
        if name in words:
            raise FormatError(f"the texts have the word {name!r}, which means something else; take it out")
    lengths = np.diff(ends, prepend=0) + 2
    flat = np.empty(len(ids) + 2 * len(sentences), np.int32)
    last = np.cumsum(lengths) - 1
    first = last - lengths + 1
    is_word = np.ones(len(flat), bool)
    is_word[first] = is_word[last] = False
    flat[is_word] = ids + len(RESERVED)
    flat[first], flat[last] = _BEGIN, _END
    left = (np.repeat(last, lengths) - np.arange(len(flat)) + 1).astype(np.int32)
    return Corpus((*RESERVED, *words), flat, left)


def _characters(sentences: Sequence[str]) -> tuple[list[str], np.ndarray, np.ndarray]:
    codes = np.frombuffer("".join(sentences).encode("utf-32-le", "surrogatepass"), np.uint32)
    found, ids = np.unique(codes, return_inverse=True)
    names = [SPACE if code == ord(" ") else chr(code) for code in found.tolist()]
    return names, ids.astype(np.int32), np.cumsum([len(sentence) for sentence in sentences])


def _words(split: Sequence[Sequence[str]]) -> tuple[list[str], np.ndarray, np.ndarray]:
    known: dict[str, int] = {}
    ids = [known.setdefault(word, len(known)) for words in split for word in words]
    in_order = sorted(known)
    place = np.empty(len(known), np.int32)
    place[[known[word] for word in in_order]] = np.arange(len(known))
    return in_order, place[np.array(ids, np.int64)], np.cumsum([len(words) for words in split])


@dataclass(frozen=True, slots=True)
class Counts:
    """The different n-grams of one order, sorted by `(history, word)`.

    Attributes:
        history: (M,) the number of the n-gram's first words among those of the order below; zeros for unigrams.
        word: (M,) its last word.
        suffix: (M,) the number of the n-gram without its first word; zeros for unigrams.
        count: (M,) how often it stands in the text.
        begins: (M,) whether its first word is `<s>`.
    """

    history: Int64[np.ndarray, " M"]
    word: Int32[np.ndarray, " M"]
    suffix: Int64[np.ndarray, " M"]
    count: Int64[np.ndarray, " M"]
    begins: np.ndarray

    def __len__(self) -> int:
        """The number of n-grams."""
        return len(self.word)


def count_ngrams(corpus: Corpus, order: int) -> list[Counts]:
    """Returns the n-grams of every order up to `order`; the unigrams are the whole vocabulary."""
    num_words = len(corpus.words)
    unigrams = np.bincount(corpus.ids, minlength=num_words)
    zeros = np.zeros(num_words, np.int64)
    everything = np.arange(num_words, dtype=np.int32)
    found = [Counts(zeros, everything, zeros, unigrams, everything == _BEGIN)]
    # `rank` holds, for each place in the text, the number of the n-gram of the last order that begins there.
    rank = corpus.ids.astype(np.int64)
    for length in range(2, order + 1):
        places = np.nonzero(corpus.left >= length)[0]
        key = rank[places] * num_words + corpus.ids[places + length - 1]
        by_key = np.argsort(key)
        key = key[by_key]
        is_new = np.empty(len(key), bool)
        is_new[:1] = True
        np.not_equal(key[1:], key[:-1], out=is_new[1:])
        first = np.nonzero(is_new)[0]
        one_of_each = places[by_key[first]]
        kinds = key[first]
        found.append(
            Counts(
                history=kinds // num_words,
                word=(kinds % num_words).astype(np.int32),
                suffix=rank[one_of_each + 1],
                count=np.diff(first, append=len(key)),
                begins=corpus.ids[one_of_each] == _BEGIN,
            )
        )
        del key
        numbers = np.cumsum(is_new) - 1
        rank = np.zeros(len(rank), np.int64)
        rank[places[by_key]] = numbers
    return found
