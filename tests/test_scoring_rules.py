import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlabel.errors import ConfigError
from seqlabel.scoring_rules import RULES, RULES_IN_WORDS, normalise, parse_rules


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        ("case", "Straße ÉTÉ", "strasse été"),
        ("punctuation", "«L'été», dit-il… (don't!)", "L'été dit il don't"),
        ("punctuation", "'tis the dogs' l\u2019été", "tis the dogs l'été"),
        ("punctuation", "a , b", "a b"),
        ("punctuation", "नमस्ते। दुनिया", "नमस्ते दुनिया"),
        ("accents", "été naïve ç ñ", "ete naive c n"),
        ("accents", "क्षि", "कषि"),
        ("numerals", "٣٤ १९ five ²", "34 19 five ²"),
        ("compatibility", "ﬁn \uff12 ²", "fin 2 2"),
        ("spaces", "  a \t b\u00a0c ", "a b c"),
    ],
)
def test_a_rule_does_what_it_says(rule: str, text: str, expected: str) -> None:
    assert normalise(text, (rule,)) == expected


@pytest.mark.parametrize("rule", RULES)
@given(text=st.text(max_size=30))
def test_a_rule_twice_is_a_rule_once_and_leaves_nfc(rule: str, text: str) -> None:
    once = normalise(text, (rule,))
    assert unicodedata.is_normalized("NFC", once)
    assert normalise(once, (rule,)) == once


@given(st.text(max_size=30))
def test_no_rules_leave_a_text_but_for_nfc(text: str) -> None:
    assert normalise(text, ()) == unicodedata.normalize("NFC", text)


def test_every_rule_is_told_in_words() -> None:
    assert list(RULES) == list(RULES_IN_WORDS)


def test_rules_are_read_from_a_list_in_their_own_order() -> None:
    assert parse_rules("punctuation, case") == ("case", "punctuation")


@pytest.mark.parametrize("names", ["cases", "case,,punct", "", " , "])
def test_an_unknown_rule_is_refused_with_those_that_there_are(names: str) -> None:
    with pytest.raises(ConfigError, match=r"expected some of compatibility, case, accents, numerals"):
        parse_rules(names)
