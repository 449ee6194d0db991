"""What all ink readers share: pen strokes with one clock, checked, out of the numbers of a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64

from seqlabel.errors import FormatError
from seqlabel.records import Strokes

EXPECTED_INK = "pen ink (InkML, UNIPEN, IAM-OnDB XML or JSON)"
MOST_STROKES = 200_000
"""Of a file; all of UCI's Pen-Based Recognition of Handwritten Digits has some 20,000 in one."""
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "\u03bcs": 1e-6, "ns": 1e-9, "min": 60.0}
"""Units of time by the names that files give them."""
LONGEST_SAMPLE_SECONDS = 0.5
"""No tablet gives its points so slowly: a larger step is milliseconds."""


@dataclass(frozen=True, slots=True)
class PenStroke:
    """One stroke as a file has it.

    Attributes:
        points: (num_points, 2) x and y, downwards.
        seconds: of each point on `clock`; None where the file tells none.
        pressures: of each point; None where the file tells none.
        clock: what the seconds count from; those of two strokes go together where this is equal.
    """

    points: Float64[np.ndarray, "_num_points 2"]
    seconds: Float64[np.ndarray, " _num_points"] | None = None
    pressures: Float64[np.ndarray, " _num_points"] | None = None
    clock: str = ""


# Numbers of a broken file may be infinite on the way; what is not finite in the end is told of.
@np.errstate(over="ignore", invalid="ignore")
def as_strokes(path: Path, found: Sequence[PenStroke]) -> Strokes:
    """Returns the strokes that have points; times and pressures where every stroke has them, times on one clock.

    Raises:
        FormatError: no point at all, or a number that float32 cannot hold.
    """
    kept = [stroke for stroke in found if len(stroke.points)]
    if not kept:
        raise FormatError(f"{path}: no point in it; expected {EXPECTED_INK} with at least one stroke")
    points = tuple(_checked(path, "coordinate", stroke.points) for stroke in kept)
    times: tuple[Float32[np.ndarray, " _num_points"], ...] | None = None
    if len({stroke.clock for stroke in kept}) == 1:
        seconds = [stroke.seconds for stroke in kept if stroke.seconds is not None]
        if len(seconds) == len(kept):
            # Subtracted before they are rounded: seconds since 1970 leave float32 no room for milliseconds.
            times = tuple(_checked(path, "time", column - seconds[0][0]) for column in seconds)
    pressures: tuple[Float32[np.ndarray, " _num_points"], ...] | None = None
    forces = [stroke.pressures for stroke in kept if stroke.pressures is not None]
    if len(forces) == len(kept):
        pressures = tuple(_checked(path, "pressure", column) for column in forces)
    return Strokes(points, times, pressures)


def refuse_many_strokes(path: Path, count: int) -> None:
    """Does nothing where a file has no more strokes than any has.

    Raises:
        FormatError: it has more than `MOST_STROKES`.
    """
    if count > MOST_STROKES:
        raise FormatError(f"{path}: more than {MOST_STROKES:,} strokes; expected fewer, split the file")


def check_finite(path: Path, strokes: Strokes) -> None:
    """Makes sure that ink can be read again when it is written.

    Raises:
        FormatError: a coordinate, a time or a pressure is not finite.
    """
    for column in (*strokes.strokes, *(strokes.times or ()), *(strokes.pressures or ())):
        if not np.isfinite(column).all():
            raise FormatError(f"{path}: would have a number in it that is not finite; expected plain numbers")


@np.errstate(over="ignore", invalid="ignore")
def seconds_per_unit(unit: str | None, columns: Sequence[Float64[np.ndarray, " _num_points"]]) -> float:
    """Returns how many seconds one unit of these times has, guessed by the step between points where it is not told.

    >>> seconds_per_unit(None, [np.array([0.0, 8.0, 17.0])])
    0.001
    """
    if unit is not None and unit.strip() in SECONDS:
        return SECONDS[unit.strip()]
    steps = np.concatenate([np.diff(column) for column in columns]) if columns else np.zeros(0)
    steps = steps[steps > 0]
    return 1.0 if len(steps) and np.median(steps) < LONGEST_SAMPLE_SECONDS else 1e-3


def _checked(path: Path, what: str, values: Float64[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
    with np.errstate(over="ignore", invalid="ignore"):
        array = values.astype(np.float32)
    if not np.isfinite(array).all():
        raise FormatError(f"{path}: a {what} is not finite or beyond float32; expected plain numbers")
    return array
