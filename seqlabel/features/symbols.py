"""Discrete symbols as frames: the number of each symbol in a table, for an encoder that embeds them."""

import numpy as np
from jaxtyping import Float32

from seqlabel.config import Config
from seqlabel.errors import ConfigError, FormatError
from seqlabel.features.sources import whole_file
from seqlabel.formats.symbols import SYMBOL_SUFFIXES, SymbolUnit, read_symbols
from seqlabel.records import Example, Signal, Symbols

MOST_REPEATS = 1000


class SymbolsConfig(Config, frozen=True, tag="symbols"):
    """Symbols by their place in a table; take an `EmbeddedConfig` to read them.

    Attributes:
        table: every symbol that the input may have.
        unit: a symbol is a character, or a word between white space.
        repeat: frames for each symbol, where the labelling may be longer than the input.

    Raises:
        ConfigError: an empty table, a symbol that stands there twice, or no frame for a symbol.
    """

    table: tuple[str, ...]
    unit: SymbolUnit = "word"
    repeat: int = 1

    def __post_init__(self) -> None:
        if not self.table or len(set(self.table)) != len(self.table):
            raise ConfigError(
                "symbols: the table is empty or holds a symbol twice; expected each symbol once"
            )
        if not 1 <= self.repeat <= MOST_REPEATS:
            raise ConfigError(f"symbols: repeat is {self.repeat}; expected 1 to {MOST_REPEATS}")

    def build(self) -> "SymbolFeature":
        """Returns the feature."""
        return SymbolFeature(self)


class SymbolFeature:
    """Gives each symbol a frame of one number: 1 for the first of the table, and so on.

    Attributes:
        dim: 1.
        suffixes: the endings of the files it reads.
    """

    suffixes = SYMBOL_SUFFIXES
    dim = 1

    def __init__(self, config: SymbolsConfig) -> None:
        self.config = config
        self._numbers = {name: number for number, name in enumerate(config.table, start=1)}

    def read(self, example: Example) -> Symbols:
        """Returns the symbols of an example.

        Raises:
            FormatError: the file or the line cannot be read.
        """
        return read_symbols(whole_file(example), self.config.unit)

    def __call__(self, signal: Signal) -> Float32[np.ndarray, "T 1"]:
        """Returns the number of each symbol, in as many frames as the config says.

        Raises:
            FormatError: not symbols, none, or one that is not in the table.
        """
        if not isinstance(signal, Symbols):
            raise FormatError(
                f"found a {type(signal).__name__}, expected symbols; choose the feature for this file"
            )
        if not signal.names:
            raise FormatError("symbols: found none, expected at least one")
        try:
            numbers = [self._numbers[name] for name in signal.names]
        except KeyError as error:
            raise FormatError(
                f"symbol {error.args[0]!r} is not in the table of {len(self.config.table)}; add it, or correct the file"
            ) from None
        return np.repeat(np.array(numbers, np.float32), self.config.repeat)[:, None]
