"""What is said and kept of a finished epoch."""

import datetime
from collections.abc import Sequence

import msgspec
import numpy as np
import torch

from seqlabel.checkpoint import Progress
from seqlabel.doctor import EmissionCounts, EpochFigures
from seqlabel.experiment import TrainingConfig
from seqlabel.metrics import ErrorRates
from seqlabel.model_file import TrainingSummary
from seqlabel.run_log import duration
from seqlabel.version import __version__


def figures_of(
    progress: Progress,
    dev_error: float,
    counts: EmissionCounts | None,
    lengths: tuple[float, float],
    gradient_norms: Sequence[float],
    training: TrainingConfig,
) -> EpochFigures:
    """Returns what the epoch under way is judged by, now that it is finished.

    Args:
        progress: at its end.
        dev_error: by the measure of the objective.
        counts: of the emissions of dev; None where there is no blank.
        lengths: mean numbers of tokens that are read in a dev example, and that stand there.
        gradient_norms: of its steps.
        training: the settings.
    """
    norms = np.array(gradient_norms)
    return EpochFigures(
        epoch=progress.epoch + 1,
        num_steps=progress.num_steps,
        num_skipped=progress.epoch_skipped,
        train_loss=progress.loss_sum / max(1, progress.num_tokens),
        dev_error=dev_error,
        blank_rate=None if counts is None else counts.num_blank / max(1, counts.num_frames),
        emitted_length=lengths[0],
        target_length=lengths[1],
        gradient_norm=float(np.median(norms)) if len(norms) else None,
        clipped_share=float((norms > training.gradient_clip).mean()) if len(norms) else 0.0,
        waiting_share=min(1.0, progress.epoch_waiting / max(progress.epoch_seconds, 1e-9)),
    )


def after_epoch(progress: Progress, figures: EpochFigures, *, is_best: bool) -> Progress:
    """Returns the progress at the beginning of the next epoch."""
    return msgspec.structs.replace(
        progress,
        epoch=figures.epoch,
        batch=0,
        loss_sum=0.0,
        num_tokens=0,
        dev_errors=(*progress.dev_errors, figures.dev_error),
        best_step=progress.num_steps if is_best else progress.best_step,
        epoch_skipped=0,
        epoch_frames=0,
        epoch_seconds=0.0,
        epoch_waiting=0.0,
        epochs=(*progress.epochs, figures),
    )


def metrics_of(
    progress: Progress,
    figures: EpochFigures,
    frames_per_second: float,
    rates: ErrorRates,
    remarks: Sequence[str],
) -> dict[str, object]:
    """Returns the line of metrics.jsonl for an epoch; `progress` is that of its end."""
    return {
        "epoch": figures.epoch,
        "num_steps": figures.num_steps,
        "num_skipped": progress.num_skipped,
        "train_loss": figures.train_loss,
        "learning_rate": progress.learning_rate,
        "gradient_norm": figures.gradient_norm,
        "clipped_share": figures.clipped_share,
        "blank_rate": figures.blank_rate,
        "emitted_length": figures.emitted_length,
        "target_length": figures.target_length,
        "waiting_share": figures.waiting_share,
        "frames_per_second": frames_per_second,
        "seconds": progress.seconds,
        "dev": rates.as_json(),
        "doctor": list(remarks),
    }


def dev_line(rates: ErrorRates, measure: str) -> str:
    """Returns the dev errors as the terminal and the log say them, for an objective of that measure."""
    if measure == "ser":
        return f"dev accuracy {100 * (1 - rates.ser):6.2f} %"
    if measure == "fer":
        return f"dev frames right {100 * (1 - rates.fer):6.2f} %  CER {100 * rates.cer:6.2f} %"
    return f"dev CER {100 * rates.cer:6.2f} %  WER {100 * rates.wer:6.2f} %"


def epoch_line(progress: Progress, num_epochs: int, loss: float, dev: str, frames_per_second: float) -> str:
    """Returns what the terminal and the log say of a finished epoch, the time left included."""
    left = progress.seconds / progress.epoch * (num_epochs - progress.epoch)
    return (
        f"epoch {progress.epoch:{len(str(num_epochs))}}/{num_epochs}  loss {loss:6.3f}  "
        f"{dev}  {frames_per_second:7,.0f} frames/s  "
        f"{duration(progress.seconds)} done, {duration(left)} left"
    )


def summary_of(
    progress: Progress, rates: ErrorRates, num_train_examples: int, num_dev_examples: int
) -> TrainingSummary:
    """Returns what the model file of a finished epoch says of how it came to be."""
    return TrainingSummary(
        epoch=progress.epoch,
        num_steps=progress.num_steps,
        num_train_examples=num_train_examples,
        num_dev_examples=num_dev_examples,
        minutes=progress.seconds / 60,
        dev_cer=rates.cer,
        dev_wer=rates.wer,
        dev_ser=rates.ser,
        finished_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        versions={"seqlabel": __version__, "torch": str(torch.__version__)},
    )
