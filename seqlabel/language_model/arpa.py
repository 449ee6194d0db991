r"""ARPA files, the format in which n-gram models travel.

Format: SRILM's ngram-format(5). Base-ten logarithms; `\\data\\`, a section `\\k-grams:` for each order, `\\end\\`.
"""

import gzip
import os
import zlib
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, no_type_check

import numpy as np

from seqlabel.compiled import compiled
from seqlabel.errors import FormatError
from seqlabel.input_files import MAX_ARPA_BYTES, open_input, read_gzipped, refuse_larger
from seqlabel.language_model.automaton import Ngrams
from seqlabel.language_model.ngram import MAX_ORDER, NgramModel, sorted_orders
from seqlabel.whole_files import whole_file

LN_10 = float(np.log(10.0))
LEAST = -99.0
"""What is written for the logarithm of zero."""
_LEAST, _MOST_BACKOFF = -100.0, 100.0
_TAB, _NEWLINE, _RETURN, _SPACE = 9, 10, 13, 32
_FINE, _NO_NUMBER, _TOO_FEW_WORDS, _TOO_MANY_WORDS, _NEW_WORD, _NO_LINE, _ZERO_UP = range(7)
_REASONS = {
    _NO_NUMBER: "expected a number, the base-ten logarithm of a probability",
    _TOO_FEW_WORDS: "has fewer words than the section's order",
    _TOO_MANY_WORDS: "has more on it than the section's order and a back-off weight",
    _NEW_WORD: "has a word that is not among the 1-grams",
    _NO_LINE: "the section ends before it has as many n-grams as the header says",
    _ZERO_UP: "has a probability above one",
}


def read_arpa(path: Path) -> NgramModel:
    """Returns the model of an ARPA file, gzipped or not.

    Raises:
        FormatError: no such file, or not a whole ARPA file; the message has the line and the reason.
    """
    data = _read_bytes(path)
    counts, position = _header(path, data)
    table = np.full(1 << max(4, int(2 * counts[0] + 4).bit_length()), -1, np.int64)
    word_begin = np.zeros(counts[0], np.int64)
    word_length = np.zeros(counts[0], np.int32)
    sections = []
    for order, count in enumerate(counts, 1):
        position = _section(path, data, position, order)
        words = np.empty((count, order), np.int32)
        log_probs = np.empty(count, np.float32)
        backoffs = np.zeros(count, np.float32)
        is_last = order == len(counts)
        code, position = _parse(
            data, position, order, is_last, table, word_begin, word_length, words, log_probs, backoffs
        )
        if code != _FINE:
            raise _broken(path, data, position, _REASONS[code])
        sections.append((words, log_probs * np.float32(LN_10), backoffs * np.float32(LN_10)))
    rest = bytes(data[position : position + 4096]).lstrip()
    if not rest.startswith(b"\\end\\"):
        found = rest.split(b"\n", 1)[0].decode("utf-8", "replace")[:60]
        raise _broken(
            path,
            data,
            position,
            f"expected \\end\\, found {found!r}" if found else "it breaks off before \\end\\",
        )
    spans = zip(word_begin.tolist(), word_length.tolist(), strict=True)
    try:
        vocabulary = [bytes(data[begin : begin + length]).decode() for begin, length in spans]
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: its words are not UTF-8 ({error.reason}); convert the file") from error
    twice, count = Counter(vocabulary).most_common(1)[0]
    if count > 1:
        raise FormatError(f"{path}: the word {twice!r} stands twice among the 1-grams; keep one")
    del data, table
    try:
        return NgramModel.from_orders(vocabulary, sorted_orders(sections, vocabulary))
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error


def write_arpa(path: Path, model: NgramModel) -> None:
    """Writes a model as an ARPA file, gzipped where the name ends in .gz; a whole file or none."""
    place = path.resolve()  # a link stays one
    is_special = path.exists() and not path.is_file()  # a device or a pipe
    opened: Any = gzip.open if path.suffix == ".gz" else open
    with (
        nullcontext(place) if is_special else whole_file(place, is_synced=False) as written,
        opened(written, "wt", encoding="utf-8", newline="\n") as file,
    ):
        file.write("\\data\\\n")
        for order, ngrams in enumerate(model.orders, 1):
            file.write(f"ngram {order}={len(ngrams)}\n")
        names: list[str] = []
        for order, ngrams in enumerate(model.orders, 1):
            file.write(f"\n\\{order}-grams:\n")
            below, words = names, [model.words[word] for word in ngrams.word.tolist()]
            names = (
                words
                if order == 1
                else [
                    f"{below[history]} {word}"
                    for history, word in zip(ngrams.history.tolist(), words, strict=True)
                ]
            )
            file.writelines(_lines(names, ngrams))
        file.write("\n\\end\\\n")


