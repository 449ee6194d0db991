"""The beam with settings, models and emissions that hypothesis draws: against all labellings and a plain beam."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from seqlabel.decoders import BeamConfig, LanguageModels
from seqlabel.language_model import corpus, estimate
from seqlabel.tokens import TokenTable
from tests.decoders.reference import frames, labellings, language_score, plain_beam, spelled

TOKENS = TokenTable.from_texts([" abc"])
WIDE = 20000


@dataclass(frozen=True)
class Language:
    """What language models are made of; made inside the tests, since beartype's checks draw random numbers."""

    sentences: list[str]
    token_order: int | None
    word_order: int | None
    words: list[str] | None

    def models(self) -> LanguageModels:
        sentences = [" ".join(text.split()) for text in self.sentences if text.strip()] or ["ab"]
        tokens = words = lexicon = None
        if self.token_order is not None:
            # The last sentence sees to it that the model knows every token.
            tokens = estimate(corpus([*sentences, "a b c"], "char"), self.token_order).model
        if self.word_order is not None:
            words = estimate(corpus(sentences, "word"), self.word_order).model
        if self.words is not None:
            lexicon = tuple(spelled(self.words))
        return LanguageModels(tokens, words, lexicon)


LANGUAGES = st.builds(
    Language,
    sentences=st.lists(st.text("ab ", max_size=8), min_size=1, max_size=5),
    token_order=st.none() | st.integers(1, 4),
    word_order=st.none() | st.integers(1, 3),
    words=st.none() | st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=6),
)


def configs(beam_width: st.SearchStrategy[int], *, is_pruned: bool) -> st.SearchStrategy[BeamConfig]:
    # Numbers from a lattice would make two prefixes score the same, and the beams might keep different ones.
    weight = st.one_of(st.just(0.0), st.floats(0.1, 2.0))
    return st.builds(
        BeamConfig,
        beam_width=beam_width,
        token_floor=st.one_of(st.none(), st.floats(-6.0, 0.0, allow_subnormal=False))
        if is_pruned
        else st.none(),
        score_margin=st.one_of(st.none(), st.floats(0.5, 12.0)) if is_pruned else st.none(),
        lm_weight=weight,
        word_lm_weight=weight,
        insertion_bonus=st.floats(-2.0, 3.0, allow_subnormal=False),
        unknown_word=st.one_of(st.none(), st.floats(-8.0, 0.0, allow_subnormal=False)),
    )


SHARPNESS = st.sampled_from([0.5, 2.0, 5.0])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    num_frames=st.integers(0, 6),
    seed=st.integers(0, 1000),
    sharpness=SHARPNESS,
    impossible=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=4),
    config=configs(st.just(WIDE), is_pruned=False),
    language=LANGUAGES,
)
def test_wide_beams_equal_the_enumeration(
    num_frames: int,
    seed: int,
    sharpness: float,
    impossible: list[tuple[int, int]],
    config: BeamConfig,
    language: Language,
) -> None:
    models = language.models()
    tokens = TokenTable.from_texts([" ab"])
    log_probs = frames(num_frames, seed, sharpness=sharpness)
    for frame, token in impossible:
        log_probs[frame : frame + 1, token] = -math.inf
    wanted = {}
    for ids, acoustic in labellings(log_probs).items():
        score = language_score(ids, tokens, config, models)
        if acoustic + score > -math.inf:
            wanted[ids] = acoustic, score
    # A lexicon of which no word can be spelt is refused, which is tested elsewhere.
    assume(language.words is None or any(set(word) <= set("ab") for word in language.words))
    found = config.build(tokens, models).read(log_probs, n_best=WIDE)
    if not wanted:
        assert [h.score for h in found] == [-math.inf]
        return
    assert {h.token_ids for h in found} == set(wanted)
    for h in found:
        acoustic, score = wanted[h.token_ids]
        assert h.acoustic_score == pytest.approx(acoustic, abs=1e-9)
        assert h.language_score == pytest.approx(score, abs=1e-4)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    num_frames=st.integers(1, 14),
    seed=st.integers(0, 1000),
    sharpness=SHARPNESS,
    config=configs(st.integers(1, 9), is_pruned=True),
    language=LANGUAGES,
)
def test_narrow_beams_equal_a_plain_beam(
    num_frames: int, seed: int, sharpness: float, config: BeamConfig, language: Language
) -> None:
    models = language.models()
    log_probs = frames(num_frames, seed, num_classes=5, sharpness=sharpness)
    held = plain_beam(log_probs, TOKENS, config, models)
    wanted = {ids: language_score(ids, TOKENS, config, models) for ids in held}
    wanted = {ids: score for ids, score in wanted.items() if score > -math.inf}
    found = config.build(TOKENS, models).read(log_probs, n_best=WIDE)
    assume(wanted)  # where nothing that is held may end, ours is widened; see test_beam
    assert {h.token_ids for h in found} == set(wanted)
    for h in found:
        assert h.acoustic_score == pytest.approx(held[h.token_ids], abs=1e-9)
        assert h.language_score == pytest.approx(wanted[h.token_ids], abs=1e-4)
    assert np.all(np.diff([h.score for h in found]) <= 0)
