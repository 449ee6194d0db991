"""What a decoder is told of the language."""

from dataclasses import dataclass
from pathlib import Path

from seqlabel.errors import FormatError
from seqlabel.input_files import MAX_LIST_BYTES, read_input
from seqlabel.language_model.ngram import NgramModel


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """A word and the tokens that make it up: itself, or its phones with spaces between them."""

    word: str
    spelling: str


@dataclass(frozen=True, slots=True)
class LanguageModels:
    """What a decoder knows of the language.

    Attributes:
        tokens: n-gram model over the tokens of the table (characters, phones, pieces of words).
        words: n-gram model over words.
        lexicon: the words that may be read, None for those of `words`; each spelt with the tokens of the table, or
            pronounced with them.
    """

    tokens: NgramModel | None = None
    words: NgramModel | None = None
    lexicon: tuple[Pronunciation, ...] | None = None


def read_lexicon(path: Path) -> tuple[Pronunciation, ...]:
    """Returns the words of a file, one a line, alone or with their phones: `word P H O N E S` (Kaldi, CMU).

    Comments of CMU (`;;;`) and the numbers of its alternatives (`word(2)`) are left out.

    Raises:
        FormatError: the file cannot be read, or a line is not like the first.
    """
    try:
        lines = read_input(path, MAX_LIST_BYTES).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: not UTF-8 ({error.reason} at byte {error.start}); convert it") from error
    except OSError as error:
        raise FormatError(f"{path}: {error.strerror or error}; name a file of words") from error
    found: list[Pronunciation] = []
    is_spelled = None
    for number, line in enumerate(lines, 1):
        word, *phones = line.split() or [""]
        if not word or word.startswith(";;;"):
            continue
        if is_spelled is None:
            is_spelled = not phones
        if is_spelled != (not phones):
            expected = "a word alone" if is_spelled else "a word and its phones"
            raise FormatError(
                f"{path}:{number}: found {line.strip()[:60]!r}, expected {expected}, as in the lines before"
            )
        if phones:
            head, _, rest = word.partition("(")
            word = head if head and rest.rstrip(")").isdigit() else word
        found.append(Pronunciation(word, " ".join(phones) if phones else word))
    if not found:
        raise FormatError(f"{path}: has no words; expected one a line")
    return tuple(dict.fromkeys(found))
