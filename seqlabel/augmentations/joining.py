"""Two examples of one hand or voice made into one, as if they had been written or spoken one after the other."""

import numpy as np
from jaxtyping import Float32
from PIL import Image

from seqlabel.records import LineImage, Matrix, Signal, Strokes, Symbols, Waveform


def joined(
    first: Signal, second: Signal, rng: np.random.Generator, *, is_from_right: bool = False
) -> Signal | None:
    """Returns `second` after `first`, with the gap of a word between them; None where they do not go together.

    Line images are brought to one height; the second stands to the right of the first, in the order of the frames. Ink
    is set side by side with the middles of its points at one level, the second to the left where the writing runs from
    right to left. Speech is parted by noise as loud as the quietest moment of both. Matrices and symbols follow each
    other directly.
    """
    match first, second:
        case LineImage(), LineImage():
            return _images(first, second, rng) if first.pixels.size and second.pixels.size else None
        case Strokes(), Strokes():
            return _ink(first, second, rng, is_from_right)
        case Waveform(), Waveform() if first.sample_rate == second.sample_rate:
            return _speech(first, second, rng)
        case Matrix(), Matrix() if first.values.shape[1] == second.values.shape[1]:
            return Matrix(np.concatenate([first.values, second.values]))
        case Symbols(), Symbols():
            return Symbols(first.names + second.names)
    return None


def _images(first: LineImage, second: LineImage, rng: np.random.Generator) -> LineImage:
    height = len(first.pixels)
    right = second.pixels
    if len(right) != height:
        width = max(1, round(right.shape[1] * height / len(right)))
        right = np.asarray(Image.fromarray(right).resize((width, height), Image.Resampling.BILINEAR))
    # From the paper of the one to that of the other, row by row, so that the seam is no edge.
    edge = max(1, height // 8)
    left_paper = np.percentile(first.pixels[:, -edge:], 75, axis=1)[:, None]
    right_paper = np.percentile(right[:, :edge], 75, axis=1)[:, None]
    share = np.linspace(0, 1, max(1, round(rng.uniform(0.1, 0.4) * height)))
    gap = left_paper + (right_paper - left_paper) * share
    return LineImage(np.concatenate([first.pixels, gap.astype(np.uint8), right], axis=1))


def _ink(first: Strokes, second: Strokes, rng: np.random.Generator, is_from_right: bool) -> Strokes | None:
    sides = [[stroke for stroke in ink.strokes if len(stroke)] for ink in (first, second)]
    if not all(sides):
        return None
    before, after = (np.concatenate(strokes).astype(np.float64) for strokes in sides)
    height = max(float(np.ptp(np.percentile(points[:, 1], [5, 95]))) for points in (before, after))
    gap = rng.uniform(0.2, 0.6) * height
    to_side = (
        before[:, 0].min() - gap - after[:, 0].max()
        if is_from_right
        else before[:, 0].max() + gap - after[:, 0].min()
    )
    offset = np.array([to_side, np.median(before[:, 1]) - np.median(after[:, 1])], np.float32)
    strokes = first.strokes + tuple(stroke + offset for stroke in second.strokes)
    times = pressures = None
    if first.times is not None and second.times is not None:
        end = max((float(times.max()) for times in first.times if len(times)), default=0.0)
        pause = np.float32(end + rng.uniform(0.2, 0.6))
        times = first.times + tuple(stroke + pause for stroke in second.times)
    if first.pressures is not None and second.pressures is not None:
        pressures = first.pressures + second.pressures
    return Strokes(strokes, times, pressures)


def _speech(first: Waveform, second: Waveform, rng: np.random.Generator) -> Waveform:
    rate = first.sample_rate
    level = min(_quietest(wave.samples, max(1, rate // 50)) for wave in (first, second))
    pause = rng.standard_normal(round(rng.uniform(0.05, 0.3) * rate), dtype=np.float32) * np.float32(level)
    return Waveform(np.concatenate([first.samples, pause, second.samples]), rate)


def _quietest(samples: Float32[np.ndarray, " num_samples"], window: int) -> float:
    """Returns the root mean square of the quietest window."""
    whole = samples[: len(samples) // window * window].reshape(-1, window).astype(np.float64)
    return float(np.sqrt((whole**2).mean(axis=1).min())) if len(whole) else 0.0
