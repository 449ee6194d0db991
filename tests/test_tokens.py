import unicodedata

import msgspec
import pytest

from seqlabel.errors import TokenError
from seqlabel.reading_order import visual
from seqlabel.tokens import BLANK, BLANK_NAME, TokenTable


def test_a_table_holds_the_blank_and_then_the_sorted_characters_of_its_texts() -> None:
    table = TokenTable.from_texts(["ba b", "c"])
    assert table.tokens == (BLANK_NAME, " ", "a", "b", "c")
    assert table.tokens[BLANK] == BLANK_NAME


def test_the_length_counts_the_blank() -> None:
    assert len(TokenTable.from_texts(["ab"])) == 3


def test_decoding_gives_back_the_encoded_text() -> None:
    table = TokenTable.from_texts(["il était là", "où ça"])
    assert table.decode(table.encode("là où était ça")) == "là où était ça"


def test_texts_meet_in_nfc_however_they_are_composed() -> None:
    composed, decomposed = "\u00e9", "e\u0301"
    assert TokenTable.from_texts([decomposed]) == TokenTable.from_texts([composed])
    assert TokenTable.from_texts([composed]).encode(decomposed) == [1]


def test_an_unknown_character_is_refused_by_name_and_code_point() -> None:
    with pytest.raises(TokenError, match=r"'é' \(U\+00E9\).*token table of 3 tokens"):
        TokenTable.from_texts(["abc"]).encode("abé")


def test_an_unknown_word_is_refused_by_name() -> None:
    with pytest.raises(TokenError, match="'zh'"):
        TokenTable.from_texts(["ah b"], unit="word").encode("ah zh")


def test_words_are_what_white_space_separates() -> None:
    table = TokenTable.from_texts(["sil ah  b\tah"], unit="word")
    assert table.tokens == (BLANK_NAME, "ah", "b", "sil")
    assert table.decode(table.encode(" b   ah\n")) == "b ah"


def test_an_empty_text_has_no_tokens() -> None:
    table = TokenTable.from_texts(["a"])
    assert table.encode("") == []
    assert table.decode([]) == ""


@pytest.mark.parametrize("id_", [BLANK, -1, 3])
def test_an_id_that_no_token_has_is_refused(id_: int) -> None:
    with pytest.raises(TokenError, match=f"token id {id_}, expected 1 to 2"):
        TokenTable.from_texts(["ab"]).decode([1, id_])


def test_a_table_survives_json() -> None:
    table = TokenTable.from_texts(['a "b" é\u2028'])
    assert msgspec.json.decode(msgspec.json.encode(table), type=TokenTable) == table


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ((), "found nothing at id 0"),
        (("a", "b"), "found 'a' at id 0"),
        ((BLANK_NAME, "a", "a"), "'a' stands there twice"),
        ((BLANK_NAME, "ab"), "id 1 is 'ab', expected one character"),
        ((BLANK_NAME, "a", ""), "id 2 is ''"),
        ((BLANK_NAME, "\u212b"), "expected one character in NFC"),
    ],
)
def test_a_table_that_texts_cannot_use_is_refused(tokens: tuple[str, ...], message: str) -> None:
    with pytest.raises(TokenError, match=message):
        TokenTable(tokens)


def test_a_word_with_white_space_is_refused() -> None:
    with pytest.raises(TokenError, match="expected one word"):
        TokenTable((BLANK_NAME, "a b"), unit="word")


# --- graphemes, forms and reading orders ------------------------------------------------------------------

POINTED = "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd"
"""A Hebrew word with vowel points: four graphemes of eight code points."""


def test_a_grapheme_is_one_token_with_its_marks() -> None:
    table = TokenTable.from_texts([POINTED], "grapheme")
    assert set(table.tokens[1:]) == {"\u05e9\u05b8\u05c1", "\u05dc", "\u05d5\u05b9", "\u05dd"}
    assert len(table.encode(POINTED)) == 4
    assert table.decode(table.encode(POINTED)) == POINTED
    with pytest.raises(TokenError, match=r"\(U\+05E9 U\+05C1\), which is not in the token table of 4 tokens"):
        table.encode("\u05e9\u05c1")


def test_a_table_of_graphemes_survives_json() -> None:
    table = TokenTable.from_texts([POINTED], "grapheme", "NFD", "visual", "R")
    assert msgspec.json.decode(msgspec.json.encode(table), type=TokenTable) == table


def test_a_token_of_two_graphemes_is_refused() -> None:
    with pytest.raises(TokenError, match="id 1 is 'ab', expected one grapheme in NFC"):
        TokenTable((BLANK_NAME, "ab"), "grapheme")


@pytest.mark.parametrize(("form", "tokens"), [("NFC", "é"), ("NFD", "e\u0301"), (None, "eé\u0301")])
def test_a_table_has_its_tokens_in_its_form(form: str | None, tokens: str) -> None:
    table = TokenTable.from_texts(["ée\u0301"], unicode_form=form)
    assert table.tokens == (BLANK_NAME, *tokens)
    assert table.decode(table.encode("é")) == ("é" if form is None else tokens)


@pytest.mark.parametrize("unit", ["character", "grapheme"])
@pytest.mark.parametrize("form", ["NFC", "NFD", None])
def test_tokens_in_visual_order_are_read_in_logical_order(unit: str, form: str | None) -> None:
    text = f"({POINTED}) 12 {POINTED} abc\u0301 {POINTED}!"
    table = TokenTable.from_texts([text], unit, form, "visual", "R")
    if form is not None:
        text = unicodedata.normalize(form, text)
    emitted = table.split(text)
    assert emitted[0] == "!"
    assert "".join(emitted) == visual(text, "R")
    assert table.decode(table.encode(text)) == text
    as_read = table.as_read(emitted)
    assert sorted(place for _, place in as_read) == list(range(len(emitted)))
    assert as_read[0] == ("(", len(emitted) - 1) and emitted[-1] == ")"


def test_words_have_no_visual_order() -> None:
    with pytest.raises(TokenError, match="words have no visual order"):
        TokenTable.from_texts(["a b"], "word", reading_order="visual")
