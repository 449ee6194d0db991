"""A recurrent layer in all its directions as one function with a gradient, on the CPU."""

import itertools
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from seqlabel.engine.equations import GRU, LSTM, NUM_GATES
from seqlabel.engine.frames import Frames
from seqlabel.engine.product import TILE_COLUMNS, arranged, has_bfloat16_products
from seqlabel.engine.sweep import sweep, sweep_back
from seqlabel.engine.threads import all_at_once
from seqlabel.engine.vectors import LANES


@dataclass(frozen=True)
class Direction:
    """What one direction of a layer of G gates and H cells needs; weights and biases are PyTorch's, gate after gate.

    Attributes:
        is_backward: reads from the last frame to the first.
        input_weights: (G H, F), W.
        weights: (G H, P), U; P is H without a projection.
        input_bias, bias: (G H,), added up but for a GRU's n, where the second stands inside of the reset.
        peepholes: (3, H) of an LSTM's i, f and o; None for none.
        projection: (P, H), what an LSTM's o tanh(c) is multiplied with to give h (Sak et al. 2014); None for none. It
            goes neither with a mask nor with zoneout.
        mask: (N, H) factors of h on its way to the next step, examples as in `Frames`; None for none.
        kept_hidden, kept_cells: (R, H) shares of the old state that zoneout keeps; None for none.
    """

    is_backward: bool
    input_weights: Float[Tensor, "G F"]
    weights: Float[Tensor, "G P"]
    input_bias: Float[Tensor, " G"]
    bias: Float[Tensor, " G"]
    peepholes: Float[Tensor, "3 H"] | None = None
    projection: Float[Tensor, "P H"] | None = None
    mask: Float[Tensor, "N H"] | None = None
    kept_hidden: Float[Tensor, "R H"] | None = None
    kept_cells: Float[Tensor, "R H"] | None = None


_LEARNT = ("input_weights", "weights", "input_bias", "bias", "peepholes", "projection")


def recurrent_layer(
    kind: int, rows: Float[Tensor, "R F"], frames: Frames, directions: list[Direction]
) -> Float[Tensor, "R H2"]:
    """Returns the outputs of the directions side by side for the rows of a batch.

    Under bfloat16 autocast inputs, outputs and products are bfloat16, sums and cells float32. float16 becomes float32.

    Raises:
        ValueError: tensors of other sizes than these; options that do not go together.
    """
    dtype = rows.dtype
    if torch.is_autocast_enabled("cpu") and dtype != torch.float64:
        dtype = torch.get_autocast_dtype("cpu")
    if dtype == torch.float16:
        dtype = torch.float32
    for direction in directions:
        _check(kind, rows, frames, direction)
    learnt = [getattr(direction, name) for direction in directions for name in _LEARNT]
    outputs: Tensor = _RecurrentLayer.apply(_Plan(kind, dtype, frames, directions), rows, *learnt)
    return outputs


def _check(kind: int, rows: Tensor, frames: Frames, direction: Direction) -> None:
    """Compares all sizes: the sweeps work with bare addresses."""
    gates, outputs = direction.weights.shape
    cells = gates // NUM_GATES[kind]
    expected = {
        "input_weights": (gates, rows.shape[1]),
        "weights": (NUM_GATES[kind] * cells, cells if direction.projection is None else outputs),
        "input_bias": (gates,),
        "bias": (gates,),
        "peepholes": (3, cells),
        "projection": (outputs, cells),
        "mask": (frames.num_examples, cells),
        "kept_hidden": (frames.num_rows, cells),
        "kept_cells": (frames.num_rows, cells),
    }
    if len(rows) != frames.num_rows:
        raise ValueError(f"{len(rows)} rows; expected {frames.num_rows}, as the frames were laid out")
    for name, shape in expected.items():
        tensor: Tensor | None = getattr(direction, name)
        if tensor is not None and tuple(tensor.shape) != shape:
            raise ValueError(f"{name} of size {tuple(tensor.shape)}; expected {shape}")
    if direction.projection is not None:
        extras = (direction.mask, direction.kept_hidden, direction.kept_cells)
        if any(tensor is not None for tensor in extras):
            raise ValueError("a projection goes neither with a mask nor with zoneout")


