"""Recordings read with a trained model: when each word and token was said."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64

from seqlabel.bars import BarOf
from seqlabel.borders import Utterance, find_borders
from seqlabel.ensemble import Frames
from seqlabel.errors import SeqlabelError
from seqlabel.features import LogMel, Mfcc, MfccConfig
from seqlabel.formats import TimedReading, TimedText
from seqlabel.long_recordings import Stretch, frames_for_one
from seqlabel.recognizer import Recognizer, named
from seqlabel.records import Example, Hypothesis, Span, Waveform

MOST_SECONDS = 0.25
"""How far a token reaches from its middle at most: CTC says where it is surest of a token, not where that ends."""
LEAST_STD = 1e-6
"""Of a coefficient over a recording; digital silence has none."""


def tells_times(recognizer: Recognizer) -> bool:
    """Tells whether the frames of a model have times: those of features that it makes of audio."""
    return isinstance(recognizer.loaded.frontend.feature, Mfcc | LogMel)


def frame_edges(recognizer: Recognizer, num_frames: int) -> Float64[np.ndarray, " frames1"]:
    """Returns where each frame of emissions begins, in seconds, and where the last one ends.

    A frame of features stands for the step around the middle of its window.
    """
    feature = recognizer.loaded.frontend.feature
    assert isinstance(feature, Mfcc | LogMel)
    step = feature.step_seconds * frames_for_one(recognizer.loaded)
    middle = {"snip": feature.window_seconds / 2, "reflect": feature.step_seconds / 2, "centre": 0.0}
    first = middle[feature.config.framing] - feature.step_seconds / 2
    edges: Float64[np.ndarray, " frames1"] = first + step * np.arange(num_frames + 1)
    return edges


def read_timed(
    recognizer: Recognizer, paths: Sequence[Path], bar_of: BarOf | None = None, *, by_sound: bool = True
) -> Iterator[tuple[Path, tuple[TimedReading, Hypothesis] | SeqlabelError]]:
    """Yields each recording with the times of what was read in it, or with the error that kept it from being read.

    `bar_of` shows how far a long recording has been read.
    """
    frontend = recognizer.loaded.frontend
    for chunk, is_long in recognizer.chunks(paths):
        results: dict[int, tuple[TimedReading, Hypothesis] | SeqlabelError] = {}
        frames: dict[int, Frames] = {}
        signals: dict[int, Waveform] = {}
        for index, path in enumerate(chunk):
            try:
                if is_long:
                    results[index] = _long(recognizer, path, bar_of, by_sound=by_sound)
                    continue
                example = Example(id=str(path), source=path)
                signal = frontend.read(example)
                frames[index] = recognizer.ensemble.frames(example, signal)
            except SeqlabelError as error:
                results[index] = named(path, error)
                continue
            assert isinstance(signal, Waveform)
            signals[index] = signal
        for index, found in zip(frames, recognizer.read_frames(list(frames.values())), strict=True):
            best = recognizer.calibrated(found[0])
            reading = timed(recognizer, chunk[index].stem, signals[index], best, by_sound=by_sound)
            results[index] = reading, best
        yield from ((path, results[index]) for index, path in enumerate(chunk))


def _long(
    recognizer: Recognizer, path: Path, bar_of: BarOf | None, *, by_sound: bool
) -> tuple[TimedReading, Hypothesis]:
    """Reads a recording stretch by stretch: the sounds of each are learnt by themselves."""
    times: dict[int, tuple[float, float]] = {}
    seconds = 0.0

    def take_times(stretches: Iterator[Stretch]) -> Iterator[Stretch]:
        nonlocal seconds
        for stretch in stretches:
            found = stretch.hypothesis
            said = Said(stretch.signal, found.token_ids, found.spans)
            [own] = times_of_all(recognizer, [said], by_sound=by_sound)
            for span, (start, end) in zip(found.spans, own, strict=True):
                frame = stretch.start_frame + span.start_frame
                times[frame] = stretch.start_seconds + start, stretch.start_seconds + end
            seconds = stretch.start_seconds + said.seconds
            yield stretch

    best = recognizer.put_together(take_times(recognizer.read_long(path, bar_of)))
    # Spaces between stretches are in none of them, and are not heard.
    own = [times.get(span.start_frame, (0.0, 0.0)) for span in best.spans]
    return timed_spans(path.stem, seconds, best.spans, best.words, own), best


def timed(
    recognizer: Recognizer, name: str, signal: Waveform, best: Hypothesis, *, by_sound: bool = True
) -> TimedReading:
    """Returns the times of a hypothesis."""
    said = Said(signal, best.token_ids, best.spans)
    [times] = times_of_all(recognizer, [said], by_sound=by_sound)
    return timed_spans(name, said.seconds, best.spans, best.words, times)


@dataclass(frozen=True, slots=True)
class Said:
    """A recording, the ids of the tokens that are said in it, and the frames where the model is surest of them."""

    signal: Waveform
    token_ids: tuple[int, ...]
    spans: tuple[Span, ...]

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.signal.samples) / self.signal.sample_rate


def times_of_all(
    recognizer: Recognizer, found: Sequence[Said], *, by_sound: bool = True
) -> list[list[tuple[float, float]]]:
    """Returns when each token begins and ends, in seconds, in each of the recordings.

    Args:
        recognizer: the model that found them.
        found: the recordings.
        by_sound: find the borders by what the tokens sound like in all of them (`borders`), those of spaces by the
            peaks alone; else half way between the peaks of CTC, no token further than `MOST_SECONDS` from its own.
    """
    times = [_times_by_peaks(recognizer, one.spans, one.seconds) for one in found]
    if not by_sound:
        return times
    feature = recognizer.loaded.frontend.feature
    assert isinstance(feature, Mfcc | LogMel)
    sound = MfccConfig(sample_rate=feature.config.sample_rate, num_deltas=0).build()
    step, first = sound.step_seconds, (sound.window_seconds - sound.step_seconds) / 2
    by_words = recognizer.header.tokens.unit == "word"
    utterances: list[Utterance] = []
    places_of: list[tuple[int, list[int]]] = []
    for number, one in enumerate(found):
        places = [place for place, span in enumerate(one.spans) if span.text != " "]
        if not places:
            continue
        cepstra = sound(one.signal).astype(np.float64)
        middles = _middles(recognizer, one.spans)
        peaks = _increasing([round((middles[place] - first) / step - 0.5) for place in places], len(cepstra))
        if peaks is None:  # more tokens than there are steps of this sound: they keep the times of CTC
            continue
        between = [by_words or right - left > 1 for left, right in pairwise(places)]
        utterances.append(
            Utterance(
                (cepstra - cepstra.mean(axis=0)) / np.maximum(cepstra.std(axis=0), LEAST_STD),
                cepstra[:, 0],
                tuple(one.token_ids[place] for place in places),
                peaks,
                np.array([True, *between, True]),
            )
        )
        places_of.append((number, places))
    for (number, places), borders in zip(places_of, find_borders(utterances), strict=True):
        for place, (start, end) in zip(places, borders.tolist(), strict=True):
            begins = 0.0 if start == 0 else first + start * step
            times[number][place] = (begins, min(found[number].seconds, first + end * step))
    return times


def _increasing(peaks: Sequence[int], num_frames: int) -> Int64[np.ndarray, " S"] | None:
    """Returns the peaks moved as little as makes each a frame of its own; None where there are too few frames."""
    if len(peaks) > num_frames:
        return None
    found = np.array(peaks, np.int64)
    order = np.arange(len(found))
    found = np.maximum.accumulate(np.maximum(found, order) - order) + order
    last = num_frames - len(found) + order
    return np.minimum(found, last)


def _times_by_peaks(
    recognizer: Recognizer, spans: Sequence[Span], seconds: float
) -> list[tuple[float, float]]:
    if not spans:
        return []
    middles = _middles(recognizer, spans)
    borders = [(left + right) / 2 for left, right in pairwise(middles)]
    starts = [
        max(0.0, border, middle - MOST_SECONDS)
        for border, middle in zip([0.0, *borders], middles, strict=True)
    ]
    ends = [
        min(seconds, border, middle + MOST_SECONDS)
        for border, middle in zip([*borders, seconds], middles, strict=True)
    ]
    return [(start, max(start, end)) for start, end in zip(starts, ends, strict=True)]


def _middles(recognizer: Recognizer, spans: Sequence[Span]) -> list[float]:
    """Returns the seconds at which the model is surest of each token."""
    edges = frame_edges(recognizer, max(span.end_frame for span in spans))
    return [float(edges[span.start_frame] + edges[span.end_frame]) / 2 for span in spans]


def timed_spans(
    name: str,
    seconds: float,
    spans: Sequence[Span],
    words: Sequence[Span],
    times: Sequence[tuple[float, float]],
) -> TimedReading:
    """Returns tokens with their times, without spaces, and words from their first to the end of their last token."""
    said = [
        (span.start_frame, TimedText(span.text, start, end, span.confidence))
        for span, (start, end) in zip(spans, times, strict=True)
        if span.text != " "
    ]
    tokens = tuple(token for _, token in said)
    frames = [frame for frame, _ in said]

    def word_of(word: Span) -> TimedText:
        first, behind = (bisect_left(frames, frame) for frame in (word.start_frame, word.end_frame))
        return TimedText(word.text, tokens[first].start, tokens[behind - 1].end, word.confidence)

    return TimedReading(name, seconds, tuple(map(word_of, words)), tokens)
