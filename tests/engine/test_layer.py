"""The engine against a step-by-step reference in NumPy, against PyTorch's own operations, and against itself."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqlabel.encoders.stepwise import stepwise
from seqlabel.engine import layer as layer_module
from seqlabel.engine.equations import GRU, LSTM, NUM_GATES, RNN
from seqlabel.engine.frames import Frames
from seqlabel.engine.layer import Direction, recurrent_layer

OPTIONS: dict[str, tuple[int, set[str]]] = {
    "rnn": (RNN, set()),
    "rnn, recurrent dropout and zoneout": (RNN, {"mask", "kept_hidden"}),
    "gru": (GRU, set()),
    "gru, recurrent dropout": (GRU, {"mask"}),
    "gru, zoneout": (GRU, {"kept_hidden"}),
    "lstm": (LSTM, set()),
    "lstm, peepholes": (LSTM, {"peepholes"}),
    "lstm, recurrent dropout": (LSTM, {"mask"}),
    "lstm, zoneout": (LSTM, {"kept_hidden", "kept_cells"}),
    "lstm, projection": (LSTM, {"projection"}),
    "lstm, projection and peepholes": (LSTM, {"projection", "peepholes"}),
    "lstm, all but projection": (LSTM, {"peepholes", "mask", "kept_hidden", "kept_cells"}),
}
every_option = pytest.mark.parametrize(("kind", "options"), OPTIONS.values(), ids=OPTIONS.keys())
both_directions = pytest.mark.parametrize("is_backward", [False, True], ids=["forward", "backward"])


def drawn(
    kind: int,
    options: set[str],
    frames: Frames,
    *,
    input_dim: int = 3,
    hidden_size: int = 5,
    is_backward: bool = False,
    dtype: torch.dtype = torch.float64,
) -> Direction:
    """A direction with every option that is asked for, drawn from torch's generator."""
    gates, outputs = NUM_GATES[kind] * hidden_size, 3 if "projection" in options else hidden_size
    num_rows = frames.num_rows
    shapes = {
        "peepholes": (3, hidden_size),
        "projection": (outputs, hidden_size),
        "mask": (frames.num_examples, hidden_size),
        "kept_hidden": (num_rows, hidden_size),
        "kept_cells": (num_rows, hidden_size),
    }
    extras: dict[str, Any] = {
        name: torch.rand(shapes[name], dtype=dtype) for name in shapes if name in options
    }
    needed = [(gates, input_dim), (gates, outputs), (gates,), (gates,)]
    scale = 1.2 * hidden_size**-0.5  # far larger and a tanh RNN is chaotic
    return Direction(is_backward, *(torch.randn(shape, dtype=dtype) * scale for shape in needed), **extras)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def reference(
    kind: int, inputs: np.ndarray, direction: Direction, example: int, rows: list[int]
) -> np.ndarray:
    """One example (T, F) step by step; `rows` are its rows in the batch, for zoneout's shares."""
    given = {field.name: getattr(direction, field.name) for field in fields(direction)}
    p = {name: value.numpy() if isinstance(value, Tensor) else value for name, value in given.items()}
    hidden, cell = np.zeros(p["weights"].shape[1]), np.zeros(len(p["weights"]) // NUM_GATES[kind])
    outputs = np.zeros((len(inputs), len(hidden)))
    for t in reversed(range(len(inputs))) if direction.is_backward else range(len(inputs)):
        past = hidden if p["mask"] is None else hidden * p["mask"][example]
        x = p["input_weights"] @ inputs[t] + p["input_bias"]
        u = p["weights"] @ past + p["bias"]
        if kind == RNN:
            new = np.tanh(x + u)
        elif kind == GRU:
            (xr, xz, xn), (ur, uz, un) = np.split(x, 3), np.split(u, 3)
            z = sigmoid(xz + uz)
            new = (1 - z) * np.tanh(xn + sigmoid(xr + ur) * un) + z * hidden
        else:
            pi, pf, po = np.zeros((3, len(cell))) if p["peepholes"] is None else p["peepholes"]
            i, f, g, o = np.split(x + u, 4)
            candidate = sigmoid(f + pf * cell) * cell + sigmoid(i + pi * cell) * np.tanh(g)
            new = sigmoid(o + po * candidate) * np.tanh(candidate)
            kept = 0.0 if p["kept_cells"] is None else p["kept_cells"][rows[t]]
            cell = kept * cell + (1 - kept) * candidate
        if p["projection"] is not None:
            new = p["projection"] @ new
        kept = 0.0 if p["kept_hidden"] is None else p["kept_hidden"][rows[t]]
        hidden = kept * hidden + (1 - kept) * new
        outputs[t] = hidden
    return outputs


def rows_of(frames: Frames, rank: int) -> list[int]:
    return [
        int(start) + rank
        for start, end in zip(frames.starts, frames.starts[1:], strict=False)
        if rank < end - start
    ]


@every_option
@both_directions
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
def test_each_example_is_what_the_equations_say(
    kind: int, options: set[str], is_backward: bool, dtype: torch.dtype
) -> None:
    torch.manual_seed(1)
    lengths = torch.tensor([9, 9, 7, 4, 4, 3, 1])
    frames = Frames.of(lengths, 10)
    direction = drawn(kind, options, frames, is_backward=is_backward)
    rows = frames.rows(torch.randn(len(lengths), 10, 3, dtype=torch.float64))
    tensors = {
        field.name: value.to(dtype)
        for field in fields(direction)
        if isinstance(value := getattr(direction, field.name), Tensor)
    }
    outputs = recurrent_layer(kind, rows.to(dtype), frames, [replace(direction, **tensors)])
    assert outputs.dtype == dtype
    tolerance = 1e-12 if dtype == torch.float64 else 2e-6
    for rank in range(len(lengths)):
        own = rows_of(frames, rank)
        expected = reference(kind, rows[own].numpy(), direction, rank, own)
        np.testing.assert_allclose(outputs[own].numpy(), expected, rtol=0, atol=tolerance)


@every_option
@both_directions
def test_the_gradient_agrees_with_finite_differences(kind: int, options: set[str], is_backward: bool) -> None:
    torch.manual_seed(2)
    frames = Frames.of(torch.tensor([2, 4, 1]), 5)
    direction = drawn(kind, options, frames, input_dim=2, hidden_size=4, is_backward=is_backward)
    learnt = [name for name in layer_module._LEARNT if getattr(direction, name) is not None]
    rows = frames.rows(torch.randn(3, 5, 2, dtype=torch.float64))

    def layer(rows: Tensor, *tensors: Tensor) -> Tensor:
        return recurrent_layer(
            kind, rows, frames, [replace(direction, **dict(zip(learnt, tensors, strict=True)))]
        )[: len(frames.places)]

    inputs = [rows, *(getattr(direction, name) for name in learnt)]
    assert torch.autograd.gradcheck(layer, [tensor.requires_grad_() for tensor in inputs], fast_mode=True)


@every_option
@both_directions
@pytest.mark.parametrize("hidden_size", [16, 27, 80])
def test_values_and_gradients_are_those_of_pytorchs_operations(
    kind: int, options: set[str], is_backward: bool, hidden_size: int
) -> None:
    torch.manual_seed(3)
    lengths = torch.tensor([31, 30, 30, 22, 17, 17, 16, 11, 8, 5, 2, 2, 1])
    frames = Frames.of(lengths, 40)
    direction = drawn(kind, options, frames, input_dim=7, hidden_size=hidden_size, is_backward=is_backward)
    rows = frames.rows(torch.randn(len(lengths), 40, 7, dtype=torch.float64))
    weights = torch.randn(len(frames.places), direction.weights.shape[1], dtype=torch.float64)
    found = []
    for run in (stepwise, lambda kind, rows, frames, d: recurrent_layer(kind, rows, frames, [d])):
        names = [name for name in layer_module._LEARNT if getattr(direction, name) is not None]
        leaves = {name: getattr(direction, name).clone().requires_grad_() for name in names}
        inputs = rows.clone().requires_grad_()
        outputs = run(kind, inputs, frames, replace(direction, **leaves))[: len(frames.places)]
        (outputs * weights).sum().backward()
        found.append([outputs.detach(), inputs.grad, *(leaf.grad for leaf in leaves.values())])
    for theirs, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.fixture(params=[1, 2, 4])
def num_threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_two_directions_stand_side_by_side_whatever_the_number_of_threads(num_threads: int) -> None:
    torch.manual_seed(4)
    frames = Frames.of(torch.randint(1, 30, (33,)), 30)
    rows = frames.rows(torch.randn(33, 30, 3, dtype=torch.float64))
    forward, backward = (drawn(LSTM, set(), frames, is_backward=is_backward) for is_backward in (False, True))
    expected = torch.cat([stepwise(LSTM, rows, frames, d) for d in (forward, backward)], dim=1)
    found = recurrent_layer(LSTM, rows, frames, [forward, backward])[: len(frames.places)]
    torch.testing.assert_close(found, expected[: len(frames.places)], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
@pytest.mark.parametrize("has_products", [True, False], ids=["in bfloat16", "in float32"])
def test_bfloat16_stays_near_float32(kind: int, has_products: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if has_products and not layer_module.has_bfloat16_products():
        pytest.skip("this processor has no products of bfloat16")
    monkeypatch.setattr(layer_module, "has_bfloat16_products", lambda: has_products)
    torch.manual_seed(5)
    frames = Frames.of(torch.tensor([20, 20, 11, 6]), 20)
    direction = drawn(kind, set(), frames, input_dim=9, hidden_size=32, dtype=torch.float32)
    rows = frames.rows(torch.randn(4, 20, 9)).requires_grad_()
    found = []
    for is_enabled in (False, True):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=is_enabled):
            outputs = recurrent_layer(kind, rows, frames, [direction])
        assert outputs.dtype == (torch.bfloat16 if is_enabled else torch.float32)
        [gradient] = torch.autograd.grad(outputs.float().square().sum(), rows)
        found.append((outputs.float(), gradient))
    for exact, near in zip(*found, strict=True):
        assert (exact - near).norm() < 0.03 * exact.norm()


def test_not_a_number_comes_out_as_such() -> None:
    frames = Frames.of(torch.tensor([3]), 3)
    direction = drawn(LSTM, set(), frames, dtype=torch.float32)
    rows = frames.rows(torch.full((1, 3, 3), torch.nan))
    for is_enabled in (False, True):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=is_enabled):
            assert recurrent_layer(LSTM, rows, frames, [direction])[:3].isnan().all()


def test_the_engines_own_precision_of_a_long_sequence_is_that_of_pytorch() -> None:
    torch.manual_seed(6)
    lstm = nn.LSTM(10, 64, batch_first=True)
    features = torch.randn(2, 400, 10)
    frames = Frames.of(torch.tensor([400, 400]), 400)
    weights = [parameter.detach() for parameter in lstm.parameters()]
    found = frames.padded(recurrent_layer(LSTM, frames.rows(features), frames, [Direction(False, *weights)]))
    torch.testing.assert_close(found, lstm(features)[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("input_weights", (20, 4)),
        ("weights", (20, 4)),
        ("bias", (19,)),
        ("peepholes", (4, 5)),
        ("mask", (2, 5)),
        ("kept_hidden", (3, 5)),
        ("kept_cells", (8, 4)),
    ],
)
def test_a_tensor_of_another_size_is_refused_before_an_address_is_taken(
    name: str, shape: tuple[int, ...]
) -> None:
    frames = Frames.of(torch.tensor([2, 2, 1]), 2)
    direction = drawn(LSTM, set(), frames)
    # Past the shape checks of the tests, which users do not have.
    object.__setattr__(direction, name, torch.zeros(shape, dtype=torch.float64))
    rows = torch.zeros(frames.num_rows, 3, dtype=torch.float64)
    with pytest.raises(ValueError, match=f"{name} of size"):
        recurrent_layer(LSTM, rows, frames, [direction])


def test_too_few_rows_and_a_masked_projection_are_refused() -> None:
    frames = Frames.of(torch.tensor([40] * 30), 40)
    direction = drawn(LSTM, set(), frames)
    with pytest.raises(ValueError, match="8 rows; expected 1216"):
        recurrent_layer(LSTM, torch.zeros(8, 3, dtype=torch.float64), frames, [direction])
    both = drawn(LSTM, {"projection", "mask"}, frames)
    rows = torch.zeros(frames.num_rows, 3, dtype=torch.float64)
    with pytest.raises(ValueError, match="goes neither with a mask nor with zoneout"):
        recurrent_layer(LSTM, rows, frames, [both])


def test_float16_is_computed_in_float32() -> None:
    frames = Frames.of(torch.tensor([3, 2]), 3)
    direction = drawn(GRU, set(), frames, dtype=torch.float32)
    rows = frames.rows(torch.randn(2, 3, 3))
    with torch.autocast("cpu", dtype=torch.float16):
        found = recurrent_layer(GRU, rows, frames, [direction])
    assert torch.equal(found, recurrent_layer(GRU, rows, frames, [direction]))
