"""A report as one HTML page that needs nothing else: no script, no font, no picture, no network.

Everything that comes from a user is escaped, and the page's policy forbids it to load or run anything.
"""

import math
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from seqlabel.alignment import align
from seqlabel.calibration import Bin, calibration_error
from seqlabel.confidence import Interval
from seqlabel.line_scores import Confusion, LineScore
from seqlabel.metrics import ErrorCounts, ErrorRates
from seqlabel.report import (
    RELIABILITY,
    Report,
    Row,
    comparison_sentences,
    confidence_bins,
    errors_text,
    expected_text,
    per_cent,
    printable,
    visible,
)

WORST_LINES = 100
"""Wrong lines that are shown at once; the others are folded away."""
LINES_A_FOLD = 250
MOST_GROUPS = 25
MOST_CONFUSIONS = 20
"""Shown at once; ten times as many lie in a fold, all in report.json."""
_ZERO_WIDTH = "\u200c\u200d"

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2129; --faint: #5c6570; --paper: #ffffff; --panel: #f5f6f8;
  --rule: #dde1e6; --lost: #ffd9d4; --lost-line: #b3261e; --added: #cfe8ff; --added-line: #0b57a4; --bar: #7aa6d8; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e4e7eb; --faint: #9aa4af; --paper: #15181c;
  --panel: #1d2126; --rule: #333a42; --lost: #5c211d; --lost-line: #ff9d92; --added: #123f66; --added-line: #8cc4ff;
  --bar: #4a79ad; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 66rem; color: var(--ink); background: var(--paper);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1.25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 0 0 .5rem; }
p { margin: .5rem 0; }
.faint, caption { color: var(--faint); font-size: .875rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: .75rem; margin: 0 0 1rem; }
.tile { background: var(--panel); border: 1px solid var(--rule); border-radius: .5rem; padding: .75rem 1rem; }
.tile b { display: block; font-size: 1.75rem; line-height: 1.2; font-weight: 600; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
caption { text-align: start; padding: 0 0 .375rem; }
th, td { padding: .3rem .6rem; text-align: end; border-bottom: 1px solid var(--rule); vertical-align: baseline;
  white-space: nowrap; }
th { font-weight: 600; font-size: .875rem; color: var(--faint); }
th:first-child, td:first-child { text-align: start; white-space: normal; overflow-wrap: anywhere; min-width: 7rem; }
.wide { overflow-x: auto; margin: 0 0 1rem; }
.bar { display: block; height: 3px; margin-top: 2px; margin-inline-start: auto; border-radius: 2px;
  background: var(--bar); }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: 1.5rem 2.5rem; }
.symbols td, .symbols th { text-align: start; white-space: normal; overflow-wrap: anywhere; }
.symbols td:first-child, .symbols th:first-child { text-align: end; min-width: 0; width: 4.5rem; }
.line { padding: .6rem 0; border-bottom: 1px solid var(--rule); break-inside: avoid; content-visibility: auto;
  contain-intrinsic-size: auto 5.5rem; }
.line p { margin: 0; }
.texts { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: .1rem .75rem; margin: .2rem 0 0; }
.texts dt { color: var(--faint); font-size: .8125rem; line-height: 1.8rem; }
.texts dd { margin: 0; font-size: 1.0625rem; line-height: 1.8rem; white-space: pre-wrap; overflow-wrap: anywhere;
  unicode-bidi: plaintext; text-align: start; }
del { text-decoration: underline dotted 2px var(--lost-line); text-underline-offset: .2em; background: var(--lost); }
ins { text-decoration: underline 2px var(--added-line); text-underline-offset: .2em; background: var(--added); }
.none { color: var(--faint); font-style: italic; }
details { margin: .75rem 0; }
summary { cursor: pointer; padding: .4rem .75rem; background: var(--panel); border: 1px solid var(--rule);
  border-radius: .375rem; }
