"""Stacked recurrent layers of every classic kind; what they say of one example never depends on its batch.

On a CPU the frames of a batch are laid out without padding and go through seqlabel's own engine (`seqlabel.engine`).
On CUDA the plain cells run in cuDNN, with the same weights; what cuDNN does not know (peepholes, recurrent dropout,
zoneout) runs there step by step.

Source: Graves and Schmidhuber, "Framewise phoneme classification with bidirectional LSTM", Neural Networks 18, 2005.
"""

from collections.abc import Callable, Iterable
from typing import Literal, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from seqlabel.config import Config, Count, Share
from seqlabel.encoders.dropout import dropout
from seqlabel.encoders.stepwise import stepwise
from seqlabel.engine.equations import GRU, LSTM, RNN
from seqlabel.engine.frames import Frames
from seqlabel.engine.layer import Direction, recurrent_layer
from seqlabel.errors import ConfigError

KINDS = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
MODULES: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class RecurrentConfig(Config, frozen=True, tag="recurrent"):
    """Stacked recurrent layers over the frames; bidirectional LSTMs unless said otherwise.

    Attributes:
        hidden_size: cells in each direction of each layer.
        num_layers: layers; each reads all directions of the one below.
        dropout: probability for the outputs of every layer, the last included.
        input_dropout: probability for the features themselves.
        cell: LSTM, GRU, or the conventional tanh RNN (equations in `seqlabel.engine.equations`).
        direction: reads forward, backward, or both ways.
        merge: how the two directions go on: side by side, or added up.
        peepholes: has an LSTM's gates see its cell, as in the first papers on CTC.
        projection_size: numbers that an LSTM's output is projected to (Sak, Senior, Beaufays 2014); None for none.
        residual: adds what went into a layer to what comes out, where both have the same size.
        layer_norm: normalises each frame between two layers (Ba, Kiros, Hinton 2016).
        variational_dropout: drops the same outputs in all frames of an example (Gal and Ghahramani 2016).
        recurrent_dropout: probability for h on its way to the next step, one mask for all steps (the same paper).
        zoneout: probability with which a cell keeps its old state, c and h apart (Krueger et al. 2017).

    Raises:
        ConfigError: settings that do not go together.
    """

    hidden_size: Count = 256
    num_layers: Count = 3
    dropout: Share = 0.3
    input_dropout: Share = 0.0
    cell: Literal["lstm", "gru", "rnn"] = "lstm"
    direction: Literal["both", "forward", "backward"] = "both"
    merge: Literal["concatenate", "sum"] = "concatenate"
    peepholes: bool = False
    projection_size: Count | None = None
    residual: bool = False
    layer_norm: bool = False
    variational_dropout: bool = False
    recurrent_dropout: Share = 0.0
    zoneout: Share = 0.0

    def __post_init__(self) -> None:
        if self.cell != "lstm" and (self.peepholes or self.projection_size is not None):
            name = "peepholes" if self.peepholes else "projection_size"
            raise ConfigError(f"{name}: {self.cell} has none; take cell lstm, or leave it out")
        if self.projection_size is not None and self.projection_size >= self.hidden_size:
            raise ConfigError(
                f"projection_size {self.projection_size}: expected fewer than the {self.hidden_size} cells"
            )
        if self.projection_size is not None and (self.recurrent_dropout or self.zoneout):
            raise ConfigError("projection_size: goes neither with recurrent_dropout nor with zoneout")

    def build(self, input_dim: int) -> "RecurrentEncoder":
        """Returns a new encoder of frames of `input_dim` features, its weights drawn from torch's generator."""
        return RecurrentEncoder(self, input_dim)


class RecurrentEncoder(nn.Module):
    """Encodes (N, T, F) into (N, T, output_dim), frame by frame."""

    def __init__(self, config: RecurrentConfig, input_dim: int) -> None:
        super().__init__()
        is_wide = config.direction == "both" and config.merge == "concatenate"
        self.output_dim = (2 if is_wide else 1) * (config.projection_size or config.hidden_size)
        # Where the backward direction begins in an output; nowhere if directions are added up.
        self.backward_from = config.projection_size or config.hidden_size
        if config.direction == "backward":
            self.backward_from = 0
        dims = [input_dim] + [self.output_dim] * (config.num_layers - 1)
        self.layers = nn.ModuleList(RecurrentLayer(config, dim) for dim in dims)
        self.norms = nn.ModuleList(
            nn.LayerNorm(self.output_dim) for _ in range(config.num_layers - 1 if config.layer_norm else 0)
        )
        self.config = config

    def output_lengths(self, lengths: Int[Tensor, " N"]) -> Int[Tensor, " N"]:
        """Returns the number of frames that come out: as many as go in."""
        return lengths

    def forward(
        self, features: Float[Tensor, "N T F"], lengths: Int[Tensor, " N"]
    ) -> tuple[Float[Tensor, "N T H"], Int[Tensor, " N"]]:
        """Returns hidden frames and their lengths; what stands in the padding is of no meaning."""
        frames = Frames.of(lengths, features.shape[1])
        rows = self._dropped(frames.rows(features), self.config.input_dropout, frames)
        layers = cast(Iterable[RecurrentLayer], self.layers)  # ModuleList bears no element type
        for index, layer in enumerate(layers):
            outputs = layer(rows, frames)
            if self.config.residual and outputs.shape == rows.shape:
                outputs = outputs + rows
            if index < len(self.norms):
                outputs = self.norms[index](outputs)
            rows = self._dropped(outputs, self.config.dropout, frames)
        return frames.padded(rows), lengths

    def _dropped(
        self, rows: Float[Tensor, "R F"], probability: float, frames: Frames
    ) -> Float[Tensor, "R F"]:
        if not (self.training and probability and self.config.variational_dropout):
            return dropout(rows, probability, is_training=self.training)
        mask = dropout(rows.new_ones(frames.num_examples, rows.shape[1]), probability, is_training=True)
        dropped = rows[: len(frames.ranks)] * mask[frames.ranks]
        return nn.functional.pad(dropped, (0, 0, 0, len(rows) - len(dropped)))


