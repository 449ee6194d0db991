"""Recordings of any length read in bounded memory: overlapping windows, and stretches that are cut at pauses.

The network reads windows with context on both sides, whose emissions are dropped, so that those that are kept are
about what it would say of the whole recording. They are joined and decoded in one go, in which a beam keeps no more
than its best prefix at each cut, where nothing is said.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32

from seqlabel.ctc import Emissions
from seqlabel.data import collate
from seqlabel.decoders import Beam, Decoder, joined
from seqlabel.features import LogMel, Mfcc
from seqlabel.features.normalization import Sums
from seqlabel.features.stacking import stack
from seqlabel.formats import audio_blocks
from seqlabel.frontend import Frontend
from seqlabel.model_file import LoadedModel
from seqlabel.objectives import CtcConfig
from seqlabel.records import Hypothesis, Span, Waveform
from seqlabel.tokens import BLANK, TokenTable

LONG_SECONDS = 90.0
"""Recordings that are longer are read in this way."""
WINDOW_SECONDS, CONTEXT_SECONDS = 20.0, 4.0
"""Kept of a window, and dropped on each side, which is no more."""
WINDOWS_AT_ONCE = 8
MOST_KEPT_BYTES = 1 << 27
"""Of features that are kept from the pass for the normalisation: two hours and more; others are computed twice."""
LEAST_STRETCH, MOST_STRETCH = 20.0, 60.0
"""Seconds from which on a stretch ends at a pause, and at which it ends at whatever blank frame is the surest."""
PAUSE_SECONDS = 0.3
_MANY_FRAMES = 1_000_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a recording, from one cut to the next.

    Attributes:
        start_frame: its first frame, of all frames of emissions of the recording.
        start_seconds: where that frame begins.
        signal: its sound.
        hypothesis: what was read in it; its frames are counted from its own first one.
        space: the space that was read between the stretch before and this one; None where there was none.
    """

    start_frame: int
    start_seconds: float
    signal: Waveform
    hypothesis: Hypothesis
    space: Span | None


def frames_for_one(loaded: LoadedModel) -> int:
    """Returns how many frames of features there are for each frame of emissions: what is stacked and subsampled."""
    stacking = loaded.frontend.config.stacking
    emitted = int(loaded.model.output_lengths(torch.tensor([_MANY_FRAMES]))[0])
    return (stacking.step if stacking else 1) * round(_MANY_FRAMES / emitted)


def reads_long(loaded: LoadedModel) -> bool:
    """Tells whether a model can read recordings piece by piece.

    It learnt by CTC, and computes features of audio that do not hang on all of it (a distance from its loudest frame)
    nor on where in it they lie (dither, which is the same for all waveforms).
    """
    feature = loaded.frontend.feature
    return (
        isinstance(feature, Mfcc | LogMel)
        and feature.config.top_db is None
        and feature.config.dither is None
        and isinstance(loaded.header.experiment.objective, CtcConfig)
    )


def read_long(
    loaded: LoadedModel,
    decoder: Decoder,
    device: torch.device,
    precision: torch.dtype,
    path: Path,
    on_seconds: Callable[[float], object] | None = None,
) -> Iterator[Stretch]:
    """Yields what is read in a recording, stretch by stretch.

    Args:
        loaded, decoder, device, precision: the model, and how it reads (`reads_long`).
        path: a file that libsndfile reads.
        on_seconds: is told how far it has come.

    Raises:
        FormatError: the file cannot be read.
    """
    pieces = _Pieces(loaded)
    pieces.fit(path)
    cutter = _Cutter(loaded.header.tokens, pieces)
    space: Span | None = None
    states: np.ndarray | None = None
    for windows in _several(pieces.windows(path)):
        found = window_emissions(loaded, device, precision, [pieces.frames(window) for window in windows])
        for window, log_probs in zip(windows, found, strict=True):
            first, last = window.first // pieces.unit, -(-window.last // pieces.unit)
            cutter.add(log_probs[first:last], window.samples)
            for cut in cutter.cuts(is_last=window.is_last):
                if isinstance(decoder, Beam) and not cut.is_last:
                    best, states = decoder.read_on(cut.log_probs, states)
                elif isinstance(decoder, Beam):
                    [best] = decoder.read(cut.log_probs, begin=states)
                else:
                    lengths = torch.tensor([len(cut.log_probs)])
                    [[best]] = decoder(Emissions(torch.from_numpy(cut.log_probs)[None], lengths))
                before, best, after = _stripped(best)
                yield Stretch(
                    cut.start,
                    cut.start * pieces.seconds,
                    Waveform(cut.samples, pieces.sample_rate),
                    best,
                    space or (None if before is None else _later(before, cut.start)),
                )
                space = cut.space_after or (None if after is None else _later(after, cut.start))
            if on_seconds is not None:
                on_seconds(cutter.end * pieces.seconds)


