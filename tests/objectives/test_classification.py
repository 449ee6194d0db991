import pytest
import torch
from torch import nn

from seqlabel.encoders import RecurrentConfig
from seqlabel.model import Model
from seqlabel.objectives import ClassificationConfig

LENGTHS = torch.tensor([5, 2, 4])


def model(pooling: str, **settings: object) -> Model:
    torch.manual_seed(1)
    encoder = RecurrentConfig(hidden_size=6, num_layers=1, **settings)  # type: ignore[arg-type]
    return Model(encoder, 3, 4, ClassificationConfig(pooling=pooling)).eval()  # type: ignore[arg-type]


@pytest.mark.parametrize("pooling", ["mean", "last"])
def test_there_is_one_frame_in_which_the_blank_is_impossible(pooling: str) -> None:
    emissions = model(pooling)(torch.randn(3, 5, 3), LENGTHS)
    assert emissions.log_probs.shape == (3, 1, 4)
    assert emissions.lengths.tolist() == [1, 1, 1]
    assert (emissions.log_probs[..., 0] == -torch.inf).all()
    torch.testing.assert_close(emissions.log_probs.exp().sum(-1), torch.ones(3, 1))


@pytest.mark.parametrize("pooling", ["mean", "last"])
@pytest.mark.parametrize("direction", ["both", "forward", "backward"])
def test_an_example_alone_is_labelled_as_in_a_padded_batch(pooling: str, direction: str) -> None:
    network = model(pooling, direction=direction)
    features = torch.randn(3, 5, 3)
    batched = network(features, LENGTHS).log_probs
    for index, length in enumerate(LENGTHS.tolist()):
        alone = network(features[index : index + 1, :length], LENGTHS[index : index + 1]).log_probs
        torch.testing.assert_close(batched[index], alone[0], rtol=1e-5, atol=1e-6)


def test_the_mean_is_taken_over_valid_frames() -> None:
    objective = ClassificationConfig(pooling="mean").build()
    hidden = torch.tensor([[[1.0, 0.0], [3.0, 2.0], [torch.nan, 9.0]]])
    head = nn.Linear(2, 2, bias=False)
    nn.init.eye_(head.weight)
    seen: list[torch.Tensor] = []
    head.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    objective.emissions(head, hidden, torch.tensor([2]), 1)
    assert seen[0].tolist() == [[2.0, 1.0]]


def test_the_last_state_is_the_last_frame_forward_and_the_first_backward() -> None:
    objective = ClassificationConfig(pooling="last").build()
    hidden = torch.arange(8.0).reshape(1, 4, 2)
    seen: list[torch.Tensor] = []
    head = nn.Linear(2, 3)
    head.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    objective.emissions(head, hidden, torch.tensor([3]), 1)
    assert seen[0].tolist() == [[4.0, 1.0]]


def test_the_loss_is_the_cross_entropy_of_the_label() -> None:
    network = model("mean")
    emissions = network(torch.randn(3, 5, 3), LENGTHS)
    targets = torch.tensor([[2], [1], [3]])
    losses = network.objective.losses(emissions, targets, torch.ones(3, dtype=torch.long))
    scores = emissions.log_probs[:, 0, 1:]
    expected = nn.functional.cross_entropy(scores, targets[:, 0] - 1, reduction="none")
    torch.testing.assert_close(losses, expected)
    losses.sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


def test_a_text_of_several_tokens_is_no_label() -> None:
    objective = ClassificationConfig().build()
    assert objective.obstacle((3,), 1) is None
    assert "has 2 tokens, classification wants one" in (objective.obstacle((3, 1), 9) or "")
