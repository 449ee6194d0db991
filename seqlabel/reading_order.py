"""The order in which text stands on paper, and the order in which it is read and stored.

Sources: Unicode Standard Annex #9, "Unicode bidirectional algorithm". Its weak, neutral and implicit types are
resolved by python-bidi; paired brackets (rule N0), which came later, are resolved here.
"""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

import regex

from seqlabel.characters import graphemes

ReadingOrder = Literal["logical", "visual"]
"""As stored and read aloud, or as it stands on the line from left to right."""
BaseDirection = Literal["auto", "L", "R"]
"""Of the line that text stands in: left to right, right to left, or that of its first letter."""

FORMATTING = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that say the direction and leave no ink: marks, embeddings, overrides and isolates."""

_RIGHT_TO_LEFT = regex.compile(r"[\p{bc=R}\p{bc=AL}\p{bc=AN}\p{bc=RLE}\p{bc=RLO}\p{bc=RLI}\p{bc=FSI}]")
_ISOLATES = {"\u2066": "\u202a", "\u2067": "\u202b", "\u2068": "\u202a", "\u2069": "\u202c"}
_MOST_BRACKETS = 63
_MOST_ROUNDS = 8


def visual(text: str, base: BaseDirection = "auto") -> str:
    """Returns the characters of a line from left to right; brackets as they look.

    Marks stay behind their base. Characters that only say the direction are obeyed and left out. A line without any
    character that runs from right to left stays as it is, whatever the base direction.

    Example:
        >>> visual("(\u05d0\u05d1) 12 abc") == "abc 12 (\u05d1\u05d0)"
        True
    """
    if not _RIGHT_TO_LEFT.search(text):
        return _without_formatting(text)
    atoms = graphemes(text)
    levels = _levels(atoms, _base_level(atoms, base))
    shown = [mirrored(atoms[place]) if levels[place] % 2 else atoms[place] for place in _order(levels)]
    return _without_formatting("".join(shown))


def logical(text: str, base: BaseDirection = "auto") -> str:
    """Returns a text of which `visual` makes this line, in the order in which it is read.

    Several texts may look alike on paper (`12 abc` and `abc 12` in a line from right to left): then a number belongs
    to the Latin words to its left, and without a base direction the line runs as most of its letters do. Where no
    text looks like the line, as a network may write it, the nearest is returned.
    """
    atoms = graphemes(text)
    return "".join(atom for atom, _ in logical_atoms(atoms, base))


def logical_atoms(atoms: Sequence[str], base: BaseDirection = "auto") -> list[tuple[str, int]]:
    """Returns the parts of a line, from left to right, in the order in which they are read, each with its place.

    Args:
        atoms: clusters of characters that stay together.
        base: direction of the line.
    """
    if not _RIGHT_TO_LEFT.search("".join(atoms)):
        return [(atom, place) for place, atom in enumerate(atoms)]
    return list(_logical_atoms(tuple(atoms), base))


@lru_cache(maxsize=4096)
def _logical_atoms(atoms: tuple[str, ...], base: BaseDirection) -> tuple[tuple[str, int], ...]:
    if base != "auto":
        return tuple(_inverse(atoms, int(base == "R"))[0])
    classes = [_class(atom) for atom in atoms]
    is_right = 2 * sum(kind in ("R", "AL") for kind in classes) >= sum(
        kind in ("R", "AL", "L") for kind in classes
    )
    candidates = [_inverse(atoms, level) for level in ((1, 0) if is_right else (0, 1))]
    for level, (found, is_exact) in zip((1, 0) if is_right else (0, 1), candidates, strict=True):
        if is_exact and _base_level([atom for atom, _ in found], "auto") == level:
            return tuple(found)
    return tuple(candidates[0][0])


def runs_from_right(text: str) -> bool:
    """Returns whether a text runs from right to left: whether its first letter does."""
    return bool(_RIGHT_TO_LEFT.search(text)) and _base_level(graphemes(text), "auto") == 1


def mirrored(text: str) -> str:
    """Returns what a character, its marks included, looks like in text from right to left: `)` for `(`."""
    from bidi.mirror import MIRRORED

    first = text[0]
    return MIRRORED.get(first, first) + text[1:] if unicodedata.mirrored(first) else text


def _inverse(atoms: Sequence[str], base_level: int) -> tuple[list[tuple[str, int]], bool]:
    """Returns a reading of the line, and whether it looks like the line.

    The levels that the line would have if it were read from left to right, or from right to left, are taken for the
    true ones; then those of the text that results, until text and levels agree.
    """
    starts = [
        _levels(atoms, base_level),
        _levels([mirrored(atom) for atom in atoms[::-1]], base_level)[::-1],
    ]
    first: list[tuple[str, int]] | None = None
    for start in starts:
        levels = start
        for _ in range(_MOST_ROUNDS):
            order = _inverse_order(levels)
            found = [
                (mirrored(atoms[place]) if levels[place] % 2 else atoms[place], place) for place in order
            ]
            first = first or found
            true = _levels([atom for atom, _ in found], base_level)
            back = _order(true)
            seen = [mirrored(found[place][0]) if true[place] % 2 else found[place][0] for place in back]
            if seen == list(atoms):
                # The text is what counts, also where equal parts have changed places.
                return [(found[place][0], position) for place, position in _placed(back)], True
            following = [true[place] for place in back]
            if following == levels:
                break
            levels = following
    return first or [], False


def _placed(order: Sequence[int]) -> list[tuple[int, int]]:
    """Returns the places of a text in its order, each with where it stands on the line."""
    return sorted((place, position) for position, place in enumerate(order))


def _without_formatting(text: str) -> str:
    return text if FORMATTING.isdisjoint(text) else "".join(c for c in text if c not in FORMATTING)


def _class(atom: str) -> str:
    """Returns the bidirectional class of a cluster, which is that of its first character."""
    found = unicodedata.bidirectional(_ISOLATES.get(atom[0], atom[0]))
    # Line ends within a line, and code points that nobody has assigned.
    return {"B": "WS", "": "L"}.get(found, found)


def _base_level(atoms: Sequence[str], base: BaseDirection) -> int:
    if base != "auto":
        return int(base == "R")
    return next((int(kind != "L") for kind in map(_class, atoms) if kind in ("L", "R", "AL")), 0)


def _levels(atoms: Sequence[str], base_level: int) -> list[int]:
    """Returns the embedding level of each cluster: even from left to right, odd from right to left."""
    from bidi import algorithm

    storage: dict[str, Any] = algorithm.get_empty_storage()
    storage["base_level"] = base_level
    for place, atom in enumerate(atoms):
        kind = _class(atom)
        storage["chars"].append({"ch": atom, "level": base_level, "type": kind, "orig": kind, "place": place})
    algorithm.explicit_embed_and_overrides(storage)
    algorithm.resolve_weak_types(storage)
    for run in storage["runs"]:
        _resolve_brackets(storage["chars"][run["start"] : run["start"] + run["length"]], run["sor"])
    algorithm.resolve_neutral_types(storage, False)
    algorithm.resolve_implicit_levels(storage, False)
    levels: list[int | None] = [None] * len(atoms)
    is_end = True
    for character in reversed(storage["chars"]):  # rule L1
        is_end = character["orig"] == "S" or (is_end and character["orig"] == "WS")
        levels[character["place"]] = base_level if is_end else character["level"]
    # What has no direction of its own (joiners, hyphenation marks, embeddings) goes with what stands before it.
    found: list[int] = []
    for level in levels:
        found.append(level if level is not None else found[-1] if found else base_level)
    return found


def _resolve_brackets(characters: Sequence[dict[str, Any]], before: str) -> None:
    """Gives brackets that belong together one direction (rule N0), in place."""
    pairs = _bracket_pairs(characters)
    for opening, closing in pairs:
        embedding = "LR"[characters[opening]["level"] % 2]
        inside = {_strong(character["type"]) for character in characters[opening + 1 : closing]}
        if embedding in inside:
            direction = embedding
        elif inside & {"L", "R"}:
            strong = (_strong(character["type"]) for character in reversed(characters[:opening]))
            context = next((kind for kind in strong if kind), before)
            direction = context
        else:
            continue
        characters[opening]["type"] = characters[closing]["type"] = direction


def _bracket_pairs(characters: Sequence[dict[str, Any]]) -> list[tuple[int, int]]:
    """Returns the places of brackets that belong together, in the order of the opening ones (BD16)."""
    waiting: list[tuple[str, int]] = []
    pairs: list[tuple[int, int]] = []
    for place, character in enumerate(characters):
        text = unicodedata.normalize("NFC", character["ch"][0])
        if character["type"] != "ON" or not unicodedata.mirrored(text):
            continue
        category = unicodedata.category(text)
        if category == "Ps":
            if len(waiting) == _MOST_BRACKETS:
                break
            waiting.append((mirrored(text), place))
        elif category == "Pe":
            for depth in range(len(waiting) - 1, -1, -1):
                if waiting[depth][0] == text:
                    pairs.append((waiting[depth][1], place))
                    del waiting[depth:]
                    break
    return sorted(pairs)


def _strong(kind: str) -> str | None:
    return "R" if kind in ("R", "EN", "AN") else "L" if kind == "L" else None


def _order(levels: Sequence[int]) -> list[int]:
    """Returns which part stands at each place of the line, from left to right (rule L2)."""
    order = list(range(len(levels)))
    shown = list(levels)
    for level in range(max(levels, default=0), 0, -1):
        for start, end in _runs(shown, level):
            order[start:end] = order[start:end][::-1]
            shown[start:end] = shown[start:end][::-1]
    return order


def _inverse_order(levels: Sequence[int]) -> list[int]:
    """Returns which place of the line each part comes from, for levels that stand as on the line: L2 undone."""
    order = list(range(len(levels)))
    shown = list(levels)
    for level in range(1, max(levels, default=0) + 1):
        for start, end in _runs(shown, level):
            order[start:end] = order[start:end][::-1]
            shown[start:end] = shown[start:end][::-1]
    return order


def _runs(levels: Sequence[int], least: int) -> list[tuple[int, int]]:
    """Returns the stretches whose levels are not below `least`, ends not included."""
    edges = [place for place, (a, b) in enumerate(pairwise([0, *levels, 0])) if (a >= least) != (b >= least)]
    return list(zip(edges[::2], edges[1::2], strict=True))
