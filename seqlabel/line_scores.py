"""Errors line by line, and what is summed from them: whole sets, groups, intervals, confusions."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from seqlabel.alignment import align
from seqlabel.characters import graphemes
from seqlabel.confidence import LEVEL, Interval, number_of_resamples, rate_intervals
from seqlabel.metrics import CharacterUnit, ErrorCounts, ErrorRates, count_character_errors, count_word_errors

FEWEST_GROUPS = 5
"""With fewer groups lines are drawn in their place."""
Confusion = tuple[str, str]
"""What stood there and what was read; the empty text for nothing."""


@dataclass(frozen=True, slots=True)
class Line:
    """A reference and what was read, before anything is counted.

    Attributes:
        id: of the example; the number of the line where it has no other.
        group: speaker or writer; None where unknown.
    """

    id: str
    reference: str
    hypothesis: str
    group: str | None = None

    def changed(self, change: Callable[[str], str]) -> "Line":
        """Returns the line with both texts changed."""
        return replace(self, reference=change(self.reference), hypothesis=change(self.hypothesis))


@dataclass(frozen=True, slots=True)
class LineScore:
    """The errors of one line; `unit` is what those of characters are counted over."""

    line: Line
    characters: ErrorCounts
    words: ErrorCounts
    unit: CharacterUnit = "character"

    @property
    def is_wrong(self) -> bool:
        """Whether any character differs."""
        return self.characters.errors > 0


@dataclass(frozen=True, slots=True)
class Clusters:
    """What is drawn anew by the bootstrap: groups, or lines.

    Attributes:
        indices: for each line, the number of its group.
        num: groups, or lines.
        unit: `groups` or `lines`.
        remark: why lines are drawn, or what counts as a group beside those that have names; None for nothing to say.
    """

    indices: Int[np.ndarray, " N"]
    num: int
    unit: str
    remark: str | None

    def sums(self, values: Float[np.ndarray, "N K"]) -> Float[np.ndarray, "G K"]:
        """Returns the sums over the lines of each group."""
        sums = np.zeros((self.num, values.shape[1]))
        np.add.at(sums, self.indices, values)
        return sums


@dataclass(frozen=True, slots=True)
class RateIntervals:
    """The intervals of the rates of a set, each None where none can be told, and how they were found."""

    cer: Interval | None
    wer: Interval | None
    ser: Interval | None
    clusters: Clusters
    resamples: int
    seed: int

    def as_json(self) -> dict[str, object]:
        """Pairs of fractions, and what they rest on."""
        rates = {"cer": self.cer, "wer": self.wer, "ser": self.ser}
        return {
            **{name: None if found is None else [found.low, found.high] for name, found in rates.items()},
            "level": LEVEL,
            "over": self.clusters.unit,
            "num_drawn": self.clusters.num,
            "resamples": self.resamples,
            "seed": self.seed,
        }

    @property
    def are_any(self) -> bool:
        """Whether there is an interval at all."""
        return any(found is not None for found in (self.cer, self.wer, self.ser))

    def __str__(self) -> str:
        remark = f"; {self.clusters.remark}" if self.clusters.remark else ""
        drawn = f"{self.clusters.num:,} {self.clusters.unit if self.clusters.num != 1 else self.clusters.unit[:-1]}"
        if not self.are_any:
            return f"no {100 * LEVEL:.0f} % intervals: too little differs among {drawn}{remark}"
        return (
            f"{100 * LEVEL:.0f} % intervals: bootstrap over {drawn}, {self.resamples:,} resamples, "
            f"seed {self.seed}{remark}"
        )


def score_lines(lines: Iterable[Line], unit: CharacterUnit = "character") -> list[LineScore]:
    """Returns the errors of each line, whose sums are those of `metrics.score`."""
    return [
        LineScore(
            line,
            count_character_errors(line.reference, line.hypothesis, unit),
            count_word_errors(line.reference, line.hypothesis),
            unit,
        )
        for line in lines
    ]


def total(scores: Iterable[LineScore]) -> ErrorRates:
    """Returns the rates of a set of lines."""
    characters = words = ErrorCounts()
    num_examples = num_wrong = 0
    unit: CharacterUnit = "character"
    for score in scores:
        unit = score.unit
        characters += score.characters
        words += score.words
        num_examples += 1
        num_wrong += score.is_wrong
    return ErrorRates(characters, words, num_examples, num_wrong, unit=unit)


def by_group(scores: Iterable[LineScore]) -> dict[str | None, ErrorRates]:
    """Returns the rates of each group, the one with the highest character error rate first; None last."""
    members: dict[str | None, list[LineScore]] = {}
    for score in scores:
        members.setdefault(score.line.group, []).append(score)
    rates = {group: total(found) for group, found in members.items()}
    return dict(
        sorted(rates.items(), key=lambda item: (item[0] is None, -item[1].cer, -item[1].wer, item[0] or ""))
    )


def clusters(lines: Sequence[Line]) -> Clusters:
    """Returns the groups of lines that the bootstrap draws; the lines themselves where there are too few groups.

    A line without a group among others that have one is a group of its own.
    """
    names = {line.group for line in lines} - {None}
    without = sum(line.group is None for line in lines)
    remark: str | None
    if len(names) < FEWEST_GROUPS:
        if not names:
            remark = "no groups are known, so lines count as independent"
        elif len(names) == 1:
            remark = "1 group is too few to draw from, so they hold for this one alone"
        else:
            remark = f"{len(names)} groups are too few to draw from, so they hold for these alone"
        return Clusters(np.arange(len(lines)), len(lines), "lines", remark)
    numbers: dict[object, int] = {}
    keys = (("line", place) if line.group is None else line.group for place, line in enumerate(lines))
    indices = np.array([numbers.setdefault(key, len(numbers)) for key in keys])
    remark = f"{without:,} lines without a group count as one each" if without else None
    return Clusters(indices, len(numbers), "groups", remark)


def counted(
    scores: Sequence[LineScore],
) -> tuple[Float[np.ndarray, "N 3"], Float[np.ndarray, "N 3"]]:
    """Returns errors and lengths of each line: in characters, in words, and 1 where anything is wrong of 1."""
    errors = [(s.characters.errors, s.words.errors, s.is_wrong) for s in scores]
    lengths = [(s.characters.reference_length, s.words.reference_length, 1) for s in scores]
    return np.array(errors, dtype=np.float64), np.array(lengths, dtype=np.float64)


def intervals(scores: Sequence[LineScore], seed: int = 0, resamples: int | None = None) -> RateIntervals:
    """Returns the 95 % intervals of the rates of a set by bootstrap over its groups, or over its lines."""
    drawn = clusters([score.line for score in scores])
    errors, lengths = counted(scores)
    resamples = number_of_resamples(drawn.num) if resamples is None else resamples
    cer, wer, ser = rate_intervals(drawn.sums(errors), drawn.sums(lengths), seed, resamples)
    if ser is not None:
        ser = replace(ser, high=min(ser.high, 1.0))
    return RateIntervals(cer, wer, ser, drawn, resamples, seed)


def character_confusions(lines: Iterable[Line], unit: CharacterUnit = "character") -> dict[Confusion, int]:
    """Returns how often which character was read as which, without what was read right; most frequent first."""
    return _confusions(align(*_symbols(line, unit)) for line in lines)


def word_confusions(lines: Iterable[Line]) -> dict[Confusion, int]:
    """Returns how often which word was read as which, without what was read right; most frequent first."""
    return _confusions(align(*words(line)) for line in lines)


def words(line: Line) -> tuple[list[str], list[str]]:
    """Returns the words of both texts in NFC."""
    reference, hypothesis = _symbols(line, "character")
    return "".join(reference).split(), "".join(hypothesis).split()


def _symbols(line: Line, unit: CharacterUnit) -> tuple[Sequence[str], Sequence[str]]:
    texts = [unicodedata.normalize("NFC", text) for text in (line.reference, line.hypothesis)]
    reference, hypothesis = texts if unit == "character" else map(graphemes, texts)
    return reference, hypothesis


def _confusions(
    alignments: Iterable[Sequence[tuple[str | None, str | None]]],
) -> dict[Confusion, int]:
    counts = Counter(
        (ours or "", theirs or "") for pairs in alignments for ours, theirs in pairs if ours != theirs
    )
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
