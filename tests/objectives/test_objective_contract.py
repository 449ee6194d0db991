"""What every objective of the union promises."""

import typing

import msgspec
import pytest
import torch

from seqlabel.encoders import RecurrentConfig
from seqlabel.metrics import score
from seqlabel.model import Model
from seqlabel.objectives import ClassificationConfig, CtcConfig, FramewiseConfig, ObjectiveConfig

CONFIGS: dict[str, ObjectiveConfig] = {
    "ctc": CtcConfig(),
    "framewise": FramewiseConfig(),
    "framewise with a delay": FramewiseConfig(delay=2),
    "classification mean": ClassificationConfig(),
    "classification last": ClassificationConfig(pooling="last"),
}
every_objective = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())


def test_every_objective_of_the_union_is_tested_here() -> None:
    assert {type(config) for config in CONFIGS.values()} == set(typing.get_args(ObjectiveConfig))


@every_objective
def test_learning_one_token_lowers_its_loss_and_is_finite(config: ObjectiveConfig) -> None:
    torch.manual_seed(1)
    model = Model(RecurrentConfig(hidden_size=8, num_layers=1, dropout=0.0), 3, 4, config)
    features, lengths = torch.randn(4, 7, 3), torch.tensor([7, 3, 5, 1])
    targets, target_lengths = torch.tensor([[1], [2], [3], [1]]), torch.ones(4, dtype=torch.long)
    if model.objective.reads_labels:
        targets, target_lengths = targets.expand(-1, 7).contiguous(), lengths
    optimizer = torch.optim.Adam(model.parameters(), 0.05)
    found = []
    for _ in range(40):
        losses = model.objective.losses(model(features, lengths), targets, target_lengths)
        assert losses.shape == (4,)
        optimizer.zero_grad()
        losses.sum().backward()
        optimizer.step()
        found.append(float(losses.detach().sum()))
    assert found[-1] < 0.1 * found[0]


@every_objective
def test_one_token_has_no_obstacle_and_the_measure_is_a_rate(config: ObjectiveConfig) -> None:
    objective = config.build()
    assert objective.obstacle((2,), 1) is None
    assert isinstance(getattr(score([("a", "b")]), objective.measure), float)


@every_objective
def test_the_config_survives_the_json_of_a_model_file(config: ObjectiveConfig) -> None:
    assert msgspec.json.decode(msgspec.json.encode(config), type=ObjectiveConfig) == config
