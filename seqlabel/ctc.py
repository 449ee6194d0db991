"""Connectionist temporal classification: the loss, its feasibility rule and the collapse of paths.

Source: Graves, Fernandez, Gomez, Schmidhuber, "Connectionist Temporal Classification", ICML 2006.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, no_type_check

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from seqlabel.compiled import compiled
from seqlabel.tokens import BLANK


@dataclass(frozen=True, slots=True)
class Emissions:
    """What a model says of each frame: natural logarithms of the token probabilities, right-padded.

    Attributes:
        log_probs: (N, T, C), each row of C sums to 1 after exp.
        lengths: (N,) number of valid frames of each example.
    """

    log_probs: Float[Tensor, "N T C"]
    lengths: Int[Tensor, " N"]


def required_frames(target: Sequence[int]) -> int:
    """Returns the least number of frames that can emit `target`: its length plus one blank for each repeat.

    >>> required_frames([3, 3, 5])
    4
    """
    return len(target) + sum(left == right for left, right in itertools.pairwise(target))


def collapse(path: Sequence[int]) -> list[int]:
    """Returns the labelling of a frame-wise path: repeats merged, then blanks removed (Graves 2006, section 3.1).

    >>> collapse([0, 3, 3, 0, 3, 5, 5, 0])
    [3, 3, 5]
    """
    return [token for i, token in enumerate(path) if token != BLANK and (i == 0 or token != path[i - 1])]


def align(log_probs: Float[np.ndarray, "T C"], target: Sequence[int]) -> list[int]:
    """Returns the most probable path that collapses to `target`: a token id or the blank for each frame.

    Viterbi's algorithm over the blank-extended target (Graves 2006, section 4.1, with the maximum for the sum).

    Raises:
        ValueError: the target needs more frames than there are (`required_frames`).
    """
    num_frames, needed = len(log_probs), required_frames(target)
    if needed > num_frames:
        raise ValueError(f"the text needs {needed} frames, there are {num_frames}")
    if num_frames == 0:
        return []
    states, can_skip = _extended(target)
    found: list[int] = states[_best_states(np.asarray(log_probs, np.float64), states, can_skip)].tolist()
    return found


def _extended(target: Sequence[int]) -> tuple[Int[np.ndarray, " S"], Bool[np.ndarray, " S"]]:
    """Returns the 2 n + 1 states of a target of n tokens, a blank around each, and which are reached from two back."""
    states = np.full(2 * len(target) + 1, BLANK)
    states[1::2] = target
    # Only across a blank between different tokens.
    can_skip = np.zeros(len(states), bool)
    can_skip[3::2] = states[3::2] != states[1:-2:2]
    return states, can_skip


@compiled
@no_type_check
def _best_states(log_probs: Any, states: Any, can_skip: Any) -> Any:
    """Returns the state of each frame on the most probable way through the states, by Viterbi's algorithm."""
    num_frames, num_states = len(log_probs), len(states)
    scores = np.full(num_states, -np.inf)
    scores[:2] = log_probs[0][states[:2]]
    before = scores.copy()
    steps = np.zeros((num_frames, num_states), np.int8)
    for frame in range(1, num_frames):
        before[:] = scores
        for state in range(num_states):
            best, step = before[state], 0
            if state > 0 and before[state - 1] > best:
                best, step = before[state - 1], 1
            if can_skip[state] and before[state - 2] > best:
                best, step = before[state - 2], 2
            scores[state] = best + log_probs[frame, states[state]]
            steps[frame, state] = step
    state = num_states - 1
    if num_states > 1 and scores[-1] < scores[-2]:
        state = num_states - 2
    path = np.empty(num_frames, np.int64)
    for frame in range(num_frames - 1, -1, -1):
        path[frame] = state
        state -= steps[frame, state]
    return path


def log_likelihood(log_probs: Float[np.ndarray, "T C"], target: Sequence[int]) -> float:
    """Returns the natural logarithm of the probability of `target`, the sum of all its paths; -inf where it has none.

    The forward variables of Graves et al. 2006, section 4.1, scaled at each frame. That of a prefix which is less
    than 1e-300 of the others' sum becomes zero.
    """
    states, can_skip = _extended(target)
    return float(_sum_of_paths(np.exp(np.asarray(log_probs, np.float64)), states, can_skip))


@compiled
@no_type_check
def _sum_of_paths(probs: Any, states: Any, can_skip: Any) -> float:
    """Returns the logarithm of the sum over all ways through the states that end in one of the last two."""
    num_frames, num_states = len(probs), len(states)
    if num_frames == 0:
        return 0.0 if num_states == 1 else -np.inf
    scores = np.zeros(num_states)
    for state in range(min(2, num_states)):
        scores[state] = probs[0, states[state]]
    total = 0.0
    for frame in range(num_frames):
        if frame:
            # From the end on, so that what stands before is still that of the frame before.
            for state in range(num_states - 1, -1, -1):
                ways = scores[state]
                if state > 0:
                    ways += scores[state - 1]
                if can_skip[state]:
                    ways += scores[state - 2]
                scores[state] = ways * probs[frame, states[state]]
        sum_of_all = scores.sum()
        if sum_of_all <= 0.0:
            return -np.inf
        total += np.log(sum_of_all)
        scores /= sum_of_all
    end = scores[num_states - 1]
    if num_states > 1:
        end += scores[num_states - 2]
    return total + np.log(end) if end > 0.0 else -np.inf


