"""What `seqlabel score` and `seqlabel evaluate` say of hypotheses: rates, intervals, comparisons, reports."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from seqlabel.errors import ConfigError
from seqlabel.scoring_rules import RULES_IN_WORDS, parse_rules
from seqlabel.terminal import as_json_text, percent, print_labels, print_rates, write_lines

if TYPE_CHECKING:
    from seqlabel.calibration import Reliability
    from seqlabel.line_scores import Line, LineScore
    from seqlabel.metrics import CharacterUnit, ErrorCounts
    from seqlabel.report import Compared, Report, Row

REPORT_FILES = ("report.json", "report.md", "report.html")


def add_scoring_options(parser: argparse.ArgumentParser) -> None:
    """Adds what both commands can be told of scoring."""
    parser.add_argument(
        "--normalise",
        metavar="RULES",
        help="show rates with these differences left out as well, such as case,punctuation: "
        + "; ".join(f"{name} ({words})" for name, words in RULES_IN_WORDS.items()),
    )
    parser.add_argument("--phones", action="store_true", help="words are phones: their rate is called PER")
    parser.add_argument(
        "--report",
        metavar="FOLDER",
        type=Path,
        help="write report.html, report.md and report.json there: groups, confusions, every line aligned",
    )


def check_scoring_options(arguments: argparse.Namespace) -> None:
    """Says before the work what cannot be done after it.

    Raises:
        ConfigError: no such rule, or no place for the report.
    """
    _rules(arguments)
    folder: Path | None = arguments.report
    if folder is None:
        return
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: is a file; name a folder for the report")
    if not folder.exists() and not folder.parent.is_dir():
        raise ConfigError(f"{folder}: its folder does not exist; make {folder.parent} first")
    if not os.access(folder if folder.exists() else folder.parent, os.W_OK):
        raise ConfigError(f"{folder}: cannot be written here; name a folder elsewhere")
    for name in REPORT_FILES:
        if (folder / name).is_dir():
            raise ConfigError(f"{folder / name}: is a folder; name another folder for the report")


def tell_scores(
    arguments: argparse.Namespace,
    title: str,
    lines: Sequence["Line"],
    frames: "ErrorCounts | None" = None,
    *,
    are_labels: bool = False,
    other: Sequence["Line"] | None = None,
    reliability: "Reliability | None" = None,
) -> None:
    """Prints the rates of lines, compares them with another system's, and writes the report, as the arguments say.

    Args:
        arguments: those of `add_scoring_options`, `json` and `unit`.
        title: of the report.
        lines: references and hypotheses.
        frames: errors counted over frames.
        are_labels: whether a text is one label, so that the table of confusions is what is asked for.
        other: the same lines as the system `arguments.compare` has read them.
        reliability: of the confidences that the lines were read with.
    """
    from seqlabel.report import Report

    unit = "phones" if arguments.phones else "words"
    rows, scores = _rows(lines, _rules(arguments), arguments.unit)
    rows[0] = replace(rows[0], rates=replace(rows[0].rates, frames=frames))
    compared = None if other is None else _compared(arguments, lines, other)
    if are_labels:
        pairs = [(line.reference, line.hypothesis) for line in lines]
        print_labels(rows[0].rates, pairs, rows[0].intervals, as_json=arguments.json)
        if not arguments.json:
            print(rows[0].intervals)
    elif arguments.json:
        found = _as_json(rows, unit, compared)
        if reliability is not None and reliability.expected_error is not None:
            found["expected_error"] = reliability.expected_error
        print(as_json_text(found))
    else:
        _print(rows, unit, compared)
        if reliability is not None and reliability.expected_error is not None:
            print(
                f"expected from confidences alone: {percent(reliability.expected_error)} of the tokens wrong"
            )
    if arguments.report is not None:
        _write_report(
            arguments.report, Report(title, tuple(rows), tuple(scores), unit, compared, reliability)
        )


def _rules(arguments: argparse.Namespace) -> tuple[str, ...]:
    return () if arguments.normalise is None else parse_rules(arguments.normalise)


def _rows(
    lines: Sequence["Line"], rules: tuple[str, ...], unit: "CharacterUnit"
) -> tuple[list["Row"], list["LineScore"]]:
    """The raw rates, and those under the rules, if there are any; and the lines of the last."""
    from seqlabel.line_scores import intervals, score_lines, total
    from seqlabel.report import Row

    rows = []
    for chosen in ((), rules) if rules else ((),):
        scores = score_lines(_under(lines, chosen), unit)
        rows.append(Row(chosen, total(scores), intervals(scores)))
    return rows, scores


def _under(lines: Sequence["Line"], rules: tuple[str, ...]) -> list["Line"]:
    from seqlabel.scoring_rules import normalise

    return [line.changed(lambda text: normalise(text, rules)) for line in lines] if rules else list(lines)


def _compared(arguments: argparse.Namespace, lines: Sequence["Line"], other: Sequence["Line"]) -> "Compared":
    from seqlabel.line_scores import intervals, score_lines, total
    from seqlabel.report import Compared, Row
    from seqlabel.significance import compare

    rules = _rules(arguments)
    rows = []
    for chosen in ((), rules) if rules else ((),):
        ours, theirs = (score_lines(_under(those, chosen), arguments.unit) for those in (lines, other))
        rows.append((Row(chosen, total(theirs), intervals(theirs)), compare(ours, theirs)))
    first, second = arguments.hypothesis, arguments.compare
    names = (first.name, second.name) if first.name != second.name else (str(first), str(second))
    return Compared(names[0], names[1], tuple(rows))


def _as_json(rows: Sequence["Row"], unit: str, compared: "Compared | None") -> dict[str, object]:
    from seqlabel.report import compared_json, row_json

    found: dict[str, object] = row_json(rows[0], unit)
    if len(rows) > 1:
        found["normalised"] = row_json(rows[1], unit)
    if compared is not None:
        found["comparison"] = compared_json(compared)
    return found


def _print(rows: Sequence["Row"], unit: str, compared: "Compared | None") -> None:
    from seqlabel.report import comparison_sentences

    for place, row in enumerate(rows):
        if len(rows) > 1:
            print(f"{row.name}:")
        if compared is None:
            print_rates(row.rates, row.intervals, unit)
            continue
        other, comparison = compared.rows[place]
        for name, found in ((compared.first, row), (compared.second, other)):
            print(name)
            print_rates(found.rates, found.intervals, unit)
        for sentence in comparison_sentences(compared, comparison, unit):
            print(sentence)
    shown = [*rows, *(() if compared is None else (other for other, _ in compared.rows))]
    print(next((row.intervals for row in shown if row.intervals.are_any), rows[0].intervals))


def _write_report(folder: Path, report: "Report") -> None:
    from seqlabel.report import report_json, report_markdown
    from seqlabel.report_page import report_page

    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be made ({error.strerror}); name another folder") from error
    for name, text in zip(
        REPORT_FILES, (report_json(report), report_markdown(report), report_page(report)), strict=True
    ):
        write_lines(folder / name, [text.rstrip("\n")])
