"""What every encoder of the union promises, whatever is in it."""

import typing

import msgspec
import pytest
import torch
from torch import Tensor, nn

from seqlabel.encoders import (
    ConvLayerConfig,
    ConvRecurrentConfig,
    EmbeddedConfig,
    Encoder,
    EncoderConfig,
    ParallelConfig,
    RecurrentConfig,
)

INPUT_DIM = 11
LENGTHS = [23, 40, 1, 17, 9, 40, 2, 31, 8, 16, 3, 39, 24, 5, 12, 7]
NUM_FRAMES = 48  # longer than the longest: batches are padded further

CONFIGS: dict[str, EncoderConfig] = {
    "recurrent": RecurrentConfig(hidden_size=6, num_layers=2, input_dropout=0.1),
    "recurrent gru": RecurrentConfig(hidden_size=6, num_layers=2, cell="gru", merge="sum", residual=True),
    "recurrent rnn": RecurrentConfig(hidden_size=6, num_layers=2, cell="rnn", direction="forward"),
    "recurrent with all": RecurrentConfig(
        hidden_size=6,
        num_layers=3,
        peepholes=True,
        residual=True,
        layer_norm=True,
        variational_dropout=True,
        recurrent_dropout=0.2,
        zoneout=0.1,
    ),
    "recurrent projected": RecurrentConfig(
        hidden_size=6, num_layers=2, projection_size=4, direction="backward", peepholes=True
    ),
    "embedded": EmbeddedConfig(num_symbols=10, dim=5, recurrent=RecurrentConfig(hidden_size=6, num_layers=1)),
    "conv_recurrent max": ConvRecurrentConfig(
        layers=(ConvLayerConfig(channels=4, pool=(2, 2)), ConvLayerConfig(channels=5, pool=(1, 2))),
        column="max",
        recurrent=RecurrentConfig(hidden_size=6, num_layers=1),
    ),
    "conv_recurrent concat": ConvRecurrentConfig(
        layers=(
            ConvLayerConfig(channels=4, kernel=(5, 3), stride=(2, 1), pool=(1, 2)),
            ConvLayerConfig(channels=5, pool=(3, 1)),
        ),
        column="concat",
        recurrent=RecurrentConfig(hidden_size=6, num_layers=1),
    ),
    "parallel": ParallelConfig(
        members=(
            RecurrentConfig(hidden_size=6, num_layers=1),
            RecurrentConfig(hidden_size=3, num_layers=2, direction="backward"),
            ConvRecurrentConfig(
                layers=(ConvLayerConfig(channels=4, pool=(1, 2)),),
                recurrent=RecurrentConfig(hidden_size=4, num_layers=1, merge="sum"),
            ),
        )
    ),
}
every_encoder = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())


def built(config: EncoderConfig) -> Encoder:
    """A tiny encoder in evaluation mode, its batch norms as if it had been trained."""
    torch.manual_seed(1)
    encoder = config.build(INPUT_DIM)
    for module in encoder.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            nn.init.normal_(module.running_mean, std=0.5)
            nn.init.uniform_(module.running_var, 0.3, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.5)
    return encoder.eval()


def padded_batch(padding: float = 0.0) -> tuple[Tensor, Tensor]:
    """Features that are the same for every `padding`, and their lengths."""
    features = torch.randn(len(LENGTHS), NUM_FRAMES, INPUT_DIM, generator=torch.manual_seed(2))
    # Whole numbers first, so that they may be symbols as well.
    features[..., 0] = torch.randint(1, 9, features.shape[:2], generator=torch.manual_seed(3)).float()
    lengths = torch.tensor(LENGTHS)
    features[torch.arange(NUM_FRAMES)[None, :] >= lengths[:, None]] = padding
    return features, lengths


def own_frames(encoder: Encoder, features: Tensor, lengths: Tensor) -> list[Tensor]:
    hidden, hidden_lengths = encoder(features, lengths)
    return [frames[:length] for frames, length in zip(hidden, hidden_lengths.tolist(), strict=True)]


def test_every_encoder_of_the_union_is_tested_here() -> None:
    assert {type(config) for config in CONFIGS.values()} == set(typing.get_args(EncoderConfig))


