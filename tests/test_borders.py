from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlabel.borders import Utterance, _best_path, find_borders

DIM = 4


def frames_of(kinds: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    """Frames of noise around a place of their own for each kind; a pause is kind 0."""
    centres = 4 * np.random.default_rng(7).normal(size=(9, DIM))
    return centres[np.array(kinds)] + rng.normal(scale=0.5, size=(len(kinds), DIM))


def said(number: int, rng: np.random.Generator, pause: int = 12) -> tuple[Utterance, np.ndarray]:
    """An utterance of tokens of 15 to 40 frames with pauses, its peaks late in the tokens, and the true borders."""
    tokens = rng.integers(0, 4, number)
    kinds, borders, peaks = [0] * pause, [], []
    for token in tokens:
        length = int(rng.integers(15, 41))
        borders.append((len(kinds), len(kinds) + length))
        peaks.append(len(kinds) + length - int(rng.integers(1, 6)))
        kinds += [int(token) + 1] * length + [0] * int(rng.integers(pause // 2, pause + 1))
    loudness = np.where(np.array(kinds) > 0, 1.0, 0.0) + rng.normal(scale=0.05, size=len(kinds))
    utterance = Utterance(
        frames_of(kinds, rng), loudness, tuple(tokens.tolist()), np.array(peaks), np.ones(number + 1, bool)
    )
    return utterance, np.array(borders)


def test_borders_are_found_that_lie_far_from_the_peaks() -> None:
    rng = np.random.default_rng(1)
    utterances, true = zip(*(said(5, rng) for _ in range(20)), strict=True)
    found = find_borders(utterances)
    distances = np.abs(np.concatenate(found) - np.concatenate(true))
    assert np.median(distances) == 0
    assert np.quantile(distances, 0.95) <= 2


def test_one_recording_alone_is_told_by_loud_and_quiet() -> None:
    utterance, true = said(6, np.random.default_rng(2))
    [found] = find_borders([utterance])
    assert np.median(np.abs(found - true)) <= 1


def test_without_pauses_the_tokens_share_out_all_frames() -> None:
    rng = np.random.default_rng(3)
    kinds = [1] * 20 + [2] * 30 + [1] * 10
    peaks = np.array([15, 25, 55])
    quiet = np.array([True, False, False, True])
    utterance = Utterance(frames_of(kinds, rng), rng.normal(size=60), (0, 1, 0), peaks, quiet)
    [found] = find_borders([utterance] * 3)[:1]
    assert found[1:, 0].tolist() == found[:-1, 1].tolist() == [20, 50]


Plan = tuple[int, list[int], list[int], list[bool], int, float]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    num_frames = draw(st.integers(1, 40))
    peaks = draw(st.lists(st.integers(0, num_frames - 1), unique=True, min_size=1).map(sorted))
    tokens = draw(st.lists(st.integers(0, 3), min_size=len(peaks), max_size=len(peaks)))
    inside = draw(st.lists(st.booleans(), min_size=len(peaks) - 1, max_size=len(peaks) - 1))
    return (
        num_frames,
        peaks,
        tokens,
        [True, *inside, True],
        draw(st.integers(0, 1000)),
        draw(st.sampled_from((0.0, 1.0))),
    )


def planned(plan: Plan) -> Utterance:
    num_frames, peaks, tokens, may_pause, seed, scale = plan
    frames = scale * np.random.default_rng(seed).normal(size=(num_frames, DIM))
    return Utterance(frames, frames[:, 0], tuple(tokens), np.array(peaks), np.array(may_pause))


@given(st.lists(plans(), min_size=1, max_size=4))
@settings(deadline=None)
def test_tokens_keep_their_order_and_their_peaks_however_crowded(plans: list[Plan]) -> None:
    given = [planned(plan) for plan in plans]
    for utterance, found in zip(given, find_borders(given), strict=True):
        assert found.shape == (len(utterance.tokens), 2)
        assert (found[:, 0] <= utterance.peaks).all() and (utterance.peaks < found[:, 1]).all()
        assert (found[1:, 0] >= found[:-1, 1]).all()
        assert found[0, 0] >= 0 and found[-1, 1] <= len(utterance.frames)
        is_tight = ~utterance.may_pause[1:-1]
        assert (found[1:, 0] == found[:-1, 1])[is_tight].all()


@pytest.mark.parametrize("seed", range(30))
def test_the_best_path_is_the_best_of_all(seed: int) -> None:
    """Against a search that keeps every state at every frame and knows nothing of ranges."""
    rng = np.random.default_rng(seed)
    num_frames, num_tokens = 14, 3
    peaks = [-1, *np.sort(rng.choice(num_frames, num_tokens, replace=False)).tolist(), num_frames]
    states, places, begin, end = [], [], [], []
    for place in range(num_tokens + 1):
        states.append(0)
        places.append(-1)
        begin.append(peaks[place] + 1)
        end.append(peaks[place + 1])
        if place < num_tokens:
            states.append(place + 1)
            places.append(place)
            begin.append(peaks[place] + 1)
            end.append(peaks[place + 2])
    frames = rng.normal(size=(num_frames, 2))
    mean, variance = rng.normal(size=(num_tokens + 1, 2)), rng.uniform(0.5, 2, size=(num_tokens + 1, 2))
    constant = np.log(variance).sum(axis=1)
    cost = 0.5 * (((frames[:, None] - mean) ** 2 / variance).sum(axis=-1) + constant)[:, states]
    for state in range(len(states)):
        cost[: begin[state], state] = np.inf
        cost[end[state] :, state] = np.inf
    best = np.full((num_frames, len(states)), np.inf)
    best[0, :2] = cost[0, :2]
    for frame in range(1, num_frames):
        for state in range(len(states)):
            ways = [best[frame - 1, state]]
            ways += [best[frame - 1, state - 1]] if state else []
            ways += [best[frame - 1, state - 2]] if state > 1 and places[state - 1] < 0 else []
            best[frame, state] = min(ways) + cost[frame, state]
    columns = [np.array(column, np.int64) for column in (states, places, begin, end)]
    path = _best_path(frames, mean, 1 / variance, constant, *columns)
    assert cost[np.arange(num_frames), path].sum() == pytest.approx(min(best[-1, -1], best[-1, -2]))


def test_no_recordings_have_no_borders() -> None:
    assert find_borders([]) == []


def test_the_time_grows_with_the_length_and_not_with_its_square() -> None:
    """An hour of 9,000 tokens: all states at all frames would be 30 billion steps and as many bytes."""
    rng = np.random.default_rng(5)
    peaks = np.sort(rng.choice(360_000, 9_000, replace=False))
    frames = rng.normal(size=(360_000, 2))
    tokens = tuple(rng.integers(0, 30, 9_000).tolist())
    [found] = find_borders(
        [Utterance(frames, frames[:, 0], tokens, peaks, np.ones(9_001, bool))], num_passes=1
    )
    assert len(found) == 9_000
