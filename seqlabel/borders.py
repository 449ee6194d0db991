"""Where the tokens of recordings begin and end: a hidden Markov model of their frames, begun at the peaks of CTC.

CTC says at which frame it is surest of a token and nothing of where the token begins. Here every token is a row of
states with a Gaussian each, pauses are a state of their own, and the states are fitted to all recordings together
by Viterbi training (HTK Book 3.4, section 8.2), each token held to its own peak. What differs from a phonetic aligner
is that nothing has to be known beforehand, neither a pronunciation nor a model of the language.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, no_type_check

import numpy as np
from jaxtyping import Bool, Float64, Int64

from seqlabel.compiled import compiled

FRAMES_PER_STATE = 10
"""With fewer, states take in the pauses of a few recordings (chosen on the dev strings of fsdd, LOG)."""
MOST_STATES = 16
NUM_PASSES = 5
QUIET_SHARE, QUIET_RANGE = 0.2, 0.1
"""At first a pause is what is among so many of the frames of a recording that are the quietest, or in the lowest part
of the range of its loudness, the least and the most 5 % left aside: some recordings are half silence."""
SHARED_FRAMES, SHARED_VARIANCE, LEAST_VARIANCE = 20.0, 0.3, 0.05
"""A state's variances count as if so many frames more had that share of the variance of all; none falls below the
last: states of few frames would else be surer than all others."""
PAUSE = 0


@dataclass(frozen=True, slots=True)
class Utterance:
    """A recording with its tokens.

    Attributes:
        frames: (T, F) acoustic features, each over the recording of mean 0 and variance 1.
        loudness: (T,) of each frame, in any unit that grows with it.
        tokens: ids from 0 on, in their order.
        peaks: a frame of each token, increasing.
        may_pause: whether there can be silence before each token, and after the last: one more than there are tokens.
    """

    frames: Float64[np.ndarray, "T F"]
    loudness: Float64[np.ndarray, " T"]
    tokens: tuple[int, ...]
    peaks: Int64[np.ndarray, " S"]
    may_pause: Bool[np.ndarray, " S1"]


@dataclass(frozen=True, slots=True)
class _Chain:
    """The states that a recording goes through: numbers of their Gaussians, and from where to where each can be."""

    states: Int64[np.ndarray, " K"]
    places: Int64[np.ndarray, " K"]
    """Of each state its token in the recording; -1 for a pause."""
    begin: Int64[np.ndarray, " K"]
    end: Int64[np.ndarray, " K"]


@dataclass(frozen=True, slots=True)
class _Gaussians:
    mean: Float64[np.ndarray, "states F"]
    variance: Float64[np.ndarray, "states F"]


def find_borders(
    utterances: Sequence[Utterance], num_passes: int = NUM_PASSES
) -> list[Int64[np.ndarray, "_num_tokens 2"]]:
    """Returns the first frame of each token, and the one after its last, for each of the recordings.

    Tokens keep their order, do not overlap, and have their peaks in them. The more recordings there are, the better
    they tell what a token sounds like from its beginning to its end; of a few, loud and quiet is all that they tell.
    """
    if not utterances:
        return []
    first, num_states = _states(utterances)
    chains = [_chain(utterance, first, num_states) for utterance in utterances]
    total = int(num_states.sum()) + 1
    everything = np.concatenate([utterance.frames for utterance in utterances])
    usual = everything.var(axis=0)
    paths = [_guess(utterance, first, num_states) for utterance in utterances]
    found: list[Int64[np.ndarray, "_num_tokens 2"]] = []
    for _ in range(num_passes):
        gaussians = _fitted(everything, np.concatenate(paths), total, usual)
        found, paths = [], []
        for utterance, chain in zip(utterances, chains, strict=True):
            path = _best_path(
                utterance.frames,
                gaussians.mean,
                1 / gaussians.variance,
                np.log(gaussians.variance).sum(axis=1),
                chain.states,
                chain.places,
                chain.begin,
                chain.end,
            )
            paths.append(chain.states[path])
            found.append(_edges(chain.places[path]))
    return found


def _states(utterances: Sequence[Utterance]) -> tuple[Int64[np.ndarray, " C"], Int64[np.ndarray, " C"]]:
    """Returns the first state of each token and how many it has, by how far its peaks lie from their neighbours'."""
    num_tokens = 1 + max((token for one in utterances for token in one.tokens), default=-1)
    lengths: list[list[float]] = [[] for _ in range(num_tokens)]
    for utterance in utterances:
        for token, (start, end) in zip(utterance.tokens, pairwise(_middles(utterance)), strict=True):
            lengths[token].append(end - start)
    usual = np.array([np.median(one) if one else 0.0 for one in lengths])
    num_states = np.clip(np.round(usual / FRAMES_PER_STATE), 1, MOST_STATES).astype(np.int64)
    return 1 + np.concatenate([[0], np.cumsum(num_states)[:-1]]).astype(np.int64), num_states


