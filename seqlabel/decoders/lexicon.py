"""The words that may be read, as a tree of their tokens."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int32, Int64

from seqlabel.characters import in_form
from seqlabel.errors import ConfigError, TokenError
from seqlabel.language_model import EMPTY, RESERVED, UNSEEN, NgramModel, Pronunciation
from seqlabel.tokens import TokenTable


@dataclass(frozen=True, slots=True)
class Lexicon:
    """A tree of words, its nodes numbered from the root, 0.

    Attributes:
        first: (V + 1,) where the children of each node begin, those of one node sorted by token.
        token, child: (E,) the token that leads to a child, and the child.
        ahead: (V,) the best unigram log-probability of the words at or below a node, 0 at the root.
        first_word: (V + 1,) where the words of each node begin.
        word: (W,) the words, as the language model over words numbers them.
        names: (W,) the same words as texts.
        left_out: words that the tokens cannot spell, or the language model does not know.
    """

    first: Int64[np.ndarray, " V1"]
    token: Int32[np.ndarray, " E"]
    child: Int32[np.ndarray, " E"]
    ahead: Float64[np.ndarray, " V"]
    first_word: Int64[np.ndarray, " V1"]
    word: Int32[np.ndarray, " W"]
    names: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """The arrays in the order in which the search takes them."""
        return self.first, self.token, self.child, self.ahead, self.first_word, self.word

    @property
    def most_words(self) -> int:
        """The most words that one node stands for: those that sound alike."""
        return int(np.diff(self.first_word).max())

    def words_of(self, codes: Iterable[int], num_classes: int) -> list[str]:
        """Returns the words that end along the codes of a prefix, see `search.NUM_LINKS`."""
        found = []
        node = 0
        for code in codes:
            token, label = code % num_classes, code // num_classes
            begin, end = int(self.first[node]), int(self.first[node + 1])
            node = int(self.child[begin + int(np.searchsorted(self.token[begin:end], token))])
            if label:
                found.append(self.names[int(self.first_word[node]) + label - 1])
                node = 0
        return found


NO_WORDS = Lexicon(
    first=np.zeros(2, np.int64),
    token=np.zeros(0, np.int32),
    child=np.zeros(0, np.int32),
    ahead=np.zeros(1),
    first_word=np.zeros(2, np.int64),
    word=np.zeros(0, np.int32),
    names=(),
    left_out=(),
)


def spelled(words: Iterable[str]) -> list[Pronunciation]:
    """Returns each word with itself for its spelling; the ends of sentences and `<unk>` are no words."""
    return [Pronunciation(word, word) for word in dict.fromkeys(words) if word not in RESERVED]


def build_lexicon(entries: Sequence[Pronunciation], tokens: TokenTable, model: NgramModel | None) -> Lexicon:
    """Returns the tree of the words that the token table can spell.

    Args:
        entries: words, and how they are spelt or pronounced.
        tokens: what spells them.
        model: the language model over words that numbers and weighs them; None where there is none.

    Raises:
        ConfigError: no word can be spelt.
    """
    found: dict[tuple[int, ...], list[tuple[str, int]]] = {}
    left_out: list[str] = []
    for entry in entries:
        number: int | None = 0
        if model is not None:
            # A lexicon may be written in another Unicode form than the texts that the model was made of.
            word = entry.word if entry.word in model.ids else in_form(entry.word, tokens.unicode_form)
            number = model.ids.get(word, model.unknown)
        # Letters apart, as Kaldi writes lexica of graphemes, are one word where a space would end it.
        spelling = "".join(entry.spelling.split()) if " " in tokens.tokens else entry.spelling
        try:
            ids = tuple(tokens.encode(spelling))
        except TokenError:
            ids = ()
        if not ids or number is None:
            left_out.append(entry.word)
        elif (entry.word, number) not in found.setdefault(ids, []):
            found[ids].append((entry.word, number))
    if not found:
        raise ConfigError(
            f"none of the {len(entries)} words of the lexicon can be spelt with the model's tokens; "
            "give words in the model's own letters, or pronunciations in its phones"
        )
    nodes: dict[tuple[int, ...], int] = {(): 0}
    for length in range(1, 1 + max(map(len, found))):
        for prefix in sorted({ids[:length] for ids in found if len(ids) >= length}):
            nodes[prefix] = len(nodes)
    ahead = np.full(len(nodes), UNSEEN)
    for ids, words in found.items():
        best = max((model.automaton.step(EMPTY, number)[0] if model else 0.0) for _, number in words)
        for length in range(len(ids) + 1):
            node = nodes[ids[:length]]
            ahead[node] = max(ahead[node], best)
    ahead[0] = 0.0
    edges = [
        prefix for prefix in nodes if prefix
    ]  # in the order of their numbers, hence of their parents' numbers
    parents = np.array([nodes[prefix[:-1]] for prefix in edges])
    of_nodes = [found.get(prefix, []) for prefix in nodes]
    return Lexicon(
        first=np.concatenate([[0], np.cumsum(np.bincount(parents, minlength=len(nodes)))]).astype(np.int64),
        token=np.array([prefix[-1] for prefix in edges], np.int32),
        child=np.array([nodes[prefix] for prefix in edges], np.int32),
        ahead=ahead,
        first_word=np.concatenate([[0], np.cumsum([len(words) for words in of_nodes])]).astype(np.int64),
        word=np.array([number for words in of_nodes for _, number in words], np.int32),
        names=tuple(name for words in of_nodes for name, _ in words),
        left_out=tuple(left_out),
    )