def _lines(names: Sequence[str], ngrams: Ngrams) -> Sequence[str]:
    log_probs = np.maximum(ngrams.log_prob.astype(np.float64) / LN_10, LEAST).tolist()
    if ngrams.backoff is None:
        return [f"{log_prob:.7g}\t{name}\n" for name, log_prob in zip(names, log_probs, strict=True)]
    backoffs = np.maximum(ngrams.backoff.astype(np.float64) / LN_10, LEAST).tolist()
    return [
        f"{log_prob:.7g}\t{name}\t{backoff:.7g}\n"
        for name, log_prob, backoff in zip(names, log_probs, backoffs, strict=True)
    ]


def _read_bytes(path: Path) -> np.ndarray:
    try:
        with open_input(path) as file:
            is_zipped = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if not is_zipped:
                refuse_larger(path, os.fstat(file.fileno()).st_size, MAX_ARPA_BYTES)
                return np.fromfile(file, np.uint8)
        return np.frombuffer(read_gzipped(path, MAX_ARPA_BYTES), np.uint8)
    except FileNotFoundError as error:
        raise FormatError(f"{path}: no such file; `seqlabel lm build` makes one") from error
    except IsADirectoryError as error:
        raise FormatError(f"{path}: is a folder; give an ARPA file") from error
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise FormatError(f"{path}: cannot be read ({reason}); copy it again") from error


def _header(path: Path, data: np.ndarray) -> tuple[list[int], int]:
    """Returns the numbers of n-grams of each order, and where the header ends."""
    position, counts, is_inside = 0, list[int](), False
    while True:
        raw = bytes(data[position : position + 4096])
        if not raw:
            raise _broken(path, data, position, "expected \\data\\ and n-grams; the file breaks off")
        text = raw.split(b"\n", 1)[0]
        line = text.strip().decode("utf-8", "replace")
        if line.startswith("\\") and line != "\\data\\":
            if not counts:
                raise _broken(path, data, position, f"expected \\data\\ first, found {line[:60]!r}")
            return counts, position
        if is_inside and line:
            kind, _, number = line.removeprefix("ngram").strip().partition("=")
            if (
                not line.startswith("ngram")
                or kind.strip() != str(len(counts) + 1)
                or not number.strip().isdecimal()
            ):
                wanted = f"ngram {len(counts) + 1}=NUMBER"
                raise _broken(path, data, position, f"expected `{wanted}`, found {line[:60]!r}")
            counts.append(int(number))
            if len(counts) > MAX_ORDER:
                raise _broken(path, data, position, f"n-grams of more than {MAX_ORDER} words")
            if counts[0] == 0 or counts[-1] > len(data) // (2 * len(counts) + 1):
                raise _broken(path, data, position, f"{counts[-1]} n-grams cannot be in this file")
        is_inside = is_inside or line == "\\data\\"
        position += len(text) + 1


def _section(path: Path, data: np.ndarray, position: int, order: int) -> int:
    """Returns where the n-grams of an order begin, after their heading."""
    while True:
        raw = bytes(data[position : position + 4096])
        text = raw.split(b"\n", 1)[0]
        line = text.strip().decode("utf-8", "replace")
        if line:
            if line != f"\\{order}-grams:":
                raise _broken(path, data, position, f"expected \\{order}-grams:, found {line[:60]!r}")
            return position + len(text) + 1
        if not raw:
            raise _broken(path, data, position, f"the file breaks off before \\{order}-grams:")
        position += len(text) + 1


def _broken(path: Path, data: np.ndarray, position: int, reason: str) -> FormatError:
    line = 1 + int(np.count_nonzero(data[: max(0, position)] == _NEWLINE))
    return FormatError(f"{path}:{line}: {reason}; not a whole ARPA file")


