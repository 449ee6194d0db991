"""What is wrong with a training, in a line of plain words after an epoch; silent when all is well.

A rule looks at the figures of the epochs so far and says something or nothing. The limits of losses, dev errors and
lengths were chosen so that trainings of this project's recipes that ended well (an4, fsdd, imadoc, poilus and a
classification, three seeds of most) are told nothing once tokens are read.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

from seqlabel.config import Config
from seqlabel.ctc import Emissions
from seqlabel.tokens import BLANK

PLATEAU_STEPS = 2000
"""Until then a network that reads next to nothing is normal: the plateaus seen here ended after 50 to 650 steps."""
PLATEAU_SHARE = 0.1
"""A network that emits less than this share of the tokens that stand there is in the blank plateau."""
WAITING_SHARE = 0.25
"""From here on more processor time for the data would be felt."""
CLIPPED_SHARE = 0.9
"""Of the steps; where nearly all are clipped, the clipping and not the loss decides how long steps are."""
RISING_EPOCHS = 3
"""So many times in a row is no accident."""
RISE, POINTS = 0.05, 0.01
"""A dev error has risen when it is above its lowest by this share of it and by so much: one point of 100."""
LOSS_RISE = 0.5
"""A training loss has risen when it is above what it was before by this share of it."""
TOO_LONG, TOO_SHORT = 1.2, 0.8
"""Emitted tokens for each that stands there."""


class EpochFigures(Config, frozen=True):
    """What an epoch is judged by.

    Attributes:
        epoch: its number, from 1.
        num_steps: optimiser steps since the beginning of the run.
        num_skipped: steps of this epoch that were left out because the loss or the gradient was not finite.
        train_loss: nats for each target token.
        dev_error: by the measure of the objective (CTC: CER).
        blank_rate: share of the frames of dev in which the blank is most probable; None where there is no blank.
        emitted_length, target_length: mean number of tokens that are read in a dev example, and that stand there.
        gradient_norm: the median of the steps, before clipping; None where no step was taken.
        clipped_share: of the steps, those whose gradient was clipped.
        waiting_share: of the time for training steps, that in which the network waited for data.
    """

    epoch: int
    num_steps: int
    num_skipped: int
    train_loss: float
    dev_error: float
    blank_rate: float | None
    emitted_length: float
    target_length: float
    gradient_norm: float | None
    clipped_share: float
    waiting_share: float


class EmissionCounts(NamedTuple):
    """Counts over what a model says of a set; those of several parts add up."""

    num_frames: int = 0
    num_blank: int = 0
    num_undefined: int = 0

    def plus(self, other: "EmissionCounts") -> "EmissionCounts":
        """Returns the counts over both parts."""
        return EmissionCounts(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    @classmethod
    def of(cls, emissions: Emissions) -> "EmissionCounts":
        """Returns the valid frames of a batch, those whose best token is the blank, and those that are no numbers."""
        log_probs = emissions.log_probs
        is_valid = torch.arange(log_probs.shape[1], device=log_probs.device) < emissions.lengths[:, None]
        best, token = log_probs.max(dim=-1)  # of a frame with a NaN that is NaN
        counts = torch.stack([is_valid, is_valid & (token == BLANK) & ~best.isnan(), is_valid & best.isnan()])
        return cls(*counts.sum(dim=(1, 2)).tolist())


class Settings(NamedTuple):
    """The settings of the training that the words name."""

    num_epochs: int
    learning_rate: float
    gradient_clip: float


Rule = Callable[[Sequence[EpochFigures], Settings], str | None]


def diagnose(history: Sequence[EpochFigures], settings: Settings) -> list[str]:
    """Returns what there is to say after the last of these epochs; nothing when all is well."""
    if is_in_plateau(history[-1]):
        rules: tuple[Rule, ...] = (plateau, left_out, rising_loss, waiting)
    else:
        rules = RULES
    return [line for rule in rules if (line := rule(history, settings)) is not None]


def is_in_plateau(epoch: EpochFigures) -> bool:
    """Returns whether a network with a blank emits next to nothing.

    CTC first learns that the blank is right nearly everywhere, since it is; only then do tokens stand out of it
    (Graves 2006; Bluche et al., "Framewise and CTC training of neural networks for handwriting recognition", 2015).
    """
    return epoch.blank_rate is not None and epoch.emitted_length < PLATEAU_SHARE * epoch.target_length


def plateau(history: Sequence[EpochFigures], settings: Settings) -> str | None:
    """Says of the blank plateau that it is normal, or, where it lasts too long, what may be wrong."""
    epoch = history[-1]
    if not is_in_plateau(epoch):
        return None
    blank = 100 * (epoch.blank_rate or 0.0)
    found = (
        f"{blank:.0f} % blanks, {epoch.emitted_length:.1f} tokens read where {epoch.target_length:.1f} stand"
    )
    was_out = next((past.epoch for past in reversed(history) if not is_in_plateau(past)), None)
    if was_out is not None:
        return (
            f"reads nothing any more since epoch {was_out + 1} ({found}): the learning rate {settings.learning_rate:g} "
            "is too high"
        )
    if epoch.num_steps < PLATEAU_STEPS:
        return f"still in the blank plateau ({found}), normal before step {PLATEAU_STEPS}"
    return (
        f"still in the blank plateau after step {epoch.num_steps} ({found}): look whether texts belong to their files, "
        f"try 3 times or a third of the learning rate {settings.learning_rate:g}, or begin with a trained model "
        "(--init-from)"
    )


def left_out(history: Sequence[EpochFigures], settings: Settings) -> str | None:
    """Counts the steps that were left out, which were named as it happened."""
    count = history[-1].num_skipped
    steps = "1 step was" if count == 1 else f"{count} steps were"
    return f"{steps} left out, since the loss or the gradient was not finite" if count else None


def rising_loss(history: Sequence[EpochFigures], settings: Settings) -> str | None:
    """The training loss of a network that learns falls; one that is pushed too hard climbs out of where it was."""
    losses = [epoch.train_loss for epoch in history[-RISING_EPOCHS - 1 :]]
    if len(losses) <= RISING_EPOCHS or not _rises(losses) or losses[-1] < (1 + LOSS_RISE) * losses[0]:
        return None
    shown = ", ".join(f"{loss:.3f}" for loss in losses)
    return (
        f"the training loss rises ({shown}): lower --training.learning-rate, now {settings.learning_rate:g}"
    )


def overfitting(history: Sequence[EpochFigures], settings: Settings) -> str | None:
    """What is learnt by heart lowers the training loss and raises the dev error."""
    last = history[-RISING_EPOCHS - 1 :]
    errors, losses = [epoch.dev_error for epoch in last], [epoch.train_loss for epoch in last]
    if len(last) <= RISING_EPOCHS or not _rises(errors) or not _rises(losses[::-1]):
        return None
    lowest = min(history, key=lambda epoch: epoch.dev_error)
    rise = errors[-1] - lowest.dev_error
    if rise < max(POINTS, RISE * lowest.dev_error):
        return None
    shown = ", ".join(f"{100 * error:.1f}" for error in errors)
    return (
        f"the dev error rises ({shown} %, lowest after epoch {lowest.epoch}) while the training loss falls: stop, or "
        "regularise more (dropout, augmentation, weight noise, more data)"
    )


def clipped(history: Sequence[EpochFigures], settings: Settings) -> str | None:
    """Where nearly every gradient is clipped, steps are as long as the clip and no longer follow the loss."""
    epoch = history[-1]
    if epoch.clipped_share < CLIPPED_SHARE or epoch.gradient_norm is None:
        return None
    return (
        f"the gradient was clipped at {100 * epoch.clipped_share:.0f} % of the steps (median norm "
        f"{epoch.gradient_norm:.1f}, --training.gradient-clip {settings.gradient_clip:g}): lower the learning rate, or "
        "raise the clip"
    )


def waiting(history: Sequence[EpochFigures], settings: Settings) -> str | None:
    """A network that waits could learn faster; in the first epoch files are read that are kept afterwards."""
    epoch = history[-1]
    if epoch.waiting_share < WAITING_SHARE or epoch.epoch == 1:
        return None
    return (
        f"the network waited for data {100 * epoch.waiting_share:.0f} % of the time: keep more signals in memory "
        "(--data.kept-megabytes), put the files on a faster disk, or augment less"
    )


def _settled_ratio(epoch: EpochFigures, settings: Settings) -> float | None:
    """Tokens read for each that stands there; None in the first half of a run, and where no blank parts them."""
    if epoch.blank_rate is None or 2 * epoch.epoch <= settings.num_epochs:
        return None
    return epoch.emitted_length / max(epoch.target_length, 1e-9)


def too_long(history: Sequence[EpochFigures], settings: Settings) -> str | None:
    """Tokens that do not stand there: at first by accident, later because something makes them so."""
    epoch = history[-1]
    ratio = _settled_ratio(epoch, settings)
    if ratio is None or ratio < TOO_LONG:
        return None
    return (
        f"reads {epoch.emitted_length:.1f} tokens where {epoch.target_length:.1f} stand: look whether the transcripts "
        "are whole, and whether a decoder setting favours tokens (insertion_bonus)"
    )


def too_short(history: Sequence[EpochFigures], settings: Settings) -> str | None:
    """Tokens that are left out for good: not enough frames for them, or texts that say more than there is."""
    epoch = history[-1]
    ratio = _settled_ratio(epoch, settings)
    if ratio is None or ratio > TOO_SHORT:
        return None
    return (
        f"reads {epoch.emitted_length:.1f} tokens where {epoch.target_length:.1f} stand: look whether the transcripts "
        "say more than the files hold; stack or subsample less, or train longer"
    )


RULES: tuple[Rule, ...] = (
    left_out,
    rising_loss,
    overfitting,
    clipped,
    waiting,
    too_long,
    too_short,
)
"""What is looked at once tokens are emitted; in the plateau the lengths say nothing, and gradients are large."""


def _rises(values: Sequence[float]) -> bool:
    return all(before < after for before, after in itertools.pairwise(values))