def merged(stretches: Iterable[Stretch], tokens: TokenTable, *, has_whole_words: bool = False) -> Hypothesis:
    """Returns the stretches of a recording as one hypothesis, whose scores are the sums of theirs.

    A word that goes on behind a cut is one word, save where tokens are words or a lexicon of pronunciations had each
    stretch be of whole words (`has_whole_words`).
    """
    ids: list[int] = []
    spans: list[Span] = []
    words: list[Span] = []
    text = ""
    score = language = 0.0
    acoustic: float | None = None
    space: Span | None = None  # since the last token; stretches of silence may lie between
    for stretch in stretches:
        found = stretch.hypothesis
        score, language = score + found.score, language + found.language_score
        if found.acoustic_score is not None:
            acoustic = (acoustic or 0.0) + found.acoustic_score
        space = stretch.space or space
        if not found.token_ids:
            continue
        if space is not None and ids:
            ids += tokens.encode(" ")
            spans.append(space)
        is_apart = space is not None or tokens.unit == "word" or has_whole_words
        text += (" " if is_apart and text else "") + found.text
        ids += found.token_ids
        spans += [_later(span, stretch.start_frame) for span in found.spans]
        own = [_later(word, stretch.start_frame) for word in found.words]
        if words and own and not is_apart:
            begun = words.pop()
            own[0] = joined(begun.text + own[0].text, (begun, own[0]))
        words += own
        space = None
    return Hypothesis(
        text=text,
        token_ids=tuple(ids),
        score=score,
        acoustic_score=acoustic,
        language_score=language,
        spans=tuple(spans),
        words=tuple(words),
    )


def _later(span: Span, frames: int) -> Span:
    return replace(span, start_frame=span.start_frame + frames, end_frame=span.end_frame + frames)


def _stripped(found: Hypothesis) -> tuple[Span | None, Hypothesis, Span | None]:
    """Returns a hypothesis without the spaces at its ends, and the first and the last of these."""
    ids, spans = found.token_ids, found.spans
    before = after = None
    while spans and spans[0].text == " ":
        before = before or spans[0]
        ids, spans = ids[1:], spans[1:]
    while spans and spans[-1].text == " ":
        after = spans[-1]
        ids, spans = ids[:-1], spans[:-1]
    return before, replace(found, text=found.text.strip(), token_ids=ids, spans=spans), after


def _several(windows: "Iterator[_Window]") -> "Iterator[list[_Window]]":
    waiting: list[_Window] = []
    for window in windows:
        waiting.append(window)
        if len(waiting) == WINDOWS_AT_ONCE:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def window_emissions(
    loaded: LoadedModel, device: torch.device, precision: torch.dtype, features: Sequence[np.ndarray]
) -> list[Float32[np.ndarray, "_T C"]]:
    """Returns what the model says of each of the windows."""
    is_bfloat16 = precision == torch.bfloat16
    loaded.model.eval()
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=is_bfloat16):
        batch = collate([("", frames, ()) for frames in features])
        found = loaded.model(batch.features.to(device), batch.feature_lengths.to(device))
    log_probs = found.log_probs.float().cpu().numpy()
    return [rows[:length] for rows, length in zip(log_probs, found.lengths.tolist(), strict=True)]


# --- windows ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Window:
    """Frames of features with context on both sides.

    Attributes:
        features: (T, F), neither normalised nor stacked.
        first, last: which of them are its own, the last not included.
        samples: of its own frames.
        is_last: the recording ends with it.
    """

    features: Float32[np.ndarray, "T F"]
    first: int
    last: int
    samples: Float32[np.ndarray, " num_samples"]
    is_last: bool


