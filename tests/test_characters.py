import unicodedata

import pytest

from seqlabel.characters import code_points, describe_character, graphemes, in_form


def test_a_form_is_unicodes_own_and_none_leaves_the_text() -> None:
    text = "e\u0301\u00e9"
    assert in_form(text, "NFC") == unicodedata.normalize("NFC", text)
    assert in_form(text, "NFD") == unicodedata.normalize("NFD", text)
    assert in_form(text, None) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("ab c", ["a", "b", " ", "c"]),
        ("e\u0301a", ["e\u0301", "a"]),
        ("\u05e9\u05c1\u05b8\u05dc", ["\u05e9\u05c1\u05b8", "\u05dc"]),  # Hebrew with vowel points
        ("\u0628\u064e\u0651", ["\u0628\u064e\u0651"]),  # Arabic with its marks
        ("\u0915\u093f", ["\u0915\u093f"]),  # a spacing vowel of Devanagari
        ("\u1112\u1161\u11ab", ["\u1112\u1161\u11ab"]),  # Hangul in parts
        ("a\r\nb", ["a", "\r\n", "b"]),
    ],
)
def test_marks_belong_to_their_base(text: str, expected: list[str]) -> None:
    assert graphemes(text) == expected


def test_characters_are_named_with_their_code_points() -> None:
    assert describe_character("\u017f") == "'\u017f' (U+017F, LATIN SMALL LETTER LONG S)"
    assert describe_character("e\u0301") == "'e\u0301' (U+0065 U+0301)"
    assert describe_character("\ue000") == r"'\ue000' (U+E000)"
    assert code_points("ab") == "U+0061 U+0062"
