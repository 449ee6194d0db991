"""What may be made alike in reference and hypothesis before errors are counted: each rule by name, none by default.

Rates after different rules cannot be compared, so that a result always names its rules and stands beside the raw one.
"""

import unicodedata
from collections.abc import Callable, Sequence

from seqlabel.errors import ConfigError

_APOSTROPHES = frozenset("'\u2019\u02bc")


def normalise(text: str, rules: Sequence[str]) -> str:
    """Returns a text after the named rules, in NFC; the order in which they are named does not matter.

    Example:
        >>> normalise("«L'été, dit-il…", ("case", "punctuation"))
        "l'été dit il"

    Raises:
        ConfigError: there is no rule of such a name.
    """
    text = unicodedata.normalize("NFC", text)
    for name, rule in RULES.items():
        if name in rules:
            text = unicodedata.normalize("NFC", rule(text))
    if unknown := [name for name in rules if name not in RULES]:
        raise ConfigError(f"no rule {unknown[0]!r} for scoring; expected some of {', '.join(RULES)}")
    return text


def parse_rules(names: str) -> tuple[str, ...]:
    """Returns the rules of a list with commas, in the order in which they apply.

    Raises:
        ConfigError: there is no rule of such a name, or none at all.
    """
    found = [name.strip() for name in names.split(",") if name.strip()]
    normalise("", found)
    if not found:
        raise ConfigError(f"no rules for scoring in {names!r}; expected some of {', '.join(RULES)}")
    return tuple(name for name in RULES if name in found)


def _compatible(text: str) -> str:
    """Ligatures, full-width and superior characters as plain ones: NFKC (UAX #15)."""
    return unicodedata.normalize("NFKC", text)


def _without_case(text: str) -> str:
    return text.casefold()


def _without_accents(text: str) -> str:
    """Without the marks that NFD takes off a character."""
    apart = unicodedata.normalize("NFD", text)
    return "".join(character for character in apart if unicodedata.category(character) != "Mn")


def _plain_numerals(text: str) -> str:
    """Decimal digits of every script as 0 to 9; numbers in words stay as they are."""
    return "".join(
        str(unicodedata.decimal(character)) if unicodedata.category(character) == "Nd" else character
        for character in text
    )


def _without_punctuation(text: str) -> str:
    """A space for all punctuation (Unicode's P), but an apostrophe inside a word stays; spaces as by `_one_space`."""
    kept = []
    for place, character in enumerate(text):
        inside = text[max(place - 1, 0) : place] + text[place + 1 : place + 2]
        if character in _APOSTROPHES and len(inside) == 2 and all(map(_is_of_word, inside)):
            kept.append("'")
        elif unicodedata.category(character).startswith("P"):
            kept.append(" ")
        else:
            kept.append(character)
    return _one_space("".join(kept))


def _one_space(text: str) -> str:
    return " ".join(text.split())


def _is_of_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"


RULES: dict[str, Callable[[str], str]] = {
    "compatibility": _compatible,
    "case": _without_case,
    "accents": _without_accents,
    "numerals": _plain_numerals,
    "punctuation": _without_punctuation,
    "spaces": _one_space,
}
"""The rules, in the order in which they apply."""
RULES_IN_WORDS = {
    "compatibility": "Unicode's compatible forms are one (NFKC): ligatures, full-width letters",
    "case": "capital and small letters are one",
    "accents": "letters with and without marks are one",
    "numerals": "digits of every script are 0 to 9",
    "punctuation": "punctuation is a space, but for apostrophes inside words",
    "spaces": "white space is one space, and none at the ends",
}
"""What each does, for people."""
