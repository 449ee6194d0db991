"""The network: an encoder of frames and a linear head over the tokens."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from seqlabel.ctc import Emissions
from seqlabel.encoders import EncoderConfig


class Model(nn.Module):
    """Computes emissions for padded batches; what it says of one example never depends on the others."""

    def __init__(self, config: EncoderConfig, input_dim: int, num_tokens: int) -> None:
        super().__init__()
        self.encoder = config.build(input_dim)
        self.head = nn.Linear(self.encoder.output_dim, num_tokens)

    def output_lengths(self, lengths: Int[Tensor, " N"]) -> Int[Tensor, " N"]:
        """Returns the number of frames of the emissions for that many frames of features."""
        return self.encoder.output_lengths(lengths)

    def forward(self, features: Float[Tensor, "N T F"], lengths: Int[Tensor, " N"]) -> Emissions:
        """Returns the log-probabilities (N, T', C) in float32 and their lengths (N,)."""
        hidden, lengths = self.encoder(features, lengths)
        return Emissions(torch.log_softmax(self.head(hidden).float(), dim=-1), lengths)