def _middles(utterance: Utterance) -> Int64[np.ndarray, " S1"]:
    """Returns the frames half way between the peaks, with the first and the last one of the recording."""
    peaks = utterance.peaks
    return np.concatenate([[0], (peaks[:-1] + peaks[1:] + 1) // 2, [len(utterance.frames)]]).astype(np.int64)


def _chain(
    utterance: Utterance, first: Int64[np.ndarray, " C"], num_states: Int64[np.ndarray, " C"]
) -> _Chain:
    peaks = [-1, *utterance.peaks.tolist(), len(utterance.frames)]
    states, places, begin, end = [], [], [], []
    for place in range(len(utterance.tokens) + 1):
        if utterance.may_pause[place]:
            states.append(PAUSE)
            places.append(-1)
            begin.append(peaks[place] + 1)
            end.append(peaks[place + 1])
        if place == len(utterance.tokens):
            break
        before, peak, after = peaks[place : place + 3]
        token = utterance.tokens[place]
        # Each token has room for its states on its own side of the middles, so that there is a way through all.
        room = 1 + (peak - before - 1) // 2 + (after - peak - 1) // 2
        number = min(int(num_states[token]), room)
        for step in range(number):
            states.append(int(first[token] + (2 * step + 1) * num_states[token] // (2 * number)))
            places.append(place)
            begin.append(before + 1)
            end.append(after)
    return _Chain(*(np.array(column, np.int64) for column in (states, places, begin, end)))


def _guess(
    utterance: Utterance, first: Int64[np.ndarray, " C"], num_states: Int64[np.ndarray, " C"]
) -> Int64[np.ndarray, " T"]:
    """Returns a state for each frame: tokens from the first to the last loud frame around their peaks."""
    low, share, high = np.quantile(utterance.loudness, (0.05, QUIET_SHARE, 0.95))
    quiet = utterance.loudness <= max(share, low + QUIET_RANGE * (high - low))
    path = np.full(len(utterance.frames), PAUSE)
    for token, (start, end) in zip(utterance.tokens, pairwise(_middles(utterance)), strict=True):
        loud = np.flatnonzero(~quiet[start:end])
        if len(loud):
            start, end = start + loud[0], start + loud[-1] + 1
        steps = np.arange(end - start) * num_states[token] // max(1, end - start)
        path[start:end] = first[token] + steps
    if utterance.may_pause.any():
        path[quiet] = PAUSE
    return path


def _fitted(
    frames: Float64[np.ndarray, "T F"],
    path: Int64[np.ndarray, " T"],
    num_states: int,
    usual: Float64[np.ndarray, " F"],
) -> _Gaussians:
    """Returns the Gaussians of the frames that each state has; one without any is that of all frames."""
    order = np.argsort(path, kind="stable")
    sums = np.zeros((2, num_states, frames.shape[1]))
    states, starts = np.unique(path[order], return_index=True)
    ordered = frames[order]
    sums[0, states] = np.add.reduceat(ordered, starts)
    sums[1, states] = np.add.reduceat(ordered**2, starts)
    counts = np.bincount(path, minlength=num_states).astype(np.float64)[:, None]
    mean = sums[0] / np.maximum(counts, 1)
    spread = np.maximum(sums[1] / np.maximum(counts, 1) - mean**2, 0)
    variance = (counts * spread + SHARED_FRAMES * SHARED_VARIANCE * usual) / (counts + SHARED_FRAMES)
    variance = np.where(counts > 0, variance, usual)
    return _Gaussians(mean, np.maximum(variance, LEAST_VARIANCE * np.maximum(usual, 1e-6)))


def _edges(places: Int64[np.ndarray, " T"]) -> Int64[np.ndarray, "_num_tokens 2"]:
    frames = np.flatnonzero(places >= 0)
    starts = np.unique(places[frames], return_index=True)[1]
    ends = np.append(starts[1:], len(frames)) - 1
    return np.stack([frames[starts], frames[ends] + 1], axis=1)


@compiled
@no_type_check
def _best_path(
    frames: Any, mean: Any, precision: Any, constant: Any, states: Any, places: Any, begin: Any, end: Any
) -> Any:
    """Returns the place in the chain at each frame on the best way from its beginning to its end (Viterbi).

    From a state it goes on to itself or the next, and past a pause. Frames where a state can be are bounded, and only
    those states are looked at that can be at a frame: the time grows with the recording, not with its square.
    """
    num_frames, num_states = len(frames), len(states)
    # Neither begins nor ends go back along the chain.
    widest, first, last = 1, 0, 0
    firsts = np.empty(num_frames, np.int64)
    lasts = np.empty(num_frames, np.int64)
    for frame in range(num_frames):
        while first < num_states - 1 and end[first] <= frame:
            first += 1
        last = max(last, first)
        while last < num_states - 1 and begin[last + 1] <= frame:
            last += 1
        firsts[frame], lasts[frame] = first, last
        widest = max(widest, last - first + 1)
    steps = np.zeros((num_frames, widest), np.int8)
    scores = np.full(
        num_states + 2, -np.inf
    )  # of a state at its place + 2: two before the first are never reached
    before = scores.copy()
    for frame in range(num_frames):
        first, last = firsts[frame], lasts[frame]
        low = firsts[frame - 1] if frame else 0
        for state in range(low - 2, last + 1):  # what has left the range is impossible
            before[state + 2] = scores[state + 2]
        for state in range(low, first):
            scores[state + 2] = -np.inf
        for state in range(first, last + 1):
            best, step = -np.inf, 0
            if begin[state] <= frame < end[state]:
                if frame == 0:
                    if state == 0 or (state == 1 and places[0] < 0):
                        best = 0.0
                else:
                    best = before[state + 2]
                    if before[state + 1] > best:
                        best, step = before[state + 1], 1
                    if state > 1 and places[state - 1] < 0 and before[state] > best:
                        best, step = before[state], 2
                if best > -np.inf:
                    gaussian = states[state]
                    distance = constant[gaussian]
                    for column in range(frames.shape[1]):
                        off = frames[frame, column] - mean[gaussian, column]
                        distance += off * off * precision[gaussian, column]
                    best -= 0.5 * distance
            scores[state + 2] = best
            steps[frame, state - first] = step
    state = num_states - 1
    if places[state] < 0 and num_states > 1 and scores[state + 1] > scores[state + 2]:
        state -= 1
    path = np.empty(num_frames, np.int64)
    for frame in range(num_frames - 1, -1, -1):
        path[frame] = state
        state -= steps[frame, state - firsts[frame]]
    return path
