"""Which symbols of a hypothesis stand for which of its reference: one shortest alignment of two sequences."""

from collections.abc import Hashable, Sequence
from typing import TypeVar

CORRECT, SUBSTITUTED, DELETED, INSERTED = "C", "S", "D", "I"
"""The steps of an alignment."""

Symbol = TypeVar("Symbol", bound=Hashable)


def align(
    reference: Sequence[Symbol], hypothesis: Sequence[Symbol]
) -> list[tuple[Symbol | None, Symbol | None]]:
    """Returns (reference symbol, hypothesis symbol) in order; None where a symbol has no counterpart.

    Example:
        >>> align("kitten", "sittin")[:2]
        [('k', 's'), ('i', 'i')]
        >>> align("ab", "b")
        [('a', None), ('b', 'b')]
    """
    ours, theirs = iter(reference), iter(hypothesis)
    return [
        (None if step == INSERTED else next(ours), None if step == DELETED else next(theirs))
        for step in align_steps(reference, hypothesis)
    ]


def align_steps(reference: Sequence[Hashable], hypothesis: Sequence[Hashable]) -> str:
    """Returns the steps of an alignment with the fewest edits: `C`, `S`, `D` and `I`, in order.

    Where several alignments are equally short, it is that of RapidFuzz, and so of jiwer.

    Example:
        >>> align_steps("kitten", "sitting")
        'SCCCSCI'
    """
    # RapidFuzz sets common ends aside first, which decides some ties; it also saves time.
    shorter = min(len(reference), len(hypothesis))
    start = 0
    while start < shorter and reference[start] == hypothesis[start]:
        start += 1
    end = 0
    while end < shorter - start and reference[-1 - end] == hypothesis[-1 - end]:
        end += 1
    middle = _steps_between(
        reference[start : len(reference) - end], hypothesis[start : len(hypothesis) - end]
    )
    return CORRECT * start + middle + CORRECT * end


def _steps_between(reference: Sequence[Hashable], hypothesis: Sequence[Hashable]) -> str:
    """The steps, from the matrix of distances kept as bit vectors.

    Hyyrö (2003), "A bit-vector algorithm for computing Levenshtein and Damerau edit distances": after
    each hypothesis symbol, bit i of `plus` (`minus`) says that the distance grows (falls) by one from
    reference prefix i to prefix i + 1. Python's integers are as long as the reference, so a column
    costs a few operations in C however long the texts are.
    """
    positions: dict[Hashable, int] = {}
    for place, symbol in enumerate(reference):
        positions[symbol] = positions.get(symbol, 0) | (1 << place)
    every = (1 << len(reference)) - 1
    plus, minus = every, 0
    columns = [(plus, minus)]
    for symbol in hypothesis:
        match = positions.get(symbol, 0)
        diagonal = ((((match & plus) + plus) ^ plus) | match | minus) & every
        right_plus = minus | (every & ~(diagonal | plus))
        right_minus = plus & diagonal
        right_plus = ((right_plus << 1) | 1) & every
        right_minus = (right_minus << 1) & every
        plus = right_minus | (every & ~(diagonal | right_plus))
        minus = right_plus & diagonal
        columns.append((plus, minus))

    # Back from the end, a deletion first, then an insertion, then the diagonal: RapidFuzz's order.
    steps: list[str] = []
    row, column = len(reference), len(hypothesis)
    while row and column:
        bit = 1 << (row - 1)
        if columns[column][0] & bit:
            steps.append(DELETED)
            row -= 1
        elif columns[column - 1][1] & bit:
            steps.append(INSERTED)
            column -= 1
        else:
            row -= 1
            column -= 1
            steps.append(CORRECT if reference[row] == hypothesis[column] else SUBSTITUTED)
    return DELETED * row + INSERTED * column + "".join(reversed(steps))
