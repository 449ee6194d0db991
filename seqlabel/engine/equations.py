"""What one step of each cell computes, and its gradient, for sixteen cells at once.

With x the input, h- the output and c- the cell of the step before, W x already in `gates` and U h- in `sums`:

tanh RNN (Elman 1990)
    h = tanh(W x + U h- + b)
LSTM (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000; peepholes p, 0 for none: Gers et al. 2002)
    i = sigmoid(Wi x + Ui h- + bi + pi c-)      f = sigmoid(Wf x + Uf h- + bf + pf c-)      g = tanh(Wg x + Ug h- + bg)
    c = f c- + i g                              o = sigmoid(Wo x + Uo h- + bo + po c)       h = o tanh(c)
GRU (Cho et al. 2014, the reset gate after the product, as in cuDNN and PyTorch)
    r = sigmoid(Wr x + Ur h- + br)              z = sigmoid(Wz x + Uz h- + bz)
    n = tanh(Wn x + bn + r (Un h- + dn))        h = (1 - z) n + z h-

A gate of sixteen cells is one vector; the gates of the same cells lie one after the other. `change` is the gradient of
the loss; `flow` is what it sends back past the product with U: to c- (LSTM) or to h- (GRU, and zoneout).
"""

from typing import Any

from seqlabel.engine.vectors import Lanes, equations

RNN, GRU, LSTM = 0, 1, 2
"""Kinds of cell, as the sweeps know them."""
NUM_GATES = {RNN: 1, GRU: 3, LSTM: 4}


@equations
def rnn_step(lanes: Lanes, sums: Any, gates: Any, bias: Any) -> None:
    """Leaves h in `sums` and in `gates`."""
    h = lanes.tanh(lanes.load(sums) + lanes.load_kept(gates) + lanes.load(bias))
    lanes.store_kept(h, gates)
    lanes.store(h, sums)


@equations
def rnn_step_back(lanes: Lanes, sums: Any, gates: Any, changes: Any) -> None:
    """Turns the gradient of h in `sums` into that of the sum under the tanh."""
    h = lanes.load_kept(gates)
    lanes.store_kept(lanes.load(sums) * (1 - h * h), changes)


@equations
def gru_step(lanes: Lanes, sums: Any, gates: Any, bias: Any, inner_bias: Any, past: Any, inner: Any) -> None:
    """Leaves h in `sums`, r, z and n in `gates`, and Un h- + dn in `inner`."""
    r = lanes.sigmoid(lanes.load(sums, 0) + lanes.load_kept(gates, 0) + lanes.load(bias, 0))
    z = lanes.sigmoid(lanes.load(sums, 1) + lanes.load_kept(gates, 1) + lanes.load(bias, 1))
    reset = lanes.load(sums, 2) + lanes.load(inner_bias)
    n = lanes.tanh(lanes.load_kept(gates, 2) + lanes.load(bias, 2) + r * reset)
    for index, gate in enumerate((r, z, n)):
        lanes.store_kept(gate, gates, index)
    lanes.store(reset, inner)
    lanes.store((1 - z) * n + z * lanes.load_kept(past), sums)


@equations
def gru_step_back(
    lanes: Lanes, sums: Any, gates: Any, inner: Any, past: Any, flow: Any, changes: Any, inner_changes: Any
) -> None:
    """Turns the gradient of h in `sums` into those of W x (`changes`) and of U h- (`inner_changes`)."""
    h_change = lanes.load(sums)
    r, z, n = (lanes.load_kept(gates, index) for index in range(3))
    n_change = h_change * (1 - z) * (1 - n * n)
    z_change = h_change * (lanes.load_kept(past) - n) * z * (1 - z)
    r_change = n_change * lanes.load(inner) * r * (1 - r)
    lanes.store(lanes.load(flow) + h_change * z, flow)
    for index, change in enumerate((r_change, z_change, n_change)):
        lanes.store_kept(change, changes, index)
    for index, change in enumerate((r_change, z_change, n_change * r)):
        lanes.store_kept(change, inner_changes, index)


