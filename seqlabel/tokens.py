"""The token table: what a model can write, and the ids it writes it with."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Literal

import msgspec

from seqlabel.characters import UnicodeForm, code_points, graphemes, in_form
from seqlabel.errors import TokenError
from seqlabel.reading_order import BaseDirection, ReadingOrder, logical_atoms, visual

BLANK = 0
"""The id of CTC's blank. The only place where it is said; everything else imports it."""

BLANK_NAME = "<blank>"

TokenUnit = Literal["character", "grapheme", "word"]


class TokenTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """Tokens and their ids: a token's id is its place in `tokens`.

    `msgspec.json.encode` and `msgspec.json.decode(..., type=TokenTable)` carry it as
    `{"tokens": ["<blank>", " ", "a"], "unit": "character"}`.

    Attributes:
        tokens: the blank first (id `BLANK`), then the tokens that texts are made of, each once.
        unit: what a token is in a text: one Unicode character (the space is a token like any other), one
            grapheme, that is a character with its marks, or one of the words (phones, digits by name) between
            white space.
        unicode_form: the normalisation form of the tokens, and of texts before they are split; None for
            texts as they are.
        reading_order: in which tokens stand in what a network emits: that of the text, or `visual`, from left
            to right on the paper.
        base_direction: of the lines, where the order is visual.

    Raises:
        TokenError: `tokens` does not begin with the blank, or holds a token twice, or one that no
            text can have; or the order is visual and tokens are words.

    Example:
        >>> table = TokenTable.from_texts(["ab a"])
        >>> table.tokens, table.encode("ba"), table.decode([3, 2])
        (('<blank>', ' ', 'a', 'b'), [3, 2], 'ba')
    """

    tokens: tuple[str, ...]
    unit: TokenUnit = "character"
    unicode_form: UnicodeForm | None = "NFC"
    reading_order: ReadingOrder = "logical"
    base_direction: BaseDirection = "auto"

    def __post_init__(self) -> None:
        if self.reading_order == "visual" and self.unit == "word":
            raise TokenError(
                "token table: words have no visual order; take characters or graphemes, or the logical order"
            )
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
                kind = f"one {self.unit}{f' in {self.unicode_form}' if self.unicode_form else ''}"
                if self.unit == "word":
                    kind = "one word without white space"
                raise TokenError(f"token table: id {id_} is {token!r}, expected {kind}")

    @classmethod
    def from_texts(
        cls,
        texts: Iterable[str],
        unit: TokenUnit = "character",
        unicode_form: UnicodeForm | None = "NFC",
        reading_order: ReadingOrder = "logical",
        base_direction: BaseDirection = "auto",
    ) -> "TokenTable":
        """The table of every token in `texts`, in the order of their code points."""
        empty = cls((BLANK_NAME,), unit, unicode_form, reading_order, base_direction)
        found: set[str] = set()
        for text in texts:
            found.update(empty.split(text))
        # A word spelt like the blank would get the blank's id; __post_init__ refuses it by name.
        return msgspec.structs.replace(empty, tokens=(BLANK_NAME, *sorted(found)))

    def __len__(self) -> int:
        """The number of classes of a model's output, the blank included."""
        return len(self.tokens)

    def split(self, text: str) -> list[str]:
        """The tokens of `text` in the order in which a network emits them, known or not."""
        text = in_form(text, self.unicode_form)
        return self._split(visual(text, self.base_direction) if self.reading_order == "visual" else text)

    def encode(self, text: str) -> list[int]:
        """The ids of `text`, which is brought into the form of the table first.

        Raises:
            TokenError: the text has a token that is not in the table.
        """
        ids = self._ids
        try:
            return [ids[token] for token in self.split(text)]
        except KeyError as error:
            token = error.args[0]
            raise TokenError(
                f"text has {describe_token(token)}, which is not in the token table "
                f"of {len(self) - 1} tokens; rebuild the table from texts that have it, or correct the text"
            ) from None

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`, from which blanks and repeats have already been taken out, in the order of reading.

        Raises:
            TokenError: an id is the blank or outside the table.
        """
        for id_ in ids:
            if not BLANK < id_ < len(self.tokens):
                raise TokenError(f"found token id {id_}, expected 1 to {len(self) - 1} (0 is the blank)")
        return self.joined(text for text, _ in self.as_read([self.tokens[id_] for id_ in ids]))

    def joined(self, parts: Iterable[str]) -> str:
        """The text that tokens make up."""
        return (" " if self.unit == "word" else "").join(parts)

    def as_read(self, emitted: Sequence[str]) -> list[tuple[str, int]]:
        """The tokens that a network emits in the order in which they are read, each with its place among them.

        A bracket of text from right to left is the other one here: `)` as it looks is `(` as it is stored.

        Example:
            >>> table = TokenTable.from_texts(["(\u05d0)"], reading_order="visual")
            >>> [place for _, place in table.as_read(table.split("(\u05d0)"))]
            [2, 1, 0]
        """
        if self.reading_order == "logical":
            return [(token, place) for place, token in enumerate(emitted)]
        # Where tokens are characters, marks stay behind their base.
        atoms = list(emitted) if self.unit == "grapheme" else graphemes("".join(emitted))
        first = [0]
        for atom in atoms:
            first.append(first[-1] + (1 if self.unit == "grapheme" else len(atom)))
        return [
            (token, first[place] + offset)
            for atom, place in logical_atoms(atoms, self.base_direction)
            for offset, token in enumerate([atom] if self.unit == "grapheme" else atom)
        ]

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {token: id_ for id_, token in enumerate(self.tokens) if id_ != BLANK}

    def _split(self, text: str) -> list[str]:
        text = in_form(text, self.unicode_form)
        if self.unit == "word":
            return text.split()
        return list(text) if self.unit == "character" else graphemes(text)


def describe_token(token: str) -> str:
    """A token as messages name it: `'é' (U+00E9)` for a character or grapheme, `'ah0'` for a word."""
    return f"{token!r} ({code_points(token)})" if len(graphemes(token)) == 1 else repr(token)
