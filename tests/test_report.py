import json
from dataclasses import replace

import pytest

from seqlabel.confidence import Difference, Interval
from seqlabel.line_scores import Line, intervals, score_lines, total
from seqlabel.metrics import ErrorCounts
from seqlabel.report import (
    Compared,
    Report,
    Row,
    alignment_text,
    comparison_sentences,
    confusion_text,
    difference_sentence,
    report_json,
    report_markdown,
    visible,
)
from seqlabel.significance import compare

LINES = [
    Line("a-1", "mister edison said", "mister addison said so", "ann"),
    Line("a-2", "right | wrong", "right | wrong", "ann"),
    Line("b-1", "e e e", "c c c", "bob_2"),
    Line("b-2", "one *two*", "one", "bob_2"),
    Line("c-1", "", "x", None),
]


def _row(lines: list[Line], *rules: str) -> Row:
    scores = score_lines(lines)
    return Row(rules, total(scores), intervals(scores, resamples=1000))


def _report(unit: str = "words") -> Report:
    return Report("a*b", (_row(LINES), _row(LINES, "case")), tuple(score_lines(LINES)), unit)


def _compared() -> Compared:
    others = [replace(line, hypothesis=f"{line.hypothesis}s") for line in LINES]
    comparison = compare(score_lines(LINES), score_lines(others), resamples=1000)
    return Compared("A", "B", ((_row(others), comparison),))


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        ("a b c", "a b c", "a b c"),
        ("the edison light", "the addison light", "the (edison->addison) light"),
        ("a b c d", "a x y d", "a (b c->x y) d"),
        ("a b c", "a c", "a (b->*) c"),
        ("a c", "a b c", "a (*->b) c"),
        ("", "", ""),
        ("a", "", "(a->*)"),
    ],
)
def test_words_are_aligned_as_icefall_shows_them(reference: str, hypothesis: str, expected: str) -> None:
    assert alignment_text(Line("1", reference, hypothesis)) == expected


def test_the_json_holds_every_line_worst_first_and_its_counts_add_up() -> None:
    found = json.loads(report_json(_report()))
    assert [line["id"] for line in found["lines"]] == ["b-2", "a-1", "b-1", "c-1", "a-2"]
    keys = ("substitutions", "deletions", "insertions", "reference_length")
    for part in ("lines", "groups"):
        counts = [line if part == "groups" else line["characters"] for line in found[part]]
        assert {key: sum(one[key] for one in counts) for key in keys} == {
            k: found["rows"][0][k] for k in keys
        }


def test_the_confusions_of_the_json_are_all_edits() -> None:
    found = json.loads(report_json(_report()))
    words, row = found["confusions"]["words"], found["rows"][0]["words"]
    deleted = sum(one["count"] for one in words if one["hypothesis"] is None)
    inserted = sum(one["count"] for one in words if one["reference"] is None)
    assert (deleted, inserted) == (row["deletions"], row["insertions"])
    assert sum(one["count"] for one in words) == ErrorCounts(**row).errors
    assert found["confusions"]["characters"][0] == {"reference": "e", "hypothesis": "c", "count": 3}


def test_rules_are_named_in_every_form() -> None:
    report = _report()
    assert [row.get("rules") for row in json.loads(report_json(report))["rows"]] == [None, ["case"]]
    assert "| without differences of case |" in report_markdown(report)


def test_of_phones_the_rate_is_per() -> None:
    report = _report("phones")
    found = json.loads(report_json(report))
    assert found["rows"][0]["per"] == found["rows"][0]["wer"]
    assert "| PER |" in report_markdown(report)
    assert "WER" not in report_markdown(report)


def test_the_markdown_shows_lines_as_they_are_and_escapes_names() -> None:
    shown = report_markdown(_report())
    assert "# a\\*b" in shown
    assert "| bob\\_2 | 2 |" in shown
    assert "    b-2, bob_2: 6 of 9 characters, 1 of 2 words\n      one (*two*->*)\n" in shown
    assert "     3  (e->c)" in shown


def test_a_comparison_is_in_both_forms() -> None:
    report = replace_compared(_report())
    assert json.loads(report_json(report))["comparison"]["first"] == "A"
    assert "## Comparison" in report_markdown(report)


def replace_compared(report: Report) -> Report:
    return Report(report.title, report.rows, report.scores, report.unit, _compared())


def test_each_test_has_its_sentence() -> None:
    compared = _compared()
    sentences = comparison_sentences(compared, compared.rows[0][1], "words")
    assert [("CER" in text, "WER" in text, "MAPSSWE" in text) for text in sentences] == [
        (True, False, False),
        (False, True, False),
        (False, True, True),
    ]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            Difference(-0.008, Interval(-0.014, -0.002), 0.0104),
            "A is better than B by 0.80 points of CER, 95 % interval [0.20, 1.40], p = 0.010",
        ),
        (
            Difference(0.008, Interval(0.002, 0.014), 0.0001),
            "B is better than A by 0.80 points of CER, 95 % interval [0.20, 1.40], p < 0.001",
        ),
        (
            Difference(0.002, Interval(-0.001, 0.005), 0.2),
            "no difference is shown: B has 0.20 points of CER less than A, 95 % interval [-0.10, 0.50], p = 0.200",
        ),
        (Difference(0.0, None, None), "A and B have the same CER"),
        (
            Difference(-0.002, None, None),
            "A has 0.20 points of CER less than B; too few differ, or all alike, for an interval",
        ),
    ],
)
def test_a_difference_names_the_better_system_first(found: Difference, expected: str) -> None:
    assert difference_sentence(("A", "B"), "CER", found) == expected


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        (" ", "\u2423"),
        ("e", "e"),
        ("\u0301", "\u25cc\u0301"),
        ("\u202e", "\\u202e"),
        ("\U000e0001", "\\U000e0001"),
    ],
)
def test_symbols_are_made_visible(symbol: str, expected: str) -> None:
    assert visible(symbol) == expected
    assert confusion_text((symbol, "")) == f"({expected}->*)"
