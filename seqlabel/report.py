"""A report on what was read: rates with intervals, groups, confusions, every line aligned; as JSON and Markdown."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec

from seqlabel.alignment import align
from seqlabel.calibration import Bin, Reliability, calibration_error
from seqlabel.confidence import LEVEL, Difference
from seqlabel.line_scores import (
    Confusion,
    Line,
    LineScore,
    RateIntervals,
    by_group,
    character_confusions,
    word_confusions,
    words,
)
from seqlabel.metrics import CharacterUnit, ErrorCounts, ErrorRates
from seqlabel.significance import Comparison

MOST_CONFUSIONS = 25
"""As many are shown in Markdown; all are in the JSON."""
RELIABILITY = "How often what was read with such a confidence stands in the reference; the texts as written."
NOTHING = "*"
"""Stands in an alignment for a word that is missing on one side."""
_JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class Row:
    """The rates of the whole set under some rules.

    Attributes:
        rules: what was made alike before counting; none for the raw texts.
    """

    rules: tuple[str, ...]
    rates: ErrorRates
    intervals: RateIntervals

    @property
    def name(self) -> str:
        """Says what was counted."""
        return f"without differences of {', '.join(self.rules)}" if self.rules else "as written"


@dataclass(frozen=True, slots=True)
class Compared:
    """Two systems by name, and how they compare; rates and lines of a report are those of the first."""

    first: str
    second: str
    rows: tuple[tuple[Row, Comparison], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a report says.

    Attributes:
        title: what was read by what.
        rows: the raw rates first, then those under rules.
        scores: every line under the rules of the last row, in the order of the set.
        unit: what the words are called: `words` or `phones`.
        compared: with another system; None where there is none.
        reliability: of the confidences that the lines were read with; None where there were none.
    """

    title: str
    rows: tuple[Row, ...]
    scores: tuple[LineScore, ...]
    unit: str = "words"
    compared: Compared | None = None
    reliability: Reliability | None = None
    groups: dict[str | None, ErrorRates] = field(init=False)
    characters: dict[Confusion, int] = field(init=False)
    words: dict[Confusion, int] = field(init=False)

    def __post_init__(self) -> None:
        wrong = [score.line for score in self.scores if score.is_wrong]
        object.__setattr__(self, "groups", by_group(self.scores))
        object.__setattr__(self, "characters", character_confusions(wrong, self.character_unit))
        object.__setattr__(self, "words", word_confusions(wrong))

    @property
    def worst_first(self) -> list[LineScore]:
        """The lines with the most wrong characters first; of equally many, the shorter."""
        return sorted(self.scores, key=lambda s: (-s.characters.errors, s.characters.reference_length))

    @property
    def has_groups(self) -> bool:
        """Whether any line has a group."""
        return any(group is not None for group in self.groups)

    @property
    def character_unit(self) -> CharacterUnit:
        """What the counts of characters are over."""
        return self.rows[-1].rates.unit

    @property
    def word_rate(self) -> str:
        """The name of the word error rate."""
        return word_rate(self.unit)


def word_rate(unit: str) -> str:
    """Returns the name of the error rate over `words` or `phones`."""
    return "PER" if unit == "phones" else "WER"


def alignment_text(line: Line) -> str:
    """Returns a line's words, those read wrong as `(reference->hypothesis)`; `*` stands for nothing.

    Example:
        >>> alignment_text(Line("1", "mister edison said", "mr addison said so"))
        '(mister edison->mr addison) said (*->so)'
    """
    pieces: list[str] = []
    wrong: tuple[list[str], list[str]] = ([], [])

    def close() -> None:
        if wrong[0] or wrong[1]:
            ours, theirs = (" ".join(side) or NOTHING for side in wrong)
            pieces.append(f"({ours}->{theirs})")
            wrong[0].clear()
            wrong[1].clear()

    for ours, theirs in align(*words(line)):
        if ours is not None and ours == theirs:
            close()
            pieces.append(ours)
            continue
        for side, word in zip(wrong, (ours, theirs), strict=True):
            if word is not None:
                side.append(word)
    close()
    return " ".join(pieces)


def report_json(report: Report) -> str:
    """Returns everything in a report as one JSON object. Rates are fractions."""
    found: dict[str, Any] = {
        "title": report.title,
        "unit": report.unit,
        "rows": [row_json(row, report.unit) for row in report.rows],
        "groups": [{"group": group, **rates.as_json()} for group, rates in report.groups.items()],
        "confusions": {
            "characters": _confusions_json(report.characters),
            report.unit: _confusions_json(report.words),
        },
        "lines": [_line_json(score) for score in report.worst_first],
    }
    if report.compared is not None:
        found["comparison"] = compared_json(report.compared)
    if report.reliability is not None:
        found["reliability"] = {
            "expected_error": report.reliability.expected_error,
            **{
                name: {
                    "calibration_error": calibration_error(bins),
                    "bins": [asdict(found) for found in bins],
                }
                for name, bins in confidence_bins(report)
            },
        }
    return msgspec.json.format(msgspec.json.encode(found), indent=1).decode()


