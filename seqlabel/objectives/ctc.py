"""Connectionist temporal classification: the tokens of the text in their order, nowhere said at which frame."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from seqlabel.config import Config
from seqlabel.ctc import Emissions, ctc_loss, required_frames


class CtcConfig(Config, frozen=True, tag="ctc"):
    """Connectionist temporal classification (Graves et al. 2006); nothing to set."""

    def build(self) -> "Ctc":
        """Returns the objective."""
        return Ctc()


class Ctc:
    """Reads a sequence of tokens out of a longer sequence of frames.

    Attributes:
        measure: the rate of `ErrorRates` by which models are compared.
        reads_labels: learns from the labels of an example and not from its text.
        delay: frames that are added to the end of an example.
    """

    measure = "cer"
    reads_labels = False
    delay = 0

    def emissions(
        self, head: nn.Module, hidden: Float[Tensor, "N T H"], lengths: Int[Tensor, " N"], backward_from: int
    ) -> Emissions:
        """Returns the log-probabilities of all tokens, the blank included, in each frame."""
        return Emissions(torch.log_softmax(head(hidden).float(), dim=-1), lengths)

    def losses(
        self, emissions: Emissions, targets: Int[Tensor, "N S"], target_lengths: Int[Tensor, " N"]
    ) -> Float[Tensor, " N"]:
        """Returns the negative log-likelihood of each target, in nats."""
        return ctc_loss(emissions, targets, target_lengths)

    def obstacle(self, target: Sequence[int], num_frames: int) -> str | None:
        """Returns why a target cannot be learnt from that many frames of emissions, or None."""
        needed = required_frames(target)
        if needed <= num_frames:
            return None
        return (
            f"its text needs {needed} frames ({len(target)} tokens and {needed - len(target)} repeats), the "
            f"model has {num_frames} left of it; use less stacking or subsampling, or check the transcript"
        )
