"""The exceptions that seqlabel raises for things a user can put right.

A message says where, what was found and what was expected, and what to do, in one line:
the command line prints it as it is and exits with 2.
"""

import unicodedata

MOST_CHARACTERS = 2000
"""Of a message; what a broken file has in place of a name can be as long as the file."""
_JOINERS = "\u200c\u200d"


class SeqlabelError(Exception):
    """Something in the user's data, files or settings is wrong; the message says what to do."""

    def __str__(self) -> str:
        """The message as one line, whatever the names and texts in it are."""
        return one_line(super().__str__())


def one_line(message: str) -> str:
    r"""Returns a message on one line, in which nothing steers the terminal, cut in the middle where it is very long.

    Controls, line ends and characters that change the direction of writing are written as escapes; the bytes of a
    path that is not UTF-8 stay what they are.

    Example:
        >>> one_line("a\nb\x1b[31m")
        'a\\nb\\x1b[31m'
    """
    if len(message) > MOST_CHARACTERS:
        half = MOST_CHARACTERS // 2
        num_left_out = len(message) - 2 * half
        message = f"{message[:half]} [{num_left_out} characters left out] {message[-half:]}"
    if message.isprintable():
        return message
    return "".join(character if _is_plain(character) else _escaped(character) for character in message)


def _is_plain(character: str) -> bool:
    is_space = unicodedata.category(character) == "Zs"
    is_byte_of_path = "\udc80" <= character <= "\udcff"  # PEP 383
    return character.isprintable() or character in _JOINERS or is_space or is_byte_of_path


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


class ConfigError(SeqlabelError):
    """A setting or a recipe is wrong."""


class DivergenceError(SeqlabelError):
    """A training whose loss or gradient keeps being no number; its best model is kept."""


class FormatError(SeqlabelError):
    """A file of somebody else's format (audio, image, ink, matrix, page) cannot be read."""


class ManifestError(SeqlabelError):
    """A manifest line or a data folder is wrong."""


class ModelFileError(SeqlabelError):
    """A model file is not one, is damaged, or is of an unknown version."""


class TokenError(SeqlabelError):
    """A text holds something that the token table does not know."""
