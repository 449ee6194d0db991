"""What the beam is compared with: all labellings one by one, and a beam in plain Python, slow and easy to follow."""

import itertools
import math
from collections.abc import Iterable

import numpy as np

from seqlabel.decoders import BeamConfig, LanguageModels
from seqlabel.decoders import lexicon as lexicons
from seqlabel.language_model import EMPTY, NgramModel, Pronunciation
from seqlabel.tokens import TokenTable

BLANK = 0


def spelled(words: Iterable[str]) -> tuple[Pronunciation, ...]:
    return tuple(lexicons.spelled(words))


def frames(num: int, seed: int, num_classes: int = 4, sharpness: float = 2.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    scores = sharpness * rng.standard_normal((num, num_classes))
    return scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)


def merged(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(token for token, _ in itertools.groupby(path) if token != 0)


def labellings(log_probs: np.ndarray) -> dict[tuple[int, ...], float]:
    """The log-probability of every labelling, summed over all its paths one by one."""
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        score = float(log_probs[np.arange(len(path)), list(path)].sum())
        ids = merged(path)
        found[ids] = float(np.logaddexp(found.get(ids, -np.inf), score))
    return found


def over(model: NgramModel, words: list[str]) -> float:
    return float(model.log_probs(words).sum())


def lexicon_words(models: LanguageModels) -> set[str] | None:
    if models.lexicon is not None:
        return {entry.word for entry in models.lexicon}
    return None if models.words is None else {entry.word for entry in spelled(models.words.words)}


def language_score(
    ids: tuple[int, ...], tokens: TokenTable, config: BeamConfig, models: LanguageModels
) -> float:
    """What a whole labelling scores beside its acoustics, from the definition of each part."""
    text = tokens.decode(ids)
    score = 0.0
    lexicon = lexicon_words(models)
    if models.tokens is not None:
        score += config.lm_weight * over(models.tokens, ["<space>" if c == " " else c for c in text])
    if lexicon is None:
        return score + config.insertion_bonus * len(ids)
    words = text.split()
    for word in words:
        if word not in lexicon:
            if config.unknown_word is None:
                return -math.inf
            score += config.unknown_word
        score += config.insertion_bonus
    if models.words is not None:
        score += config.word_lm_weight * over(models.words, [w if w in lexicon else "<unk>" for w in words])
    return score


def prefix_score(
    ids: tuple[int, ...], tokens: TokenTable, config: BeamConfig, models: LanguageModels
) -> float:
    """What the beginning of a labelling scores beside its acoustics, the look-ahead of the word under way included."""
    text = tokens.decode(ids)
    score = 0.0
    if models.tokens is not None:
        units = ["<space>" if c == " " else c for c in text]
        score += config.lm_weight * float(models.tokens.log_probs(units)[:-1].sum())
    lexicon = lexicon_words(models)
    if lexicon is None:
        return score + config.insertion_bonus * len(ids)
    *finished, started = text.split(" ")
    words = [word for word in finished if word]
    weight = config.word_lm_weight if models.words is not None else 0.0
    for word in words:
        if word not in lexicon:
            score += -math.inf if config.unknown_word is None else config.unknown_word
        score += config.insertion_bonus
    if models.words is not None:
        named = [word if word in lexicon else "<unk>" for word in words]
        score += weight * float(models.words.log_probs(named)[:-1].sum())
    if started:
        going_on = [word for word in lexicon if word.startswith(started)]
        if going_on:
            score += weight * max(unigram(models.words, word) for word in going_on)
        elif config.unknown_word is None:
            return -math.inf
        else:
            score += config.unknown_word + weight * unigram(models.words, "<unk>")
    return score


def unigram(model: NgramModel | None, word: str) -> float:
    """The log-probability of a word after a history that was never seen."""
    if model is None:
        return 0.0
    return model.automaton.step(EMPTY, model.ids.get(word, model.ids["<unk>"]))[0]


def plain_beam(
    log_probs: np.ndarray, tokens: TokenTable, config: BeamConfig, models: LanguageModels
) -> dict[tuple[int, ...], float]:
    """The acoustic scores of the labellings that a beam holds after the last frame."""
    floor = -math.inf if config.token_floor is None else config.token_floor
    margin = math.inf if config.score_margin is None else config.score_margin
    language: dict[tuple[int, ...], float] = {}

    def score(ids: tuple[int, ...], ends: list[float]) -> float:
        if ids not in language:
            language[ids] = prefix_score(ids, tokens, config, models)
        return float(np.logaddexp(*ends)) + language[ids]

    beam: dict[tuple[int, ...], list[float]] = {(): [0.0, -math.inf]}  # ending in a blank, in the last token
    for column in log_probs:
        allowed = {token for token, value in enumerate(column) if value >= floor} | {int(column.argmax())}
        grown: dict[tuple[int, ...], list[float]] = {}
        for ids, ends in beam.items():
            for token in allowed:
                is_repeat = bool(ids) and ids[-1] == token
                ways = [(ids, 0, float(np.logaddexp(*ends)))] if token == BLANK else []
                if is_repeat:
                    ways.append((ids, 1, ends[1]))
                if token != BLANK:
                    ways.append(((*ids, token), 1, ends[0] if is_repeat else float(np.logaddexp(*ends))))
                for after, end, before in ways:
                    found = grown.setdefault(after, [-math.inf, -math.inf])
                    found[end] = float(np.logaddexp(found[end], before + column[token]))
        scores = {ids: score(ids, ends) for ids, ends in grown.items()}
        best = max(scores.values(), default=-math.inf)
        kept = sorted((ids for ids in scores if scores[ids] > -math.inf), key=lambda ids: -scores[ids])
        beam = {ids: grown[ids] for ids in kept[: config.beam_width] if scores[ids] >= best - margin}
    return {ids: float(np.logaddexp(*ends)) for ids, ends in beam.items()}
