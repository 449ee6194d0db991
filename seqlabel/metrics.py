"""Error rates: edit counts summed over a whole set, never averages of rates."""

import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import editdistance

from seqlabel.alignment import DELETED, INSERTED, SUBSTITUTED, align_steps
from seqlabel.characters import graphemes

CharacterUnit = Literal["character", "grapheme"]
"""What the character error rate counts: code points in NFC, or extended grapheme clusters (UAX #29) of them."""


@dataclass(frozen=True, slots=True)
class ErrorCounts:
    """How many edits turn a reference into a hypothesis; counts of several texts add up with `+`.

    Attributes:
        substitutions: symbols of the reference that became another symbol.
        deletions: symbols of the reference that are missing.
        insertions: symbols of the hypothesis that have no counterpart.
        reference_length: symbols of the reference.
    """

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    reference_length: int = 0

    def __add__(self, other: "ErrorCounts") -> "ErrorCounts":
        return ErrorCounts(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.reference_length + other.reference_length,
        )

    @property
    def errors(self) -> int:
        """The edit distance: substitutions + deletions + insertions."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Errors for each reference symbol, as a fraction; above 1 where much was inserted.

        Over an empty reference it is 0.0 without errors, and infinite with insertions. One empty
        reference in a set does no such harm: its insertions count, and the set's length divides.
        """
        if self.reference_length:
            return self.errors / self.reference_length
        return float("inf") if self.errors else 0.0

    def as_json(self) -> dict[str, int]:
        """The four counts by name."""
        return {
            "substitutions": self.substitutions,
            "deletions": self.deletions,
            "insertions": self.insertions,
            "reference_length": self.reference_length,
        }


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """The errors of a whole set. Rates are fractions.

    Attributes:
        characters: counts over Unicode characters in NFC, or over graphemes; spaces included.
        words: counts over words, which white space separates.
        num_examples: scored pairs.
        num_wrong: pairs whose characters differ anywhere.
        frames: counts over frames, where a model names each; None where it does not.
        unit: what the counts of characters are over.
    """

    characters: ErrorCounts
    words: ErrorCounts
    num_examples: int
    num_wrong: int
    frames: ErrorCounts | None = None
    unit: CharacterUnit = "character"

    def __add__(self, other: "ErrorRates") -> "ErrorRates":
        frames = [rates.frames for rates in (self, other) if rates.frames is not None]
        return ErrorRates(
            self.characters + other.characters,
            self.words + other.words,
            self.num_examples + other.num_examples,
            self.num_wrong + other.num_wrong,
            sum(frames, ErrorCounts()) if frames else None,
            self.unit,
        )

    @property
    def fer(self) -> float:
        """Frame error rate: the share of frames with another label; 0.0 where frames were not counted."""
        return self.frames.rate if self.frames is not None else 0.0

    @property
    def cer(self) -> float:
        """Character error rate."""
        return self.characters.rate

    @property
    def wer(self) -> float:
        """Word error rate."""
        return self.words.rate

    @property
    def ser(self) -> float:
        """Sentence error rate: the share of examples with any error; 0.0 for no examples."""
        return self.num_wrong / self.num_examples if self.num_examples else 0.0

    def as_json(self) -> dict[str, object]:
        """One object of fractions and counts; the counts at the top are of characters.

        An infinite rate (see `ErrorCounts.rate`) is None, since JSON has no infinity.
        """
        return {
            "cer": _finite(self.cer),
            "wer": _finite(self.wer),
            "ser": self.ser,
            "num_examples": self.num_examples,
            **({} if self.unit == "character" else {"unit": self.unit}),
            **self.characters.as_json(),
            "words": self.words.as_json(),
            **({} if self.frames is None else {"fer": self.fer, "frames": self.frames.as_json()}),
        }

    def __str__(self) -> str:
        return (
            f"CER {100 * self.cer:.2f} %  WER {100 * self.wer:.2f} %  SER {100 * self.ser:.2f} %  "
            f"({self.num_examples} lines)"
        )


def score(pairs: Iterable[tuple[str, str]], unit: CharacterUnit = "character") -> ErrorRates:
    """The error rates of `(reference, hypothesis)` pairs.

    Both are brought into NFC and nothing else is changed: case, punctuation and spaces count. With `grapheme` a
    character and its marks are one symbol: any number of wrong marks on it is one error.

    Example:
        >>> print(score([("one two", "one too"), ("six", "six")]))
        CER 10.00 %  WER 33.33 %  SER 50.00 %  (2 lines)
    """
    characters = words = ErrorCounts()
    num_examples = num_wrong = 0
    for reference, hypothesis in pairs:
        of_characters = count_character_errors(reference, hypothesis, unit)
        characters += of_characters
        words += count_word_errors(reference, hypothesis)
        num_examples += 1
        num_wrong += of_characters.errors > 0
    return ErrorRates(characters, words, num_examples, num_wrong, unit=unit)


def fold(text: str, folding: Mapping[str, str | None]) -> str:
    """Returns the words of a text, each as the one that it counts as; None takes a word out, others stay.

    Phone error rates of TIMIT are those of the 39 phones that a model's 48 or 61 are folded on, in reference and
    hypothesis alike (Lee and Hon 1989, section II).

    Example:
        >>> fold("sil ix q zh", {"ix": "ih", "zh": "sh", "q": None})
        'sil ih sh'
    """
    folded = (folding.get(word, word) for word in unicodedata.normalize("NFC", text).split())
    return " ".join(word for word in folded if word is not None)


def confusions(pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """How often each reference was read as each hypothesis, whole texts as labels, in NFC; most frequent first.

    Example:
        >>> confusions([("b", "d"), ("b", "b"), ("b", "b")])
        {('b', 'b'): 2, ('b', 'd'): 1}
    """
    counts = Counter(
        (unicodedata.normalize("NFC", reference), unicodedata.normalize("NFC", hypothesis))
        for reference, hypothesis in pairs
    )
    return dict(counts.most_common())


def count_character_errors(reference: str, hypothesis: str, unit: CharacterUnit = "character") -> ErrorCounts:
    """Edits between the characters, or the graphemes, of two texts in NFC; spaces count."""
    reference, hypothesis = (unicodedata.normalize("NFC", text) for text in (reference, hypothesis))
    if unit == "grapheme":
        return count_errors(graphemes(reference), graphemes(hypothesis))
    return count_errors(reference, hypothesis)


def count_word_errors(reference: str, hypothesis: str) -> ErrorCounts:
    """Edits between the words of two texts in NFC; white space separates words and is not counted."""
    return count_errors(
        unicodedata.normalize("NFC", reference).split(), unicodedata.normalize("NFC", hypothesis).split()
    )


def count_errors(reference: Sequence[Hashable], hypothesis: Sequence[Hashable]) -> ErrorCounts:
    """The fewest edits that turn `reference` into `hypothesis`, told apart by kind.

    Where several alignments are equally short, the split is that of RapidFuzz, and so of jiwer.
    """
    if reference == hypothesis:
        return ErrorCounts(reference_length=len(reference))
    distance = int(editdistance.eval(reference, hypothesis))
    surplus = len(reference) - len(hypothesis)
    if distance == abs(surplus):
        # Deletions minus insertions is always the surplus, so here nothing is left for substitutions.
        return ErrorCounts(0, max(surplus, 0), max(-surplus, 0), len(reference))
    steps = align_steps(reference, hypothesis)
    return ErrorCounts(steps.count(SUBSTITUTED), steps.count(DELETED), steps.count(INSERTED), len(reference))


def _finite(rate: float) -> float | None:
    return None if rate == float("inf") else rate
