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
MOST_TRIALS = len(LM_WEIGHTS) * (len(BONUSES) + 1) + len(UNKNOWN_WORDS) + len(PRIOR_WEIGHTS) + 9


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
    unknown words, these one by one; then the prior of the tokens; all this with a slightly pruned beam. Then a finer
    grid around the best of them, with the beam as it is to read.

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

    def least(trials: Sequence[Trial]) -> Trial:
        return min(trials, key=lambda one: float(getattr(one.rates, measure)))

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
