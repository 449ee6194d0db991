"""The order on paper and back: against the Rust implementation behind python-bidi, and there and back."""

import unicodedata
from typing import Literal

import pytest
from bidi import get_display
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from seqlabel.characters import graphemes
from seqlabel.reading_order import logical, logical_atoms, mirrored, runs_from_right, visual

Base = Literal["L", "R"]
ALEF, BET, GIMEL, SHIN = "\u05d0", "\u05d1", "\u05d2", "\u05e9"
HEBREW = [ALEF, BET + GIMEL, SHIN + "\u05c1\u05b8" + BET, BET + "\u05bc" + ALEF]
ARABIC = [
    "\u0627\u0628",
    "\u062c\u064e\u062f\u0651",
    "\u0645\u06cc\u200c\u062e",
]  # with marks and a non-joiner
LATIN = ["abc", "Ne\u0301e", "in"]
NUMBERS = ["12", "1995", "3.14", "12/05/1948", "50%", "1,000", "10-12", "\u0663\u0664"]
RTL = [*HEBREW, *ARABIC]


def marked(word: str, mark: int) -> str:
    """A word in brackets or quotes, or with a sign behind it."""
    forms = ["{}", "({})", '"{}"', "[{}]", "{},", "{}.", "{}:", "{}?", "\u00ab{}\u00bb"]
    return forms[mark % len(forms)].format(word)


def lines(words: list[str], most: int = 8) -> st.SearchStrategy[str]:
    word = st.builds(marked, st.sampled_from(words), st.integers(0, 20).map(lambda n: n if n < 9 else 0))
    return st.lists(word, min_size=1, max_size=most).map(" ".join)


SOUP = st.text('\u05d0\u05d1\u05d2\u0627\u0628 ab12\u0663.,/()[]-:%"', max_size=14)
drawn = settings(max_examples=300, deadline=None, derandomize=True)


# --- there ------------------------------------------------------------------------------------------------


@drawn
@given(text=SOUP, base=st.sampled_from(["L", "R"]))
def test_the_order_is_that_of_another_implementation(text: str, base: Base) -> None:
    # A line without a letter from right to left keeps its order here, whatever its direction.
    assume(any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in text))
    # The other one leaves brackets as they are stored: for both, any is as good as its mirror image.
    any_bracket = str.maketrans("()[]", "||!!")
    expected = get_display(text, base_dir=base)
    assert visual(text, base).translate(any_bracket) == expected.translate(any_bracket)


@pytest.mark.parametrize(
    ("text", "base", "expected"),
    [
        ("", "R", ""),
        ("abc (1).", "R", "abc (1)."),
        (ALEF + BET, "auto", BET + ALEF),
        (f"({ALEF}{BET}) 12", "R", f"12 ({BET}{ALEF})"),
        (f"{ALEF} (ab) 12", "R", f"12 (ab) {ALEF}"),  # rule N0: without it one bracket would be torn off
        (f"ab {ALEF}{BET}.", "L", f"ab {BET}{ALEF}."),
        (f"ab {ALEF}{BET}.", "R", f".{BET}{ALEF} ab"),
        (f"{SHIN}\u05c1\u05b8{BET}", "R", f"{BET}{SHIN}\u05c1\u05b8"),  # marks stay behind their base
        (f"{ALEF}! ab", "L", f"{ALEF}! ab"),
        (f"{ALEF}!\u200f ab", "L", f"!{ALEF} ab"),  # a mark of direction is obeyed, and has no ink
        (f"\u202b{ALEF} ab\u202c", "L", f"ab {ALEF}"),
    ],
)
def test_a_line_is_shown_from_left_to_right(text: str, base: Base, expected: str) -> None:
    assert visual(text, base) == expected


def test_a_bracket_is_mirrored_and_a_letter_is_not() -> None:
    assert [mirrored(c) for c in ("(", "\u00bb\u0301", "a")] == [")", "\u00ab\u0301", "a"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", False), ("12.", False), ("ab " + ALEF, False), ("12 " + ALEF + " ab", True), ("\u0627", True)],
)
def test_a_text_runs_as_its_first_letter_does(text: str, expected: bool) -> None:
    assert runs_from_right(text) == expected


# --- and back ---------------------------------------------------------------------------------------------


@drawn
@given(text=lines(HEBREW) | lines(ARABIC) | lines([*HEBREW, *ARABIC]), base=st.sampled_from(["auto", "R"]))
def test_text_from_right_to_left_comes_back(text: str, base: Literal["auto", "R"]) -> None:
    assert logical(visual(text, base), base) == text


@drawn
@given(text=lines([*HEBREW, *NUMBERS]) | lines([*ARABIC, *NUMBERS]))
def test_numbers_within_text_from_right_to_left_come_back(text: str) -> None:
    assert logical(visual(text, "R"), "R") == text


@drawn
@given(text=lines([*LATIN, "12", "1995"]), base=st.sampled_from(["auto", "L", "R"]))
def test_text_from_left_to_right_stays_as_it_is(text: str, base: Literal["auto", "L", "R"]) -> None:
    assert visual(text, base) == text
    assert logical(text, base) == text


@drawn
@given(before=lines(RTL, 3), latin=st.sampled_from(LATIN), mark=st.integers(0, 3), after=lines(RTL, 3))
def test_a_latin_word_among_others_comes_back(before: str, latin: str, mark: int, after: str) -> None:
    text = f"{before} {marked(latin, mark)} {after}"
    assert logical(visual(text, "R"), "R") == text


@drawn
@given(text=lines([*RTL, *LATIN, *NUMBERS]), base=st.sampled_from(["auto", "L", "R"]))
def test_what_comes_back_looks_the_same_on_paper(text: str, base: Literal["auto", "L", "R"]) -> None:
    shown = visual(text, base)
    found = logical(shown, base)
    assert visual(found, base) == shown
    any_bracket = str.maketrans("()[]\u00ab\u00bb", "||!!__")
    assert sorted(found.translate(any_bracket)) == sorted(text.translate(any_bracket))


def test_texts_that_look_alike_come_back_as_one_of_them() -> None:
    first, second = f"{ALEF} ab 12", f"{ALEF} 12 ab"
    assert visual(first, "R") == visual(second, "R") == f"ab 12 {ALEF}"
    assert logical(f"ab 12 {ALEF}", "R") == first


def test_without_a_direction_a_line_runs_as_most_of_its_letters_do() -> None:
    assert logical(f"ab {GIMEL}{BET}{ALEF}") == f"{ALEF}{BET}{GIMEL} ab"
    assert logical(f"abc {BET}{ALEF}") == f"abc {ALEF}{BET}"


@drawn
@given(shown=SOUP, base=st.sampled_from(["auto", "L", "R"]))
def test_whatever_a_network_writes_is_read_with_every_part_once(
    shown: str, base: Literal["auto", "L", "R"]
) -> None:
    parts = graphemes(shown)
    found = logical_atoms(parts, base)
    assert sorted(place for _, place in found) == list(range(len(parts)))
    assert all(text in (parts[place], mirrored(parts[place])) for text, place in found)
