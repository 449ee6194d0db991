"""Recordings read with a trained model: when each word and token was said."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64

from seqlabel.errors import SeqlabelError
from seqlabel.features import LogMel, Mfcc
from seqlabel.formats import TimedReading, TimedText
from seqlabel.recognizer import CHUNK, Recognizer
from seqlabel.records import Example, Hypothesis, Span, Waveform

MOST_SECONDS = 0.25
"""How far a token reaches from its middle at most: CTC says where it is surest of a token, not where that ends."""
_MANY_FRAMES = 1_000_000


def tells_times(recognizer: Recognizer) -> bool:
    """Tells whether the frames of a model have times: those of features that it makes of audio."""
    return isinstance(recognizer.loaded.frontend.feature, Mfcc | LogMel)


def frame_edges(recognizer: Recognizer, num_frames: int) -> Float64[np.ndarray, " frames1"]:
    """Returns where each frame of emissions begins, in seconds, and where the last one ends.

    A frame of features stands for the step around the middle of its window.
    """
    frontend, feature = recognizer.loaded.frontend, recognizer.loaded.frontend.feature
    assert isinstance(feature, Mfcc | LogMel)
    stacked = frontend.config.stacking.step if frontend.config.stacking else 1
    emitted = int(recognizer.loaded.model.output_lengths(torch.tensor([_MANY_FRAMES]))[0])
    step = feature.step_seconds * stacked * round(_MANY_FRAMES / emitted)
    first = (feature.window_seconds - feature.step_seconds) / 2
    edges: Float64[np.ndarray, " frames1"] = first + step * np.arange(num_frames + 1)
    return edges


def read_timed(
    recognizer: Recognizer, paths: Sequence[Path]
) -> Iterator[tuple[Path, tuple[TimedReading, Hypothesis] | SeqlabelError]]:
    """Yields each recording with the times of what was read in it, or with the error that kept it from being read."""
    frontend = recognizer.loaded.frontend
    for start in range(0, len(paths), CHUNK):
        chunk = paths[start : start + CHUNK]
        failed: dict[int, SeqlabelError] = {}
        features, seconds = {}, {}
        for index, path in enumerate(chunk):
            try:
                signal = frontend.read(Example(id=str(path), source=path))
                features[index] = frontend(signal)
            except SeqlabelError as error:
                failed[index] = error if str(path) in str(error) else type(error)(f"{path}: {error}")
                continue
            assert isinstance(signal, Waveform)
            seconds[index] = len(signal.samples) / signal.sample_rate
        found = iter(recognizer.read_features(list(features.values())))
        for index, path in enumerate(chunk):
            if index in failed:
                yield path, failed[index]
                continue
            best = next(found)[0]
            yield path, (timed(recognizer, path.stem, seconds[index], best), best)


def timed(recognizer: Recognizer, name: str, seconds: float, best: Hypothesis) -> TimedReading:
    """Returns the times of a hypothesis.

    Between two tokens the border lies half way from middle to middle, and no token reaches further than `MOST_SECONDS`.
    """
    if not best.spans:
        return TimedReading(name, seconds, (), ())
    edges = frame_edges(recognizer, max(span.end_frame for span in best.spans))
    middles = [float(edges[span.start_frame] + edges[span.end_frame]) / 2 for span in best.spans]
    borders = [(left + right) / 2 for left, right in pairwise(middles)]
    starts = [
        max(0.0, border, middle - MOST_SECONDS)
        for border, middle in zip([0.0, *borders], middles, strict=True)
    ]
    ends = [
        min(seconds, border, middle + MOST_SECONDS)
        for border, middle in zip([*borders, seconds], middles, strict=True)
    ]
    tokens = [
        TimedText(span.text, start, max(start, end), span.confidence)
        for span, start, end in zip(best.spans, starts, ends, strict=True)
    ]
    by_frame = {span.start_frame: token for span, token in zip(best.spans, tokens, strict=True)}
    words = tuple(_word(word, best.spans, by_frame) for word in best.words)
    return TimedReading(name, seconds, words, tuple(token for token in tokens if token.text != " "))


def _word(word: Span, spans: Sequence[Span], by_frame: dict[int, TimedText]) -> TimedText:
    """A word from the start of its first token to the end of its last."""
    parts = [
        by_frame[span.start_frame]
        for span in spans
        if word.start_frame <= span.start_frame and span.end_frame <= word.end_frame
    ]
    return replace(parts[0], text=word.text, end=parts[-1].end, confidence=word.confidence)
