from collections.abc import Iterator

import pytest
import torch

from seqlabel.engine.threads import all_at_once


@pytest.fixture(params=[1, 2, 3])
def num_threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_come_in_the_order_of_the_pieces(num_threads: int) -> None:
    assert all_at_once(lambda index: index * index, 5) == [0, 1, 4, 9, 16]


def test_an_error_in_a_piece_comes_out(num_threads: int) -> None:
    with pytest.raises(ZeroDivisionError):
        all_at_once(lambda index: 1 // (index - 1), 3)


def test_no_piece_records_gradients(num_threads: int) -> None:
    weight = torch.ones(2, requires_grad=True)
    assert not any(result.requires_grad for result in all_at_once(lambda index: weight * index, 3))