def report_markdown(report: Report) -> str:
    """Returns a report as Markdown."""
    lines = [f"# {escape_markdown(report.title)}", ""]
    lines += _table(
        (
            "",
            "lines",
            "CER",
            report.word_rate,
            "SER",
            f"{report.character_unit}s S / D / I",
            f"{report.unit} S / D / I",
        ),
        [
            (
                row.name,
                f"{row.rates.num_examples:,}",
                with_interval(row.rates.cer, row.intervals.cer),
                with_interval(row.rates.wer, row.intervals.wer),
                with_interval(row.rates.ser, row.intervals.ser),
                _kinds(row.rates.characters),
                _kinds(row.rates.words),
            )
            for row in report.rows
        ],
    )
    lines += [f"{report.rows[-1].intervals}.", ""]
    if report.compared is not None:
        lines += ["## Comparison", ""]
        for row, comparison in report.compared.rows:
            sentences = comparison_sentences(report.compared, comparison, report.unit)
            lines += [f"{row.name}:", "", *(f"- {escape_markdown(text)}" for text in sentences), ""]
    if report.rows[-1].rules:
        lines += [f"All below is {report.rows[-1].name}.", ""]
    if report.has_groups:
        lines += ["## Groups", ""]
        lines += _table(
            ("group", "lines", "CER", report.word_rate, "SER", f"{report.character_unit}s S / D / I"),
            [
                (
                    "(none)" if group is None else escape_markdown(printable(group)),
                    f"{rates.num_examples:,}",
                    per_cent(rates.cer),
                    per_cent(rates.wer),
                    per_cent(rates.ser),
                    _kinds(rates.characters),
                )
                for group, rates in report.groups.items()
            ],
        )
    for name, confusions in (("characters", report.characters), (report.unit, report.words)):
        if confusions:
            lines += [f"## Confusions of {name}", ""]
            shown = list(confusions.items())[:MOST_CONFUSIONS]
            lines += [f"    {count:6,}  {confusion_text(pair)}" for pair, count in shown]
            lines += ["", *_left_out(len(confusions) - len(shown))]
    bins_of = confidence_bins(report)
    if bins_of:
        lines += ["## Confidences", "", RELIABILITY, ""]
    for name, bins in bins_of:
        lines += _table(
            (f"confidence of {name}", f"right {name}", name),
            [(per_cent(b.confidence), per_cent(b.share_right), f"{b.count:,}") for b in bins],
        )
        lines += [f"Expected calibration error: {per_cent(calibration_error(bins))}.", ""]
    if (expected := expected_text(report)) is not None:
        lines += [expected, ""]
    lines += ["## Lines", "", "Those with the most wrong characters first.", ""]
    for score in report.worst_first:
        lines += [f"    {line_heading(score, report.unit)}", f"      {printable(alignment_text(score.line))}"]
    return "\n".join([*lines, ""])


def confidence_bins(report: Report) -> list[tuple[str, tuple[Bin, ...]]]:
    """Returns the confidences of tokens and of words in bins, as far as there are any."""
    found = report.reliability
    if found is None:
        return []
    return [(name, bins) for name, bins in (("tokens", found.tokens), (report.unit, found.words)) if bins]


def expected_text(report: Report) -> str | None:
    """Returns what the confidences let one expect; None where the model has not been calibrated."""
    if report.reliability is None or report.reliability.expected_error is None:
        return None
    return (
        f"Expected from confidences alone: {per_cent(report.reliability.expected_error)} of the tokens wrong."
    )


def comparison_sentences(compared: Compared, comparison: Comparison, unit: str) -> list[str]:
    """Returns what a comparison says, for people: one sentence for each test."""
    drawn = f"bootstrap over {comparison.clusters.num:,} {comparison.clusters.unit}"
    names = (compared.first, compared.second)
    sentences = [
        f"{difference_sentence(names, 'CER', comparison.cer)} ({drawn})",
        f"{difference_sentence(names, word_rate(unit), comparison.wer)} ({drawn})",
    ]
    if comparison.segments is None:
        return [*sentences, "MAPSSWE: fewer than two segments with errors, so nothing to test"]
    found = comparison.segments
    said = difference_sentence(names, word_rate(unit), found.difference)
    return [*sentences, f"{said} (MAPSSWE, {found.num_segments:,} segments)"]


def difference_sentence(names: tuple[str, str], rate: str, found: Difference) -> str:
    """Returns which system is better by how much and how surely, the better one first.

    Example:
        >>> from seqlabel.confidence import Interval
        >>> difference_sentence(("A", "B"), "WER", Difference(-0.008, Interval(-0.014, -0.002), 0.012))
        'A is better than B by 0.80 points of WER, 95 % interval [0.20, 1.40], p = 0.012'
    """
    better, worse = names if found.points <= 0 else names[::-1]
    if not found.points and (found.p is None or found.p == 1):
        return f"{better} and {worse} have the same {rate}"
    size = f"{abs(100 * found.points):.2f} points of {rate}"
    if found.p is None:
        return f"{better} has {size} less than {worse}; too few differ, or all alike, for an interval"
    p = "p < 0.001" if found.p < 0.001 else f"p = {found.p:.3f}"
    interval = ""
    if found.interval is not None:
        ends = (100 * found.interval.low, 100 * found.interval.high)
        low, high = ends if found.points > 0 else (-ends[1], -ends[0])
        interval = f", {100 * LEVEL:.0f} % interval [{_signed(low)}, {_signed(high)}]"
    if found.p >= 1 - LEVEL:
        return f"no difference is shown: {better} has {size} less than {worse}{interval}, {p}"
    return f"{better} is better than {worse} by {size}{interval}, {p}"


