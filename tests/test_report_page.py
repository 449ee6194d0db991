import re
from html.parser import HTMLParser

import pytest

from seqlabel.line_scores import Line, intervals, score_lines, total
from seqlabel.report import Report, Row
from seqlabel.report_page import LINES_A_FOLD, WORST_LINES, report_page

EVIL = "<script>alert(1)</script> & \"q\" 'x' </style> <img src=x onerror=y>"
VOID = {"meta", "br", "link", "img"}


class _Page(HTMLParser):
    """Every tag with its attributes, the text of the lines, and whether all that was opened is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.marked: dict[str, list[str]] = {"del": [], "ins": []}
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "dd":
            self.texts.append("")
        if tag in self.marked:
            self.marked[tag].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "dd" in self.open:
            self.texts[-1] += data
        for tag, texts in self.marked.items():
            if tag in self.open:
                texts[-1] += data


def _page(lines: list[Line], title: str = "title") -> str:
    scores = score_lines(lines)
    row = Row((), total(scores), intervals(scores, resamples=1000))
    return report_page(Report(title, (row,), tuple(scores)))


def test_what_users_wrote_is_shown_and_never_run() -> None:
    page = _Page(_page([Line(EVIL, EVIL, EVIL[1:], EVIL)], EVIL))
    assert not page.open
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "img", "link", "iframe", "object"})
    assert page.texts == [EVIL, EVIL[1:]]


def test_the_page_needs_nothing_from_elsewhere() -> None:
    html = _page([Line("1", "https://example.org/x.png", "a", "g")])
    page = _Page(html)
    assert not [attributes for _, attributes in page.tags if {"src", "href"} & set(attributes)]
    style = html[html.index("<style>") : html.index("</style>")]
    assert not re.search(r"url\(|@import", style)
    policy = next(dict(a) for tag, a in page.tags if tag == "meta" and "http-equiv" in a)
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"


def test_what_is_wrong_in_a_line_is_marked_on_both_sides() -> None:
    page = _Page(_page([Line("1", "abcdef", "axxdefg")]))
    assert page.marked["del"][1:] == ["bc"]
    assert page.marked["ins"][1:] == ["xx", "g"]


def test_a_letter_is_marked_with_its_marks_on() -> None:
    page = _Page(_page([Line("1", "קָרָא", "קרָא"), Line("2", "क\u093f", "क\u0940")]))
    assert sorted(page.marked["del"][1:]) == ["קָ", "क\u093f"]


def test_texts_choose_their_own_direction_and_controls_cannot_turn_the_page() -> None:
    html = _page([Line("1", "שלום \u202eabc", "שלום", "כותב")])
    assert "unicode-bidi: plaintext" in html
    assert "<bdi>כותב</bdi>" in html
    assert "\u202e" not in html
    assert "\\u202e" in html


def test_joiners_that_shape_persian_words_stay() -> None:
    word = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    assert word in _page([Line("1", word, word)])


def test_the_worst_lines_are_open_and_the_others_folded() -> None:
    wrong = WORST_LINES + LINES_A_FOLD + 1
    lines = [
        Line(f"w{place}", "a" * 30, "b" * (1 + place % 30) + "a" * (29 - place % 30))
        for place in range(wrong)
    ]
    html = _page([*lines, Line("r", "a", "a")])
    before, *folds = html[html.index("<h2>Lines") :].split("<details>")
    assert [part.count('<div class="line">') for part in (before, *folds)] == [
        WORST_LINES,
        LINES_A_FOLD,
        1,
        1,
    ]
    assert "1 line without an error" in folds[-1]


def test_every_line_is_there_once() -> None:
    lines = [
        Line(f"id-{place}", "one two", "one tow" if place % 3 else "one two", f"g{place % 7}")
        for place in range(500)
    ]
    html = _page(lines)
    assert all(html.count(f"<bdi>{line.id}</bdi>") == 1 for line in lines)


@pytest.mark.parametrize("lines", [[Line("1", "", "")], [Line("1", "", "x")], [Line("1", "x", "")]])
def test_empty_texts_are_said_to_be_nothing(lines: list[Line]) -> None:
    assert "nothing" in "".join(_Page(_page(lines)).texts)