li { margin: .25rem 0; }
@media print { body { max-width: none; padding: 0; font-size: 10.5pt; } .tile, summary { background: none; }
  .tiles { grid-template-columns: repeat(3, 1fr); } .line { content-visibility: visible; } h2 { break-after: avoid; }
  del, ins, .bar { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  thead { display: table-header-group; } .wide { overflow: visible; } th, td { padding: .2rem .35rem; font-size: 9pt; }
  details:not([open]) summary { border-style: dashed; } tr { break-inside: avoid; } }
"""


def report_page(report: Report) -> str:
    """Returns a report as HTML: rates, groups, confusions, and every line with what is wrong in it marked."""
    last = report.rows[-1]
    body = [
        f"<h1>{_text(report.title)}</h1>",
        _tiles(report, last),
        f'<p class="faint">{_text(f"{last.rates.num_examples:,} lines. {last.intervals}.")}</p>',
        _rates(report),
        *_comparison(report),
        *_groups(report),
        *_confusions(report),
        *_reliability(report),
        *_lines(report),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(report.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _tiles(report: Report, row: Row) -> str:
    rates, found = row.rates, row.intervals
    shown = (
        ("Characters", "CER", rates.cer, found.cer),
        (report.unit.capitalize(), report.word_rate, rates.wer, found.wer),
        ("Lines with any error", "SER", rates.ser, found.ser),
    )
    tiles = (
        f'<div class="tile"><span class="faint">{name} ({short})</span><b>{_rate(rate)}</b>'
        f'<span class="faint">{"no interval" if interval is None else f"95 %: {interval}"}</span></div>'
        for name, short, rate, interval in shown
    )
    return f'<div class="tiles">{"".join(tiles)}</div>'


def _rates(report: Report) -> str:
    names = ("", "rate", "95 % interval", "errors", "of", "substituted", "deleted", "inserted")
    tables = []
    for row in report.rows:
        rates, found = row.rates, row.intervals
        rows = [
            _rate_row("CER", rates.characters, found.cer, f"{rates.unit}s"),
            _rate_row(report.word_rate, rates.words, found.wer, report.unit),
            _rate_row("SER", ErrorCounts(rates.num_wrong, 0, 0, rates.num_examples), found.ser, "lines"),
        ]
        if rates.frames is not None:
            rows.append(_rate_row("FER", rates.frames, None, "frames"))
        tables.append(_table(names, rows, caption=row.name if len(report.rows) > 1 else ""))
    return "\n".join(tables)


def _rate_row(name: str, counts: ErrorCounts, interval: Interval | None, unit: str) -> tuple[str, ...]:
    edits = ("", "", "") if unit in ("lines", "frames") else _kinds(counts)
    return (
        name,
        _rate(counts.rate),
        "\u2013" if interval is None else str(interval),
        f"{counts.errors:,}",
        f"{counts.reference_length:,} {unit}",
        *edits,
    )


def _comparison(report: Report) -> Iterator[str]:
    if report.compared is None:
        return
    yield "<h2>Comparison</h2>"
    yield f'<p class="faint">All else on this page is about {_text(report.compared.first)}.</p>'
    for row, comparison in report.compared.rows:
        sentences = comparison_sentences(report.compared, comparison, report.unit)
        if len(report.compared.rows) > 1:
            yield f"<h3>{_text(row.name[0].upper() + row.name[1:])}</h3>"
        yield "<ul>" + "".join(f"<li>{_text(sentence)}</li>" for sentence in sentences) + "</ul>"


def _groups(report: Report) -> Iterator[str]:
    if not report.has_groups:
        return
    groups = list(report.groups.items())
    most = max((rates.cer for _, rates in groups if math.isfinite(rates.cer)), default=0.0)

    def table(shown: Sequence[tuple[str | None, ErrorRates]]) -> str:
        names = ("", "lines", "CER", report.word_rate, "SER", "errors", "substituted", "deleted", "inserted")
        rows = [
            (
                '<span class="none">no group</span>' if group is None else _bidi(group),
                f"{rates.num_examples:,}",
                _bar(rates.cer, most),
                _rate(rates.wer),
                _rate(rates.ser),
                f"{rates.characters.errors:,}",
                *_kinds(rates.characters),
            )
            for group, rates in shown
        ]
        return _table(names, rows)

    yield "<h2>Groups</h2>"
    yield '<p class="faint">Speakers or writers, the highest CER first; edits are of characters.</p>'
    yield table(groups[:MOST_GROUPS])
    if groups[MOST_GROUPS:]:
        yield _fold(f"{len(groups) - MOST_GROUPS:,} more groups", [table(groups[MOST_GROUPS:])])


def _confusions(report: Report) -> Iterator[str]:
    if not report.characters:
        return
    yield "<h2>Confusions</h2>"
    if report.rows[-1].rules:
        yield f'<p class="faint">From here on texts are {_text(report.rows[-1].name)}.</p>'
    tables = ((report.characters, "Characters"), (report.words, report.unit.capitalize()))
    shown = (f"<div>{_confusion_tables(found, name)}</div>" for found, name in tables if found)
    yield f'<div class="pair">{"".join(shown)}</div>'


def _confusion_tables(confusions: dict[Confusion, int], name: str) -> str:
    def table(shown: Sequence[tuple[Confusion, int]]) -> str:
        rows = [(f"{count:,}", _symbol(ours), _symbol(theirs)) for (ours, theirs), count in shown]
        return _table(("times", "reference", "read as"), rows, "symbols")

    pairs = list(confusions.items())
    more = pairs[MOST_CONFUSIONS : 11 * MOST_CONFUSIONS]
    found = f"<h3>{name}</h3>" + table(pairs[:MOST_CONFUSIONS])
    if more:
        left = len(pairs) - MOST_CONFUSIONS - len(more)
        rest = f'<p class="faint">{left:,} more are in report.json.</p>' if left else ""
        found += _fold(f"{len(more):,} more", [table(more), rest])
    return found


def _reliability(report: Report) -> Iterator[str]:
    shown = confidence_bins(report)
    if not shown:
        return
    yield "<h2>Confidences</h2>"
    yield f'<p class="faint">{_text(RELIABILITY)}</p>'
    tables = (
        f"<div><h3>{name.capitalize()}</h3>"
        + _table(
            ("confidence", "right", "off by", name),
            [(per_cent(b.confidence), _bar(b.share_right, 1.0), _beside(b), f"{b.count:,}") for b in bins],
            caption=f"Expected calibration error {per_cent(calibration_error(bins))}",
        )
        + "</div>"
        for name, bins in shown
    )
    yield f'<div class="pair">{"".join(tables)}</div>'
    if (expected := expected_text(report)) is not None:
        yield f"<p>{_text(expected)}</p>"


def _beside(found: Bin) -> str:
    """How far the share of right is above or below the confidence, in points."""
    return f"{100 * (found.share_right - found.confidence):+.1f}"


def _lines(report: Report) -> Iterator[str]:
    scores = report.worst_first
    wrong = [score for score in scores if score.is_wrong]
    right = [score for score in scores if not score.is_wrong]
    yield "<h2>Lines</h2>"
    yield (
        '<p class="faint">The most wrong characters first. In the reference <del>what was not read</del>, in what was '
        "read <ins>what does not stand there</ins>.</p>"
    )
    yield from (_line(score, report.unit) for score in wrong[:WORST_LINES])
    for start in range(WORST_LINES, len(wrong), LINES_A_FOLD):
        fold = wrong[start : start + LINES_A_FOLD]
        most, least = fold[0].characters.errors, fold[-1].characters.errors
        errors = f"{most:,}" if most == least else f"{most:,} to {least:,}"
        name = (
            f"Lines {start + 1:,} to {start + len(fold):,}: {errors} wrong character{'s' * (most != 1)} each"
        )
        yield _fold(name, (_line(score, report.unit) for score in fold))
    for start in range(0, len(right), 4 * LINES_A_FOLD):
        fold = right[start : start + 4 * LINES_A_FOLD]
        beyond = f", from {start + 1:,} on" if start else ""
        yield _fold(
            f"{len(right):,} line{'s' * (len(right) != 1)} without an error{beyond}",
            (_line(score, report.unit) for score in fold),
        )


def _line(score: LineScore, unit: str) -> str:
    line = score.line
    group = "" if line.group is None else f" \u00b7 {_bidi(line.group)}"
    head = f"<p><b>{_bidi(line.id)}</b>{group}"
    if not score.is_wrong:
        read = _marked(_clusters(line.hypothesis), "")
        return f'<div class="line">{head}</p><dl class="texts"><dt>read</dt><dd>{read}</dd></dl></div>'
    counts = f"{errors_text(score.characters, f'{score.unit}s')}, {errors_text(score.words, unit)}"
    reference, hypothesis = _clusters(line.reference), _clusters(line.hypothesis)
    pairs = align([text for text, _ in reference], [text for text, _ in hypothesis])
    ours = [(side, side != other) for side, other in pairs if side is not None]
    theirs = [(other, side != other) for side, other in pairs if other is not None]
    return (
        f'<div class="line">{head} <span class="faint">\u00b7 {_text(counts)}</span></p><dl class="texts">'
        f"<dt>reference</dt><dd>{_marked(ours, 'del')}</dd>"
        f"<dt>read</dt><dd>{_marked(theirs, 'ins')}</dd></dl></div>"
    )


def _clusters(text: str) -> list[tuple[str, bool]]:
    """The characters of a text with the marks that belong to them, none of them wrong so far.

    A mark that is marked alone would be torn off its letter.
    """
    found: list[str] = []
    for character in unicodedata.normalize("NFC", text):
        joins = unicodedata.category(character).startswith("M") or character in _ZERO_WIDTH
        if found and joins and found[-1] != " ":
            found[-1] += character
        else:
            found.append(character)
    return [(cluster, False) for cluster in found]


def _marked(symbols: Iterable[tuple[str, bool]], tag: str) -> str:
    """The text with what is wrong in it between tags, neighbours together; nothing at all is said to be so."""
    pieces: list[str] = []
    is_open = False
    for symbol, is_wrong in symbols:
        if is_wrong != is_open:
            pieces.append(f"<{tag}>" if is_wrong else f"</{tag}>")
            is_open = is_wrong
        pieces.append(_text(symbol))
    if is_open:
        pieces.append(f"</{tag}>")
    return "".join(pieces) or '<span class="none">nothing</span>'


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "", caption: str = "") -> str:
    head = "".join(f"<th>{name}</th>" for name in names)
    body = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    said = f"<caption>{_text(caption[:1].upper() + caption[1:])}</caption>" if caption else ""
    return (
        f'<div class="wide"><table class="{kind}">{said}<thead><tr>{head}</tr></thead><tbody>\n{body}\n'
        "</tbody></table></div>"
    )


def _bar(rate: float, most: float) -> str:
    width = 100 * rate / most if most and math.isfinite(rate) else 0.0
    return f'{_rate(rate)}<i class="bar" style="width:{width:.0f}%"></i>'


def _fold(name: str, content: Iterable[str]) -> str:
    return f"<details><summary>{_text(name)}</summary>\n" + "\n".join(content) + "\n</details>"


def _kinds(counts: ErrorCounts) -> tuple[str, str, str]:
    return f"{counts.substitutions:,}", f"{counts.deletions:,}", f"{counts.insertions:,}"


def _rate(rate: float) -> str:
    return per_cent(rate) if math.isfinite(rate) else "\u221e"


def _symbol(symbol: str) -> str:
    return f"<bdi>{_text(visible(symbol))}</bdi>" if symbol else '<span class="none">nothing</span>'


def _bidi(text: str) -> str:
    return f"<bdi>{_text(text)}</bdi>"


def _text(text: str) -> str:
    """The text as HTML, its controls made visible: a turned direction must not reach beyond its line."""
    return escape(printable(text))
