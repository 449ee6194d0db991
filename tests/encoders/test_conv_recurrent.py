import pytest
import torch
from torch import Tensor, nn

from seqlabel.encoders import ConvLayerConfig, ConvRecurrentConfig, RecurrentConfig
from seqlabel.encoders.conv_recurrent import ConvLayer, frame_mask, kept_frames
from seqlabel.model import Model

RECURRENT = RecurrentConfig(hidden_size=3, num_layers=1, dropout=0.0)


def layer(seed: int = 1, **settings: object) -> ConvLayer:
    torch.manual_seed(seed)
    return ConvLayer(ConvLayerConfig(channels=3, **settings), 2, dropout=0.0)


def masked_maps(lengths: list[int], num_frames: int, height: int = 6) -> tuple[Tensor, Tensor]:
    maps = torch.randn(len(lengths), 2, num_frames, height, generator=torch.manual_seed(4))
    counts = torch.tensor(lengths)
    return maps * frame_mask(counts, num_frames, maps.dtype), counts


def convolved(conv_layer: ConvLayer, maps: Tensor, lengths: list[int]) -> Tensor:
    """(C, all valid pixels): each example convolved alone, laid side by side."""
    alone = [conv_layer.conv(maps[i : i + 1, :, :length]) for i, length in enumerate(lengths)]
    return torch.cat([out[0].flatten(1) for out in alone], dim=1)


@pytest.mark.parametrize("stride", [(1, 1), (2, 1)])
def test_the_statistics_of_a_batch_count_valid_frames_only(stride: tuple[int, int]) -> None:
    lengths = [9, 4, 1, 7]
    conv_layer = layer(stride=stride).train()
    maps, counts = masked_maps(lengths, 12)
    conv_layer(maps, counts)
    valid = convolved(conv_layer, maps, lengths)
    momentum = conv_layer.norm.momentum
    torch.testing.assert_close(conv_layer.norm.running_mean, momentum * valid.mean(dim=1))
    torch.testing.assert_close(
        conv_layer.norm.running_var, (1 - momentum) + momentum * valid.var(dim=1, unbiased=True)
    )


def test_training_normalises_each_map_over_the_valid_frames_of_the_batch() -> None:
    lengths = [9, 4, 7]
    conv_layer = layer().train()
    nn.init.constant_(conv_layer.norm.bias, 10.0)  # far above zero, so that ReLU hides nothing
    maps, counts = masked_maps(lengths, 9)
    out, _ = conv_layer(maps, counts)
    found = torch.cat([out[i, :, :length].flatten(1) for i, length in enumerate(lengths)], dim=1)
    valid = convolved(conv_layer, maps, lengths)
    mean, variance = valid.mean(dim=1, keepdim=True), valid.var(dim=1, unbiased=False, keepdim=True)
    expected = (valid - mean) / torch.sqrt(variance + conv_layer.norm.eps) + 10
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("column_size", [None, 5])
def test_more_padding_changes_neither_result_nor_gradient_in_training(column_size: int | None) -> None:
    lengths = [9, 4, 7]
    config = ConvRecurrentConfig(
        layers=(ConvLayerConfig(channels=3, pool=(2, 2)), ConvLayerConfig(channels=4)),
        column_size=column_size,
        dropout=0.0,
        recurrent=RECURRENT,
    )
    results = []
    for num_frames in (9, 16):
        torch.manual_seed(1)
        encoder = config.build(6).train()
        maps, counts = masked_maps(lengths, 9)
        features = nn.functional.pad(maps[:, 0], (0, 0, 0, num_frames - 9))
        hidden, hidden_lengths = encoder(features, counts)
        own = torch.cat([frames[:n] for frames, n in zip(hidden, hidden_lengths.tolist(), strict=True)])
        own.square().sum().backward()
        results.append([own.detach(), *(parameter.grad for parameter in encoder.parameters())])
    for tight, loose in zip(*results, strict=True):
        torch.testing.assert_close(tight, loose, rtol=1e-4, atol=1e-5)


def test_maps_beyond_the_frames_are_zero_whatever_the_norm_adds() -> None:
    conv_layer = layer().eval()
    nn.init.constant_(conv_layer.norm.bias, 5.0)
    maps, counts = masked_maps([6, 3], 6)
    out, lengths = conv_layer(maps, counts)
    assert lengths.tolist() == [6, 3]
    assert (out[1, :, 3:] == 0).all()
    assert (out[1, :, :3] > 0).any()


