"""Recurrent layers over discrete symbols: each symbol is a vector that is learnt."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from seqlabel.config import Config, Count
from seqlabel.encoders.recurrent import RecurrentConfig


class EmbeddedConfig(Config, frozen=True, tag="embedded"):
    """An embedding of symbols (`SymbolsConfig`), then recurrent layers.

    Attributes:
        num_symbols: of the table of symbols.
        dim: numbers that stand for a symbol.
        recurrent: the layers above.
    """

    num_symbols: Count
    dim: Count = 64
    recurrent: RecurrentConfig = RecurrentConfig(hidden_size=128, num_layers=2)

    def build(self, input_dim: int) -> "EmbeddedEncoder":
        """Returns a new encoder, its weights drawn from torch's generator; frames are single numbers of symbols."""
        return EmbeddedEncoder(self, input_dim)


class EmbeddedEncoder(nn.Module):
    """Encodes (N, T, 1) numbers of symbols into (N, T, output_dim); number 0, the padding, is a vector of zeros."""

    def __init__(self, config: EmbeddedConfig, input_dim: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(config.num_symbols + 1, config.dim, padding_idx=0)
        self.recurrent = config.recurrent.build(config.dim)
        self.output_dim = self.recurrent.output_dim
        self.backward_from = self.recurrent.backward_from

    def output_lengths(self, lengths: Int[Tensor, " N"]) -> Int[Tensor, " N"]:
        """Returns the number of frames that come out: as many as go in."""
        return lengths

    def forward(
        self, features: Float[Tensor, "N T F"], lengths: Int[Tensor, " N"]
    ) -> tuple[Float[Tensor, "N T H"], Int[Tensor, " N"]]:
        """Returns hidden frames and their lengths; what stands in the padding is of no meaning."""
        is_valid = torch.arange(features.shape[1], device=features.device)[None, :] < lengths[:, None]
        numbers = torch.where(is_valid, features[..., 0].round(), 0.0).long()
        hidden: tuple[Tensor, Tensor] = self.recurrent(self.embedding(numbers), lengths)
        return hidden