@compiled
@no_type_check
def _parse(
    data: Any,
    position: int,
    order: int,
    is_last: bool,
    table: Any,
    word_begin: Any,
    word_length: Any,
    words: Any,
    log_probs: Any,
    backoffs: Any,
) -> tuple[int, int]:
    """Reads the n-grams of one section; returns what went wrong, and where it is or the section ends."""
    size = len(data)
    mask = len(table) - 1
    num_words = 0
    for row in range(len(words)):
        while position < size and (
            data[position] == _NEWLINE or data[position] == _RETURN or data[position] == _SPACE
        ):
            position += 1
        line = position
        if position >= size or data[position] == 92:  # a backslash
            return _NO_LINE, line
        is_fine, value, position = _number(data, position)
        if not is_fine:
            return _NO_NUMBER, line
        if value > 1e-4:
            return _ZERO_UP, line
        log_probs[row] = max(min(value, 0.0), _LEAST)
        for place in range(order):
            while position < size and (data[position] == _SPACE or data[position] == _TAB):
                position += 1
            begin = position
            key = np.uint64(14695981039346656037)
            while (
                position < size
                and data[position] != _SPACE
                and data[position] != _TAB
                and data[position] != _NEWLINE
                and data[position] != _RETURN
            ):
                key = (key ^ np.uint64(data[position])) * np.uint64(1099511628211)
                position += 1
            length = position - begin
            if length == 0:
                return _TOO_FEW_WORDS, line
            slot = np.int64((key ^ (key >> np.uint64(29))) & np.uint64(mask))
            while True:
                known = table[slot]
                if known < 0:
                    if order > 1:
                        return _NEW_WORD, line
                    table[slot] = num_words
                    word_begin[num_words] = begin
                    word_length[num_words] = length
                    known = np.int64(num_words)
                    num_words += 1
                    break
                is_same = word_length[known] == length and order > 1
                if is_same:
                    start = word_begin[known]
                    for i in range(length):
                        if data[start + i] != data[begin + i]:
                            is_same = False
                            break
                if is_same:
                    break
                slot = (slot + 1) & mask
            words[row, place] = known
        while position < size and (data[position] == _SPACE or data[position] == _TAB):
            position += 1
        if position < size and data[position] != _NEWLINE and data[position] != _RETURN:
            is_fine, value, position = _number(data, position)
            if not is_fine or value > _MOST_BACKOFF:
                return _TOO_MANY_WORDS, line
            if not is_last:
                backoffs[row] = max(value, _LEAST)
            while position < size and (
                data[position] == _SPACE or data[position] == _TAB or data[position] == _RETURN
            ):
                position += 1
            if position < size and data[position] != _NEWLINE:
                return _TOO_MANY_WORDS, line
    while position < size and (
        data[position] == _NEWLINE
        or data[position] == _RETURN
        or data[position] == _SPACE
        or data[position] == _TAB
    ):
        position += 1
    if position < size and data[position] != 92:
        return _TOO_MANY_WORDS, position
    return _FINE, position


@compiled
@no_type_check
def _number(data: Any, position: int) -> tuple[bool, float, int]:
    """Reads a decimal number, or -inf; returns whether there is one, its value and where it ends."""
    size = len(data)
    sign = 1.0
    if position < size and (data[position] == 45 or data[position] == 43):
        if data[position] == 45:
            sign = -1.0
        position += 1
    if position + 3 <= size and (data[position] | 32) == 105 and (data[position + 1] | 32) == 110:
        return sign < 0, -np.inf, position + 3
    mantissa, scale, num_digits = 0.0, 0, 0
    is_fraction = False
    while position < size:
        byte = data[position]
        if 48 <= byte <= 57:
            mantissa = mantissa * 10.0 + (byte - 48)
            scale -= is_fraction
            num_digits += 1
        elif byte == 46 and not is_fraction:
            is_fraction = True
        else:
            break
        position += 1
    if num_digits == 0:
        return False, 0.0, position
    if position < size and (data[position] | 32) == 101:
        position += 1
        exponent_sign, exponent, num_digits = 1, 0, 0
        if position < size and (data[position] == 45 or data[position] == 43):
            if data[position] == 45:
                exponent_sign = -1
            position += 1
        while position < size and 48 <= data[position] <= 57:
            exponent = min(exponent * 10 + (data[position] - 48), 9999)
            num_digits += 1
            position += 1
        if num_digits == 0:
            return False, 0.0, position
        scale += exponent_sign * exponent
    is_ended = position >= size or data[position] <= _SPACE
    if mantissa == 0.0:
        return is_ended, 0.0, position
    # Hundreds of digits are no number: infinity times zero.
    return is_ended and mantissa < np.inf, sign * mantissa * 10.0**scale, position
