# ruff: noqa: RUF001 (letters that look alike are what this is about)
from collections.abc import Sequence

import pytest

from seqlabel.checks.findings import (
    CONTROL_CHARACTERS,
    LOOK_ALIKES,
    MIXED_UNICODE,
    RARE_CHARACTERS,
    SIMILAR_MARKS,
    SPACES,
    UNKNOWN_CHARACTERS,
    Finding,
    Kind,
    Place,
)
from seqlabel.checks.text_checks import check_texts
from seqlabel.texts import RuleConfig, TextConfig

CONFIG = TextConfig(rare_below=1)


def found(train: Sequence[str], dev: Sequence[str] = (), config: TextConfig = CONFIG) -> list[Finding]:
    raw = {
        name: [(f"{name}{number}", text) for number, text in enumerate(texts)]
        for name, texts in (("train", train), ("dev", dev))
    }
    prepared = {name: [(id_, config.prepare(text)) for id_, text in texts] for name, texts in raw.items()}
    return check_texts(raw, prepared, ["train"], config, "character")[0]


def only(findings: list[Finding], kind: Kind) -> Finding:
    [finding] = findings
    assert finding.kind == kind
    return finding


def test_plain_texts_have_nothing_odd_about_them() -> None:
    assert found(["ab cd", "don't", "a-b"], ["bad"]) == []


def test_writing_in_several_scripts_is_nothing_odd() -> None:
    assert found(["hello world", "привет мир", "Γειά σου κόσμε", "שלום", "שלום עולם"]) == []


def test_quotes_that_open_and_close_are_nothing_odd() -> None:
    assert found(["“a” ‘b’", "l’eau"]) == []


def test_the_alphabet_is_counted_in_each_split() -> None:
    texts = {"train": [("a", "aab")], "dev": [("b", "bbbc")]}
    _, alphabet = check_texts(texts, texts, ["train"], CONFIG, "character")
    assert alphabet.counts == {"b": {"train": 1, "dev": 3}, "a": {"train": 2}, "c": {"dev": 1}}
    assert alphabet.totals == {"b": 4, "a": 2, "c": 1}


def test_a_character_that_only_dev_has_is_found_with_its_examples() -> None:
    finding = only(found(["ab"], ["ab", "az", "zz"]), UNKNOWN_CHARACTERS)
    assert finding.places == (Place("dev", "dev1"), Place("dev", "dev2"))
    assert "dev has 1 characters that no training text has" in finding.reason
    assert "'z' (U+007A, LATIN SMALL LETTER Z) 3 times" in finding.reason


def test_no_character_is_unknown_where_nothing_is_learnt_from() -> None:
    texts = {"one": [("a", "ab")], "two": [("b", "cd")]}
    assert check_texts(texts, texts, [], CONFIG, "character")[0] == []


def test_rare_characters_are_found_with_their_examples() -> None:
    finding = only(found(["aa", "ab"], config=TextConfig(rare_below=2)), RARE_CHARACTERS)
    assert finding.places == (Place("train", "train1"),)


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\u200b", "ZERO WIDTH SPACE"),
        ("\ufeff", "ZERO WIDTH NO-BREAK SPACE"),
        ("\x07", "U+0007"),
        ("\u00ad", "SOFT HYPHEN"),
        ("\u202e", "RIGHT-TO-LEFT OVERRIDE"),
        ("\ufffd", "REPLACEMENT CHARACTER"),
        ("\ue000", "U+E000"),
        ("\u200d", "ZERO WIDTH JOINER"),
    ],
)
def test_a_character_that_cannot_be_seen_is_found(character: str, name: str) -> None:
    finding = only(found([f"a{character}b", "ab"]), CONTROL_CHARACTERS)
    assert name in finding.reason
    assert finding.places == (Place("train", "train0"),)


def test_joiners_that_writing_needs_are_nothing_odd() -> None:
    assert found(["می\u200cخواهم", "क्\u200dष"]) == []


@pytest.mark.parametrize("text", [" ab", "ab ", "a  b", "a\tb"])
def test_spaces_at_the_ends_and_in_a_row_are_found(text: str) -> None:
    finding = only(found([text, "ab"]), SPACES)
    assert finding.places == (Place("train", "train0"),)


def test_spaces_of_several_kinds_are_found() -> None:
    finding = only(found(["a b", "a b", "a\u00a0b"]), SPACES)
    assert finding.places == (Place("train", "train2"),)
    assert "NO-BREAK SPACE" in finding.reason


@pytest.mark.parametrize(
    ("usual", "other", "said"),
    [
        ("l'eau", "l\u2019eau", "curly"),
        ('"a"', "\u201ca\u201d", "double quotes"),
        ("a-b", "a\u2212b", "minus"),
        ("a-b", "a\u2010b", "hyphens"),
        ("ab", "\uff41b", "full-width"),
        ("f", "\ufb01", "ligatures"),
        ("\u00b5", "\u03bc", "micro"),
    ],
)
def test_marks_that_look_alike_are_found_with_the_rarer_ones(usual: str, other: str, said: str) -> None:
    finding = only(found([usual, usual, usual, other]), LOOK_ALIKES)
    assert said in finding.reason
    assert finding.places == (Place("train", "train3"),)


def test_dashes_of_several_lengths_are_a_note() -> None:
    assert only(found(["a-b", "a-b", "a – b"]), SIMILAR_MARKS).places == (Place("train", "train2"),)


@pytest.mark.parametrize(
    ("text", "letter", "twin"),
    [
        ("ехample", "CYRILLIC SMALL LETTER IE", "LATIN SMALL LETTER E"),
        ("wοrd", "GREEK SMALL LETTER OMICRON", "LATIN SMALL LETTER O"),
    ],
)
def test_a_letter_of_another_script_within_a_word_is_found(text: str, letter: str, twin: str) -> None:
    findings = found(["word and example", text])
    assert {finding.kind for finding in findings} == {LOOK_ALIKES}
    assert any(letter in finding.reason and twin in finding.reason for finding in findings)
    assert {finding.places for finding in findings} == {(Place("train", "train1"),)}


def test_a_latin_letter_in_a_cyrillic_word_is_found() -> None:
    finding = only(found(["молоко и хлеб", "молоко и xлеб", "молоко"]), LOOK_ALIKES)
    assert finding.places == (Place("train", "train1"),)
    assert "LATIN SMALL LETTER X" in finding.reason
    assert "CYRILLIC SMALL LETTER HA" in finding.reason


def test_a_word_of_twins_alone_is_found_where_nobody_writes_that_script() -> None:
    finding = only(found(["a cat", "а cat"]), LOOK_ALIKES)
    assert finding.places == (Place("train", "train1"),)


def test_a_word_of_twins_is_nothing_odd_where_its_script_is_written() -> None:
    assert found(["a cat and a dog", "а это кот, он тут"]) == []


def test_a_character_written_in_two_ways_is_found_with_the_rarer_way() -> None:
    finding = only(found(["caf\u00e9", "th\u00e9", "cafe\u0301"]), MIXED_UNICODE)
    assert finding.places == (Place("train", "train2"),)
    assert "'é' 3 times, of them 1 as U+0065 U+0301, learnt as one (NFC)" in finding.reason


def test_rules_are_applied_before_texts_are_looked_at() -> None:
    rules = (RuleConfig(pattern="\u200b", replacement=""),)
    assert found(["a\u200bb"], config=TextConfig(rare_below=1, rules=rules)) == []
