"""One direction of a recurrent layer swept over a batch, forward and back through time, compiled by numba.

The rows of a batch stand frame by frame: `starts[t]` is the row of the first example in frame t, and the examples,
longest first, are the same first ones in every frame. So no padding exists, none is computed, and what becomes of one
example never depends on the others: each of its sums is added up in the same order whatever stands beside it.

A sweep takes the examples from `first` to `last`, so that several may run at the same time. For each frame and each
tile of cells it computes U h- of up to six examples in registers (`product`), and from it the step of the cell
(`equations`). Names that end in `_at` are addresses, those in `_bytes` sizes and distances in bytes. numba gives an
array back after its last use, and an address is no use: arrays made here are used once more at the end.
"""

from typing import Any, no_type_check

import numpy as np
from numba import njit

from seqlabel.compiled import compiled, forget_if_changed
from seqlabel.engine import equations as eq
from seqlabel.engine import product as product_module
from seqlabel.engine import vectors
from seqlabel.engine.product import TILE_COLUMNS, TILE_ROWS, product
from seqlabel.engine.vectors import LANES

GRU, LSTM = eq.GRU, eq.LSTM


@njit(nogil=True)
@no_type_check
def address(array: Any) -> int:
    """Returns where an array begins, as a signed number: numba adds signed and unsigned ones up as float64."""
    return np.int64(array.ctypes.data)


