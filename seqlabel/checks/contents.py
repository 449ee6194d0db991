"""What is odd about the content of an example: silence, clipping, blank or inverted images, ink without extent."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float16, Float32

from seqlabel.checks.findings import BLANK, CLIPPED, INVERTED, NEARLY_EMPTY, SIDEWAYS, SILENT, Kind
from seqlabel.checks.orientation import turned_difference
from seqlabel.checks.sources import SPHINX_WIDTH, SourceKind
from seqlabel.features.sources import whole_file
from seqlabel.formats import (
    read_audio,
    read_ink,
    read_line_image,
    read_matrix,
    read_page_line,
    read_symbols,
)
from seqlabel.loaded import content_digest
from seqlabel.records import Example, LineImage, Matrix, Signal, Strokes, Symbols, Waveform

SILENCE = 10 ** (-70 / 20)
"""Audio whose loudest sample is below this share of full scale (-70 dB) has nothing in it: 10 steps of 16 bits."""
STEADY_DB = 6.0
"""Speech is louder at its loudest than at its quietest by more than this, by the level of 25 ms."""
LEAST_LEVELS = 100
"""A word that is cut out closely has no pause; in a second of speech there is one."""
FLAT_TOP = 3
"""Samples in a row at the very peak: a wave that was not cut off has one there, seldom two."""
CLIPPED_SHARE = 5e-4
"""Of the samples, that lie in flat tops, from which on audio is clipped."""
LOUD = 0.2
"""Peaks of full scale, below which no recorder clips, while coarse quantisation makes flat tops of any wave."""
LEAST_CONTRAST = 24
"""Grey values between paper and ink: as for the feature `columns`."""
SPECK = 0.0005
"""Share of the pixels that may be dirt or a dead column of the scanner, whatever their grey value."""
LEAST_INK = 0.001
"""Share of the pixels that is ink in any line with writing."""
DARK_GROUND = 0.3
"""Where the median grey value lies within this share of the range from its dark end, the ground is the dark one."""
HIGHER = 1.5
"""How much higher than wide an image has to be to lie on its side."""
POINTS_FOR_A_CHARACTER = 2
"""Points of ink that a character needs at least, on the average of a text."""
WORDY = 5
"""Characters from which on a text is wider than high."""


@dataclass(frozen=True, slots=True)
class Content:
    """What has been measured in the content of an example.

    Attributes:
        digest: the same for the same samples, pixels, points or values, whatever file they are in.
        lengths: by name, what could be in proportion to the length of the text.
        oddities: kinds of finding, each with what was found.
        turned: of a line image, how it differs from itself turned by half a turn (`orientation`); None for others.
        height: of ink, in the units of its file; None for others.
    """

    digest: bytes
    lengths: dict[str, float]
    oddities: list[tuple[Kind, str]] = field(default_factory=list)
    turned: Float16[np.ndarray, " D"] | None = None
    height: float | None = None


def read_content(example: Example, kind: SourceKind) -> Content:
    """Returns what there is to say of the content of an example.

    Raises:
        FormatError: it cannot be read.
        ManifestError: a part in seconds of what has no seconds.
    """
    signal = _signal_of(example, kind)
    num_characters = len(example.text or "")
    match signal:
        case Waveform():
            return _of_waveform(signal, num_characters)
        case LineImage():
            return _of_line_image(signal, num_characters)
        case Strokes():
            return _of_strokes(signal, num_characters)
        case Matrix():
            return _of_matrix(signal)
        case Symbols():
            return Content(content_digest(signal), {"symbols": float(len(signal.names))})


def _signal_of(example: Example, kind: SourceKind) -> Signal:
    if kind == "audio":
        return read_audio(
            example.source,
            sample_rate=None,
            start_seconds=example.start_seconds,
            end_seconds=example.end_seconds,
            channel=example.channel,
        )
    source = whole_file(example)
    if kind == "line image":
        return read_line_image(source)
    if kind == "line of a page":
        return read_page_line(source)[0]
    if kind == "ink":
        return read_ink(source)
    if kind == "symbols":
        return read_symbols(source)
    # One value a frame fits every Sphinx file, whatever its width; other kinds have a width of their own.
    return read_matrix(source, sphinx_width=1)


# --- audio ------------------------------------------------------------------------------------------------


def _of_waveform(signal: Waveform, num_characters: int) -> Content:
    samples, rate = signal.samples, signal.sample_rate
    content = Content(content_digest(signal), {"seconds": len(samples) / rate})
    centred = samples - samples.mean()
    peak = float(np.abs(centred).max())
    if peak < SILENCE:
        what = "all samples are equal" if not peak else f"its loudest sample is at {_db(peak):.0f} dB"
        content.oddities.append((SILENT, what))
        return content
    levels = _levels_db(centred, rate)
    spread = float(np.percentile(levels, 95) - np.percentile(levels, 5))
    if len(levels) >= LEAST_LEVELS and spread < STEADY_DB:
        content.oddities.append(
            (NEARLY_EMPTY, f"a steady sound: its level varies by {spread:.1f} dB, speech varies by far more")
        )
    # A click in silence: all that is within 40 dB of the loudest is shorter than any word.
    loud_seconds = 0.01 * int((levels > levels.max() - 40).sum())
    if num_characters and loud_seconds <= 0.03 and len(samples) / rate > 0.2:
        content.oddities.append(
            (NEARLY_EMPTY, f"{loud_seconds:.2f} s of sound in {len(samples) / rate:.2f} s of silence")
        )
    share = _flat_tops(samples)
    if share >= CLIPPED_SHARE:
        content.oddities.append(
            (
                CLIPPED,
                f"{100 * share:.2f} % of the samples are cut off at {np.abs(samples).max():.2f} of full scale",
            )
        )
    return content


def _levels_db(samples: Float32[np.ndarray, " num_samples"], rate: int) -> Float32[np.ndarray, " frames"]:
    """Returns the level of every 25 ms, every 10 ms, in dB of full scale."""
    step, window = max(1, round(0.01 * rate)), max(1, round(0.025 * rate))
    sums = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    starts = np.arange(0, max(1, len(samples) - window + 1), step)
    ends = np.minimum(starts + window, len(samples))
    power = (sums[ends] - sums[starts]) / (ends - starts)
    levels: Float32[np.ndarray, " frames"] = (10 * np.log10(np.maximum(power, 1e-12))).astype(np.float32)
    return levels


def _flat_tops(samples: Float32[np.ndarray, " num_samples"]) -> float:
    """Returns which share of the samples lies in runs of `FLAT_TOP` and more at the highest or the lowest value."""
    count = 0
    for sign in (1, -1):
        signed = sign * samples
        top = float(signed.max())
        if top < LOUD:
            continue
        is_top = signed >= top - 1.5 / 32768
        edges = np.flatnonzero(np.diff(np.concatenate([[False], is_top, [False]]).astype(np.int8)))
        lengths = edges[1::2] - edges[::2]
        # One plateau may be a wave of its own accord; a recording that is cut off has many.
        runs = lengths[lengths >= FLAT_TOP]
        count += int(runs.sum()) if len(runs) >= 3 else 0
    return count / len(samples)


def _db(value: float) -> float:
    return float(20 * np.log10(max(value, 1e-12)))


# --- line images ------------------------------------------------------------------------------------------


def _of_line_image(signal: LineImage, num_characters: int) -> Content:
    pixels = signal.pixels
    height, width = pixels.shape
    content = Content(content_digest(signal), {"pixels": float(width), "heights": width / height})
    if height > HIGHER * width and num_characters >= WORDY:
        content.oddities.append((SIDEWAYS, f"{width} x {height} pixels for {num_characters} characters"))
    levels = np.bincount(pixels.reshape(-1), minlength=256).cumsum() / pixels.size
    darkest, median, brightest = (int(np.searchsorted(levels, share)) for share in (SPECK, 0.5, 1 - SPECK))
    if brightest - darkest < LEAST_CONTRAST:
        content.oddities.append((BLANK, f"no ink: grey values from {darkest} to {brightest}"))
        return content
    if median - darkest < DARK_GROUND * (brightest - darkest):
        content.oddities.append(
            (
                INVERTED,
                f"half of the pixels are darker than {median}, of grey values {darkest} to {brightest}",
            )
        )
        pixels = 255 - pixels
        levels = np.bincount(pixels.reshape(-1), minlength=256).cumsum() / pixels.size
    # As for the feature `columns`: 40 per cent of every line are paper at least, half a per cent is surely ink.
    paper, ink = (int(np.searchsorted(levels, share)) for share in (0.6, 0.005))
    is_ink = pixels < paper - 0.4 * max(LEAST_CONTRAST, paper - ink)
    ink_share = float(is_ink.mean())
    across = int(is_ink.any(axis=0).sum())
    if num_characters >= WORDY and (ink_share < LEAST_INK or across < num_characters):
        content.oddities.append(
            (
                NEARLY_EMPTY,
                f"{100 * ink_share:.2f} % of the pixels are ink, in {across} of {width} columns, for "
                f"{num_characters} characters",
            )
        )
    turned = turned_difference(is_ink)
    return Content(content.digest, content.lengths, content.oddities, turned)


# --- ink, matrices ----------------------------------------------------------------------------------------


def _of_strokes(signal: Strokes, num_characters: int) -> Content:
    points = np.concatenate([stroke.reshape(-1, 2) for stroke in signal.strokes]).astype(np.float64)
    width, height = np.ptp(points, axis=0)
    path = sum(
        float(np.hypot(*np.diff(stroke.astype(np.float64), axis=0).T).sum()) for stroke in signal.strokes
    )
    lengths = {"points": float(len(points))}
    if height:  # whatever the units of the tablet are
        lengths |= {"heights": float(width / height), "path": path / float(height)}
    content = Content(content_digest(signal), lengths, height=float(height))
    if not max(width, height):
        content.oddities.append((BLANK, f"{len(points)} points, all at one place"))
    elif len(points) < POINTS_FOR_A_CHARACTER * num_characters:
        content.oddities.append(
            (NEARLY_EMPTY, f"{len(points)} points of ink for {num_characters} characters")
        )
    return content


def _of_matrix(signal: Matrix) -> Content:
    values = signal.values
    digest = content_digest(signal)
    if values.shape[1] == 1:
        content = Content(digest, {"frames": len(values) / SPHINX_WIDTH})
        values = values.reshape(-1, SPHINX_WIDTH) if not len(values) % SPHINX_WIDTH else values
    else:
        content = Content(digest, {"frames": float(len(values))})
    if len(values) > 1 and _all_rows_equal(values):
        content.oddities.append((BLANK, f"all {len(values)} frames are equal"))
    return content


def _all_rows_equal(values: Float32[np.ndarray, "T F"]) -> bool:
    return bool((values == values[0]).all())
