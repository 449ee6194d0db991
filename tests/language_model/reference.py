"""Back-off models the plain way: dictionaries, and the formula as the ARPA format states it."""

import itertools
import math
from collections import defaultdict
from pathlib import Path


class ArpaReference:
    """Probabilities straight out of the lines of an ARPA file, base ten."""

    def __init__(self, path: Path) -> None:
        self.log_prob: dict[tuple[str, ...], float] = {}
        self.backoff: dict[tuple[str, ...], float] = {}
        self.order = 0
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.endswith("-grams:"):
                self.order = int(line[1:].split("-")[0])
            elif self.order and line and not line.startswith("\\"):
                value, *rest = line.split()
                words = tuple(rest[: self.order])
                self.log_prob[words] = float(value)
                if len(rest) > self.order:
                    self.backoff[words] = float(rest[self.order])

    def score(self, history: tuple[str, ...], word: str) -> float:
        """The base-ten log-probability of a word after all words before it."""
        word = word if (word,) in self.log_prob else "<unk>"
        history = tuple(w if (w,) in self.log_prob else "<unk>" for w in history)
        return self._backed_off(history[max(0, len(history) - self.order + 1) :], word)

    def _backed_off(self, history: tuple[str, ...], word: str) -> float:
        if (*history, word) in self.log_prob:
            return self.log_prob[(*history, word)]
        if not history:
            return -100.0
        return self.backoff.get(history, 0.0) + self._backed_off(history[1:], word)

    def sentence(self, words: list[str]) -> list[float]:
        """The log-probabilities of the words and of the end of their sentence."""
        everything = ["<s>", *words, "</s>"]
        return [self.score(tuple(everything[:i]), everything[i]) for i in range(1, len(everything))]


class KneserNeyReference:
    """Interpolated modified Kneser-Ney by the formulas of Chen and Goodman, word by word, from lists and sets."""

    def __init__(self, sentences: list[list[str]], order: int, cutoffs: tuple[int, ...] = ()) -> None:
        self.order = order
        self.cutoffs = cutoffs or (0,) * order
        self.counts: dict[tuple[str, ...], int] = defaultdict(int)
        lefts: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for sentence in sentences:
            padded = ["<s>", *sentence, "</s>"]
            for length in range(1, order + 1):
                for i in range(len(padded) - length + 1):
                    ngram = tuple(padded[i : i + length])
                    self.counts[ngram] += 1
                    if i:
                        lefts[ngram].add(padded[i - 1])
        self.vocabulary = sorted({w for (w, *rest) in self.counts if not rest and w != "<s>"} | {"<unk>"})
        self.adjusted: dict[tuple[str, ...], int] = {}
        for ngram, count in self.counts.items():
            is_top = len(ngram) == order or ngram[0] == "<s>"
            self.adjusted[ngram] = count if is_top else len(lefts[ngram])
        self.adjusted.pop(("<s>",))
        self.followers: dict[tuple[str, ...], dict[str, int]] = defaultdict(dict)
        for ngram, count in self.adjusted.items():
            self.followers[ngram[:-1]][ngram[-1]] = count
        self.discounts = {length: self._discounts(length) for length in range(1, order + 1)}

    def _discounts(self, length: int) -> list[float]:
        values = [count for ngram, count in self.adjusted.items() if len(ngram) == length]
        n = [0] + [values.count(j) for j in (1, 2, 3, 4)]
        y = n[1] / (n[1] + 2 * n[2])
        return [0.0] + [j - (j + 1) * y * n[j + 1] / n[j] for j in (1, 2, 3)]

    def probability(self, history: tuple[str, ...], word: str) -> float:
        """The probability of a word after at most `order - 1` words."""
        after = self.followers.get(history, {})
        lower = self.probability(history[1:], word) if history else 1.0 / len(self.vocabulary)
        if not after:
            return lower
        off = self.discounts[len(history) + 1]
        total = sum(after.values())
        is_cut = {
            w: len(history) > 0 and self.counts[(*history, w)] <= self.cutoffs[len(history)] for w in after
        }
        own = max(0.0, after[word] - off[min(after[word], 3)]) if word in after and not is_cut[word] else 0.0
        left = sum(count if is_cut[w] else off[min(count, 3)] for w, count in after.items())
        return own / total + left / total * lower


def log10(value: float) -> float:
    return math.log10(value)


def histories(words: list[str], longest: int) -> list[tuple[str, ...]]:
    """Every history of up to `longest` words."""
    return [h for length in range(longest + 1) for h in itertools.product(words, repeat=length)]
