"""What becomes of a step whose loss or gradient is not finite, and of a run that has too many of them.

Such a step is left out. One now and then is an accident of an example or of the arithmetic. Where `MOST_SKIPPED` of the
last `WINDOW` steps are like that, or the last `LAST_SKIPPED` of an epoch, or where the model says NaN of dev examples,
the weights themselves are lost: the run goes back to the last state that was written down and takes half the learning
rate from there. A state from which no step could be taken was lost when it was written, so that the one before it is
taken the next time. After `MOST_RETURNS` of them, with a 64th of the learning rate, something else is wrong and the run
ends.
"""

from collections.abc import Sequence

import msgspec

from seqlabel.checkpoint import Progress

WINDOW = 50
MOST_SKIPPED = 10
LAST_SKIPPED = 2
MOST_RETURNS = 6
MOST_NAMED = 8


def after_step(progress: Progress, loss_sum: float, num_tokens: int, *, is_taken: bool) -> Progress:
    """Returns the progress after a step that was taken or left out."""
    attempt = progress.num_attempts + 1
    recent = tuple(number for number in progress.recent_skips if number > attempt - WINDOW)
    return msgspec.structs.replace(
        progress,
        batch=progress.batch + 1,
        num_steps=progress.num_steps + is_taken,
        num_skipped=progress.num_skipped + (not is_taken),
        epoch_skipped=progress.epoch_skipped + (not is_taken),
        loss_sum=progress.loss_sum + (loss_sum if is_taken else 0.0),
        num_tokens=progress.num_tokens + (num_tokens if is_taken else 0),
        recent_skips=recent if is_taken else (*recent, attempt),
    )


def diverges(progress: Progress) -> bool:
    """Returns whether so many of the last steps were left out that the run has to go back."""
    return len(progress.recent_skips) >= MOST_SKIPPED


def ends_badly(progress: Progress) -> bool:
    """Returns whether the last steps of an epoch were left out, so that its model must not be kept."""
    last = range(progress.num_attempts - LAST_SKIPPED + 1, progress.num_attempts + 1)
    return progress.recent_skips[-LAST_SKIPPED:] == tuple(last)


def is_lost(written: Progress, now: Progress) -> bool:
    """Returns whether the run went back to a written state already and could take no step from it."""
    return now.returned_to == written.num_steps == now.num_steps


def after_return(written: Progress, now: Progress) -> Progress:
    """Returns the progress of a run that goes back to a written state, with half the learning rate."""
    return msgspec.structs.replace(
        written,
        rate_share=now.rate_share / 2,
        num_returns=now.num_returns + 1,
        returned_to=written.num_steps,
        recent_skips=(),
    )


def named(ids: Sequence[str]) -> str:
    """Returns the first ids of a batch, and how many more there are."""
    more = f" and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else ""
    return f"{', '.join(map(repr, ids[:MOST_NAMED]))}{more}"