def row_json(row: Row, unit: str = "words") -> dict[str, Any]:
    """Returns the rates of a row with their intervals and rules, for JSON."""
    rates = row.rates.as_json()
    return {
        **rates,
        **({"per": rates["wer"]} if unit == "phones" else {}),
        "intervals": row.intervals.as_json(),
        **({"rules": list(row.rules)} if row.rules else {}),
    }


def compared_json(compared: Compared) -> dict[str, Any]:
    """Returns a comparison for JSON; differences are the first system's rate minus the second's."""
    rows = []
    for row, found in compared.rows:
        segments = None
        if found.segments is not None:
            segments = {
                "num_segments": found.segments.num_segments,
                "mean": found.segments.mean,
                **_difference_json(found.segments.difference),
            }
        rows.append(
            {
                **({"rules": list(row.rules)} if row.rules else {}),
                "other": row.rates.as_json(),
                "cer": _difference_json(found.cer),
                "wer": _difference_json(found.wer),
                "mapsswe": segments,
                "over": found.clusters.unit,
                "num_drawn": found.clusters.num,
                "resamples": found.resamples,
                "seed": found.seed,
            }
        )
    return {"first": compared.first, "second": compared.second, "rows": rows}


def line_heading(score: LineScore, unit: str) -> str:
    """Returns the id, the group and the counts of a line."""
    group = "" if score.line.group is None else f", {score.line.group}"
    return printable(
        f"{score.line.id}{group}: {errors_text(score.characters, f'{score.unit}s')}, {errors_text(score.words, unit)}"
    )


def errors_text(counts: ErrorCounts, unit: str) -> str:
    """Returns `3 of 20 characters`."""
    return f"{counts.errors:,} of {counts.reference_length:,} {unit}"


def confusion_text(pair: Confusion) -> str:
    """Returns a confusion as `(reference->hypothesis)`."""
    ours, theirs = (visible(symbol) if symbol else NOTHING for symbol in pair)
    return f"({ours}->{theirs})"


def visible(symbol: str) -> str:
    """Returns a symbol so that it can be seen: spaces, marks without their letter, controls."""
    if symbol == " ":
        return "\u2423"
    shown = printable(symbol)
    return f"\u25cc{shown}" if shown and unicodedata.category(shown[0]).startswith("M") else shown


def printable(text: str) -> str:
    r"""Returns a text in which controls are seen as `\u202e`; the joiners that shape words stay.

    Example:
        >>> printable("a\tb")
        'a\\u0009b'
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in _JOINERS
        else f"\\u{ord(character):04x}"
        if ord(character) < 0x10000
        else f"\\U{ord(character):08x}"
        for character in text
    )


def per_cent(rate: float) -> str:
    """Returns a fraction as per cent."""
    return f"{100 * rate:.2f} %"


def with_interval(rate: float, interval: object) -> str:
    """Returns a rate and its interval in per cent, the rate alone where there is no interval."""
    return f"{per_cent(rate)} {interval}".rstrip() if interval is not None else per_cent(rate)


def escape_markdown(text: str) -> str:
    """Returns a text that Markdown shows as it is."""
    return re.sub(r"([\\`*_\[\]<>|~&$#])", r"\\\1", text)


def _signed(points: float) -> str:
    return f"{points:.2f}".replace("-0.00", "0.00")


def _difference_json(found: Difference) -> dict[str, Any]:
    interval = None if found.interval is None else [found.interval.low, found.interval.high]
    return {"difference": found.points, "interval": interval, "p": found.p}


def _confusions_json(confusions: dict[Confusion, int]) -> list[dict[str, Any]]:
    return [
        {"reference": ours or None, "hypothesis": theirs or None, "count": count}
        for (ours, theirs), count in confusions.items()
    ]


def _line_json(score: LineScore) -> dict[str, Any]:
    line = score.line
    return {
        "id": line.id,
        "group": line.group,
        "reference": line.reference,
        "hypothesis": line.hypothesis,
        "alignment": alignment_text(line),
        "characters": score.characters.as_json(),
        "words": score.words.as_json(),
    }


def _kinds(counts: ErrorCounts) -> str:
    return f"{counts.substitutions:,} / {counts.deletions:,} / {counts.insertions:,}"


def _left_out(number: int) -> list[str]:
    return [f"{number:,} more are in report.json.", ""] if number > 0 else []


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    ruler = ["---", *["---:"] * (len(names) - 1)]
    return ["| " + " | ".join(row) + " |" for row in (names, ruler, *rows)] + [""]
