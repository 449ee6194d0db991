"""Several encoders side by side over the same frames, read by one head: what `seqlabel merge` makes of models."""

from collections.abc import Iterable
from typing import Annotated, cast

import msgspec
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from seqlabel.config import Config
from seqlabel.encoders.conv_recurrent import ConvRecurrentConfig, ConvRecurrentEncoder
from seqlabel.encoders.recurrent import RecurrentConfig, RecurrentEncoder
from seqlabel.errors import ConfigError

Member = RecurrentEncoder | ConvRecurrentEncoder

COMPARED_LENGTHS = torch.cat([torch.arange(1, 1001), torch.tensor([10**12])])
"""Numbers of frames for which encoders must agree how many come out, if one may stand in another's place."""


class ParallelConfig(Config, frozen=True, tag="parallel"):
    """Several encoders of the same frames, side by side.

    Where it is trained as it is, a stem in it has neither a shortcut nor views of its own.

    Attributes:
        members: the encoders; what they make of an example has the same number of frames.
    """

    members: Annotated[tuple[RecurrentConfig | ConvRecurrentConfig, ...], msgspec.Meta(min_length=1)]

    def build(self, input_dim: int) -> "ParallelEncoder":
        """Returns a new encoder of frames of `input_dim` features, its weights drawn from torch's generator.

        Raises:
            ConfigError: members that make different numbers of frames.
        """
        return ParallelEncoder(self, input_dim)


class ParallelEncoder(nn.Module):
    """Encodes (N, T, F) into (N, T', H), H being the sum of the members' dimensions.

    What comes before each member's `backward_from` stands first, member by member, and then what comes after.
    """

    def __init__(self, config: ParallelConfig, input_dim: int) -> None:
        super().__init__()
        self.members = nn.ModuleList(member.build(input_dim) for member in config.members)
        first, *others = self._members()
        lengths = COMPARED_LENGTHS
        for number, other in enumerate(others, start=2):
            if not torch.equal(first.output_lengths(lengths), other.output_lengths(lengths)):
                raise ConfigError(
                    f"encoder.members: number {number} makes another number of frames than the first one; "
                    "give their stems the same strides and pools"
                )
        self.output_dim = sum(member.output_dim for member in self._members())
        self.backward_from = sum(member.backward_from for member in self._members())

    def output_lengths(self, lengths: Int[Tensor, " N"]) -> Int[Tensor, " N"]:
        """Returns the number of frames that come out of each member for that many frames."""
        return next(iter(self._members())).output_lengths(lengths)

    def forward(
        self, features: Float[Tensor, "N T F"], lengths: Int[Tensor, " N"]
    ) -> tuple[Float[Tensor, "N T2 H"], Int[Tensor, " N"]]:
        """Returns hidden frames and their lengths; what stands in the padding is of no meaning."""
        found = [member(features, lengths) for member in self._members()]
        return self.side_by_side([hidden for hidden, _ in found], axis=2), found[0][1]

    def side_by_side(self, parts: Iterable[Tensor], axis: int) -> Tensor:
        """Returns what belongs to the members' dimensions, one tensor for each of them, in the order of the output."""
        pairs = [
            part.tensor_split([member.backward_from], dim=axis)
            for member, part in zip(self._members(), parts, strict=True)
        ]
        return torch.cat([half for halves in zip(*pairs, strict=True) for half in halves], dim=axis)

    def _members(self) -> Iterable[Member]:
        return cast(Iterable[Member], self.members)  # ModuleList bears no element type
