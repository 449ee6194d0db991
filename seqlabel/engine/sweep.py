"""One direction of a recurrent layer swept over a batch, forward and back through time, compiled by numba.

The rows of a batch stand frame by frame: `starts[t]` is the row of the first example in frame t, and the examples,
longest first, are the same first ones in every frame. So no padding exists, none is computed, and what becomes of one
example never depends on the others: each of its sums is added up in the same order whatever stands beside it.

A sweep takes the examples from `first` to `last`, so that several may run at the same time. For each frame and each
tile of cells it computes U h- of up to six examples in registers (`product`), and from it the step of the cell
(`equations`).
"""

from typing import Any, no_type_check

import numpy as np
from numba import njit

from seqlabel.engine import equations as eq
from seqlabel.engine.product import TILE_COLUMNS, TILE_ROWS, product
from seqlabel.engine.vectors import LANES

GRU, LSTM = eq.GRU, eq.LSTM


@njit(nogil=True)
@no_type_check
def address(array: Any) -> int:
    """Returns where an array begins, as a signed number: numba adds signed and unsigned ones up as float64."""
    return np.int64(array.ctypes.data)


@njit(nogil=True, cache=True, error_model="numpy")
@no_type_check
def sweep(
    kind: int,
    is_backward: bool,
    first: int,
    last: int,
    starts: Any,
    gates: Any,
    hidden: Any,
    hidden_column: int,
    recurrent: Any,
    recurrent_column: int,
    num_outputs: int,
    cells: Any,
    candidates: Any,
    bias: Any,
    inner_bias: Any,
    peepholes: Any,
    weights: Any,
    mask: Any,
    kept_hidden: Any,
    kept_cells: Any,
    memory: Any,
    projection: Any,
) -> None:
    """Takes the examples `first` to `last` through all frames.

    Args:
        kind: of the cell (`equations`), with G gates.
        is_backward: from the last frame to the first.
        starts: (T + 1,) first row of each frame.
        gates: (R, G H) W x, sixteen cells of each gate after the other; afterwards the gates.
        hidden: (R, ..) where h goes, from `hidden_column` on.
        recurrent: (R, ..) what the next step multiplies with U: the same place, or with a `mask` another.
        num_outputs: numbers of h: H, or P with a projection.
        cells: (R, H) where c goes (LSTM), or the inner sum of n (GRU).
        candidates: (R, H) where c goes before zoneout mixes it; the same array as `cells` without zoneout.
        bias: (G H,) like the gates.
        inner_bias: (H,) inside of the reset (GRU).
        peepholes: (3, H) for i, f and o (LSTM).
        weights: U arranged for `product`, a tile for each sixteen cells.
        mask: (N, H) factors of h on its way into the next step (recurrent dropout), or (0, H) for none.
        kept_hidden, kept_cells: (R, H) shares of the old that zoneout keeps, or (0, H) for none.
        memory: (R, H) where o tanh(c) goes, of which h is the projection to P numbers; or (0, H) without projection.
        projection: its weights arranged for `product`, a tile for each 64 columns.
    """
    num_frames, num_cells = len(starts) - 1, cells.shape[1]
    num_columns = LANES * (4 if kind == LSTM else 3 if kind == GRU else 1)
    tile = np.empty((TILE_ROWS, TILE_COLUMNS), cells.dtype)
    nothing = np.zeros(LANES, cells.dtype)
    word, size = cells.itemsize, gates.itemsize
    row_bytes = num_cells * word
    depth = num_outputs * size // weights.itemsize
    tile_bytes = depth * num_columns * weights.itemsize
    arranged, sums, zeros = address(weights), address(tile), address(nothing)
    gates_at, gates_row = address(gates), gates.shape[1] * size
    hidden_at, hidden_row = address(hidden) + hidden_column * size, hidden.shape[1] * size
    source, source_row = address(recurrent) + recurrent_column * size, recurrent.shape[1] * size
    has_projection = len(memory) > 0
    # Where what comes out of the cells goes: to h, or to be projected.
    out, out_row = (address(memory), memory.shape[1] * size) if has_projection else (hidden_at, hidden_row)
    projected_depth = num_cells * size // weights.itemsize
    has_mask, zones_hidden, zones_cells = len(mask) > 0, len(kept_hidden) > 0, len(kept_cells) > 0
    for step in range(num_frames):
        frame = num_frames - 1 - step if is_backward else step
        base, base_before, num_known = starts[frame], 0, 0
        end = min(last, starts[frame + 1] - base)
        if step > 0:
            before = frame + 1 if is_backward else frame - 1
            base_before = starts[before]
            num_known = min(end, starts[before + 1] - base_before)
        for block in range(num_cells // LANES):
            at = block * LANES
            row = first
            while row < end:
                is_known = row < num_known
                left = (num_known if is_known else end) - row
                count = -(-left // -(-left // TILE_ROWS))
                if is_known:
                    left_at = source + (base_before + row) * source_row
                    right_at = arranged + block * tile_bytes
                    product(weights, num_columns, count, left_at, source_row, right_at, depth, sums)
                else:
                    tile[:count] = 0
                for index in range(count):
                    here, there = base + row + index, base_before + row + index
                    h = sums + index * num_columns * word
                    own = gates_at + here * gates_row + block * num_columns * size
                    shift = address(bias) + block * num_columns * word
                    h_past = hidden_at + there * hidden_row + at * size if is_known else zeros
                    cell = address(candidates) + (here * num_cells + at) * word
                    if kind == LSTM:
                        c_past = address(cells) + (there * num_cells + at) * word if is_known else zeros
                        p = address(peepholes) + at * word
                        eq.lstm_step(
                            gates, cells, (h, own, shift, p, p + row_bytes, p + 2 * row_bytes, c_past, cell)
                        )
                        if zones_cells:
                            share = address(kept_cells) + (here * num_cells + at) * word
                            mixed = address(cells) + (here * num_cells + at) * word
                            eq.mix(gates, cells, (cell, c_past, share, mixed))
                    elif kind == GRU:
                        inner_shift = address(inner_bias) + at * word
                        eq.gru_step(gates, cells, (h, own, shift, inner_shift, h_past, cell))
                    else:
                        eq.rnn_step(gates, cells, (h, own, shift))
                    if zones_hidden:
                        share = address(kept_hidden) + (here * num_cells + at) * word
                        eq.mix_kept(gates, cells, (h, h_past, share))
                    eq.keep(gates, cells, (h, out + here * out_row + at * size))
                    if has_mask:
                        factors = address(mask) + ((row + index) * num_cells + at) * word
                        eq.keep_masked(gates, cells, (h, factors, source + here * source_row + at * size))
                row += count
        if has_projection:
            for wide in range(0, num_outputs, TILE_COLUMNS):
                right_at = address(projection) + wide * projected_depth * weights.itemsize
                row = first
                while row < end:
                    count = -(-(end - row) // -(-(end - row) // TILE_ROWS))
                    left_at = out + (base + row) * out_row
                    product(weights, TILE_COLUMNS, count, left_at, out_row, right_at, projected_depth, sums)
                    for index in range(count):
                        for at in range(wide, min(wide + TILE_COLUMNS, num_outputs), LANES):
                            h = sums + (index * TILE_COLUMNS + at - wide) * word
                            eq.keep(
                                gates, cells, (h, hidden_at + (base + row + index) * hidden_row + at * size)
                            )
                    row += count
    # numba gives an array back after its last use, and an address is none: these must live until here.
    tile[0, 0] = nothing[0]


@njit(nogil=True, cache=True, error_model="numpy")
@no_type_check
def sweep_back(
    kind: int,
    is_backward: bool,
    first: int,
    last: int,
    starts: Any,
    gradient: Any,
    hidden: Any,
    hidden_column: int,
    gates: Any,
    cells: Any,
    candidates: Any,
    peepholes: Any,
    weights: Any,
    mask: Any,
    kept_hidden: Any,
    kept_cells: Any,
    changes: Any,
    inner_changes: Any,
    projection: Any,
    hidden_changes: Any,
) -> None:
    """Takes the gradient of h back through all frames, to that of W x.

    Args:
        gradient: (R, ..) of h, laid out like `hidden`: from `hidden_column` on.
        gates, hidden, cells, candidates: as `sweep` left them.
        weights: U arranged for the product with the gates' gradients, a tile for each 64 cells.
        changes: (R, G H) where the gradient of W x goes, in the order of the gates.
        inner_changes: (R, G H) where that of U h- goes, likewise: the same array but for a GRU.
        projection: its weights arranged for the product with the gradient of h, a tile for each 64 cells.
        hidden_changes: (R, P) where the gradient of a projected h goes, or (0, P) without projection.
        The others are as in `sweep`.
    """
    num_frames, num_cells = len(starts) - 1, cells.shape[1]
    num_columns = LANES * (4 if kind == LSTM else 3 if kind == GRU else 1)
    tile = np.empty((TILE_ROWS, TILE_COLUMNS), cells.dtype)
    nothing = np.zeros(LANES, cells.dtype)
    word, size = cells.itemsize, gates.itemsize
    row_bytes = num_cells * word
    depth = num_columns // LANES * num_cells * size // weights.itemsize
    arranged, sums, zeros = address(weights), address(tile), address(nothing)
    gates_at, gates_row = address(gates), gates.shape[1] * size
    hidden_at, hidden_row = address(hidden) + hidden_column * size, hidden.shape[1] * size
    source, source_row = address(inner_changes), inner_changes.shape[1] * size
    changes_at = address(changes)
    gradient_at = address(gradient) + hidden_column * size
    has_projection, num_outputs = len(hidden_changes) > 0, hidden_changes.shape[1]
    has_mask, zones_hidden, zones_cells = len(mask) > 0, len(kept_hidden) > 0, len(kept_cells) > 0
    # What flows back from the step after past the product with U: into c, and into h (GRU and zoneout).
    flows_past = kind == GRU or zones_hidden
    cell_flows = np.zeros((last - first if kind == LSTM else 1, num_cells), cells.dtype)
    hidden_flows = np.zeros((last - first if flows_past else 1, num_cells), cells.dtype)
    for step in range(num_frames):
        frame = step if is_backward else num_frames - 1 - step
        base, base_before, num_known, base_after, num_used = starts[frame], 0, 0, 0, 0
        end = min(last, starts[frame + 1] - base)
        if step < num_frames - 1:
            before = frame + 1 if is_backward else frame - 1  # the frame that the state came from
            base_before = starts[before]
            num_known = min(end, starts[before + 1] - base_before)
        if step > 0:
            after = frame - 1 if is_backward else frame + 1  # the frame that the state went to
            base_after = starts[after]
            num_used = min(end, starts[after + 1] - base_after)
        # What comes back into the cells of a row: the product of the step after with U, and the gradient of h. With a
        # projection that is the gradient of h, which in its turn is multiplied to be that of the cells.
        from_at, from_row, from_base, num_ready = source, source_row, base_after, num_used
        from_weights, from_depth = arranged, depth
        if has_projection:
            for wide in range(0, num_outputs, TILE_COLUMNS):
                row = first
                while row < end:
                    is_used = row < num_used
                    left = (num_used if is_used else end) - row
                    count = -(-left // -(-left // TILE_ROWS))
                    if is_used:
                        left_at = source + (base_after + row) * source_row
                        right_at = arranged + wide * depth * weights.itemsize
                        product(weights, TILE_COLUMNS, count, left_at, source_row, right_at, depth, sums)
                    else:
                        tile[:count] = 0
                    for index in range(count):
                        here = base + row + index
                        for at in range(wide, min(wide + TILE_COLUMNS, num_outputs), LANES):
                            h = sums + (index * TILE_COLUMNS + at - wide) * word
                            eq.add_kept(gates, cells, (h, gradient_at + here * hidden_row + at * size))
                            eq.keep(
                                gates, cells, (h, address(hidden_changes) + (here * num_outputs + at) * size)
                            )
                    row += count
            from_at, from_row, from_base, num_ready = address(hidden_changes), num_outputs * size, base, end
            from_weights, from_depth = address(projection), num_outputs * size // weights.itemsize
        for wide in range(0, num_cells, TILE_COLUMNS):
            row = first
            while row < end:
                is_ready = row < num_ready
                left = (num_ready if is_ready else end) - row
                count = -(-left // -(-left // TILE_ROWS))
                if is_ready:
                    left_at = from_at + (from_base + row) * from_row
                    right_at = from_weights + wide * from_depth * weights.itemsize
                    product(weights, TILE_COLUMNS, count, left_at, from_row, right_at, from_depth, sums)
                else:
                    tile[:count] = 0
                for index in range(count):
                    here, there = base + row + index, base_before + row + index
                    is_known = row + index < num_known
                    for at in range(wide, min(wide + TILE_COLUMNS, num_cells), LANES):
                        h = sums + (index * TILE_COLUMNS + at - wide) * word
                        own = gates_at + here * gates_row + at // LANES * num_columns * size
                        goal = changes_at + here * gates_row + at // LANES * num_columns * size
                        flow_at = ((row + index - first) * num_cells + at) * word
                        cell = address(candidates) + (here * num_cells + at) * word
                        if has_mask:
                            factors = address(mask) + ((row + index) * num_cells + at) * word
                            eq.multiply(gates, cells, (h, factors))
                        if not has_projection:
                            eq.add_kept(gates, cells, (h, gradient_at + here * hidden_row + at * size))
                        hidden_flow = address(hidden_flows) + flow_at
                        if flows_past:
                            eq.take(gates, cells, (h, hidden_flow))
                        if zones_hidden:
                            share = address(kept_hidden) + (here * num_cells + at) * word
                            eq.mix_back(gates, cells, (h, hidden_flow, share))
                        if kind == LSTM:
                            c_past = address(cells) + (there * num_cells + at) * word if is_known else zeros
                            share = (
                                address(kept_cells) + (here * num_cells + at) * word if zones_cells else zeros
                            )
                            p = address(peepholes) + at * word
                            pf, po = p + row_bytes, p + 2 * row_bytes
                            flow = address(cell_flows) + flow_at
                            eq.lstm_step_back(
                                gates, cells, (h, own, p, pf, po, c_past, cell, share, flow, goal)
                            )
                        elif kind == GRU:
                            h_past = hidden_at + there * hidden_row + at * size if is_known else zeros
                            inner_goal = source + here * source_row + at // LANES * num_columns * size
                            eq.gru_step_back(
                                gates, cells, (h, own, cell, h_past, hidden_flow, goal, inner_goal)
                            )
                        else:
                            eq.rnn_step_back(gates, cells, (h, own, goal))
                row += count
    # numba gives an array back after its last use, and an address is none: these must live until here.
    tile[0, 0] = nothing[0] + cell_flows[0, 0] + hidden_flows[0, 0]
