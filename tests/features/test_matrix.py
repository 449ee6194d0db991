import numpy as np
import pytest

from seqlabel.errors import ConfigError, FormatError
from seqlabel.features import MatrixConfig
from seqlabel.features.deltas import append_deltas
from seqlabel.records import Example, Matrix


def test_a_matrix_comes_out_as_it_is() -> None:
    values = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    np.testing.assert_array_equal(MatrixConfig(dim=3).build()(Matrix(values)), values)


def test_deltas_are_appended() -> None:
    values = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    feature = MatrixConfig(dim=3, num_deltas=2, delta_window=3).build()
    np.testing.assert_array_equal(feature(Matrix(values)), append_deltas(values, 3, 2))
    assert feature.dim == 9


@pytest.mark.parametrize("shape", [(4, 2), (0, 3)])
def test_a_wrong_shape_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(FormatError, match="expected"):
        MatrixConfig(dim=3).build()(Matrix(np.zeros(shape, np.float32)))


def test_a_number_that_is_none_is_refused_with_its_row() -> None:
    values = np.zeros((4, 2), np.float32)
    values[2, 1] = np.nan
    with pytest.raises(FormatError, match="row 2"):
        MatrixConfig(dim=2).build()(Matrix(values))


@pytest.mark.parametrize("config", [MatrixConfig(dim=0), MatrixConfig(dim=1, num_deltas=3)])
def test_a_setting_out_of_range_is_refused(config: MatrixConfig) -> None:
    with pytest.raises(ConfigError):
        config.build()


def test_the_published_an4_cepstra_are_read(corpora) -> None:
    source = sorted((corpora / "an4" / "feat").rglob("*.mfc"))[0]
    feature = MatrixConfig(dim=13, num_deltas=2).build()
    frames = feature(feature.read(Example(id="an4", source=source)))
    assert len(frames) == (source.stat().st_size - 4) // (4 * 13)
    assert frames.shape[1] == 39
