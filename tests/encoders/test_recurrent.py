import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seqlabel.encoders import RecurrentConfig
from seqlabel.encoders.recurrent import RecurrentEncoder
from seqlabel.engine.frames import Frames
from seqlabel.errors import ConfigError

LENGTHS = {
    "one length": [12, 12, 12],
    "sorted": [40, 31, 30, 12, 11, 3, 1],
    "unsorted": [3, 40, 11, 1, 31, 12, 30, 40],
    "alone": [17],
    "one frame each": [1, 1],
}


def packed(encoder: RecurrentEncoder, features: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    hidden = features
    for layer in encoder.layers:
        sequences = pack_padded_sequence(hidden, lengths, batch_first=True, enforce_sorted=False)
        hidden = pad_packed_sequence(
            layer.cells(sequences)[0], batch_first=True, total_length=features.shape[1]
        )[0]
    return hidden


def masked(hidden: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    return hidden * (torch.arange(hidden.shape[1])[None, :] < lengths[:, None])[..., None]


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS.keys())
@pytest.mark.parametrize(
    "config",
    [
        RecurrentConfig(hidden_size=7, num_layers=3, dropout=0.0),
        RecurrentConfig(hidden_size=16, num_layers=2, dropout=0.0, projection_size=5),
        RecurrentConfig(hidden_size=7, num_layers=3, dropout=0.0, cell="gru"),
        RecurrentConfig(hidden_size=7, num_layers=3, dropout=0.0, cell="rnn"),
        RecurrentConfig(hidden_size=7, num_layers=3, dropout=0.0, direction="forward"),
        RecurrentConfig(hidden_size=7, num_layers=2, dropout=0.0, cell="gru", direction="forward"),
    ],
    ids=["lstm", "projected lstm", "gru", "rnn", "forward lstm", "forward gru"],
)
def test_values_and_gradients_equal_pytorchs_packed_layers(
    config: RecurrentConfig, lengths: list[int]
) -> None:
    torch.manual_seed(1)
    counts = torch.tensor(lengths)
    encoder = config.build(5)
    features = torch.randn(len(lengths), max(lengths), 5)
    weights = torch.randn(len(lengths), max(lengths), encoder.output_dim)

    found = []
    for forward in (lambda x: encoder(x, counts)[0], lambda x: packed(encoder, x, counts)):
        encoder.zero_grad()
        x = features.clone().requires_grad_()
        hidden = masked(forward(x), counts)
        (hidden * weights).sum().backward()
        gradients = [x.grad] + [parameter.grad.clone() for parameter in encoder.parameters()]
        found.append([hidden.detach(), *gradients])
    for ours, theirs in zip(*found, strict=True):
        # The gradients of a tanh RNN's weights are sums of large terms.
        scale = float(theirs.abs().max()) + 1.0 if config.cell == "rnn" else 1.0
        torch.testing.assert_close(ours / scale, theirs / scale, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("is_autocast", [False, True], ids=["float32", "autocast"])
def test_the_layer_that_runs_on_cuda_equals_the_engine(is_autocast: bool) -> None:
    torch.manual_seed(1)
    [layer] = RecurrentConfig(hidden_size=7, num_layers=1).build(5).layers
    frames = Frames.of(torch.tensor([40, 3, 31, 12]), 40)
    rows = frames.rows(torch.randn(4, 40, 5))
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=is_autocast):
        outputs = layer._by_cudnn(rows, frames)
    assert outputs.dtype == torch.float32  # autocast is not for it
    torch.testing.assert_close(outputs, layer(rows, frames), rtol=1e-5, atol=1e-5)


def test_the_backward_direction_alone_reads_from_the_end() -> None:
    torch.manual_seed(1)
    encoder = RecurrentConfig(hidden_size=7, num_layers=1, dropout=0.0, direction="backward").build(5)
    features = torch.randn(1, 9, 5)
    reversed_features = features.flip(1)
    expected = encoder.layers[0].cells(reversed_features)[0].flip(1)
    torch.testing.assert_close(encoder(features, torch.tensor([9]))[0], expected, rtol=1e-5, atol=1e-5)


def test_two_directions_may_be_added_up() -> None:
    torch.manual_seed(1)
    side_by_side = RecurrentConfig(hidden_size=7, num_layers=1).build(5).eval()
    summed = RecurrentConfig(hidden_size=7, num_layers=1, merge="sum").build(5).eval()
    summed.load_state_dict(side_by_side.state_dict())
    features, lengths = torch.randn(3, 9, 5), torch.tensor([9, 4, 6])
    forward, backward = side_by_side(features, lengths)[0].chunk(2, dim=-1)
    torch.testing.assert_close(summed(features, lengths)[0], forward + backward)


def test_residual_connections_add_what_went_in() -> None:
    torch.manual_seed(1)
    plain = RecurrentConfig(hidden_size=4, num_layers=2, merge="sum").build(4).eval()
    residual = RecurrentConfig(hidden_size=4, num_layers=2, merge="sum", residual=True).build(4).eval()
    residual.load_state_dict(plain.state_dict())
    features, lengths = torch.randn(2, 6, 4), torch.tensor([6, 6])
    frames = Frames.of(lengths, 6)
    first, second = plain.layers
    hidden = frames.rows(features)
    hidden = hidden + first(hidden, frames)
    expected = frames.padded(hidden + second(hidden, frames))
    torch.testing.assert_close(residual(features, lengths)[0], expected)


def test_layers_are_normalised_between_but_not_after_the_last() -> None:
    encoder = RecurrentConfig(hidden_size=8, num_layers=3, layer_norm=True).build(4)
    assert len(encoder.norms) == 2
    with torch.no_grad():
        for norm in encoder.norms:
            norm.weight.zero_()
    features, lengths = torch.randn(2, 6, 4), torch.tensor([6, 6])
    other = encoder.eval()(features + 1, lengths)[0]
    torch.testing.assert_close(
        encoder(features, lengths)[0], other
    )  # nothing passes a norm whose weight is 0


def test_variational_dropout_drops_the_same_outputs_in_all_frames() -> None:
    torch.manual_seed(1)
    config = RecurrentConfig(hidden_size=32, num_layers=1, dropout=0.5, variational_dropout=True)
    encoder = config.build(4).train()
    hidden, _ = encoder(torch.randn(3, 9, 4), torch.tensor([9, 9, 4]))
    for example, length in zip(hidden, (9, 9, 4), strict=True):
        is_dropped = (example[:length] == 0).float().mean(dim=0)
        assert set(is_dropped.tolist()) == {0.0, 1.0}


def test_recurrent_dropout_and_zoneout_are_random_in_training_only() -> None:
    features, lengths = torch.randn(2, 9, 4), torch.tensor([9, 4])
    for config in (
        RecurrentConfig(hidden_size=8, num_layers=1, dropout=0.0, recurrent_dropout=0.5),
        RecurrentConfig(hidden_size=8, num_layers=1, dropout=0.0, zoneout=0.3),
    ):
        encoder = config.build(4).train()
        assert not torch.equal(encoder(features, lengths)[0], encoder(features, lengths)[0])
        encoder.eval()
        assert torch.equal(encoder(features, lengths)[0], encoder(features, lengths)[0])


def test_zoneout_reads_with_the_expected_share_of_the_old_state() -> None:
    torch.manual_seed(1)
    encoder = RecurrentConfig(hidden_size=8, num_layers=1, dropout=0.0, cell="rnn", zoneout=0.25).build(4)
    features = torch.randn(1, 2, 4)
    found = encoder.eval()(features, torch.tensor([2]))[0]
    cells = encoder.layers[0].cells
    first = 0.75 * torch.tanh(features[0, 0] @ cells.weight_ih_l0.t() + cells.bias_ih_l0 + cells.bias_hh_l0)
    torch.testing.assert_close(found[0, 0, :8], first, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cell": "gru", "peepholes": True}, "peepholes: gru has none"),
        ({"cell": "rnn", "projection_size": 3}, "projection_size: rnn has none"),
        ({"projection_size": 256}, "expected fewer than the 256 cells"),
        ({"projection_size": 8, "zoneout": 0.1}, "goes neither with"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RecurrentConfig(**settings)  # type: ignore[arg-type]


def test_padding_never_reaches_the_result() -> None:
    torch.manual_seed(1)
    counts = torch.tensor([20, 6])
    encoder = RecurrentConfig(hidden_size=4, num_layers=2).build(3).eval()
    features = torch.randn(2, 20, 3)
    spoilt = features.clone()
    spoilt[1, 6:] = 1e6
    torch.testing.assert_close(encoder(spoilt, counts)[0][1, :6], encoder(features, counts)[0][1, :6])


def test_forget_gates_start_open() -> None:
    encoder = RecurrentConfig(hidden_size=3, num_layers=1).build(2)
    bias = encoder.layers[0].cells.bias_ih_l0 + encoder.layers[0].cells.bias_hh_l0
    assert bias.tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]