class RecurrentLayer(nn.Module):
    """One layer in its directions; weights have the names and shapes of PyTorch's, peepholes are (directions, 3, H)."""

    def __init__(self, config: RecurrentConfig, input_dim: int) -> None:
        super().__init__()
        self.config = config
        self.num_directions = 2 if config.direction == "both" else 1
        is_both = config.direction == "both"
        projected = {} if config.projection_size is None else {"proj_size": config.projection_size}
        self.cells = MODULES[config.cell](
            input_dim, config.hidden_size, batch_first=True, bidirectional=is_both, **projected
        )
        shape = (self.num_directions, 3, config.hidden_size)
        self.peepholes = nn.Parameter(torch.zeros(shape)) if config.peepholes else None
        for name, parameter in self.cells.named_parameters():
            if name.startswith("weight_hh"):
                for gate in parameter.data.split(config.hidden_size):
                    nn.init.orthogonal_(gate)
            elif name.startswith(("weight_ih", "weight_hr")):
                nn.init.xavier_uniform_(parameter)
            else:
                nn.init.zeros_(parameter)
                if name.startswith("bias_ih") and config.cell == "lstm":
                    # Forget gates open at the start (Gers 2000, Jozefowicz 2015); PyTorch's gate order is i f g o.
                    parameter.data[config.hidden_size : 2 * config.hidden_size] = 1.0

    def forward(self, rows: Float[Tensor, "R F"], frames: Frames) -> Float[Tensor, "R H"]:
        """Returns the outputs of the directions, merged."""
        if rows.is_cuda and self._is_known_to_cudnn():
            outputs = self._by_cudnn(rows, frames)
        else:
            kind = KINDS[self.config.cell]
            directions = [self._direction(index, frames) for index in range(self.num_directions)]
            if rows.is_cuda:
                rows = rows.to(next(self.cells.parameters()).dtype)
                with torch.autocast(rows.device.type, enabled=False):
                    outputs = torch.cat([stepwise(kind, rows, frames, d) for d in directions], dim=1)
            else:
                outputs = recurrent_layer(kind, rows, frames, directions)
        if self.config.merge == "sum" and self.num_directions == 2:
            forward, backward = outputs.chunk(2, dim=-1)
            return forward + backward
        return outputs

    def _by_cudnn(self, rows: Float[Tensor, "R F"], frames: Frames) -> Float[Tensor, "R H"]:
        """Computed in the type of the weights: under autocast PyTorch hands cuDNN float16, whatever type was asked for.

        (ATen/cudnn/AutocastRNN.cpp.) Without scaling of the loss small gradients would become zero.
        """
        counts = torch.from_numpy(frames.starts).diff()
        rows = rows.to(next(self.cells.parameters()).dtype)
        sequences = nn.utils.rnn.PackedSequence(rows[: len(frames.ranks)], counts)
        with torch.autocast(rows.device.type, enabled=False):
            outputs = cast(Tensor, self.cells(sequences)[0].data)
        return nn.functional.pad(outputs, (0, 0, 0, len(rows) - len(outputs)))

    def _is_known_to_cudnn(self) -> bool:
        config = self.config
        is_masked = config.recurrent_dropout > 0 and self.training
        return not (config.peepholes or config.zoneout or is_masked or config.direction == "backward")

    def _direction(self, index: int, frames: Frames) -> Direction:
        suffix = "_l0_reverse" if index else "_l0"
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        weights: list[Tensor] = [getattr(self.cells, f"{name}{suffix}") for name in names]
        is_projected = self.config.projection_size is not None
        input_weights, recurrent_weights, input_bias, bias = weights
        return Direction(
            self.config.direction == "backward" or index == 1,
            input_weights,
            recurrent_weights,
            input_bias,
            bias,
            peepholes=None if self.peepholes is None else self.peepholes[index],
            projection=getattr(self.cells, f"weight_hr{suffix}") if is_projected else None,
            mask=self._recurrent_mask(frames),
            kept_hidden=self._kept(frames),
            kept_cells=self._kept(frames) if self.config.cell == "lstm" else None,
        )

    def _recurrent_mask(self, frames: Frames) -> Float[Tensor, "N H"] | None:
        if not (self.training and self.config.recurrent_dropout):
            return None
        ones = torch.ones(frames.num_examples, self.config.hidden_size, device=frames.ranks.device)
        return dropout(ones, self.config.recurrent_dropout, is_training=True)

    def _kept(self, frames: Frames) -> Float[Tensor, "R H"] | None:
        if not self.config.zoneout:
            return None
        shape = (frames.num_rows, self.config.hidden_size)
        shares = torch.full(shape, self.config.zoneout, device=frames.ranks.device)
        return torch.bernoulli(shares) if self.training else shares
