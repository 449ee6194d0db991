"""The search for the weights of language models."""

import msgspec
import pytest

from seqlabel.decoders import BeamConfig
from seqlabel.tuning import MOST_MOVES, STEPS, pattern_search

EACH = [{"lm_weight": 1.0}, {"word_lm_weight": 1.0}]
HANDED_OVER = {"lm_weight": 1.0, "word_lm_weight": -1.0}


def setting(lm_weight: float, word_lm_weight: float) -> BeamConfig:
    return msgspec.structs.replace(BeamConfig(), lm_weight=lm_weight, word_lm_weight=word_lm_weight)


def valley(decoder: BeamConfig) -> float:
    """Error that lies in a valley between both weights: what one gains the other has to lose."""
    return 10 * abs(decoder.lm_weight + decoder.word_lm_weight - 1) + abs(decoder.lm_weight - 0.3)


def test_weight_goes_from_one_model_to_the_other_where_each_by_itself_is_settled() -> None:
    start = setting(0.9, 0.1)
    assert pattern_search(start, EACH, valley) == start
    assert pattern_search(start, [*EACH, HANDED_OVER], valley) == setting(0.3, 0.7)


def test_weights_stop_at_zero_and_bonuses_do_not() -> None:
    found = pattern_search(
        setting(0.5, 0.5),
        [*EACH, {"insertion_bonus": 1.0}],
        lambda decoder: decoder.lm_weight + decoder.word_lm_weight + abs(decoder.insertion_bonus + 2.0),
    )
    assert (found.lm_weight, found.word_lm_weight, found.insertion_bonus) == (0.0, 0.0, -2.0)


@pytest.mark.parametrize("slope", [1.0, 0.0])
def test_each_setting_is_tried_once_and_not_without_end(slope: float) -> None:
    asked: list[BeamConfig] = []

    def error(decoder: BeamConfig) -> float:
        asked.append(decoder)
        return -slope * decoder.insertion_bonus

    found = pattern_search(BeamConfig(), [{"insertion_bonus": 1.0}, *EACH], error)
    assert len(set(asked)) == len(asked) <= MOST_MOVES + 1
    assert found == BeamConfig() if slope == 0 else found.insertion_bonus > 5 * STEPS["insertion_bonus"]
