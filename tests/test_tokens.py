import msgspec
import pytest

from seqlabel.errors import TokenError
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