@equations
def lstm_step(
    lanes: Lanes, sums: Any, gates: Any, bias: Any, pi: Any, pf: Any, po: Any, past: Any, cell: Any
) -> None:
    """Leaves h in `sums`, c in `cell` and i, f, g and o in `gates`."""
    i, f, g, o = (lanes.load(sums, n) + lanes.load_kept(gates, n) + lanes.load(bias, n) for n in range(4))
    c_past = lanes.load(past)
    i = lanes.sigmoid(i + lanes.load(pi) * c_past)
    f = lanes.sigmoid(f + lanes.load(pf) * c_past)
    g = lanes.tanh(g)
    c = f * c_past + i * g
    o = lanes.sigmoid(o + lanes.load(po) * c)
    for n, gate in enumerate((i, f, g, o)):
        lanes.store_kept(gate, gates, n)
    lanes.store(c, cell)
    lanes.store(o * lanes.tanh(c), sums)


@equations
def lstm_step_back(
    lanes: Lanes,
    sums: Any,
    gates: Any,
    pi: Any,
    pf: Any,
    po: Any,
    past: Any,
    cell: Any,
    kept: Any,
    flow: Any,
    changes: Any,
) -> None:
    """Turns the gradient of h in `sums` into those of the four gates' sums; `kept` is zoneout's share of c-."""
    h_change, share, incoming = lanes.load(sums), lanes.load(kept), lanes.load(flow)
    i, f, g, o = (lanes.load_kept(gates, n) for n in range(4))
    c_past = lanes.load(past)
    bent = lanes.tanh(lanes.load(cell))
    o_change = h_change * bent * o * (1 - o)
    c_change = incoming * (1 - share) + h_change * o * (1 - bent * bent) + o_change * lanes.load(po)
    i_change = c_change * g * i * (1 - i)
    f_change = c_change * c_past * f * (1 - f)
    g_change = c_change * i * (1 - g * g)
    to_past = incoming * share + c_change * f
    lanes.store(to_past + i_change * lanes.load(pi) + f_change * lanes.load(pf), flow)
    for n, change in enumerate((i_change, f_change, g_change, o_change)):
        lanes.store_kept(change, changes, n)


@equations
def keep(lanes: Lanes, sums: Any, out: Any) -> None:
    """Writes the vector in `sums` as kept numbers."""
    lanes.store_kept(lanes.load(sums), out)


@equations
def keep_masked(lanes: Lanes, sums: Any, mask: Any, out: Any) -> None:
    """Writes the vector in `sums` times the mask as kept numbers."""
    lanes.store_kept(lanes.load(sums) * lanes.load(mask), out)


@equations
def add_kept(lanes: Lanes, sums: Any, kept: Any) -> None:
    """Adds a vector of kept numbers to `sums`."""
    lanes.store(lanes.load(sums) + lanes.load_kept(kept), sums)


@equations
def multiply(lanes: Lanes, sums: Any, mask: Any) -> None:
    """Multiplies `sums` by the mask."""
    lanes.store(lanes.load(sums) * lanes.load(mask), sums)


@equations
def mix(lanes: Lanes, new: Any, past: Any, share: Any, out: Any) -> None:
    """Zoneout (Krueger et al. 2017) of a cell: `share` of the past and the rest of the new."""
    kept = lanes.load(share)
    lanes.store(kept * lanes.load(past) + (1 - kept) * lanes.load(new), out)


@equations
def mix_kept(lanes: Lanes, sums: Any, past: Any, share: Any) -> None:
    """Zoneout of an output, in place; the past is a vector of kept numbers."""
    kept = lanes.load(share)
    lanes.store(kept * lanes.load_kept(past) + (1 - kept) * lanes.load(sums), sums)


@equations
def take(lanes: Lanes, sums: Any, flow: Any) -> None:
    """Adds `flow` to `sums` and empties it."""
    flowing = lanes.load(flow)
    lanes.store(lanes.load(sums) + flowing, sums)
    lanes.store(flowing * 0.0, flow)


@equations
def mix_back(lanes: Lanes, sums: Any, flow: Any, share: Any) -> None:
    """The gradient of `mix_kept`: part of that of h goes past the step, in `flow`, to the h before."""
    total, kept = lanes.load(sums), lanes.load(share)
    lanes.store(kept * total, flow)
    lanes.store((1 - kept) * total, sums)
