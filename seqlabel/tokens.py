"""The token table: what a model can write, and the ids it writes it with."""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Literal

import msgspec

from seqlabel.errors import TokenError

BLANK = 0
"""The id of CTC's blank. The only place where it is said; everything else imports it."""

BLANK_NAME = "<blank>"

TokenUnit = Literal["character", "word"]


class TokenTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """Tokens and their ids: a token's id is its place in `tokens`.

    `msgspec.json.encode` and `msgspec.json.decode(..., type=TokenTable)` carry it as
    `{"tokens": ["<blank>", " ", "a"], "unit": "character"}`.

    Attributes:
        tokens: the blank first (id `BLANK`), then the tokens that texts are made of, each once.
        unit: what a token is in a text: one Unicode character in NFC (the space is a token like any
            other), or one of the words (phones, digits by name) between white space.

    Raises:
        TokenError: `tokens` does not begin with the blank, or holds a token twice, or one that no
            text can have.

    Example:
        >>> table = TokenTable.from_texts(["ab a"])
        >>> table.tokens, table.encode("ba"), table.decode([3, 2])
        (('<blank>', ' ', 'a', 'b'), [3, 2], 'ba')
    """

    tokens: tuple[str, ...]
    unit: TokenUnit = "character"

    def __post_init__(self) -> None:
        if not self.tokens or self.tokens[BLANK] != BLANK_NAME:
            found = repr(self.tokens[BLANK]) if self.tokens else "nothing"
            raise TokenError(
                f"token table: found {found} at id {BLANK}, expected the blank, {BLANK_NAME!r}; "
                "build the table with TokenTable.from_texts"
            )
        seen: set[str] = set()
        for id_, token in enumerate(self.tokens):
            if token in seen:
                raise TokenError(
                    f"token table: token {token!r} stands there twice (again at id {id_}); keep one"
                )
            seen.add(token)
            if id_ != BLANK and self._split(token) != [token]:
                kind = "one character in NFC" if self.unit == "character" else "one word without white space"
                raise TokenError(f"token table: id {id_} is {token!r}, expected {kind}")

    @classmethod
    def from_texts(cls, texts: Iterable[str], unit: TokenUnit = "character") -> "TokenTable":
        """The table of every token in `texts`, in the order of their code points."""
        found: set[str] = set()
        for text in texts:
            found.update(_split(text, unit))
        # A word spelt like the blank would get the blank's id; __post_init__ refuses it by name.
        return cls(tokens=(BLANK_NAME, *sorted(found)), unit=unit)

    def __len__(self) -> int:
        """The number of classes of a model's output, the blank included."""
        return len(self.tokens)

    def encode(self, text: str) -> list[int]:
        """The ids of `text`, which is brought into NFC first.

        Raises:
            TokenError: the text has a token that is not in the table.
        """
        ids = self._ids
        try:
            return [ids[token] for token in self._split(text)]
        except KeyError as error:
            token = error.args[0]
            raise TokenError(
                f"text has {describe_token(token)}, which is not in the token table "
                f"of {len(self) - 1} tokens; rebuild the table from texts that have it, or correct the text"
            ) from None

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`, from which blanks and repeats have already been taken out.

        Raises:
            TokenError: an id is the blank or outside the table.
        """
        for id_ in ids:
            if not BLANK < id_ < len(self.tokens):
                raise TokenError(f"found token id {id_}, expected 1 to {len(self) - 1} (0 is the blank)")
        separator = "" if self.unit == "character" else " "
        return separator.join(self.tokens[id_] for id_ in ids)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {token: id_ for id_, token in enumerate(self.tokens) if id_ != BLANK}

    def _split(self, text: str) -> list[str]:
        return _split(text, self.unit)


def describe_token(token: str) -> str:
    """A token as messages name it: `'é' (U+00E9)` for one character, `'ah0'` for a word."""
    return f"{token!r} (U+{ord(token):04X})" if len(token) == 1 else repr(token)


def _split(text: str, unit: TokenUnit) -> list[str]:
    text = unicodedata.normalize("NFC", text)
    return list(text) if unit == "character" else text.split()
