"""Connectionist temporal classification: the loss, its feasibility rule and the collapse of paths.

Source: Graves, Fernandez, Gomez, Schmidhuber, "Connectionist Temporal Classification", ICML 2006.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from seqlabel.tokens import BLANK


@dataclass(frozen=True, slots=True)
class Emissions:
    """What a model says of each frame: natural logarithms of the token probabilities, right-padded.

    Attributes:
        log_probs: (N, T, C), each row of C sums to 1 after exp.
        lengths: (N,) number of valid frames of each example.
    """

    log_probs: Float[Tensor, "N T C"]
    lengths: Int[Tensor, " N"]


def required_frames(target: Sequence[int]) -> int:
    """Returns the least number of frames that can emit `target`: its length plus one blank for each repeat.

    >>> required_frames([3, 3, 5])
    4
    """
    return len(target) + sum(left == right for left, right in itertools.pairwise(target))


def collapse(path: Sequence[int]) -> list[int]:
    """Returns the labelling of a frame-wise path: repeats merged, then blanks removed (Graves 2006, section 3.1).

    >>> collapse([0, 3, 3, 0, 3, 5, 5, 0])
    [3, 3, 5]
    """
    return [token for i, token in enumerate(path) if token != BLANK and (i == 0 or token != path[i - 1])]


def ctc_loss(
    emissions: Emissions,
    targets: Int[Tensor, "N S"],
    target_lengths: Int[Tensor, " N"],
) -> Float[Tensor, " N"]:
    """Returns the negative log-likelihood of each target, in nats, in float32 whatever the emissions' type.

    A target that does not fit its frames (`required_frames`) has an infinite loss: nothing is hidden.
    cuDNN's CTC is kept off, because its results differ from PyTorch's own (pytorch#49046, #21680).
    """
    time_first = emissions.log_probs.float().transpose(0, 1)
    with torch.backends.cudnn.flags(enabled=False):
        return torch.nn.functional.ctc_loss(
            time_first, targets, emissions.lengths, target_lengths, blank=BLANK, reduction="none"
        )
