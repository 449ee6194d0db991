"""Stacked bidirectional LSTMs whose result for one example never depends on its batch.

On a CPU, PyTorch's packed sequences cost several times a dense LSTM when lengths differ. Here each direction
runs dense over the right-padded batch: the forward direction never sees padding before its own frames, and
the backward direction gets every sequence reversed inside its own length, so that neither does it. Where
lengths differ much, the batch, longest first, is run in a few stretches of time, each dense over the examples
that still have frames there, so that little padding is computed; the two directions run at the same time, each in
a thread of its own. On CUDA cuDNN's packed kernels are the fastest
and are used with the same weights.

Source: Graves and Schmidhuber, "Framewise phoneme classification with bidirectional LSTM", Neural Networks 18, 2005.
"""

from collections.abc import Iterable
from typing import cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seqlabel.config import Config, Count, Share
from seqlabel.encoders.rows import take_rows
from seqlabel.encoders.side_by_side import side_by_side


class RecurrentConfig(Config, frozen=True, tag="recurrent"):
    """Stacked bidirectional LSTM over the frames.

    Attributes:
        hidden_size: cells in each direction of each layer.
        num_layers: layers; each reads both directions of the one below, concatenated.
        dropout: probability for the outputs of every layer, the last included.
        input_dropout: probability for the features themselves.
    """

    hidden_size: Count = 256
    num_layers: Count = 3
    dropout: Share = 0.3
    input_dropout: Share = 0.0

    def build(self, input_dim: int) -> "RecurrentEncoder":
        """Returns a new encoder of frames of `input_dim` features, its weights drawn from torch's generator."""
        return RecurrentEncoder(self, input_dim)


class RecurrentEncoder(nn.Module):
    """Encodes (N, T, F) into (N, T, 2 x hidden_size), frame by frame, reading in both directions."""

    def __init__(self, config: RecurrentConfig, input_dim: int) -> None:
        super().__init__()
        self.output_dim = 2 * config.hidden_size
        dims = [input_dim] + [self.output_dim] * (config.num_layers - 1)
        self.layers = nn.ModuleList(BidirectionalLstm(dim, config.hidden_size) for dim in dims)
        self.input_dropout = nn.Dropout(config.input_dropout)
        self.dropout = nn.Dropout(config.dropout)

    def output_lengths(self, lengths: Int[Tensor, " N"]) -> Int[Tensor, " N"]:
        """Returns the number of frames that come out: as many as go in."""
        return lengths

    def forward(
        self, features: Float[Tensor, "N T F"], lengths: Int[Tensor, " N"]
    ) -> tuple[Float[Tensor, "N T H"], Int[Tensor, " N"]]:
        """Returns hidden frames and their lengths; what stands in the padding is of no meaning."""
        layers = cast(Iterable[BidirectionalLstm], self.layers)  # ModuleList bears no element type
        hidden = self.input_dropout(features)
        if features.is_cuda:
            for layer in layers:
                hidden = self.dropout(layer.packed(hidden, lengths))
            return hidden, lengths
        order = torch.argsort(lengths, descending=True, stable=True)
        plan = DensePlan(lengths[order], features.shape[1])
        is_sorted = bool((lengths[:-1] >= lengths[1:]).all())
        hidden = hidden if is_sorted else take_rows(hidden, order)
        for layer in layers:
            hidden = self.dropout(layer.dense(hidden, plan))
        return hidden if is_sorted else take_rows(hidden, torch.argsort(order)), lengths