def runs(path: Sequence[int]) -> list[tuple[int, int]]:
    """Returns the tokens of a path with the frames that each takes up; blanks go half to the token on each side.

    >>> runs([0, 3, 3, 0, 0, 5, 0, 5])
    [(3, 4), (5, 2), (5, 2)]
    """
    spans = [(token, len(list(frames))) for token, frames in itertools.groupby(path)]
    found: list[tuple[int, int]] = []
    waiting = 0  # blank frames that belong to the token that follows
    for index, (token, length) in enumerate(spans):
        if token != BLANK:
            found.append((token, waiting + length))
            waiting = 0
        elif not found or index == len(spans) - 1:
            waiting = length
        else:
            waiting = length // 2
            found[-1] = (found[-1][0], found[-1][1] + length - waiting)
    if found and waiting:
        found[-1] = (found[-1][0], found[-1][1] + waiting)
    return found


def disagreement(emissions: Emissions) -> Float[Tensor, " pairs"]:
    """Returns how far the two views of each example are apart, in nats summed over the frames.

    Of N rows, N / 2 are the first views and as many, in the same order and with the same lengths, the second. Each
    view is drawn towards the other one as it stands: the Kullback-Leibler divergences of both directions, the
    distribution that is drawn towards without gradient.

    Source: Yao et al., "CR-CTC: Consistency regularization on CTC for improved speech recognition", ICLR 2025,
    equation 5.
    """
    # An impossible token (the blank, where each frame has its label) adds nothing; of infinities that would be NaN.
    log_probs = emissions.log_probs
    first, second = log_probs.clamp(min=torch.finfo(log_probs.dtype).min).chunk(2)
    lengths = emissions.lengths[: len(first)]
    divergence = torch.nn.functional.kl_div
    frames = divergence(first, second.detach(), reduction="none", log_target=True)
    frames = frames + divergence(second, first.detach(), reduction="none", log_target=True)
    is_valid = torch.arange(frames.shape[1], device=frames.device)[None, :] < lengths[:, None]
    return (frames.sum(dim=-1) * is_valid).sum(dim=-1)


def spikes_met(emissions: Emissions, guide: Emissions) -> Float[Tensor, " N"]:
    """Returns how far each row has its tokens where a guide has them.

    It is the sum of the probabilities that a row gives to the guide's tokens, at the frames where one of them, and not
    the blank, is what the guide finds most probable. A row is another view, or another network's answer, with as many
    frames as that of the guide.

    Source: Kurata and Audhkhasi, "Guiding CTC posterior spike timings for improved posterior fusion and knowledge
    distillation", Interspeech 2019, section 3.
    """
    wanted = guide.log_probs.argmax(dim=-1)
    frame = torch.arange(wanted.shape[1], device=wanted.device)
    is_spike = (wanted != BLANK) & (frame[None, :] < guide.lengths[:, None])
    found = emissions.log_probs.gather(-1, wanted[..., None])[..., 0].exp()
    return torch.where(is_spike, found, 0.0).sum(dim=-1)


def distance_from_uniform(emissions: Emissions) -> Float[Tensor, " N"]:
    """Returns how sure each row is: the divergence of its frames from equal probabilities, in nats summed over frames.

    It is the Kullback-Leibler divergence KL(emissions, uniform), 0 for equal probabilities of all C tokens and log(C)
    for a frame that is sure.

    Source: Kim, Seltzer, Li, Zhao, "Improved training for online end-to-end speech recognition systems", Interspeech
    2018 (label smoothing for CTC).
    """
    # An impossible token (the blank, where each frame has its label) adds nothing; of infinities that would be NaN.
    log_probs = emissions.log_probs.clamp(min=torch.finfo(emissions.log_probs.dtype).min)
    frames = (log_probs.exp() * log_probs).sum(dim=-1) + math.log(log_probs.shape[-1])
    is_valid = torch.arange(frames.shape[1], device=frames.device)[None, :] < emissions.lengths[:, None]
    return (frames * is_valid).sum(dim=-1)


def ctc_loss(
    emissions: Emissions,
    targets: Int[Tensor, "N S"],
    target_lengths: Int[Tensor, " N"],
) -> Float[Tensor, " N"]:
    """Returns the negative log-likelihood of each target, in nats, in float32 whatever the emissions' type.

    A target that does not fit its frames (`required_frames`) has an infinite loss: nothing is hidden.
    cuDNN's CTC is kept off, because its results differ from PyTorch's own (pytorch#49046, #21680).
    """
    time_first = emissions.log_probs.float().transpose(0, 1)
    with torch.backends.cudnn.flags(enabled=False):
        return torch.nn.functional.ctc_loss(
            time_first, targets, emissions.lengths, target_lengths, blank=BLANK, reduction="none"
        )