@pytest.mark.parametrize("step", [2, 3])
@pytest.mark.parametrize("by", ["stride", "pool"])
def test_lengths_are_divided_and_rounded_up(by: str, step: int) -> None:
    conv_layer = layer(**{by: (step, 1)}).eval()
    for num_frames in range(1, 10):
        maps, counts = masked_maps([num_frames], num_frames)
        out, lengths = conv_layer(maps, counts)
        assert out.shape[2] == lengths.item() == -(-num_frames // step)


def test_the_height_shrinks_like_the_length() -> None:
    conv_layer = layer(stride=(1, 2), pool=(1, 2)).eval()
    for height in range(1, 12):
        maps, counts = masked_maps([4], 4, height)
        out, _ = conv_layer(maps, counts)
        assert out.shape[3] == conv_layer.output_lengths(torch.tensor([height]), axis=1).item()


def test_pooling_is_over_frames_and_features_as_named() -> None:
    conv_layer = layer(pool=(2, 3)).eval()
    maps, counts = masked_maps([8], 8)
    out, _ = conv_layer(maps, counts)
    rectified = nn.functional.relu(conv_layer.norm(conv_layer.conv(maps).transpose(1, 3).flatten(0, 2)))
    whole = rectified.reshape(1, 6, 8, 3).transpose(1, 3)
    torch.testing.assert_close(out, nn.functional.max_pool2d(whole, (2, 3)))


def test_a_column_is_the_maximum_of_its_maps_or_all_of_them() -> None:
    one = ConvLayerConfig(channels=4, pool=(1, 2))
    widths = {
        column: ConvRecurrentConfig(layers=(one,), column=column, recurrent=RECURRENT)
        .build(7)
        .recurrent.layers[0]
        .cells.input_size
        for column in ("max", "concat")
    }
    assert widths == {"max": 4, "concat": 4 * 4}  # 7 features become 4


def test_columns_are_brought_to_a_size_and_stay_zero_in_the_padding() -> None:
    one = ConvLayerConfig(channels=4, pool=(1, 2))
    config = ConvRecurrentConfig(layers=(one,), column="concat", column_size=5, recurrent=RECURRENT)
    encoder = config.build(7).eval()
    assert encoder.stem_dim == encoder.recurrent.layers[0].cells.input_size == 5
    wide = ConvRecurrentConfig(layers=(one,), column="concat", recurrent=RECURRENT).build(7).eval()
    wide.stem.load_state_dict(encoder.stem.state_dict())
    features, lengths = torch.randn(2, 6, 7, generator=torch.manual_seed(3)), torch.tensor([6, 4])
    frames, _ = encoder.stem_frames(features, lengths)
    torch.testing.assert_close(frames[0], encoder.to_frame(wide.stem_frames(features, lengths)[0][0]))
    assert frames[1, :4].abs().min() > 0 and frames[1, 4:].eq(0).all()


def test_the_columns_that_the_lstm_reads_are_those_of_the_stem() -> None:
    seen: dict[str, Tensor] = {}
    for column in ("max", "concat"):
        torch.manual_seed(1)
        config = ConvRecurrentConfig(
            layers=(ConvLayerConfig(channels=4, pool=(1, 2)),), column=column, recurrent=RECURRENT
        )
        encoder = config.build(6).eval()
        encoder.recurrent.register_forward_pre_hook(lambda _, given, key=column: seen.update({key: given[0]}))
        maps, counts = masked_maps([5], 5)
        encoder(maps[:, 0], counts)
    assert seen["concat"].shape == (1, 5, 3 * 4)
    assert torch.equal(seen["concat"].reshape(1, 5, 3, 4).amax(dim=2), seen["max"])


@pytest.mark.parametrize("is_training", [False, True])
def test_examples_of_a_single_frame_are_encoded(is_training: bool) -> None:
    encoder = ConvRecurrentConfig(recurrent=RECURRENT).build(16).train(is_training)
    hidden, lengths = encoder(torch.randn(2, 1, 16, generator=torch.manual_seed(1)), torch.tensor([1, 1]))
    assert lengths.tolist() == [1, 1]
    assert hidden.shape == (2, 1, 6)
    assert torch.isfinite(hidden).all()


def test_the_dropout_of_the_stem_drops_whole_maps_but_never_the_image() -> None:
    layers = (ConvLayerConfig(channels=3), ConvLayerConfig(channels=3))
    encoder = ConvRecurrentConfig(layers=layers, dropout=0.4, recurrent=RECURRENT).build(6)
    assert [conv_layer.dropout.p for conv_layer in encoder.stem] == [0.0, 0.4]
    dropped = encoder.stem[1].dropout.train()(torch.ones(20, 3, 4, 6))
    assert dropped.flatten(2).var(dim=2).max() < 1e-12
    torch.testing.assert_close(dropped.unique(), torch.tensor([0.0, 1 / 0.6]))


def with_shortcut(weight: float) -> Model:
    torch.manual_seed(1)
    layers = (ConvLayerConfig(channels=3, pool=(2, 2)), ConvLayerConfig(channels=4))
    config = ConvRecurrentConfig(
        layers=layers, column="concat", dropout=0.0, shortcut=weight, recurrent=RECURRENT
    )
    return Model(config, input_dim=6, num_tokens=5)


def test_the_shortcut_is_learnt_from_and_not_read() -> None:
    model = with_shortcut(0.25)
    features = torch.randn(2, 14, 6, generator=torch.manual_seed(2))
    lengths = torch.tensor([14, 9])
    (weight, emissions), (shortcut_weight, shortcut) = model.answers(features, lengths)
    assert (weight, shortcut_weight) == (1.0, 0.25)
    assert emissions.log_probs.shape == shortcut.log_probs.shape == (2, 7, 5)
    assert emissions.lengths.tolist() == shortcut.lengths.tolist() == [7, 5]
    torch.testing.assert_close(shortcut.log_probs.exp().sum(-1), torch.ones(2, 7))
    model.eval()
    torch.testing.assert_close(
        model(features, lengths).log_probs, model.answers(features, lengths)[0][1].log_probs
    )
    shortcut.log_probs.sum().backward()
    assert model.encoder.stem[0].conv.weight.grad is not None
    assert all(parameter.grad is None for parameter in model.encoder.recurrent.parameters())


def test_the_shortcut_does_not_see_the_padding() -> None:
    model = with_shortcut(0.25).eval()
    features = torch.randn(2, 14, 6, generator=torch.manual_seed(2))
    lengths = torch.tensor([14, 9])
    together = model.answers(features, lengths)[1][1].log_probs[1, :5]
    alone = model.answers(features[1:, :9], lengths[1:])[1][1].log_probs[0]
    torch.testing.assert_close(together, alone)


def test_without_a_shortcut_there_is_one_answer() -> None:
    model = with_shortcut(0.0)
    features, lengths = torch.randn(1, 8, 6), torch.tensor([8])
    assert len(model.answers(features, lengths)) == 1
    assert not any(name.startswith("shortcut") for name, _ in model.named_parameters())


def test_masks_hide_their_share_of_frames_in_short_stretches() -> None:
    torch.manual_seed(1)
    kept = kept_frames(torch.full((200,), 300), 300, num_masks=4.0, longest=5)
    hidden = 1 - kept[..., 0]
    # 12 stretches of 3 frames on average in 300, of which some lie over each other.
    assert 0.08 < float(hidden.mean()) < 0.12
    assert set(kept.unique().tolist()) == {0.0, 1.0}
    alone = kept_frames(torch.full((500,), 300), 300, num_masks=0.1, longest=5)
    assert set((1 - alone).sum(dim=(1, 2)).tolist()) == {1.0, 2.0, 3.0, 4.0, 5.0}


def test_views_differ_by_their_masks_and_dropout_in_training_only() -> None:
    torch.manual_seed(1)
    layers = (ConvLayerConfig(channels=3), ConvLayerConfig(channels=4))
    config = ConvRecurrentConfig(layers=layers, num_masks=20.0, shortcut=0.3, recurrent=RECURRENT)
    model = Model(config, 8, 5)
    features, lengths = torch.randn(2, 24, 8), torch.tensor([24, 16])
    (_, emissions), (_, shortcut) = model.answers(features, lengths, num_views=2)
    assert emissions.log_probs.shape[0] == 4 and shortcut.log_probs.shape[0] == 2
    assert emissions.lengths[:2].equal(emissions.lengths[2:])
    assert not torch.allclose(emissions.log_probs[:2], emissions.log_probs[2:])
    model.eval()
    answers = model.answers(features, lengths, num_views=2)[0][1]
    torch.testing.assert_close(answers.log_probs[:2], answers.log_probs[2:])
    torch.testing.assert_close(answers.log_probs[:2], model(features, lengths).log_probs)
