"""What every decoder of the union promises."""

import typing

import msgspec
import pytest
import torch

from seqlabel.ctc import Emissions
from seqlabel.decoders import BeamConfig, Decoder, DecoderConfig, GreedyConfig, PrefixSearchConfig
from seqlabel.records import Hypothesis
from seqlabel.tokens import TokenTable

CONFIGS: list[DecoderConfig] = [GreedyConfig(), BeamConfig(beam_width=8), PrefixSearchConfig()]
every_decoder = pytest.mark.parametrize("config", CONFIGS, ids=lambda config: type(config).__name__)

TOKENS = TokenTable.from_texts(["ab c"])


def emissions(padding_token: int = 0) -> Emissions:
    """Emissions whose padding says that a token is certain."""
    log_probs = (3 * torch.randn(4, 12, len(TOKENS), generator=torch.manual_seed(1))).log_softmax(-1)
    lengths = torch.tensor([12, 5, 1, 8])
    certain = torch.full((len(TOKENS),), -50.0)
    certain[padding_token] = 0.0
    log_probs[torch.arange(12)[None, :] >= lengths[:, None]] = certain
    return Emissions(log_probs, lengths)


def alone(whole: Emissions, index: int) -> Emissions:
    length = int(whole.lengths[index])
    return Emissions(whole.log_probs[index : index + 1, :length], whole.lengths[index : index + 1])


def close(first: Hypothesis, second: Hypothesis) -> bool:
    return first.token_ids == second.token_ids and first.score == pytest.approx(second.score, rel=1e-5)


def test_every_decoder_of_the_union_is_tested_here() -> None:
    kinds = typing.get_args(DecoderConfig) or (DecoderConfig,)
    assert {type(config) for config in CONFIGS} == set(kinds)


@every_decoder
def test_every_example_gets_between_one_and_n_best_hypotheses_the_best_first(config: DecoderConfig) -> None:
    decoder: Decoder = config.build(TOKENS)
    found = decoder(emissions(), n_best=3)
    assert len(found) == 4
    for hypotheses in found:
        scores = [hypothesis.score for hypothesis in hypotheses]
        assert 1 <= len(hypotheses) <= 3
        assert scores == sorted(scores, reverse=True)


@every_decoder
def test_text_and_token_ids_say_the_same(config: DecoderConfig) -> None:
    for [hypothesis] in config.build(TOKENS)(emissions(), n_best=1):
        assert hypothesis.text == TOKENS.decode(hypothesis.token_ids)


@every_decoder
def test_an_example_alone_is_read_as_in_its_batch(config: DecoderConfig) -> None:
    decoder = config.build(TOKENS)
    whole = emissions()
    for index, [batched] in enumerate(decoder(whole, n_best=1)):
        [[single]] = decoder(alone(whole, index), n_best=1)
        assert close(batched, single)


@every_decoder
def test_what_stands_in_the_padding_is_not_read(config: DecoderConfig) -> None:
    decoder = config.build(TOKENS)
    for [first], [second] in zip(decoder(emissions(0)), decoder(emissions(2)), strict=True):
        assert first == second


@every_decoder
def test_blanks_alone_are_read_as_nothing(config: DecoderConfig) -> None:
    log_probs = torch.full((1, 6, len(TOKENS)), -30.0)
    log_probs[..., 0] = 0.0
    [[hypothesis]] = config.build(TOKENS)(Emissions(log_probs, torch.tensor([6])), n_best=1)
    assert hypothesis.text == ""
    assert hypothesis.token_ids == ()
    assert hypothesis.score == pytest.approx(0.0, abs=1e-6)


@every_decoder
def test_the_config_survives_the_json_of_a_model_file(config: DecoderConfig) -> None:
    assert msgspec.json.decode(msgspec.json.encode(config), type=DecoderConfig) == config
