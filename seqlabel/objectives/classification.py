"""Sequence classification: one label for the whole example."""

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from seqlabel.config import Config
from seqlabel.ctc import Emissions
from seqlabel.tokens import BLANK


class ClassificationConfig(Config, frozen=True, tag="classification"):
    """One label for the whole example: hidden frames are pooled, then one dense layer and softmax.

    Attributes:
        pooling: the mean of all frames, or the last state of each direction (the last frame of the forward one, the
            first frame of the backward one).
    """

    pooling: Literal["mean", "last"] = "mean"

    def build(self) -> "Classification":
        """Returns the objective."""
        return Classification(self)


class Classification:
    """Reads one token out of all frames: emissions have a single frame, in which the blank is impossible.

    Attributes:
        measure: the rate of `ErrorRates` by which models are compared.
        reads_labels: learns from the labels of an example and not from its text.
        delay: frames that are added to the end of an example.
    """

    measure = "ser"
    reads_labels = False
    delay = 0

    def __init__(self, config: ClassificationConfig) -> None:
        self.config = config

    def emissions(
        self, head: nn.Module, hidden: Float[Tensor, "N T H"], lengths: Int[Tensor, " N"], backward_from: int
    ) -> Emissions:
        """Returns the log-probabilities of the labels, (N, 1, C); the blank's is minus infinity.

        Args:
            head: from hidden numbers to scores.
            hidden: frames of the encoder; the padding is ignored.
            lengths: valid frames.
            backward_from: column of `hidden` from which on the backward direction stands.
        """
        if self.config.pooling == "mean":
            is_valid = torch.arange(hidden.shape[1], device=hidden.device)[None, :] < lengths[:, None]
            # Sums in float32: bfloat16 has too few digits for many frames.
            total = torch.where(is_valid[..., None], hidden.float(), 0.0).sum(dim=1)
            pooled = (total / lengths[:, None]).to(hidden.dtype)
        else:
            last = hidden[torch.arange(len(lengths), device=hidden.device), lengths - 1]
            pooled = torch.cat([last[:, :backward_from], hidden[:, 0, backward_from:]], dim=1)
        scores = head(pooled).float()
        is_blank = torch.arange(scores.shape[1], device=scores.device) == BLANK
        log_probs = torch.log_softmax(scores.masked_fill(is_blank, -torch.inf), dim=-1)
        return Emissions(log_probs[:, None], torch.ones_like(lengths))

    def losses(
        self, emissions: Emissions, targets: Int[Tensor, "N S"], target_lengths: Int[Tensor, " N"]
    ) -> Float[Tensor, " N"]:
        """Returns the negative log-probability of each label, in nats."""
        return -emissions.log_probs[:, 0].gather(1, targets[:, :1])[:, 0]

    def obstacle(self, target: Sequence[int], num_frames: int) -> str | None:
        """Returns why a target is no label, or None."""
        if len(target) == 1:
            return None
        return (
            f"its text has {len(target)} tokens, classification wants one; with --data.token-unit word a whole word "
            "is a label"
        )