class BidirectionalLstm(nn.Module):
    """One bidirectional LSTM layer; its weights have the names and shapes of `torch.nn.LSTM`'s."""

    def __init__(self, input_dim: int, hidden_size: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(input_dim, hidden_size, batch_first=True, bidirectional=True)
        for name, parameter in self.lstm.named_parameters():
            if name.startswith("weight_hh"):
                for gate in parameter.data.chunk(4):
                    nn.init.orthogonal_(gate)
            elif name.startswith("weight_ih"):
                nn.init.xavier_uniform_(parameter)
            else:
                nn.init.zeros_(parameter)
                if name.startswith("bias_ih"):
                    # Forget gates open at the start (Gers 2000, Jozefowicz 2015); PyTorch's gate order is i f g o.
                    parameter.data[hidden_size : 2 * hidden_size] = 1.0

    def packed(self, frames: Float[Tensor, "N T F"], lengths: Int[Tensor, " N"]) -> Float[Tensor, "N T H"]:
        """Returns both directions' outputs, concatenated, by PyTorch's packed sequences: the fastest way on CUDA.

        They are computed in the type of the weights: under autocast PyTorch hands cuDNN float16, whatever type was
        asked for (ATen/cudnn/AutocastRNN.cpp), and without scaling of the loss small gradients would become zero.
        """
        frames = frames.to(next(self.lstm.parameters()).dtype)
        sequences = pack_padded_sequence(frames, lengths.cpu(), batch_first=True, enforce_sorted=False)
        with torch.autocast(frames.device.type, enabled=False):
            outputs = self.lstm(sequences)[0]
        return pad_packed_sequence(outputs, batch_first=True, total_length=frames.shape[1])[0]

    def dense(self, frames: Float[Tensor, "N T F"], plan: "DensePlan") -> Float[Tensor, "N T H"]:
        """Returns both directions' outputs, concatenated; the examples stand longest first, as `plan` was made for."""

        def forward(frames: Tensor, *weights: Tensor) -> Tensor:
            return self._direction(frames, plan, weights)

        def backward(frames: Tensor, *weights: Tensor) -> Tensor:
            return reverse(self._direction(reverse(frames, plan.reversal), plan, weights), plan.reversal)

        inputs = [(frames, *self._weights("")), (frames, *self._weights("_reverse"))]
        return torch.cat(side_by_side([forward, backward], inputs), dim=-1)

    def _weights(self, suffix: str) -> tuple[Tensor, ...]:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return tuple(getattr(self.lstm, f"{name}_l0{suffix}") for name in names)

    def _direction(
        self, frames: Float[Tensor, "N T F"], plan: "DensePlan", weights: tuple[Tensor, ...]
    ) -> Float[Tensor, "N T H"]:
        num_examples = frames.shape[0]
        hidden = cell = frames.new_zeros(1, num_examples, self.lstm.hidden_size)
        outputs = []
        for stretch, num_active in zip(frames.split(plan.stretches, dim=1), plan.num_active, strict=True):
            output, hidden, cell = torch.lstm(
                stretch[:num_active],
                (hidden[:, :num_active].contiguous(), cell[:, :num_active].contiguous()),
                weights,
                has_biases=True,
                num_layers=1,
                dropout=0.0,
                train=self.training,
                bidirectional=False,
                batch_first=True,
            )
            outputs.append(nn.functional.pad(output, (0, 0, 0, 0, 0, num_examples - num_active)))
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=1)


class DensePlan:
    """How a batch, longest example first, is run dense.

    Attributes:
        reversal: (N, T) `reversal_index` of the lengths.
        stretches: numbers of frames of the stretches that the time axis is cut into; they sum to T.
        num_active: for each stretch, how many examples (the first ones) have frames in it.
    """

    SHRINK = 0.8
    """A new stretch begins where no more than this share of the examples of the last one still have frames."""
    SHORTEST = 8
    """Frames of a stretch at least, and its grain: starting a pass costs more than the padding of fewer frames."""

    def __init__(self, lengths: Int[Tensor, " N"], num_frames: int) -> None:
        self.reversal = reversal_index(lengths, num_frames)
        ends = lengths.tolist()
        starts, self.num_active = [0], [len(ends)]
        for num_left in range(len(ends) - 1, 0, -1):
            # From `ends[num_left]` on, only `num_left` examples have frames. Rounded up, so that few shapes occur:
            # oneDNN prepares and keeps its kernels for each.
            end = -(-ends[num_left] // self.SHORTEST) * self.SHORTEST
            if (
                num_left <= self.SHRINK * self.num_active[-1]
                and end - starts[-1] >= self.SHORTEST
                and num_frames - end >= self.SHORTEST
            ):
                starts.append(end)
                self.num_active.append(num_left)
        self.stretches = [end - start for start, end in zip(starts, [*starts[1:], num_frames], strict=True)]


def reversal_index(lengths: Int[Tensor, " N"], num_frames: int) -> Int[Tensor, "N T"]:
    """Returns, for each frame of the padded batch, where it goes when every example is reversed inside its length.

    The padding stays where it is, so the permutation is its own inverse.
    """
    frame = torch.arange(num_frames, device=lengths.device)[None, :]
    last = lengths[:, None] - 1
    return torch.where(frame <= last, last - frame, frame)


def reverse(frames: Float[Tensor, "N T F"], reversal: Int[Tensor, "N T"]) -> Float[Tensor, "N T F"]:
    """Returns the frames of each example in reverse order, padding left in place."""
    num_examples, num_frames, dim = frames.shape
    start = torch.arange(num_examples, device=frames.device)[:, None] * num_frames
    rows = (reversal + start).reshape(-1)
    return take_rows(frames.reshape(-1, dim), rows).reshape(num_examples, num_frames, dim)
