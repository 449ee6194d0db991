from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from seqlabel.encoders import RecurrentConfig
from seqlabel.encoders.side_by_side import side_by_side


@pytest.fixture(params=[1, 2, 3])
def num_threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def product(left: Tensor, right: Tensor) -> Tensor:
    return left @ right


def power(left: Tensor) -> Tensor:
    return left**3


def test_pieces_and_gradients_are_those_of_one_after_the_other(num_threads: int) -> None:
    torch.manual_seed(1)
    shared, other = torch.randn(4, 4, requires_grad=True), torch.randn(4, 4, requires_grad=True)
    expected = (product(shared, other).sum() + (2 * power(shared)).sum()), [shared, other]
    gradients = torch.autograd.grad(*expected)
    first, second = side_by_side([product, power], [(shared, other), (shared,)])
    assert (first, second)[0].equal(product(shared, other)) and second.equal(power(shared))
    found = torch.autograd.grad(first.sum() + (2 * second).sum(), [shared, other])
    torch.testing.assert_close(found, gradients)


def test_a_tensor_that_wants_no_gradient_gets_none(num_threads: int) -> None:
    fixed, learnt = torch.randn(3, 3), torch.randn(3, 3, requires_grad=True)
    first, second = side_by_side([product, power], [(fixed, learnt), (fixed,)])
    (first.sum() + second.sum()).backward()
    assert fixed.grad is None and learnt.grad is not None


def test_an_error_in_a_piece_comes_out(num_threads: int) -> None:
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        side_by_side([product, power], [(torch.ones(2, 3), torch.ones(2, 3)), (torch.ones(1),)])


def test_a_second_backward_pass_is_refused_in_words() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    value = torch.ones(2, requires_grad=True)
    first, second = side_by_side([power, power], [(value,), (value,)])
    total = first.sum() + second.sum()
    total.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="second backward pass"):
        total.backward()
    torch.set_num_threads(before)


def test_autocast_and_inference_mode_hold_in_every_piece(num_threads: int) -> None:
    square = torch.ones(2, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert side_by_side([product, product], [(square, square)] * 2)[1].dtype == torch.bfloat16
    assert side_by_side([product, product], [(square, square)] * 2)[1].dtype == torch.float32
    with torch.inference_mode():
        assert side_by_side([power, power], [(square,), (square,)])[0].is_inference()


def test_an_encoder_reads_the_same_with_one_thread_and_with_two() -> None:
    torch.manual_seed(2)
    encoder = RecurrentConfig(hidden_size=6, num_layers=2, dropout=0.0).build(4)
    features, lengths = torch.randn(5, 30, 4), torch.tensor([30, 30, 12, 9, 1])
    before, found = torch.get_num_threads(), []
    for count in (1, 2):
        torch.set_num_threads(count)
        encoder.zero_grad()
        hidden, _ = encoder(features, lengths)
        hidden.square().sum().backward()
        with torch.inference_mode():
            again, _ = encoder(features, lengths)
        found.append([hidden.detach(), again, *(parameter.grad for parameter in encoder.parameters())])
    torch.set_num_threads(before)
    torch.testing.assert_close(found[0], found[1])
