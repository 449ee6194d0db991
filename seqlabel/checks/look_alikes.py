# ruff: noqa: RUF001 (these letters are meant to be ambiguous)
"""Characters that look alike: quotes and dashes of several kinds, Latin, Greek and Cyrillic letters of one shape.

Shapes after Unicode Technical Standard #39 (confusables), of it what stands upright in print and in plain handwriting.
"""

from typing import Literal

Script = Literal["Latin", "Greek", "Cyrillic"]

# The letters of Latin, Greek, Cyrillic; a dot where a script has none of that shape.
# fmt: off
_SHAPES = (
    "AΑА", "BΒВ", "EΕЕ", "ZΖ.", "HΗН", "IΙІ", "KΚК", "MΜМ", "NΝ.",
    "OΟО", "PΡР", "TΤТ", "XΧХ", "YΥ.", "C.С", "J.Ј", "S.Ѕ", "Q.Ԛ",
    "W.Ԝ", ".ΓГ", ".ΠП", ".ΦФ", ".ΛЛ", "a.а", "c.с", "e.е", "i.і",
    "j.ј", "oοо", "p.р", "s.ѕ", "vν.", "x.х", "y.у", "h.һ", "d.ԁ",
    "q.ԛ", "w.ԝ", "uυ.", "ÏΪЇ", "ï.ї", "Ë.Ё", "ë.ё", ".κк", ".πп",
    ".φф", "æ.ӕ", "Æ.Ӕ",
)
# fmt: on

_COLUMNS: tuple[Script, ...] = ("Latin", "Greek", "Cyrillic")
SCRIPT_OF: dict[str, Script] = {
    letter: script
    for shape in _SHAPES
    for letter, script in zip(shape, _COLUMNS, strict=True)
    if letter != "."
}
"""The script of each letter that has a twin in another."""

TWINS: dict[str, dict[Script, str]] = {
    letter: {
        SCRIPT_OF[other]: other for other in shape if other != "." and SCRIPT_OF[other] != SCRIPT_OF[letter]
    }
    for shape in _SHAPES
    for letter in shape
    if letter != "."
}
"""For each of these letters, those of the other scripts that look like it."""

_FULL_WIDTH = {chr(code): "full-width" for code in range(0xFF01, 0xFF5F)}
_ASCII = {chr(code): "ASCII" for code in range(0x21, 0x7F)}


def _family(**members: str) -> dict[str, str]:
    return {
        character: name.replace("_", " ") for name, characters in members.items() for character in characters
    }


EQUAL_MARKS: dict[str, dict[str, str]] = {
    "apostrophes and single quotes": _family(
        straight="'",
        curly="\u2018\u2019\u201a\u201b",
        modifier_letter="\u02bc\u02b9",
        accent="`\u00b4",
        prime="\u2032",
    ),
    "double quotes": _family(straight='"', curly="\u201c\u201d\u201e\u201f", double_prime="\u2033"),
    "hyphens": _family(
        hyphen_minus="-", hyphen="\u2010", no_break_hyphen="\u2011", minus="\u2212", hyphen_bullet="\u2043"
    ),
    "long dashes": _family(em_dash="\u2014", horizontal_bar="\u2015", two_em_dash="\u2e3a"),
    "middle dots": _family(middle_dot="\u00b7", bullet_operator="\u2219", hyphenation_point="\u2027"),
    "micro signs": _family(micro_sign="\u00b5", Greek_mu="\u03bc"),
    "degree signs": _family(degree="\u00b0", ring="\u02da", masculine_ordinal="\u00ba"),
    "widths": {**_FULL_WIDTH, **_ASCII},
    "ligatures": {**dict.fromkeys("\ufb00\ufb01\ufb02\ufb03\ufb04", "ligatures"), "f": "letters"},
}
"""Families of characters that a reader cannot tell apart, or hardly: of each member, its class."""

SIMILAR: dict[str, dict[str, str]] = {
    "dashes": _family(hyphen="-\u2010\u2011\u2212", en_dash="\u2013", em_dash="\u2014\u2015"),
}
"""Families that do look different, but are often mixed up in transcribing."""
