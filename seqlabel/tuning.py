"""The weights of language models, found on a dev set from stored emissions."""

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
import torch

from seqlabel.decoders import BeamConfig
from seqlabel.language_model import LanguageModels
from seqlabel.metrics import ErrorRates, score
from seqlabel.tokens import TokenTable

LM_WEIGHTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.3, 1.6)
BONUSES = (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
WORD_BONUSES = (-1.0, 0.0, 1.0, 2.0, 3.0, 4.5, 6.0)
"""A word is as unlikely as several tokens, and so is what makes up for it."""
UNKNOWN_WORDS = (None, -8.0, -4.0, -2.0, 0.0)
PRIOR_WEIGHTS = (0.2, 0.4, 0.6)
COARSE_TOKEN_FLOOR, COARSE_SCORE_MARGIN = -10.0, 20.0
"""Two to three times as fast as a beam without pruning, and hardly worse (LOG.md, 2026-11-26)."""
STEPS = {
    "lm_weight": 0.2,
    "word_lm_weight": 0.2,
    "insertion_bonus": 0.5,
    "unknown_word": 1.0,
    "prior_weight": 0.1,
}
"""How far each setting is moved at first; half as far once nothing gets better."""
MOST_MOVES = 60
MOST_TRIALS = len(LM_WEIGHTS) * (len(BONUSES) + 1) + len(UNKNOWN_WORDS) + len(PRIOR_WEIGHTS) + MOST_MOVES + 9


@dataclass(frozen=True, slots=True)
class Trial:
    """A setting and the error rates that it has on the dev set."""

    decoder: BeamConfig
    rates: ErrorRates


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was tried.

    Attributes:
        best: the setting with the least error; of several, the one that was tried first.
        surface: every combination of the first two settings that was tried.
        rows, columns: the settings that the surface lies over.
    """

    best: Trial
    surface: tuple[Trial, ...]
    rows: str
    columns: str


def tune(
    emissions: Sequence[np.ndarray],
    references: Sequence[str],
    tokens: TokenTable,
    models: LanguageModels,
    start: BeamConfig,
    measure: Literal["cer", "wer"] = "cer",
    on_trial: Callable[[], object] | None = None,
) -> Tuning:
    """Returns the weight and the bonus with which the dev set is read best.

    A grid over the weight of the language model and the insertion bonus; then, where there are a second model or
    unknown words, these one by one; then the prior of the tokens. From the best of them a pattern search moves one
    setting at a time, or weight from one model to the other, as long as that helps. All this with a slightly pruned
    beam. Then a finer grid around the best, with the beam as it is to read.

    Args:
        emissions: (T, C) log-probabilities of each example.
        references: their texts.
        tokens: the token table.
        models: the language models.
        start: the width of the beam and what is pruned.
        measure: the error rate that is to be least.
        on_trial: called after each setting.
    """
    beam = start.build(tokens, models)
    frames = [np.ascontiguousarray(rows, np.float64) for rows in emissions]
    tried: dict[BeamConfig, Trial] = {}

    def trial(decoder: BeamConfig) -> Trial:
        if decoder not in tried:
            read = beam.with_settings(decoder).read
            with ThreadPoolExecutor(torch.get_num_threads()) as pool:
                found = [best.text for best, *_ in pool.map(read, frames)]
            rates = score(zip(references, found, strict=True))
            tried[decoder] = Trial(decoder, rates)
            if on_trial is not None:
                on_trial()
        return tried[decoder]

    def error(one: Trial) -> float:
        return float(getattr(one.rates, measure))

    def least(trials: Sequence[Trial]) -> Trial:
        return min(trials, key=error)

    asked = start
    if start.token_floor is None and start.score_margin is None:
        start = msgspec.structs.replace(
            start, token_floor=COARSE_TOKEN_FLOOR, score_margin=COARSE_SCORE_MARGIN
        )
    has_words = models.words is not None or models.lexicon is not None
    weight = "lm_weight" if models.tokens is not None else "word_lm_weight"
    has_weight = models.tokens is not None or models.words is not None
    weights = LM_WEIGHTS if has_weight else (getattr(start, weight),)

    def grid(around: BeamConfig, rows: Sequence[float], columns: Sequence[float]) -> list[Trial]:
        return [
            trial(msgspec.structs.replace(around, **{weight: row, "insertion_bonus": column}))
            for row, column in itertools.product(rows, columns)
        ]

    if has_words and start.unknown_word is None and models.lexicon is None:
        start = msgspec.structs.replace(start, unknown_word=UNKNOWN_WORDS[1])
    surface = grid(start, weights, WORD_BONUSES if has_words else BONUSES)
    best = least(surface)
    if models.tokens is not None and models.words is not None:
        others = [msgspec.structs.replace(best.decoder, word_lm_weight=value) for value in LM_WEIGHTS]
        best = least([best, *map(trial, others)])
    if has_words:
        others = [msgspec.structs.replace(best.decoder, unknown_word=value) for value in UNKNOWN_WORDS]
        best = least([best, *map(trial, others)])
    share = sum(np.exp(rows).sum(axis=0) for rows in frames) / sum(map(len, frames))
    if np.all(share > 0):
        prior = tuple(np.log(share).tolist())
        divided = [
            msgspec.structs.replace(best.decoder, prior_weight=value, log_prior=prior)
            for value in PRIOR_WEIGHTS
        ]
        best = least([best, *map(trial, divided)])
    moves = _moves(models, best.decoder)
    best = trial(pattern_search(best.decoder, moves, lambda decoder: error(trial(decoder))))
    around = getattr(best.decoder, weight)
    rows = (
        sorted({max(0.0, round(around + step, 3)) for step in (-0.1, 0.0, 0.1)}) if has_weight else [around]
    )
    columns = [round(best.decoder.insertion_bonus + step, 3) for step in (-0.25, 0.0, 0.25)]
    around_best = msgspec.structs.replace(
        best.decoder, token_floor=asked.token_floor, score_margin=asked.score_margin
    )
    best = least(grid(around_best, rows, columns))
    return Tuning(best, tuple(surface), weight, "insertion_bonus")


def pattern_search(
    best: BeamConfig, moves: Sequence[dict[str, float]], error: Callable[[BeamConfig], float]
) -> BeamConfig:
    """Returns the setting that moves from a first one lead to, each of them better than the one before.

    Source: Hooke and Jeeves, "Direct search solution of numerical and statistical problems", Journal of the ACM 8(2),
    1961, without their jumps along the last direction.

    Args:
        best: the first setting.
        moves: the settings that each changes, and by how many of `STEPS`; forth and back, then half as far.
        error: what is to be least; at most `MOST_MOVES` settings are asked for.
    """
    least = error(best)
    seen = {best}
    for scale in (1.0, 0.5):
        has_moved = True
        while has_moved:
            has_moved = False
            for move, step in itertools.product(moves, (scale, -scale)):
                decoder = _moved(best, move, step)
                if decoder in seen or len(seen) > MOST_MOVES:
                    continue
                seen.add(decoder)
                found = error(decoder)
                if found < least:
                    best, least, has_moved = decoder, found, True
    return best


def _moves(models: LanguageModels, decoder: BeamConfig) -> list[dict[str, float]]:
    """Returns each number that matters by itself, and weight that one model gives to the other."""
    names = [
        *(["lm_weight"] if models.tokens is not None else []),
        *(["word_lm_weight"] if models.words is not None else []),
        "insertion_bonus",
        *(["unknown_word"] if decoder.unknown_word is not None else []),
        *(["prior_weight"] if decoder.log_prior is not None else []),
    ]
    moves = [{name: 1.0} for name in names]
    if models.tokens is not None and models.words is not None:
        moves.append({"lm_weight": 1.0, "word_lm_weight": -1.0})
    return moves


def _moved(decoder: BeamConfig, move: dict[str, float], scale: float) -> BeamConfig:
    """Returns the setting after a move; what has to be at least zero stops there."""
    values = {
        name: round(getattr(decoder, name) + share * scale * STEPS[name], 3) for name, share in move.items()
    }
    return msgspec.structs.replace(
        decoder,
        **{name: max(0.0, value) if name.endswith("_weight") else value for name, value in values.items()},
    )