@every_encoder
@pytest.mark.parametrize("padding", [0.0, 1e4])
def test_an_example_alone_equals_itself_in_a_padded_batch(config: EncoderConfig, padding: float) -> None:
    encoder = built(config)
    features, lengths = padded_batch(padding)
    batched = own_frames(encoder, features, lengths)
    for index, length in enumerate(LENGTHS):
        [alone] = own_frames(encoder, features[index : index + 1, :length], lengths[index : index + 1])
        torch.testing.assert_close(batched[index], alone, rtol=1e-5, atol=1e-5)


@every_encoder
def test_the_order_within_the_batch_changes_nothing(config: EncoderConfig) -> None:
    encoder = built(config)
    features, lengths = padded_batch()
    order = torch.randperm(len(LENGTHS), generator=torch.manual_seed(3))
    straight = own_frames(encoder, features, lengths)
    shuffled = own_frames(encoder, features[order], lengths[order])
    for place, index in enumerate(order.tolist()):
        torch.testing.assert_close(shuffled[place], straight[index], rtol=1e-5, atol=1e-5)


@every_encoder
def test_different_frames_give_different_results(config: EncoderConfig) -> None:
    encoder = built(config)
    features, lengths = padded_batch()
    other = own_frames(encoder, features + 1, lengths)
    for before, after in zip(own_frames(encoder, features, lengths), other, strict=True):
        assert (before - after).abs().max() > 1e-3


@every_encoder
def test_lengths_and_width_are_those_said_beforehand(config: EncoderConfig) -> None:
    encoder = built(config)
    features, lengths = padded_batch()
    hidden, hidden_lengths = encoder(features, lengths)
    assert torch.equal(hidden_lengths, encoder.output_lengths(lengths))
    assert hidden.shape[0] == len(LENGTHS)
    assert hidden.shape[1] >= int(hidden_lengths.max())
    assert hidden.shape[2] == encoder.output_dim
    assert int(hidden_lengths.min()) >= 1


@every_encoder
def test_the_said_lengths_hold_for_examples_without_padding(config: EncoderConfig) -> None:
    encoder = built(config)
    for num_frames in range(1, 20):
        lengths = torch.tensor([num_frames])
        hidden, _ = encoder(torch.zeros(1, num_frames, INPUT_DIM), lengths)
        assert hidden.shape[1] == int(encoder.output_lengths(lengths)[0])


@every_encoder
def test_a_gradient_flows_to_every_weight_and_every_frame(config: EncoderConfig) -> None:
    encoder = built(config).train()
    features, lengths = padded_batch()
    features.requires_grad_()
    torch.cat(
        [frames.reshape(-1) for frames in own_frames(encoder, features, lengths)]
    ).square().sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name
    if isinstance(config, EmbeddedConfig):
        return  # a symbol has no gradient
    assert features.grad is not None
    for gradient, length in zip(features.grad, LENGTHS, strict=True):
        assert gradient[:length].abs().sum() > 0
        assert (gradient[length:] == 0).all()


@every_encoder
def test_dropout_acts_in_training_only(config: EncoderConfig) -> None:
    encoder = built(config)
    features, lengths = padded_batch()
    first, second = (torch.cat(own_frames(encoder, features, lengths)) for _ in range(2))
    assert torch.equal(first, second)
    encoder.train()
    first, second = (torch.cat(own_frames(encoder, features, lengths)) for _ in range(2))
    assert not torch.equal(first, second)


@every_encoder
def test_one_seed_builds_one_encoder(config: EncoderConfig) -> None:
    first, second = built(config).state_dict(), built(config).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


@every_encoder
def test_bfloat16_autocast_gives_nearly_the_same(config: EncoderConfig) -> None:
    encoder = built(config)
    features, lengths = padded_batch()
    exact = torch.cat(own_frames(encoder, features, lengths))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = torch.cat(own_frames(encoder, features, lengths))
    torch.testing.assert_close(rough.float(), exact, rtol=0.1, atol=0.05)


@every_encoder
def test_the_config_survives_the_json_of_a_model_file(config: EncoderConfig) -> None:
    assert msgspec.json.decode(msgspec.json.encode(config), type=EncoderConfig) == config
