import pytest
import torch
from torch import Tensor

from seqlabel.engine.rows import spread_rows, take_rows

ROWS = {"some": [4, 1, 2], "all": [4, 1, 0, 3, 2], "one": [3]}
every_choice = pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS.keys())


def matrix(num_rows: int) -> Tensor:
    return torch.randn(num_rows, 2, 3, dtype=torch.float64, generator=torch.manual_seed(1)).requires_grad_()


@every_choice
def test_rows_taken_are_those_that_indexing_gives(rows: list[int]) -> None:
    assert torch.equal(take_rows(matrix(5), torch.tensor(rows)), matrix(5)[rows])


@every_choice
def test_rows_spread_stand_at_their_numbers_and_the_rest_is_zero(rows: list[int]) -> None:
    expected = torch.zeros(5, 2, 3, dtype=torch.float64)
    expected[rows] = matrix(len(rows)).detach()
    assert torch.equal(spread_rows(matrix(len(rows)), torch.tensor(rows), 5), expected)


@every_choice
def test_gradients_agree_with_finite_differences(rows: list[int]) -> None:
    index = torch.tensor(rows)
    assert torch.autograd.gradcheck(lambda x: take_rows(x, index), matrix(5))
    assert torch.autograd.gradcheck(lambda x: spread_rows(x, index, 5), matrix(len(rows)))
