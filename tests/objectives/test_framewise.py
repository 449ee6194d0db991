from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from seqlabel.data import with_text
from seqlabel.encoders import ConvRecurrentConfig, RecurrentConfig
from seqlabel.errors import ConfigError, ManifestError, TokenError
from seqlabel.experiment import DataConfig, ExperimentConfig
from seqlabel.features import MatrixConfig
from seqlabel.frontend import FrontendConfig
from seqlabel.loaded import label_runs
from seqlabel.model import Model
from seqlabel.objectives import FramewiseConfig, frame_labels
from seqlabel.records import Example
from seqlabel.tokens import TokenTable

LENGTHS = torch.tensor([5, 2, 4])
TOKENS = TokenTable.from_texts(["abc"])


def test_labels_are_stretched_over_the_frames_there_are() -> None:
    runs = [(1, 2.0), (2, 1.0), (3, 1.0)]
    assert frame_labels(runs, 4) == [1, 1, 2, 3]
    assert frame_labels(runs, 8) == [1, 1, 1, 1, 2, 2, 3, 3]
    assert frame_labels(runs, 2) == [1, 3]  # the middle of the second frame is where the last run begins
    assert frame_labels(runs, 1) == [2]  # the middle of the example
    assert frame_labels([(7, 0.1)], 3) == [7, 7, 7]


def test_every_frame_is_named_and_none_is_blank() -> None:
    torch.manual_seed(1)
    model = Model(RecurrentConfig(hidden_size=4, num_layers=1), 3, 4, FramewiseConfig()).eval()
    emissions = model(torch.randn(3, 5, 3), LENGTHS)
    assert emissions.lengths.tolist() == LENGTHS.tolist()
    assert (emissions.log_probs[..., 0] == -torch.inf).all()


def test_the_loss_is_the_cross_entropy_of_the_valid_frames() -> None:
    torch.manual_seed(1)
    model = Model(RecurrentConfig(hidden_size=4, num_layers=1), 3, 4, FramewiseConfig())
    emissions = model(torch.randn(3, 5, 3), LENGTHS)
    targets = torch.zeros(3, 5, dtype=torch.long)
    for row, length in enumerate(LENGTHS.tolist()):
        targets[row, :length] = torch.randint(1, 4, (length,))
    losses = model.objective.losses(emissions, targets, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        scores = emissions.log_probs[row, :length, 1:]
        expected = nn.functional.cross_entropy(scores, targets[row, :length] - 1, reduction="sum")
        torch.testing.assert_close(losses[row], expected)
    losses.sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize("delay", [0, 3])
def test_a_delayed_network_hears_that_many_frames_on(delay: int) -> None:
    """What it says of a frame hangs on the frames up to `delay` after it, and on none beyond."""
    torch.manual_seed(1)
    config = RecurrentConfig(hidden_size=8, num_layers=1, direction="forward")
    model = Model(config, 1, 3, FramewiseConfig(delay=delay)).eval()
    features, lengths = torch.randn(1, 12, 1), torch.tensor([12])
    before = model(features, lengths)
    assert before.lengths.tolist() == [12] and before.log_probs.shape[1] >= 12
    changed = features.clone()
    changed[0, 7] += 1
    moved = (model(changed, lengths).log_probs - before.log_probs)[0, :, 1:].abs().amax(-1) > 1e-7
    assert moved[:12].tolist() == [frame >= 7 - delay for frame in range(12)]


def test_the_padding_is_no_part_of_the_frames_that_a_delay_adds() -> None:
    torch.manual_seed(1)
    config = RecurrentConfig(hidden_size=8, num_layers=1, direction="forward")
    model = Model(config, 3, 4, FramewiseConfig(delay=2)).eval()
    features = torch.randn(3, 5, 3)
    batched = model(features, LENGTHS)
    for index, length in enumerate(LENGTHS.tolist()):
        alone = model(features[index : index + 1, :length], LENGTHS[index : index + 1])
        torch.testing.assert_close(batched.log_probs[index, :length], alone.log_probs[0, :length])


def test_a_delay_behind_a_stem_is_refused() -> None:
    frontend = FrontendConfig(feature=MatrixConfig(dim=3))
    with pytest.raises(ConfigError, match="for recurrent encoders alone"):
        ExperimentConfig(
            name="x",
            data=DataConfig(directory="x"),
            frontend=frontend,
            encoder=ConvRecurrentConfig(),
            objective=FramewiseConfig(delay=1),
        )


def test_labels_become_token_ids_with_their_lengths() -> None:
    example = Example(id="x", source=Path("x"), labels=(("b", 2.0), ("a", 0.5)))
    assert label_runs(example, TOKENS) == ((2, 2.0), (1, 0.5))
    assert with_text(example, "character").text == "ba"


def test_a_text_is_made_of_labels_with_equal_neighbours_once() -> None:
    labels = (("ah", 2.0), ("ah", 1.0), ("b", 1.0), ("ah", 3.0))
    assert with_text(Example(id="x", source=Path("x"), labels=labels), "word").text == "ah b ah"
    kept = Example(id="x", source=Path("x"), text="", labels=labels)
    assert with_text(kept, "word") is kept


def test_an_example_without_labels_or_with_others_says_what_to_do() -> None:
    with pytest.raises(ManifestError, match="no labels; `seqlabel align` makes them"):
        label_runs(Example(id="x", source=Path("x"), text="a"), TOKENS)
    with pytest.raises(TokenError, match="has 2 tokens"):
        label_runs(Example(id="x", source=Path("x"), labels=(("ab", 1.0),)), TOKENS)


def test_frame_labels_hold_every_run_that_is_longer_than_a_frame() -> None:
    rng = np.random.default_rng(1)
    runs = [
        (int(token), float(length))
        for token, length in zip(rng.integers(1, 9, 20), rng.integers(2, 9, 20), strict=True)
    ]
    total = int(sum(length for _, length in runs))
    expected = [token for token, length in runs for _ in range(int(length))]
    assert frame_labels(runs, total) == expected
