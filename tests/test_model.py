import pytest
import torch

from seqlabel.encoders import ConvLayerConfig, ConvRecurrentConfig, EncoderConfig, RecurrentConfig
from seqlabel.model import Model

RECURRENT = RecurrentConfig(hidden_size=5, num_layers=1)
CONFIGS: dict[str, EncoderConfig] = {
    "recurrent": RECURRENT,
    "conv_recurrent": ConvRecurrentConfig(
        layers=(ConvLayerConfig(channels=3, pool=(2, 2)),), recurrent=RECURRENT
    ),
}
every_model = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
LENGTHS = torch.tensor([14, 3, 9])


def model_of(config: EncoderConfig) -> Model:
    torch.manual_seed(1)
    return Model(config, 6, 4).eval()


def features() -> torch.Tensor:
    return torch.randn(3, 16, 6, generator=torch.manual_seed(2))


@every_model
def test_the_probabilities_of_every_frame_sum_to_one(config: EncoderConfig) -> None:
    emissions = model_of(config)(features(), LENGTHS)
    totals = emissions.log_probs.exp().sum(dim=-1)
    assert emissions.log_probs.shape[0] == 3
    assert emissions.log_probs.shape[2] == 4
    torch.testing.assert_close(totals, torch.ones_like(totals))


@every_model
def test_what_stands_in_the_padding_changes_nothing(config: EncoderConfig) -> None:
    model = model_of(config)
    spoilt = features()
    spoilt[torch.arange(16)[None, :] >= LENGTHS[:, None]] = 1e5
    clean, other = model(features(), LENGTHS), model(spoilt, LENGTHS)
    assert torch.equal(clean.lengths, other.lengths)
    for index, length in enumerate(clean.lengths.tolist()):
        torch.testing.assert_close(clean.log_probs[index, :length], other.log_probs[index, :length])


@every_model
def test_the_said_number_of_frames_comes_out(config: EncoderConfig) -> None:
    model = model_of(config)
    assert torch.equal(model(features(), LENGTHS).lengths, model.output_lengths(LENGTHS))


@every_model
def test_emissions_are_float32_under_autocast_and_still_sum_to_one(config: EncoderConfig) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        emissions = model_of(config)(features(), LENGTHS)
    totals = emissions.log_probs.exp().sum(dim=-1)
    assert emissions.log_probs.dtype == torch.float32
    torch.testing.assert_close(totals, torch.ones_like(totals))
