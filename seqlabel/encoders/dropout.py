"""Dropout whose random numbers cost little: on a CPU PyTorch draws one 64-bit number for each bit that it needs.

Source: Srivastava et al., "Dropout", JMLR 15, 2014.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn


def dropout(values: Float[Tensor, "*S"], probability: float, *, is_training: bool) -> Float[Tensor, "*S"]:
    """Returns the values, in training each of them zero with the probability and the others scaled to keep the mean.

    On a CPU eight values share one random number, so that the probability is rounded to a multiple of 1/256; only one
    below or above all of these is exact, by PyTorch's own slower way.
    """
    if not is_training or probability == 0.0:
        return values
    threshold = round(256 * probability)
    if values.device.type != "cpu" or not 0 < threshold < 256:
        return nn.functional.dropout(values, probability)
    words = torch.empty(-(-values.numel() // 8), dtype=torch.int64).random_(-(2**63), None)
    bytes_ = words.view(torch.uint8)[: values.numel()].view(values.shape)
    mask = (bytes_ >= threshold).to(values.dtype)
    return values * mask.mul_(256 / (256 - threshold))
