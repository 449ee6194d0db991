"""The exceptions that seqlabel raises for things a user can put right.

A message says where, what was found and what was expected, and what to do, in one line:
the command line prints it as it is and exits with 2.
"""


class SeqlabelError(Exception):
    """Something in the user's data, files or settings is wrong; the message says what to do."""


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
