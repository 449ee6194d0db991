"""The network: an encoder of frames, and a linear head over the tokens that the objective reads."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from seqlabel.ctc import Emissions
from seqlabel.encoders import ConvRecurrentConfig, ConvRecurrentEncoder, EncoderConfig
from seqlabel.objectives import CtcConfig, ObjectiveConfig


class Model(nn.Module):
    """Computes emissions for padded batches; what it says of one example never depends on the others."""

    def __init__(
        self, config: EncoderConfig, input_dim: int, num_tokens: int, objective: ObjectiveConfig | None = None
    ) -> None:
        super().__init__()
        self.encoder = config.build(input_dim)
        self.head = nn.Linear(self.encoder.output_dim, num_tokens)
        self.objective = (objective or CtcConfig()).build()
        self.shortcut_weight = config.shortcut if isinstance(config, ConvRecurrentConfig) else 0.0
        if self.shortcut_weight and isinstance(self.encoder, ConvRecurrentEncoder):
            self.shortcut = nn.Conv1d(self.encoder.stem_dim, num_tokens, kernel_size=3, padding=1)

    def output_lengths(self, lengths: Int[Tensor, " N"]) -> Int[Tensor, " N"]:
        """Returns the number of frames that come out of the encoder for that many frames of features."""
        return self.encoder.output_lengths(lengths)

    def obstacle(self, target: Sequence[int], num_frames: int) -> str | None:
        """Returns why a target cannot be learnt from that many frames of features, or None."""
        return self.objective.obstacle(target, int(self.output_lengths(torch.tensor([num_frames]))[0]))

    def forward(self, features: Float[Tensor, "N T F"], lengths: Int[Tensor, " N"]) -> Emissions:
        """Returns the log-probabilities (N, T', C) in float32 and their lengths (N,)."""
        delay = self.objective.delay
        if delay:
            is_valid = torch.arange(features.shape[1], device=features.device)[None, :] < lengths[:, None]
            features = nn.functional.pad(features * is_valid[..., None], (0, 0, 0, delay))
            lengths = lengths + delay
        hidden, lengths = self.encoder(features, lengths)
        return self.objective.emissions(self.head, hidden, lengths, self.encoder.backward_from)

    @property
    def makes_views(self) -> bool:
        """Whether it makes several views of an example by itself, above its stem, which is then computed once."""
        return isinstance(self.encoder, ConvRecurrentEncoder)

    def answers(
        self, features: Float[Tensor, "N T F"], lengths: Int[Tensor, " N"], num_views: int = 1
    ) -> list[tuple[float, Emissions]]:
        """Returns what there is to learn from, with weights: the emissions, then those of the stem alone if any.

        Of several views (`makes_views`) the emissions have all the first, then all the second: `num_views` x N rows.
        """
        if not isinstance(self.encoder, ConvRecurrentEncoder):
            return [(1.0, self(features, lengths))]
        frames, lengths = self.encoder.stem_frames(features, lengths)
        hidden, all_lengths = self.encoder.above_stem(
            frames.repeat(num_views, 1, 1), lengths.repeat(num_views)
        )
        backward_from = self.encoder.backward_from
        found = [(1.0, self.objective.emissions(self.head, hidden, all_lengths, backward_from))]
        if self.shortcut_weight:
            scores = self.shortcut(frames.transpose(1, 2)).transpose(1, 2)
            emissions = self.objective.emissions(nn.Identity(), scores, lengths, backward_from)
            found.append((self.shortcut_weight, emissions))
        return found
