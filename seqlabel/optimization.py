"""What an optimiser step is made of: the optimiser, noise on the weights, their average, and the arithmetic."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seqlabel.ctc import Emissions, disagreement, distance_from_uniform, spikes_met
from seqlabel.data import Batch
from seqlabel.experiment import ExperimentConfig, TrainingConfig
from seqlabel.model import Model
from seqlabel.transcription_risk import transcription_risk


class Answering(nn.Module):
    """Calls a model for all that there is to learn from, in the way that DistributedDataParallel calls its modules."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: Tensor, lengths: Tensor, num_views: int) -> list[tuple[float, Emissions]]:
        """Returns the answers of the model with their weights."""
        return self.model.answers(features, lengths, num_views)


class Losses(NamedTuple):
    """What a batch costs, in nats and, times their weight, in errors.

    Attributes:
        total: the sum that is to become small.
        of_answer: the part of it that the model's own answer has.
        of_each: that part of each row of the answer, the views one after the other.
    """

    total: Tensor
    of_answer: Tensor
    of_each: Tensor


def losses_of(
    answering: nn.Module,
    model: Model,
    batch: Batch,
    device: torch.device,
    dtype: torch.dtype,
    num_views: int,
    training: TrainingConfig,
    guide: Model | None = None,
) -> Losses:
    """Returns the losses of a batch, computed by `answering`, which wraps the model, in the precision `dtype`.

    A guide is the trained network of `training.guide`, which is asked of the same features.
    """
    smoothing = training.label_smoothing
    features, lengths = batch.features.to(device), batch.feature_lengths.to(device)
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
        made = num_views if model.makes_views else 1
        answers = answering(features, lengths, made)
        if guide is not None:
            with torch.no_grad():
                guiding = guide(features, lengths)
    targets, target_lengths = batch.targets.to(device), batch.target_lengths.to(device)
    losses = []
    for weight, emissions in answers:
        views = len(emissions.lengths) // len(targets)
        of_each = model.objective.losses(emissions, targets.repeat(views, 1), target_lengths.repeat(views))
        to_learn = (1 - smoothing) * of_each
        if smoothing:
            to_learn = to_learn + smoothing * distance_from_uniform(emissions)
        losses.append((weight * to_learn.sum() / views, of_each.sum() / views, of_each))
    total = sum((loss for loss, _, _ in losses), torch.zeros(()))
    emissions = answers[0][1]
    views = len(emissions.lengths) // len(targets)
    if num_views > 1:
        total = total + training.consistency * disagreement(emissions).sum() / views
    if training.minimum_risk:
        errors = transcription_risk(emissions, targets.repeat(views, 1), target_lengths.repeat(views))
        total = total + training.minimum_risk * errors.sum() / views
    if guide is not None:
        repeated = Emissions(guiding.log_probs.repeat(made, 1, 1), guiding.lengths.repeat(made))
        total = total - training.guide_weight * spikes_met(emissions, repeated).sum() / views
    return Losses(total, losses[0][1], losses[0][2])


@contextmanager
def noisy_weights(model: Model, std: float) -> Iterator[None]:
    """Adds Gaussian noise to matrices and filters inside of the context; afterwards they are what they were.

    Source: Graves, "Practical variational inference for neural networks", NIPS 2011, with a fixed variance.
    """
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1] if std else []
    clean = [matrix.detach().clone() for matrix in matrices]
    with torch.no_grad():
        for matrix in matrices:
            matrix.add_(torch.randn_like(matrix), alpha=std)
    try:
        yield
    finally:
        with torch.no_grad():
            for matrix, before in zip(matrices, clean, strict=True):
                matrix.copy_(before)


def build_optimizer(model: Model, config: ExperimentConfig) -> torch.optim.Optimizer:
    """Returns AdamW (Loshchilov and Hutter 2019) with weight decay on matrices and filters only."""
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.training.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.training.learning_rate, fused=True)


def update_average(average: dict[str, Tensor], model: Model, decay: float | None, num_steps: int) -> None:
    """Moves the average of the weights towards those of the model after `num_steps` optimiser steps.

    It follows closely at first, so that the first epochs are not judged by the random start; without a decay it is the
    weights themselves.
    """
    decay = 0.0 if decay is None else min(decay, (1 + num_steps) / (10 + num_steps))
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                average[name].lerp_(tensor, 1 - decay)
            else:  # a counter of batches
                average[name].copy_(tensor)


def are_finite(tensors: dict[str, Tensor]) -> bool:
    """Returns whether all of them hold numbers alone, neither NaN nor infinities."""
    return all(bool(tensor.isfinite().all()) for tensor in tensors.values())
