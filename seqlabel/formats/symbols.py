"""Texts as input: the phonemes of a word, the letters of a line, or whatever symbols are to be labelled."""

import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Literal

from seqlabel.errors import FormatError
from seqlabel.formats.files import decode_text, read_bytes
from seqlabel.records import Symbols

SYMBOL_SUFFIXES = frozenset({".txt"})

SymbolUnit = Literal["character", "word"]


def read_symbols(path: Path, unit: SymbolUnit = "word") -> Symbols:
    """Returns the symbols of one line of a UTF-8 text file, in Unicode's NFC.

    `words.txt:17` is the 17th line of `words.txt`; a bare `.txt` must hold exactly one line.

    Args:
        path: the file, or the file and the number of the line, from 1.
        unit: a symbol is a character, or a word between white space.

    Raises:
        FormatError: no such file or line, several lines where one is meant, no symbol in it, or not UTF-8.
    """
    match = re.fullmatch(r"(.+):([0-9]{1,9})", str(path), re.DOTALL)
    file, number = (Path(match[1]), int(match[2])) if match else (path, None)
    try:
        changed = file.stat().st_mtime_ns
    except (OSError, ValueError):
        changed = 0  # reading it says what is wrong
    lines = _lines(file, changed)
    if number is None and len(lines) != 1:
        raise FormatError(
            f"{file}: has {len(lines)} lines; expected one, or the number of one: {file.name}:17"
        )
    if number is not None and not 1 <= number <= len(lines):
        raise FormatError(f"{path}: there is no line {number}; expected 1 to {len(lines)}")
    line = lines[(number or 1) - 1]
    names = tuple(line) if unit == "character" else tuple(line.split())
    if not names:
        raise FormatError(f"{path}: the line is empty; expected symbols, or leave the example out")
    return Symbols(names)


@lru_cache(maxsize=8)
def _lines(file: Path, changed: int) -> tuple[str, ...]:
    """The lines of a file as it was at a time: a manifest names each of them in its turn."""
    expected = "a text file with a line of symbols (.txt, or .txt:line)"
    return tuple(
        unicodedata.normalize("NFC", decode_text(file, read_bytes(file, expected), expected)).splitlines()
    )
