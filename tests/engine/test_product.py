import numpy as np
import pytest
import torch
from numba import njit

from seqlabel.engine.layer import arranged, as_numpy
from seqlabel.engine.product import has_bfloat16_products, product


@njit
def one_tile(weights, num_columns, count, left, stride, right, depth, out):  # type: ignore[no-untyped-def]
    product(weights, num_columns, count, left, stride, right, depth, out)


def multiplied(left: torch.Tensor, right: torch.Tensor, num_columns: int) -> np.ndarray:
    """Rows of `left` times the columns that are rows of `right`, by one tile."""
    weights = arranged(right, num_columns)
    sums = np.zeros((len(left), num_columns), np.float64 if left.dtype == torch.float64 else np.float32)
    rows = as_numpy(left)
    depth = weights.shape[1]
    one_tile(
        weights,
        num_columns,
        len(left),
        rows.ctypes.data,
        rows.strides[0],
        weights.ctypes.data,
        depth,
        sums.ctypes.data,
    )
    return sums


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("num_columns", [16, 48, 64])
@pytest.mark.parametrize("num_rows", [1, 2, 3, 4, 5, 6])
def test_a_tile_is_the_product_of_its_rows(dtype: torch.dtype, num_columns: int, num_rows: int) -> None:
    if dtype == torch.bfloat16 and not has_bfloat16_products():
        pytest.skip("this processor has no products of bfloat16")
    torch.manual_seed(1)
    left, right = torch.randn(num_rows, 22).to(dtype), torch.randn(num_columns, 22).to(dtype)
    expected = left.double() @ right.double().t()
    tolerance = 1e-12 if dtype == torch.float64 else 1e-5
    np.testing.assert_allclose(multiplied(left, right, num_columns), expected.numpy(), rtol=0, atol=tolerance)


def test_rows_may_lie_inside_of_a_wider_matrix() -> None:
    wide, right = torch.randn(4, 50), torch.randn(64, 10)
    found = multiplied(wide[:, 20:30], right, 64)
    np.testing.assert_allclose(found, (wide[:, 20:30] @ right.t()).numpy(), rtol=0, atol=1e-5)


def test_missing_columns_of_the_last_tile_are_zero() -> None:
    found = multiplied(torch.randn(3, 8), torch.randn(40, 8), 64)
    assert (found[:, 40:] == 0).all() and (found[:, :40] != 0).any()
