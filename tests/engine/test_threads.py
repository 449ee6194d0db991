from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

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


def test_other_threads_keep_their_number_of_threads(num_threads: int) -> None:
    all_at_once(lambda index: index, 2)
    assert torch.get_num_threads() == num_threads
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == num_threads


def test_autocast_chooses_no_type_in_a_piece(num_threads: int) -> None:
    square = torch.ones(2, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert all(
            product.dtype == torch.float32 for product in all_at_once(lambda index: square @ square, 2)
        )