@compiled
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
        cells: (R, H) where an LSTM's c goes, mixed by zoneout.
        candidates: (R, H) where c goes before zoneout mixes it, or the inner sum of a GRU's n; for an LSTM without
            zoneout the same array as `cells`.
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
    tile_columns = LANES * (4 if kind == LSTM else 3 if kind == GRU else 1)
    tile = np.empty((TILE_ROWS, TILE_COLUMNS), cells.dtype)
    nothing = np.zeros(LANES, cells.dtype)
    tile_at, nothing_at = address(tile), address(nothing)
    number_bytes, kept_bytes = cells.itemsize, gates.itemsize
    cells_bytes = num_cells * number_bytes
    gates_at, gates_bytes = address(gates), gates.shape[1] * kept_bytes
    hidden_at, hidden_bytes = address(hidden) + hidden_column * kept_bytes, hidden.shape[1] * kept_bytes
    recurrent_at = address(recurrent) + recurrent_column * kept_bytes
    recurrent_bytes = recurrent.shape[1] * kept_bytes
    depth = num_outputs * kept_bytes // weights.itemsize
    projected_depth = num_cells * kept_bytes // weights.itemsize
    has_projection, has_mask = len(memory) > 0, len(mask) > 0
    zones_hidden, zones_cells = len(kept_hidden) > 0, len(kept_cells) > 0
    # Where what comes out of the cells goes: to h, or to be projected.
    out_at, out_bytes = (
        (address(memory), memory.shape[1] * kept_bytes) if has_projection else (hidden_at, hidden_bytes)
    )
    for step in range(num_frames):
        frame = num_frames - 1 - step if is_backward else step
        base, base_before, num_known = starts[frame], 0, 0
        end = min(last, starts[frame + 1] - base)
        if step > 0:
            before = frame + 1 if is_backward else frame - 1
            base_before = starts[before]
            num_known = min(end, starts[before + 1] - base_before)
        for block in range(num_cells // LANES):
            cell = block * LANES
            weights_at = address(weights) + block * tile_columns * depth * weights.itemsize
            example = first
            while example < end:
                is_known = example < num_known  # from a step before; the others begin here
                left = (num_known if is_known else end) - example
                count = -(-left // -(-left // TILE_ROWS))
                if is_known:
                    past_at = recurrent_at + (base_before + example) * recurrent_bytes
                    product(
                        weights, tile_columns, count, past_at, recurrent_bytes, weights_at, depth, tile_at
                    )
                else:
                    tile[:count] = 0
                for index in range(count):
                    row, row_before = base + example + index, base_before + example + index
                    sums_at = tile_at + index * tile_columns * number_bytes
                    gate_at = gates_at + row * gates_bytes + block * tile_columns * kept_bytes
                    bias_at = address(bias) + block * tile_columns * number_bytes
                    h_past_at = (
                        hidden_at + row_before * hidden_bytes + cell * kept_bytes if is_known else nothing_at
                    )
                    cell_place = row * cells_bytes + cell * number_bytes
                    candidate_at = address(candidates) + cell_place
                    if kind == LSTM:
                        place_before = row_before * cells_bytes + cell * number_bytes
                        c_past_at = address(cells) + place_before if is_known else nothing_at
                        pi_at = address(peepholes) + cell * number_bytes
                        pf_at, po_at = pi_at + cells_bytes, pi_at + 2 * cells_bytes
                        eq.lstm_step(
                            gates,
                            cells,
                            (sums_at, gate_at, bias_at, pi_at, pf_at, po_at, c_past_at, candidate_at),
                        )
                        if zones_cells:
                            share_at = address(kept_cells) + cell_place
                            eq.mix(
                                gates, cells, (candidate_at, c_past_at, share_at, address(cells) + cell_place)
                            )
                    elif kind == GRU:
                        inner_bias_at = address(inner_bias) + cell * number_bytes
                        eq.gru_step(
                            gates, cells, (sums_at, gate_at, bias_at, inner_bias_at, h_past_at, candidate_at)
                        )
                    else:
                        eq.rnn_step(gates, cells, (sums_at, gate_at, bias_at))
                    if zones_hidden:
                        eq.mix_kept(gates, cells, (sums_at, h_past_at, address(kept_hidden) + cell_place))
                    eq.keep(gates, cells, (sums_at, out_at + row * out_bytes + cell * kept_bytes))
                    if has_mask:
                        mask_at = address(mask) + (example + index) * cells_bytes + cell * number_bytes
                        masked_at = recurrent_at + row * recurrent_bytes + cell * kept_bytes
                        eq.keep_masked(gates, cells, (sums_at, mask_at, masked_at))
                example += count
        if has_projection:
            for tile_first in range(0, num_outputs, TILE_COLUMNS):
                projection_at = address(projection) + tile_first * projected_depth * weights.itemsize
                example = first
                while example < end:
                    count = -(-(end - example) // -(-(end - example) // TILE_ROWS))
                    memory_at = out_at + (base + example) * out_bytes
                    product(
                        weights,
                        TILE_COLUMNS,
                        count,
                        memory_at,
                        out_bytes,
                        projection_at,
                        projected_depth,
                        tile_at,
                    )
                    for index in range(count):
                        row_at = hidden_at + (base + example + index) * hidden_bytes
                        for output in range(tile_first, min(tile_first + TILE_COLUMNS, num_outputs), LANES):
                            sums_at = tile_at + (index * TILE_COLUMNS + output - tile_first) * number_bytes
                            eq.keep(gates, cells, (sums_at, row_at + output * kept_bytes))
                    example += count
    tile[0, 0] = nothing[0]


@compiled
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
        weights: U arranged for the product with the gates' gradients, a tile for each 64 outputs.
        changes: (R, G H) where the gradient of W x goes, in the order of the gates.
        inner_changes: (R, G H) where that of U h- goes, likewise: the same array but for a GRU.
        projection: its weights arranged for the product with the gradient of h, a tile for each 64 cells.
        hidden_changes: (R, P) where the gradient of a projected h goes, or (0, P) without projection.
        The others are as in `sweep`.
    """
    num_frames, num_cells = len(starts) - 1, cells.shape[1]
    gate_columns = LANES * (4 if kind == LSTM else 3 if kind == GRU else 1)
    tile = np.empty((TILE_ROWS, TILE_COLUMNS), cells.dtype)
    nothing = np.zeros(LANES, cells.dtype)
    tile_at, nothing_at = address(tile), address(nothing)
    number_bytes, kept_bytes = cells.itemsize, gates.itemsize
    cells_bytes = num_cells * number_bytes
    gates_bytes = gates.shape[1] * kept_bytes
    hidden_at, hidden_bytes = address(hidden) + hidden_column * kept_bytes, hidden.shape[1] * kept_bytes
    gradient_at = address(gradient) + hidden_column * kept_bytes
    depth = gates.shape[1] * kept_bytes // weights.itemsize
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
        # What comes back into the cells: the gates of the step after times U, and the gradient of h. With a projection
        # that sum is the gradient of h, which in its turn is multiplied to be that of the cells.
        from_at, from_bytes, from_base, num_ready = address(inner_changes), gates_bytes, base_after, num_used
        from_weights_at, from_depth = address(weights), depth
        if has_projection:
            for tile_first in range(0, num_outputs, TILE_COLUMNS):
                example = first
                while example < end:
                    is_used = example < num_used
                    left = (num_used if is_used else end) - example
                    count = -(-left // -(-left // TILE_ROWS))
                    if is_used:
                        left_at = address(inner_changes) + (base_after + example) * gates_bytes
                        right_at = address(weights) + tile_first * depth * weights.itemsize
                        product(weights, TILE_COLUMNS, count, left_at, gates_bytes, right_at, depth, tile_at)
                    else:
                        tile[:count] = 0
                    for index in range(count):
                        row = base + example + index
                        for output in range(tile_first, min(tile_first + TILE_COLUMNS, num_outputs), LANES):
                            sums_at = tile_at + (index * TILE_COLUMNS + output - tile_first) * number_bytes
                            eq.add_kept(
                                gates,
                                cells,
                                (sums_at, gradient_at + row * hidden_bytes + output * kept_bytes),
                            )
                            place = (row * num_outputs + output) * kept_bytes
                            eq.keep(gates, cells, (sums_at, address(hidden_changes) + place))
                    example += count
            from_at, from_bytes = address(hidden_changes), num_outputs * kept_bytes
            from_base, num_ready = base, end
            from_weights_at, from_depth = address(projection), num_outputs * kept_bytes // weights.itemsize
        for tile_first in range(0, num_cells, TILE_COLUMNS):
            example = first
            while example < end:
                is_ready = example < num_ready
                left = (num_ready if is_ready else end) - example
                count = -(-left // -(-left // TILE_ROWS))
                if is_ready:
                    left_at = from_at + (from_base + example) * from_bytes
                    right_at = from_weights_at + tile_first * from_depth * weights.itemsize
                    product(weights, TILE_COLUMNS, count, left_at, from_bytes, right_at, from_depth, tile_at)
                else:
                    tile[:count] = 0
                for index in range(count):
                    row, row_before = base + example + index, base_before + example + index
                    is_known = example + index < num_known
                    for cell in range(tile_first, min(tile_first + TILE_COLUMNS, num_cells), LANES):
                        sums_at = tile_at + (index * TILE_COLUMNS + cell - tile_first) * number_bytes
                        gate_place = row * gates_bytes + cell // LANES * gate_columns * kept_bytes
                        gate_at, change_at = address(gates) + gate_place, address(changes) + gate_place
                        cell_place = row * cells_bytes + cell * number_bytes
                        candidate_at = address(candidates) + cell_place
                        example_place = (example + index) * cells_bytes + cell * number_bytes
                        flow_place = example_place - first * cells_bytes
                        hidden_flow_at = address(hidden_flows) + flow_place
                        if has_mask:
                            eq.multiply(gates, cells, (sums_at, address(mask) + example_place))
                        if not has_projection:
                            eq.add_kept(
                                gates, cells, (sums_at, gradient_at + row * hidden_bytes + cell * kept_bytes)
                            )
                        if flows_past:
                            eq.take(gates, cells, (sums_at, hidden_flow_at))
                        if zones_hidden:
                            share_at = address(kept_hidden) + cell_place
                            eq.mix_back(gates, cells, (sums_at, hidden_flow_at, share_at))
                        if kind == LSTM:
                            place_before = row_before * cells_bytes + cell * number_bytes
                            c_past_at = address(cells) + place_before if is_known else nothing_at
                            share_at = address(kept_cells) + cell_place if zones_cells else nothing_at
                            pi_at = address(peepholes) + cell * number_bytes
                            pf_at, po_at = pi_at + cells_bytes, pi_at + 2 * cells_bytes
                            cell_flow_at = address(cell_flows) + flow_place
                            eq.lstm_step_back(
                                gates,
                                cells,
                                (
                                    sums_at,
                                    gate_at,
                                    pi_at,
                                    pf_at,
                                    po_at,
                                    c_past_at,
                                    candidate_at,
                                    share_at,
                                    cell_flow_at,
                                    change_at,
                                ),
                            )
                        elif kind == GRU:
                            h_past_at = hidden_at + row_before * hidden_bytes + cell * kept_bytes
                            if not is_known:
                                h_past_at = nothing_at
                            inner_change_at = address(inner_changes) + gate_place
                            eq.gru_step_back(
                                gates,
                                cells,
                                (
                                    sums_at,
                                    gate_at,
                                    candidate_at,
                                    h_past_at,
                                    hidden_flow_at,
                                    change_at,
                                    inner_change_at,
                                ),
                            )
                        else:
                            eq.rnn_step_back(gates, cells, (sums_at, gate_at, change_at))
                example += count
    tile[0, 0] = nothing[0] + cell_flows[0, 0] + hidden_flows[0, 0]


forget_if_changed((sweep, sweep_back), (product_module, vectors, eq))
