"""Framewise labelling: one label for each frame, known beforehand or out of an alignment."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from seqlabel.config import Config
from seqlabel.ctc import Emissions
from seqlabel.tokens import BLANK


class FramewiseConfig(Config, frozen=True, tag="framewise"):
    """One label a frame by cross-entropy (Graves and Schmidhuber 2005); read by collapsing equal neighbours.

    Attributes:
        delay: frames that the network hears on before it has to name one; for networks that only read forward.
    """

    delay: Annotated[int, msgspec.Meta(ge=0)] = 0

    def build(self) -> "Framewise":
        """Returns the objective."""
        return Framewise(self)


class Framewise:
    """Names every frame: the blank is impossible.

    Attributes:
        measure: the rate of `ErrorRates` by which models are compared.
        reads_labels: learns from the labels of an example and not from its text.
        delay: frames that are added to the end of an example, and emissions that are dropped at its beginning.
    """

    measure = "fer"
    reads_labels = True

    def __init__(self, config: FramewiseConfig) -> None:
        self.delay = config.delay

    def emissions(
        self, head: nn.Module, hidden: Float[Tensor, "N T H"], lengths: Int[Tensor, " N"], backward_from: int
    ) -> Emissions:
        """Returns the log-probabilities of the labels in each frame; the blank's is minus infinity."""
        scores = head(hidden[:, self.delay :]).float()
        is_blank = torch.arange(scores.shape[-1], device=scores.device) == BLANK
        log_probs = torch.log_softmax(scores.masked_fill(is_blank, -torch.inf), dim=-1)
        return Emissions(log_probs, lengths - self.delay)

    def losses(
        self, emissions: Emissions, targets: Int[Tensor, "N S"], target_lengths: Int[Tensor, " N"]
    ) -> Float[Tensor, " N"]:
        """Returns the negative log-probability of each example's labels, summed over its frames, in nats."""
        num_frames = min(targets.shape[1], emissions.log_probs.shape[1])
        targets = targets[:, :num_frames]
        is_frame = torch.arange(num_frames, device=targets.device)[None, :] < target_lengths[:, None]
        # The padding's target is the blank, whose log-probability is minus infinity: any other id will do there.
        wanted = targets.masked_fill(~is_frame, BLANK + 1)
        found = emissions.log_probs[:, :num_frames].gather(2, wanted[..., None])[..., 0]
        return -torch.where(is_frame, found, 0.0).sum(dim=1)

    def obstacle(self, target: Sequence[int], num_frames: int) -> str | None:
        """Returns None: labels are shared out over whatever frames there are."""
        return None


def frame_labels(runs: Sequence[tuple[int, float]], num_frames: int) -> list[int]:
    """Returns the label of each frame: runs of labels with their lengths, stretched over the frames.

    >>> frame_labels([(3, 10.0), (5, 30.0)], 4)
    [3, 5, 5, 5]
    """
    ends = np.cumsum([length for _, length in runs])
    middles = (np.arange(num_frames) + 0.5) / num_frames * ends[-1]
    places = np.searchsorted(ends, middles, side="right").clip(max=len(runs) - 1)
    return [runs[place][0] for place in places.tolist()]
