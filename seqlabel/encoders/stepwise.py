"""The recurrent step in PyTorch's own operations, for devices where neither cuDNN nor seqlabel's engine has it.

The same equations as in `seqlabel.engine.equations`, frame by frame over the examples that still have frames.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from seqlabel.engine.equations import GRU, LSTM, NUM_GATES
from seqlabel.engine.frames import Frames
from seqlabel.engine.layer import Direction


def stepwise(
    kind: int, rows: Float[Tensor, "R F"], frames: Frames, direction: Direction
) -> Float[Tensor, "R P"]:
    """Returns the outputs of one direction for the rows of a batch."""
    starts = frames.starts.tolist()
    inputs = nn.functional.linear(rows, direction.input_weights, direction.input_bias)
    hidden_size = len(direction.weights) // NUM_GATES[kind]
    hidden = rows.new_zeros(0, direction.weights.shape[1])
    cell = rows.new_zeros(0, hidden_size)
    outputs: list[Tensor] = []
    order = range(len(starts) - 1)
    for frame in reversed(order) if direction.is_backward else order:
        first, last = starts[frame], starts[frame + 1]
        hidden, cell = (_of_examples(state, last - first) for state in (hidden, cell))
        past = hidden if direction.mask is None else hidden * direction.mask[: last - first]
        sums = nn.functional.linear(past, direction.weights, direction.bias)
        kept_hidden, kept_cells = (
            None if kept is None else kept[first:last]
            for kept in (direction.kept_hidden, direction.kept_cells)
        )
        if kind == LSTM:
            new, cell = _lstm(inputs[first:last] + sums, cell, direction.peepholes, kept_cells)
        elif kind == GRU:
            new = _gru(inputs[first:last], sums, hidden)
        else:
            new = torch.tanh(inputs[first:last] + sums)
        if direction.projection is not None:
            new = nn.functional.linear(new, direction.projection)
        hidden = new if kept_hidden is None else kept_hidden * hidden + (1 - kept_hidden) * new
        outputs.append(hidden)
    joined = torch.cat(outputs[::-1] if direction.is_backward else outputs)
    return nn.functional.pad(joined, (0, 0, 0, len(rows) - len(joined)))


def _of_examples(state: Float[Tensor, "N H"], count: int) -> Float[Tensor, "N2 H"]:
    """Returns the state of the first `count` examples; those that had no frame before start at zero."""
    return nn.functional.pad(state, (0, 0, 0, count - len(state)))


def _lstm(
    sums: Float[Tensor, "N G"],
    past: Float[Tensor, "N H"],
    peepholes: Float[Tensor, "3 H"] | None,
    kept: Float[Tensor, "N H"] | None,
) -> tuple[Float[Tensor, "N H"], Float[Tensor, "N H"]]:
    i, f, g, o = sums.chunk(4, dim=1)
    if peepholes is not None:
        i, f = i + peepholes[0] * past, f + peepholes[1] * past
    cell = torch.sigmoid(f) * past + torch.sigmoid(i) * torch.tanh(g)
    if peepholes is not None:
        o = o + peepholes[2] * cell
    mixed = cell if kept is None else kept * past + (1 - kept) * cell
    return torch.sigmoid(o) * torch.tanh(cell), mixed


def _gru(
    inputs: Float[Tensor, "N G"], sums: Float[Tensor, "N G"], past: Float[Tensor, "N H"]
) -> Float[Tensor, "N H"]:
    (r, z, n), (r_sum, z_sum, n_sum) = inputs.chunk(3, dim=1), sums.chunk(3, dim=1)
    reset, update = torch.sigmoid(r + r_sum), torch.sigmoid(z + z_sum)
    new = torch.tanh(n + reset * n_sum)
    return (1 - update) * new + update * past
