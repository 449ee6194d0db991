"""Characters as Unicode has them: forms of writing the same one, what belongs together, and names."""

import unicodedata
from typing import Literal

import regex

UnicodeForm = Literal["NFC", "NFD"]
"""Normalisation forms: composed where there is such a code point, or base and marks apart (UAX #15)."""

_CLUSTER = regex.compile(r"\X")


def in_form(text: str, form: UnicodeForm | None) -> str:
    """Returns the text in a normalisation form; as it is for None."""
    return text if form is None else unicodedata.normalize(form, text)


def graphemes(text: str) -> list[str]:
    r"""Returns the extended grapheme clusters of a text (UAX #29): what readers take for one character.

    Example:
        >>> graphemes("e\u0301a") == ["e\u0301", "a"]
        True
    """
    return list(text) if text.isascii() and "\r" not in text else _CLUSTER.findall(text)


def describe_character(text: str) -> str:
    r"""Returns a character with its code points, and its name where it has one.

    Example:
        >>> describe_character("\u00e9")
        "'é' (U+00E9, LATIN SMALL LETTER E WITH ACUTE)"
    """
    name = unicodedata.name(text, "").partition(" (")[0] if len(text) == 1 else ""
    return f"{text!r} ({code_points(text)}{', ' if name else ''}{name})"


def code_points(text: str) -> str:
    """Returns the code points of a text as people write them: `U+0065 U+0301`."""
    return " ".join(f"U+{ord(character):04X}" for character in text)
