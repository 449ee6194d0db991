"""Minimum-risk training: the expected number of wrong tokens in what a model reads, as something to learn from.

The log-likelihood asks that the right text be probable as a whole; a line is read by its most probable path, and what
counts then is how many tokens are wrong. Paths are drawn from the emissions, and the errors of what they read are
counted for each change of one frame, so that each frame learns which token would have cost how much.

Source: Graves and Jaitly, "Towards end-to-end speech recognition with recurrent neural networks", ICML 2014, section 4
(expected transcription loss).
"""

from typing import Any, no_type_check

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from seqlabel.compiled import compiled
from seqlabel.ctc import Emissions
from seqlabel.tokens import BLANK

NUM_PATHS = 4
SMALLEST = 1e-3
"""Tokens less probable than this in a frame are not tried: their gradient is at most this times a few errors."""


def transcription_risk(
    emissions: Emissions, targets: Int[Tensor, "N S"], target_lengths: Int[Tensor, " N"]
) -> Float[Tensor, " N"]:
    """Returns the errors (insertions, deletions, substitutions of tokens) that a path of each row is expected to make.

    The value is the mean of `NUM_PATHS` paths, drawn with torch's generator and compared on the CPU. The gradient is
    an estimate of the expectation's: a frame gets for each of its tokens the probability times the advantage, which is
    the errors with this token there minus the mean over the frame's tokens, weighted by their probabilities. Where a
    network has diverged and any emission is NaN, so are all rows.
    """
    probs = emissions.log_probs.exp()
    if probs.isnan().any():
        return probs.sum(dim=(1, 2)) * torch.nan
    num_rows, num_frames, num_tokens = probs.shape
    draws = torch.multinomial(probs.detach().reshape(-1, num_tokens), NUM_PATHS, replacement=True)
    paths = draws.reshape(num_rows, num_frames, NUM_PATHS).cpu().numpy()
    shown = probs.detach().float().cpu().numpy()
    wanted = targets.cpu().numpy()
    lengths = zip(emissions.lengths.tolist(), target_lengths.tolist(), strict=True)
    advantages = np.zeros(shown.shape, np.float32)
    counts = np.zeros(num_rows, np.float32)
    for row, (frames, length) in enumerate(lengths):
        counts[row] = _find_advantages(
            paths[row, :frames], shown[row, :frames], wanted[row, :length], advantages[row]
        )
    by_row = (probs * torch.from_numpy(advantages).to(probs.device)).sum(dim=(1, 2))
    return torch.from_numpy(counts).to(probs.device) + by_row - by_row.detach()


@compiled
@no_type_check
def _find_advantages(paths: Any, probs: Any, target: Any, advantages: Any) -> float:
    """Returns the mean number of errors of paths (T, number), and writes into `advantages` those of each token (T, C).

    Changing one frame changes the text at one place: what stands before and behind it is compared with the target once
    for each path, as in the two passes of Hirschberg's algorithm, and only the row of the token itself anew.
    """
    num_frames, num_paths = paths.shape
    num_tokens, length = probs.shape[1], len(target)
    # costs[t, k]: errors, summed over the paths, with token k in frame t.
    costs = np.zeros((num_frames, num_tokens))
    text = np.empty(num_frames, np.int64)
    # prefix_errors[i, j]: distance of the first i tokens from the first j of the target; suffix_errors: of the last.
    prefix_errors = np.empty((num_frames + 1, length + 1), np.int64)
    suffix_errors = np.empty((num_frames + 1, length + 1), np.int64)
    # num_before[t]: tokens that frames 0 to t - 1 read as; num_after[t]: those of the frames from t on, by themselves.
    num_before = np.empty(num_frames + 1, np.int64)
    num_after = np.empty(num_frames + 1, np.int64)
    row = np.empty(length + 1, np.int64)
    total = 0.0
    for number in range(num_paths):
        path = paths[:, number]
        num_before[0] = 0
        for frame in range(num_frames):
            token = path[frame]
            num_before[frame + 1] = num_before[frame]
            if token != BLANK and (frame == 0 or token != path[frame - 1]):
                text[num_before[frame]] = token
                num_before[frame + 1] += 1
        size = num_before[num_frames]
        num_after[num_frames] = 0
        for frame in range(num_frames - 1, -1, -1):
            token = path[frame]
            num_after[frame] = num_after[frame + 1]
            if token != BLANK and (frame + 1 == num_frames or token != path[frame + 1]):
                num_after[frame] += 1
        for j in range(length + 1):
            prefix_errors[0, j] = suffix_errors[0, j] = j
        for i in range(1, size + 1):
            prefix_errors[i, 0] = suffix_errors[i, 0] = i
            for j in range(1, length + 1):
                prefix_errors[i, j] = min(
                    prefix_errors[i - 1, j - 1] + (text[i - 1] != target[j - 1]),
                    min(prefix_errors[i - 1, j], prefix_errors[i, j - 1]) + 1,
                )
                suffix_errors[i, j] = min(
                    suffix_errors[i - 1, j - 1] + (text[size - i] != target[length - j]),
                    min(suffix_errors[i - 1, j], suffix_errors[i, j - 1]) + 1,
                )
        errors = prefix_errors[size, length]
        total += errors
        for frame in range(num_frames):
            before = prefix_errors[num_before[frame]]
            for token in range(num_tokens):
                if probs[frame, token] < SMALLEST:
                    continue
                if token == path[frame]:
                    costs[frame, token] += errors
                    continue
                size_after = num_after[frame + 1]
                if token != BLANK and frame + 1 < num_frames and path[frame + 1] == token:
                    size_after -= 1  # the next token becomes part of this one
                after = suffix_errors[size_after]
                best = num_frames + length
                if token == BLANK or (frame > 0 and path[frame - 1] == token):
                    for j in range(length + 1):
                        best = min(best, before[j] + after[length - j])
                else:
                    row[0] = before[0] + 1
                    best = row[0] + after[length]
                    for j in range(1, length + 1):
                        row[j] = min(before[j - 1] + (token != target[j - 1]), min(before[j], row[j - 1]) + 1)
                        best = min(best, row[j] + after[length - j])
                costs[frame, token] += best
    for frame in range(num_frames):
        share, mean = 0.0, 0.0
        for token in range(num_tokens):
            if probs[frame, token] >= SMALLEST:
                share += probs[frame, token]
                mean += probs[frame, token] * costs[frame, token]
        for token in range(num_tokens):
            if probs[frame, token] >= SMALLEST:
                advantages[frame, token] = (costs[frame, token] - mean / share) / num_paths
    return total / num_paths