class _Pieces:
    """Cuts recordings into windows, on frames of emissions.

    Attributes:
        sample_rate: in Hz.
        kept: features of the recording, where there was room for all of them.
        unit: frames of features from one frame of emissions to the next.
        seconds: from one frame of emissions to the next.
    """

    def __init__(self, loaded: LoadedModel) -> None:
        self.frontend: Frontend = loaded.frontend
        feature = self.frontend.feature
        assert isinstance(feature, Mfcc | LogMel)
        self.feature = feature
        self.sample_rate: int = feature.config.sample_rate
        self.step = round(feature.step_seconds * self.sample_rate)
        self.width = round(feature.window_seconds * self.sample_rate)
        self.unit = frames_for_one(loaded)
        self.seconds = self.unit * self.step / self.sample_rate
        self.own = self.unit * max(1, round(WINDOW_SECONDS / self.seconds))
        self.context = self.unit * max(1, round(CONTEXT_SECONDS / self.seconds))
        # Features are computed a little beyond those that are kept: as far as deltas of deltas and a window reach.
        reach = 1 + feature.config.num_deltas * feature.config.delta_window + -(-self.width // self.step)
        self.margin = self._whole(reach)
        self.normalizer = self.frontend.normalizer
        if self.normalizer is not None and self.normalizer.config.scope == "window":
            self.context = max(self.context, self._whole(self.normalizer.config.window))
            self.own = max(self.own, self.context)
        self.kept: list[np.ndarray] | None = None

    def _whole(self, num_frames: int) -> int:
        """Returns as many frames of features, or some more, as whole frames of emissions are made of."""
        return self.unit * -(-num_frames // self.unit)

    def fit(self, path: Path) -> None:
        """Goes through a recording once where all of it is what it is normalised by."""
        if self.normalizer is None or self.normalizer.config.scope not in ("example", "group"):
            return
        sums: Sums | None = None
        kept: list[np.ndarray] = []
        room = MOST_KEPT_BYTES
        for chunk in self._chunks(path):
            own = Sums.of(chunk.features)
            sums = own if sums is None else sums + own
            room -= chunk.features.nbytes
            kept = [*kept, chunk.features] if room >= 0 else []
        assert sums is not None
        self.normalizer = self.normalizer.config.build()
        self.normalizer.corpus = sums.statistics()
        self.kept = kept if room >= 0 else None

    def frames(self, window: _Window) -> Float32[np.ndarray, "T F"]:
        """Returns the normalised and stacked frames of a window."""
        features = window.features if self.normalizer is None else self.normalizer(window.features)
        stacking = self.frontend.config.stacking
        return stack(features, stacking) if stacking else features

    def windows(self, path: Path) -> Iterator[_Window]:
        """Yields the windows of a recording; their own frames follow each other without a gap."""
        chunks = self._chunks(path)
        own = next(chunks)
        before = own.features[:0]
        while True:
            after = None if own.is_last else next(chunks)
            following = before[:0] if after is None else after.features[: self.context]
            features = np.concatenate([before, own.features, following])
            last = len(before) + len(own.features)
            yield _Window(features, len(before), last, own.samples, after is None)
            if after is None:
                return
            before = features[max(0, last - self.context) : last]
            own = after

    def _chunks(self, path: Path) -> "Iterator[_Chunk]":
        """Yields the features of a recording, `own` frames at a time, of the last between one and two times as many."""
        blocks = audio_blocks(path, self.sample_rate)
        kept = iter(self.kept or ())
        held = np.zeros(0, np.float32)
        start, frame, is_over = 0, 0, False  # the first sample that is held, the first frame that is wanted
        while True:
            # One chunk more than this one is waited for, so that the last is no crumb.
            wanted = (frame + 2 * self.own + self.margin) * self.step + self.width
            waiting = [held]
            num_held = len(held)
            while not is_over and start + num_held < wanted:
                block = next(blocks, None)
                is_over = block is None
                if block is not None:
                    waiting.append(block)
                    num_held += len(block)
            held = np.concatenate(waiting)
            is_last = start + num_held < wanted
            own_start = frame * self.step - start
            own_end = num_held if is_last else own_start + self.own * self.step
            samples = held[own_start:own_end].copy()
            if self.kept is None:
                before = max(0, frame - self.margin)
                end = num_held
                if not is_last:
                    end = (frame + self.own + self.margin - 1) * self.step + self.width - start
                features = self.feature(Waveform(held[before * self.step - start : end], self.sample_rate))
                features = features[frame - before :]
                yield _Chunk(features if is_last else features[: self.own], samples, is_last)
            else:
                yield _Chunk(next(kept), samples, is_last)
            if is_last:
                return
            frame += self.own
            first = max(0, frame - self.margin) * self.step
            held, start = held[first - start :], first


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Frames of features that follow each other without a gap, with their samples."""

    features: Float32[np.ndarray, "T F"]
    samples: Float32[np.ndarray, " num_samples"]
    is_last: bool


# --- cuts -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Cut:
    """What lies between two cuts: where it starts, its emissions and samples, and the space at its end.

    The recording ends with the last one.
    """

    start: int
    log_probs: Float32[np.ndarray, "T C"]
    samples: Float32[np.ndarray, " num_samples"]
    space_after: Span | None
    is_last: bool


class _Cutter:
    """Joins the emissions of windows, and cuts them at pauses.

    Attributes:
        start, end: the first frame that is held, and the one after the last, of all of the recording.
    """

    def __init__(self, tokens: TokenTable, pieces: _Pieces) -> None:
        has_space = tokens.unit != "word" and " " in tokens.tokens
        self.space_id = tokens.tokens.index(" ") if has_space else None
        self.samples_a_frame = pieces.unit * pieces.step
        self.least = round(LEAST_STRETCH / pieces.seconds)
        self.most = round(MOST_STRETCH / pieces.seconds)
        self.pause = max(1, round(PAUSE_SECONDS / pieces.seconds))
        self.start = self.end = 0
        self.log_probs: Float32[np.ndarray, "T C"] = np.zeros((0, len(tokens)), np.float32)
        self.samples = np.zeros(0, np.float32)

    def add(self, log_probs: Float32[np.ndarray, "T2 C"], samples: np.ndarray) -> None:
        """Takes the next frames with their samples."""
        self.log_probs = np.concatenate([self.log_probs, log_probs])
        self.samples = np.concatenate([self.samples, samples])
        self.end += len(log_probs)

    def cuts(self, *, is_last: bool) -> Iterator[_Cut]:
        """Yields what can be cut off by now; everything at the end of the recording."""
        while (place := self._place()) is not None:
            yield self._cut(*place)
        if is_last:
            yield self._cut(len(self.log_probs), None, is_last=True)

    def _cut(self, length: int, space: Span | None, *, is_last: bool = False) -> _Cut:
        num_samples = length * self.samples_a_frame if length < len(self.log_probs) else len(self.samples)
        found = _Cut(self.start, self.log_probs[:length], self.samples[:num_samples], space, is_last)
        self.log_probs, self.samples = self.log_probs[length:], self.samples[num_samples:]
        self.start += length
        return found

    def _place(self) -> tuple[int, Span | None] | None:
        """Returns the best frame for a cut and the space that lies there; None where more has to be known first."""
        path = self.log_probs[: self.most].argmax(axis=1)
        if len(path) <= self.least:
            return None
        edges = np.flatnonzero(np.diff(path)) + 1
        begins, ends = np.concatenate([[0], edges]), np.concatenate([edges, [len(path)]])
        # The last run may go on, and what comes before the least stretch is too soon.
        runs = [
            (int(begin), int(end))
            for begin, end in zip(begins, ends, strict=True)
            if path[begin] == BLANK and begin > 0 and end < len(path) and (begin + end) // 2 >= self.least
        ]
        long_runs = [run for run in runs if run[1] - run[0] >= self.pause]
        for chosen in (self._with_spaces(path, long_runs), () if self.space_id is not None else long_runs):
            if chosen:
                return self._at(path, max(chosen, key=lambda run: run[1] - run[0]))
        if len(self.log_probs) < self.most:
            return None
        chosen = self._with_spaces(path, runs) or long_runs or runs
        if chosen:
            return self._at(path, max(chosen, key=lambda run: run[1] - run[0]))
        # Never in the middle of a token, which would be read twice.
        changes = edges[edges >= self.least]
        if not len(changes):
            return len(path), None
        blank = self.log_probs[:, BLANK]
        return int(changes[(blank[changes - 1] + blank[changes]).argmax()]), None

    def _with_spaces(self, path: np.ndarray, runs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        return [run for run in runs if self.space_id in (path[run[0] - 1], path[run[1]])]

    def _at(self, path: np.ndarray, run: tuple[int, int]) -> tuple[int, Span | None]:
        for frame in (run[0] - 1, run[1]):
            if path[frame] == self.space_id:
                confidence = min(1.0, float(np.exp(self.log_probs[frame, self.space_id])))
                space = Span(
                    text=" ",
                    start_frame=self.start + frame,
                    end_frame=self.start + frame + 1,
                    confidence=confidence,
                )
                return (run[0] + run[1]) // 2, space
        return (run[0] + run[1]) // 2, None
