import itertools

import numpy as np
import pytest
import torch

from seqlabel.ctc import Emissions
from seqlabel.decoders import BeamConfig, PrefixSearchConfig
from seqlabel.tokens import TokenTable
from tests.decoders.test_beam import TOKENS, frames, labellings


def read(log_probs: np.ndarray, **settings: object) -> tuple[tuple[int, ...], float]:
    emissions = Emissions(torch.from_numpy(log_probs)[None], torch.tensor([len(log_probs)]))
    [[found]] = PrefixSearchConfig(**settings).build(TOKENS)(emissions)
    return found.token_ids, found.score


@pytest.mark.parametrize(("num_frames", "seed"), list(itertools.product((1, 2, 4, 6), range(12))))
def test_the_most_probable_of_all_labellings_is_found(num_frames: int, seed: int) -> None:
    log_probs = frames(num_frames, seed, sharpness=1.0)
    truth = labellings(log_probs)
    best = max(truth, key=lambda ids: truth[ids])
    ids, score = read(log_probs, blank_threshold=1.0)
    assert ids == best
    assert score == pytest.approx(truth[best], abs=1e-9)


def test_certain_blanks_divide_and_the_parts_are_searched_alone() -> None:
    parts = [frames(5, seed) for seed in (1, 2, 3)]
    blank = np.log(np.array([[0.9999, 0.0001 / 3, 0.0001 / 3, 0.0001 / 3]]))
    whole = np.concatenate([blank, parts[0], blank, blank, parts[1], blank, parts[2]])
    ids, _ = read(whole)
    assert ids == sum((read(part)[0] for part in parts), ())


def test_long_emissions_end_in_time_and_agree_with_a_wide_beam() -> None:
    table = TokenTable.from_texts(["abcdefghijklmnopqrst "])
    rng = np.random.default_rng(3)
    scores = 5.0 * rng.standard_normal((120, len(table)))
    scores[::6, 0] += 40.0
    log_probs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    emissions = Emissions(torch.from_numpy(log_probs)[None], torch.tensor([120]))
    [[found]] = PrefixSearchConfig().build(table)(emissions)
    [[beam]] = BeamConfig(beam_width=256).build(table)(emissions)
    assert found.token_ids == beam.token_ids
    assert len(found.spans) == len(found.token_ids)


def test_the_limit_of_prefixes_is_kept() -> None:
    even = np.full((40, 4), -np.log(4.0))
    ids, score = read(even, most_prefixes=5)
    assert np.isfinite(score)
    assert len(ids) <= 40


def test_no_frames_say_nothing() -> None:
    assert read(np.zeros((0, 4))) == ((), 0.0)
