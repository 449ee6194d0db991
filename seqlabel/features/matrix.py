"""Matrices as given: frames that somebody else has computed."""

import numpy as np
from jaxtyping import Float32

from seqlabel.config import Config
from seqlabel.errors import FormatError
from seqlabel.features.deltas import append_deltas
from seqlabel.features.sources import require, whole_file
from seqlabel.formats.matrix import MATRIX_SUFFIXES, read_matrix
from seqlabel.records import Example, Matrix, Signal

WIDEST_DELTA = 1000
"""Frames on each side; a model file with a larger number in it would have every matrix padded with so many."""


class MatrixConfig(Config, frozen=True, tag="matrix"):
    """Matrices as given, with deltas if wanted.

    Attributes:
        dim: the width that every matrix must have.
        num_deltas: 0 for the matrix alone, 1 with deltas, 2 with delta-deltas.
        delta_window: frames on each side of the regression.
    """

    dim: int
    num_deltas: int = 0
    delta_window: int = 2

    def build(self) -> "MatrixFeature":
        """The feature of these settings."""
        return MatrixFeature(self)


class MatrixFeature:
    """Reads a matrix and gives its rows as frames: T is its number of rows.

    Attributes:
        dim: the width F of what comes out.
        suffixes: the endings of the files it reads.
    """

    suffixes: frozenset[str] = MATRIX_SUFFIXES

    def __init__(self, config: MatrixConfig) -> None:
        """Raises ConfigError if a number is out of its range."""
        require(config.dim >= 1, config, "dim of at least 1")
        require(0 <= config.num_deltas <= 2, config, "num_deltas of 0, 1 or 2")
        require(1 <= config.delta_window <= WIDEST_DELTA, config, f"delta_window of 1 to {WIDEST_DELTA}")
        self.config = config
        self.dim = config.dim * (config.num_deltas + 1)

    def read(self, example: Example) -> Matrix:
        """The matrix of an example; FormatError if it cannot be read."""
        return read_matrix(whole_file(example), sphinx_width=self.config.dim)

    def __call__(self, signal: Signal) -> Float32[np.ndarray, "T F"]:
        """The rows, and their deltas beside them.

        Raises:
            FormatError: there is no row, the width is not that of the config, or a value is not finite.
        """
        if not isinstance(signal, Matrix):
            raise FormatError(
                f"found a {type(signal).__name__}, expected a matrix; choose the feature for this file"
            )
        values = signal.values
        if values.ndim != 2 or values.shape[1] != self.config.dim:
            shape = " x ".join(map(str, values.shape))
            raise FormatError(
                f"matrix: found {shape} values, expected T x {self.config.dim}; "
                f"set MatrixConfig.dim to the width of your matrices"
            )
        if len(values) == 0:
            raise FormatError(f"matrix: found no row, expected at least one of {self.config.dim} values")
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
            raise FormatError(f"matrix: found NaN or infinity in row {row}, expected finite numbers")
        return append_deltas(values, self.config.delta_window, self.config.num_deltas)
