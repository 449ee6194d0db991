"""Encoders side by side."""

import pytest
import torch

from seqlabel.encoders import ConvLayerConfig, ConvRecurrentConfig, ParallelConfig, RecurrentConfig
from seqlabel.errors import ConfigError

SMALL = RecurrentConfig(hidden_size=3, num_layers=1)


def test_forward_halves_stand_before_backward_halves() -> None:
    torch.manual_seed(1)
    backward = RecurrentConfig(hidden_size=2, num_layers=1, direction="backward")
    encoder = ParallelConfig(members=(SMALL, backward)).build(4).eval()
    features, lengths = torch.randn(2, 5, 4), torch.tensor([5, 3])
    hidden, hidden_lengths = encoder(features, lengths)
    both, alone = (member(features, lengths)[0] for member in encoder.members)
    assert encoder.output_dim == 8 and encoder.backward_from == 3 and hidden_lengths.tolist() == [5, 3]
    torch.testing.assert_close(hidden[0], torch.cat([both[0, :, :3], both[0, :, 3:], alone[0]], dim=1))


@pytest.mark.parametrize("pool", [1, 2])
def test_members_make_as_many_frames_as_each_other(pool: int) -> None:
    stem = ConvRecurrentConfig(layers=(ConvLayerConfig(channels=2, pool=(pool, 2)),), recurrent=SMALL)
    config = ParallelConfig(members=(SMALL, stem, stem))
    if pool == 1:
        assert config.build(8).output_lengths(torch.tensor([7])).tolist() == [7]
    else:
        with pytest.raises(ConfigError, match="number 2 makes another number of frames"):
            config.build(8)
