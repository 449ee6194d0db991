import pytest
import torch

from seqlabel.encoders.dropout import dropout


@pytest.mark.parametrize("probability", [0.1, 0.35, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_the_share_is_dropped_and_the_mean_stays(probability: float, dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    dropped = dropout(torch.ones(500, 401, dtype=dtype), probability, is_training=True).float()
    assert (dropped == 0).float().mean().item() == pytest.approx(probability, abs=0.005)
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)
    assert len(dropped.unique()) == 2


def test_neighbours_are_dropped_independently() -> None:
    torch.manual_seed(1)
    is_kept = (dropout(torch.ones(80_000), 0.5, is_training=True) > 0).float() - 0.5
    for distance in range(1, 17):
        correlation = 4 * (is_kept[distance:] * is_kept[:-distance]).mean()
        assert abs(correlation.item()) < 0.02


def test_nothing_is_dropped_outside_of_training_or_at_zero() -> None:
    values = torch.randn(7, 5)
    assert dropout(values, 0.5, is_training=False) is values
    assert dropout(values, 0.0, is_training=True) is values


def test_everything_is_dropped_at_one() -> None:
    assert (dropout(torch.ones(9), 1.0, is_training=True) == 0).all()


def test_the_gradient_goes_where_the_values_went() -> None:
    values = torch.ones(100, requires_grad=True)
    dropped = dropout(values, 0.25, is_training=True)
    dropped.sum().backward()
    assert values.grad is not None and torch.equal(values.grad, dropped.detach())


def test_one_seed_drops_the_same() -> None:
    found = []
    for _ in range(2):
        torch.manual_seed(3)
        found.append(dropout(torch.ones(33), 0.5, is_training=True))
    assert torch.equal(*found)


@pytest.mark.parametrize("probability", [0.0005, 0.9995])
def test_probabilities_beyond_all_multiples_of_1_256_are_kept(probability: float) -> None:
    torch.manual_seed(1)
    dropped = dropout(torch.ones(400_000), probability, is_training=True)
    assert (dropped == 0).float().mean().item() == pytest.approx(probability, abs=0.0002)