class _Saved(NamedTuple):
    """What a direction's sweep leaves for the way back, under the names that it has there."""

    gates: Tensor
    recurrent: Tensor
    cells: Tensor
    candidates: Tensor
    memory: Tensor


class _Plan:
    """The settings of one pass, and the engine's order of the weights.

    Cells are filled up to a multiple of sixteen with cells whose output is zero. The gates of sixteen cells stand
    together: those of cells 0 to 15 of the first gate, the same of the second gate, and so on, then the next sixteen.
    """

    def __init__(self, kind: int, dtype: torch.dtype, frames: Frames, directions: list[Direction]) -> None:
        self.kind, self.dtype, self.frames, self.directions = kind, dtype, frames, directions
        # Without products of bfloat16 in the processor the sweeps run in float32.
        is_slow = dtype == torch.bfloat16 and not has_bfloat16_products()
        self.kept = torch.float32 if is_slow else dtype
        self.arithmetic = torch.float64 if dtype == torch.float64 else torch.float32
        self.num_gates = NUM_GATES[kind]
        self.hidden_size = len(directions[0].weights) // self.num_gates
        self.num_cells = -(-self.hidden_size // LANES) * LANES
        self.output_size = directions[0].weights.shape[1]
        self.num_outputs = -(-self.output_size // LANES) * LANES
        parts = frames.parts(max(1, torch.get_num_threads() // len(directions)))
        self.pieces = [(index, part) for index in range(len(directions)) for part in parts]

    def new(self, num_columns: int, dtype: torch.dtype, *, is_there: bool = True) -> Float[Tensor, "R C"]:
        """Returns a matrix for the sweeps to fill in, zero in the rows that belong to no frame."""
        if not is_there:
            return torch.empty(0, num_columns, dtype=dtype)
        matrix = torch.empty(self.frames.num_rows, num_columns, dtype=dtype)
        matrix[len(self.frames.places) :] = 0
        return matrix

    def by_blocks(self, gates: Float[Tensor, "G *F"], dtype: torch.dtype) -> Float[Tensor, "G2 *F"]:
        """Returns weights or biases in the engine's order."""
        gates = gates.detach()
        if self.num_cells != self.hidden_size:
            missing = (0, 0) * (gates.ndim - 1) + (0, self.num_cells - self.hidden_size)
            gates = torch.nn.functional.pad(gates.unflatten(0, (self.num_gates, -1)), missing).flatten(0, 1)
        blocks = torch.empty(gates.shape, dtype=dtype)
        moved = gates.unflatten(0, (self.num_gates, -1, LANES)).transpose(0, 1)
        blocks.unflatten(0, (-1, self.num_gates, LANES)).copy_(moved)  # order and type in one pass
        return blocks

    def by_gates(self, blocks: Float[Tensor, "G2 *F"], dtype: torch.dtype) -> Float[Tensor, "G *F"]:
        """Returns gradients in PyTorch's order."""
        gates = torch.empty(blocks.shape, dtype=dtype)
        moved = blocks.unflatten(0, (-1, self.num_gates, LANES)).transpose(0, 1)
        gates.unflatten(0, (self.num_gates, -1, LANES)).copy_(moved)
        if self.num_cells == self.hidden_size:
            return gates
        cut: Tensor = gates.unflatten(0, (self.num_gates, -1))[:, : self.hidden_size].flatten(0, 1)
        return cut

    def filled(self, columns: Float[Tensor, "*R H"], dtype: torch.dtype) -> Float[Tensor, "*R H2"]:
        """Returns a contiguous matrix, its columns filled up with zeros to a multiple of sixteen."""
        columns = columns.detach().to(dtype)
        missing = -columns.shape[-1] % LANES
        return (torch.nn.functional.pad(columns, (0, missing)) if missing else columns).contiguous()

    def recurrent_weights(self, direction: Direction) -> Float[Tensor, "G2 P2"]:
        """Returns U in the engine's order and size."""
        return self.filled(self.by_blocks(direction.weights, self.kept), self.kept)

    def projection(self, direction: Direction, *, is_transposed: bool) -> np.ndarray:
        """Returns the arranged weights of the projection, or of its gradient; nothing where there is none."""
        if direction.projection is None:
            return arranged(torch.zeros(TILE_COLUMNS, 2, dtype=self.kept), TILE_COLUMNS)
        weights = self.filled(direction.projection, self.kept)
        missing = self.num_outputs - self.output_size
        weights = torch.nn.functional.pad(weights, (0, 0, 0, missing))
        return arranged(weights.t() if is_transposed else weights, TILE_COLUMNS)

    def biases(self, direction: Direction) -> tuple[np.ndarray, np.ndarray]:
        """Returns the bias of each gate, and that of a GRU's n inside of the reset."""
        inner = direction.bias.detach().new_zeros(self.hidden_size)
        outer = direction.bias.detach()
        if self.kind == GRU:
            outer, inner = torch.cat([outer[: 2 * self.hidden_size], inner]), outer[2 * self.hidden_size :]
        total = direction.input_bias.detach() + outer
        return (
            as_numpy(self.by_blocks(total, self.arithmetic)),
            as_numpy(self.filled(inner, self.arithmetic)),
        )

    def extras(self, direction: Direction) -> tuple[np.ndarray, ...]:
        """Returns the peepholes; and mask and zoneout's shares of h and c, without rows where there are none."""
        none = torch.zeros(0, self.num_cells)
        peepholes = torch.zeros(3, self.num_cells) if direction.peepholes is None else direction.peepholes
        optional = (direction.mask, direction.kept_hidden, direction.kept_cells)
        tensors = (peepholes, *(none if tensor is None else tensor for tensor in optional))
        return tuple(as_numpy(self.filled(tensor, self.arithmetic)) for tensor in tensors)


class _RecurrentLayer(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, plan: _Plan, rows: Tensor, *learnt: Tensor | None) -> Tensor:
        directions, frames, num_cells = plan.directions, plan.frames, plan.num_cells
        inputs, num_rows = rows.to(plan.dtype), frames.num_rows
        num_outputs = plan.num_outputs
        hidden = plan.new(len(directions) * num_outputs, plan.kept)

        def project(index: int) -> tuple[_Saved, np.ndarray]:
            direction = directions[index]
            gates = (inputs @ plan.by_blocks(direction.input_weights, plan.dtype).t()).to(plan.kept)
            own = hidden if direction.mask is None else plan.new(num_cells, plan.kept)
            cells = plan.new(num_cells, plan.arithmetic)
            candidates = cells if direction.kept_cells is None else plan.new(num_cells, plan.arithmetic)
            memory = plan.new(num_cells, plan.kept, is_there=direction.projection is not None)
            weights = arranged(plan.recurrent_weights(direction), plan.num_gates * LANES)
            return _Saved(gates, own, cells, candidates, memory), weights

        projected = all_at_once(project, len(directions))

        def run(piece: int) -> None:
            index, (first, last) = plan.pieces[piece]
            direction = directions[index]
            saved, weights = projected[index]
            bias, inner_bias = plan.biases(direction)
            peepholes, mask, kept_hidden, kept_cells = plan.extras(direction)
            sweep(
                plan.kind,
                direction.is_backward,
                first,
                last,
                frames.starts,
                as_numpy(saved.gates),
                as_numpy(hidden),
                index * num_outputs,
                as_numpy(saved.recurrent),
                index * num_outputs if direction.mask is None else 0,
                num_outputs,
                as_numpy(saved.cells),
                as_numpy(saved.candidates),
                bias,
                inner_bias,
                peepholes,
                weights,
                mask,
                kept_hidden,
                kept_cells,
                as_numpy(saved.memory),
                plan.projection(direction, is_transposed=False),
            )

        all_at_once(run, len(plan.pieces))
        if any(ctx.needs_input_grad):
            ctx.plan = plan
            ctx.save_for_backward(
                inputs, hidden, *(tensor for saved, _ in projected for tensor in saved), *learnt
            )
        outputs = hidden.to(plan.dtype)
        if num_outputs == plan.output_size:
            return outputs
        return outputs.view(num_rows, len(directions), -1)[:, :, : plan.output_size].flatten(1).clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        plan = ctx.plan
        count, frames = len(plan.directions), plan.frames
        inputs, hidden, *tensors = ctx.saved_tensors
        taken = iter(tensors)
        kept = [_Saved(*itertools.islice(taken, len(_Saved._fields))) for _ in range(count)]
        directions = [
            replace(direction, **dict(zip(_LEARNT, itertools.islice(taken, len(_LEARNT)), strict=True)))
            for direction in plan.directions
        ]
        gradient = plan.filled(gradient.unflatten(1, (count, -1)), plan.kept).flatten(1)
        width = plan.num_gates * plan.num_cells
        changes = [plan.new(width, plan.kept) for _ in directions]
        inner_changes = [plan.new(width, plan.kept) if plan.kind == GRU else change for change in changes]
        hidden_changes = [
            plan.new(plan.num_outputs, plan.kept, is_there=direction.projection is not None)
            for direction in directions
        ]
        weights = all_at_once(
            lambda index: arranged(plan.recurrent_weights(directions[index]).t(), TILE_COLUMNS), count
        )

        def run(piece: int) -> None:
            index, (first, last) = plan.pieces[piece]
            direction = directions[index]
            saved = kept[index]
            peepholes, mask, kept_hidden, kept_cells = plan.extras(direction)
            sweep_back(
                plan.kind,
                direction.is_backward,
                first,
                last,
                frames.starts,
                as_numpy(gradient),
                as_numpy(hidden),
                index * plan.num_outputs,
                as_numpy(saved.gates),
                as_numpy(saved.cells),
                as_numpy(saved.candidates),
                peepholes,
                weights[index],
                mask,
                kept_hidden,
                kept_cells,
                as_numpy(changes[index]),
                as_numpy(inner_changes[index]),
                plan.projection(direction, is_transposed=True),
                as_numpy(hidden_changes[index]),
            )

        all_at_once(run, len(plan.pieces))
        wants_rows = ctx.needs_input_grad[1]

        def collect(index: int) -> list[Tensor | None]:
            direction = directions[index]
            saved = kept[index]
            change, inner_change = changes[index].to(plan.dtype), inner_changes[index].to(plan.dtype)
            first = index * plan.num_outputs if direction.mask is None else 0
            own = saved.recurrent[:, first : first + plan.output_size].to(plan.dtype)
            before = frames.shifted(own, is_backward=direction.is_backward)
            to_rows = None
            if wants_rows:
                to_rows = change @ plan.by_blocks(direction.input_weights, plan.dtype)
            bias = plan.by_gates(change.sum(0, dtype=plan.arithmetic), direction.bias.dtype)
            inner_bias = bias
            if plan.kind == GRU:
                inner_bias = plan.by_gates(inner_change.sum(0, dtype=plan.arithmetic), direction.bias.dtype)
            peepholes = None
            if plan.kind == LSTM and direction.peepholes is not None:
                by_gate = change.view(len(change), -1, plan.num_gates, LANES).to(plan.arithmetic)
                past = frames.shifted(saved.cells, is_backward=direction.is_backward)
                pairs = ((0, past), (1, past), (3, saved.candidates))
                sums = [(by_gate[:, :, gate].flatten(1) * source).sum(0) for gate, source in pairs]
                peepholes = torch.stack(sums)[:, : plan.hidden_size].to(direction.peepholes.dtype)
            projection = None
            if direction.projection is not None:
                outward = hidden_changes[index].to(plan.dtype).t() @ saved.memory.to(plan.dtype)
                projection = outward[: plan.output_size, : plan.hidden_size].to(direction.projection.dtype)
            return [
                to_rows,
                plan.by_gates(change.t() @ inputs, direction.input_weights.dtype),
                plan.by_gates(inner_change.t() @ before, direction.weights.dtype),
                bias,
                inner_bias,
                peepholes,
                projection,
            ]

        results = all_at_once(collect, count)
        to_rows = results[0][0]
        for other, *_ in results[1:]:
            to_rows = to_rows + other if to_rows is not None and other is not None else None
        return (None, to_rows, *(value for found in results for value in found[1:]))


def as_numpy(tensor: Tensor) -> np.ndarray:
    """Returns the same memory as an array; bfloat16 as uint16."""
    array: np.ndarray = (tensor.view(torch.uint16) if tensor.dtype == torch.bfloat16 else tensor).numpy()
    return array
