from collections.abc import Iterator

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seqlabel.encoders import RecurrentConfig
from seqlabel.encoders.recurrent import (
    BidirectionalLstm,
    DensePlan,
    RecurrentEncoder,
    reversal_index,
    reverse,
)

LENGTHS = {
    "one length": [12, 12, 12],
    "sorted": [40, 31, 30, 12, 11, 3, 1],
    "unsorted": [3, 40, 11, 1, 31, 12, 30, 40],
    "alone": [17],
    "one frame each": [1, 1],
}


def packed(encoder: RecurrentEncoder, features: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    hidden = features
    for layer in encoder.layers:
        sequences = pack_padded_sequence(hidden, lengths, batch_first=True, enforce_sorted=False)
        hidden = pad_packed_sequence(
            layer.lstm(sequences)[0], batch_first=True, total_length=features.shape[1]
        )[0]
    return hidden


def masked(hidden: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    return hidden * (torch.arange(hidden.shape[1])[None, :] < lengths[:, None])[..., None]


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS.keys())
def test_values_and_gradients_equal_pytorchs_packed_lstm(lengths: list[int]) -> None:
    torch.manual_seed(1)
    counts = torch.tensor(lengths)
    encoder = RecurrentConfig(hidden_size=7, num_layers=3, dropout=0.0).build(5)
    features = torch.randn(len(lengths), max(lengths), 5)
    weights = torch.randn(len(lengths), max(lengths), 14)

    found = []
    for forward in (lambda x: encoder(x, counts)[0], lambda x: packed(encoder, x, counts)):
        encoder.zero_grad()
        x = features.clone().requires_grad_()
        hidden = masked(forward(x), counts)
        (hidden * weights).sum().backward()
        gradients = [x.grad] + [parameter.grad.clone() for parameter in encoder.parameters()]
        found.append([hidden.detach(), *gradients])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("is_autocast", [False, True], ids=["float32", "autocast"])
def test_the_layer_that_runs_on_cuda_equals_the_dense_one(is_autocast: bool) -> None:
    torch.manual_seed(1)
    counts = torch.tensor([40, 31, 12, 3])
    layer = BidirectionalLstm(5, 7)
    features = torch.randn(4, 40, 5)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=is_autocast):
        packed_hidden = layer.packed(features, counts)
    assert packed_hidden.dtype == torch.float32  # autocast is not for it
    dense_hidden = layer.dense(features, DensePlan(counts, 40))
    torch.testing.assert_close(packed_hidden, masked(dense_hidden, counts), rtol=1e-5, atol=1e-5)


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")  # gradcheck goes backward more than once
def test_the_gradient_agrees_with_finite_differences() -> None:
    torch.manual_seed(1)
    counts = torch.tensor([5, 16])
    assert len(DensePlan(counts.sort(descending=True).values, 16).stretches) == 2
    encoder = RecurrentConfig(hidden_size=1, num_layers=2, dropout=0.0).build(1).double()
    features = torch.randn(2, 16, 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: masked(encoder(x, counts)[0], counts), features)


def test_padding_never_reaches_the_result() -> None:
    torch.manual_seed(1)
    counts = torch.tensor([20, 6])
    encoder = RecurrentConfig(hidden_size=4, num_layers=2).build(3).eval()
    features = torch.randn(2, 20, 3)
    spoilt = features.clone()
    spoilt[1, 6:] = 1e6
    torch.testing.assert_close(encoder(spoilt, counts)[0][1, :6], encoder(features, counts)[0][1, :6])


def test_stretches_cover_the_time_axis_and_hold_every_frame() -> None:
    lengths = torch.tensor([100, 98, 60, 59, 33, 12, 9, 2])
    plan = DensePlan(lengths, 100)
    assert sum(plan.stretches) == 100
    start = 0
    for frames, num_active in zip(plan.stretches, plan.num_active, strict=True):
        assert int((lengths > start).sum()) <= num_active
        start += frames
    computed = sum(frames * n for frames, n in zip(plan.stretches, plan.num_active, strict=True))
    assert computed < 0.6 * lengths.numel() * 100


def test_reversal_is_its_own_inverse_and_leaves_padding_in_place() -> None:
    lengths = torch.tensor([4, 2])
    frames = torch.arange(8.0).reshape(2, 4, 1)
    index = reversal_index(lengths, 4)
    assert reverse(frames, index)[..., 0].tolist() == [[3, 2, 1, 0], [5, 4, 6, 7]]
    assert torch.equal(reverse(reverse(frames, index), index), frames)


def test_forget_gates_start_open() -> None:
    encoder = RecurrentConfig(hidden_size=3, num_layers=1).build(2)
    bias = encoder.layers[0].lstm.bias_ih_l0 + encoder.layers[0].lstm.bias_hh_l0
    assert bias.tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]
