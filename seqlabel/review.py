"""What a person should look at first: lines in the order of the errors that their confidences let one expect."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from seqlabel.calibration import Calibration, expected_error
from seqlabel.records import Hypothesis
from seqlabel.terminal import hypothesis_as_json

DOUBTED = 0.5
"""A word with less confidence is more likely wrong than right."""


@dataclass(slots=True)
class Review:
    """Lines that were read, each by its name, to be looked at where they are likely to be wrong."""

    calibration: Calibration
    lines: list[tuple[str, Hypothesis]] = field(default_factory=list)

    def ranked(self) -> list[tuple[float, str, Hypothesis]]:
        """Returns the number of wrong tokens to expect, the name and the reading of each line, the most first."""
        found = [(self.calibration.expected_errors(read), name, read) for name, read in self.lines]
        return sorted(found, key=lambda row: -row[0])

    def rows(self) -> Iterator[str]:
        """Yields a line for each, its fields between tabs: errors to expect, their rate, name, text."""
        for errors, name, read in self.ranked():
            share = errors / max(len(read.spans) * self.calibration.tokens_per_read, 1.0)
            yield f"{errors:.1f}\t{100 * min(share, 1):.0f} %\t{name}\t{marked(read)}"

    def as_json(self) -> Iterator[dict[str, Any]]:
        """Yields an object for each."""
        for errors, name, read in self.ranked():
            yield {"path": name, "expected_errors": errors, **hypothesis_as_json(read)}

    def summary(self) -> str:
        """Says how much is likely to be wrong in all of them."""
        rate = expected_error(self.calibration, (read for _, read in self.lines))
        count = len(self.lines)
        return f"{count:,} line{'s' * (count != 1)}, {100 * rate:.2f} % of the characters likely to be wrong"


def marked(read: Hypothesis) -> str:
    """Returns the text with the words that are more likely wrong than right in square brackets, neighbours together."""
    if not read.words:
        return read.text
    pieces: list[str] = []
    doubted: list[str] = []
    for word in (*read.words, None):
        if word is not None and word.confidence < DOUBTED:
            doubted.append(word.text)
            continue
        if doubted:
            pieces.append(f"[{' '.join(doubted)}]")
            doubted = []
        if word is not None:
            pieces.append(word.text)
    return " ".join(pieces)
