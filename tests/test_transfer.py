"""A run that begins with the weights of a trained model."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from seqlabel.encoders import ConvLayerConfig, ConvRecurrentConfig, RecurrentConfig
from seqlabel.errors import ConfigError
from seqlabel.experiment import load_recipe
from seqlabel.manifest import write_manifest
from seqlabel.model import Model
from seqlabel.model_file import load_model
from seqlabel.records import Example
from seqlabel.tokens import TokenTable
from seqlabel.transfer import first_part, take_over
from tests.blocks import TrainedRun, draw_blocks

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def other_data(tmp_path: Path) -> Path:
    """Sixteen lines of which some have a letter that the trained model does not know: d is drawn as c."""
    folder = tmp_path / "data"
    folder.mkdir()
    rng = np.random.default_rng(5)
    for name in ("train", "dev"):
        examples = []
        for number in range(16):
            text = "".join(rng.choice(list("abc"), size=4))
            draw_blocks(folder / f"{name}{number}.png", text)
            text = text.replace("c", "d") if number % 4 == 0 else text
            examples.append(Example(id=f"{name}{number}", source=folder / f"{name}{number}.png", text=text))
        write_manifest(folder / f"{name}.jsonl", examples)
    return folder


def test_what_fits_is_taken_over_and_tokens_by_their_names(trained_run: TrainedRun) -> None:
    theirs = load_model(trained_run.model, torch.device("cpu"))
    config = load_recipe(trained_run.recipe)
    tokens = TokenTable.from_texts(["cbda"])  # the space is missing, d is new
    model = Model(config.encoder, theirs.frontend.dim, len(tokens))
    before = model.head.weight.clone()
    found = take_over(model, tokens, trained_run.model, config.frontend)
    assert found.new_tokens == ("d",) and found.same_features
    for token in ("<blank>", "a", "b", "c"):
        mine, other = tokens.tokens.index(token), theirs.header.tokens.tokens.index(token)
        assert torch.equal(model.head.weight[mine], theirs.model.head.weight[other])
        assert model.head.bias[mine] == theirs.model.head.bias[other]
    d = tokens.tokens.index("d")
    assert torch.equal(model.head.weight[d], before[d])
    for name, tensor in theirs.model.encoder.state_dict().items():
        assert torch.equal(model.encoder.state_dict()[name], tensor)
    assert found.num_weights - found.num_taken == model.head.weight.shape[1] + 1


def test_a_model_in_which_nothing_fits_is_refused(trained_run: TrainedRun) -> None:
    tokens = TokenTable.from_texts(["ab"])
    model = Model(RecurrentConfig(hidden_size=5, num_layers=1), 3, len(tokens))
    with pytest.raises(ConfigError, match="none of its weights fits"):
        take_over(model, tokens, trained_run.model, load_recipe(trained_run.recipe).frontend)


def test_what_is_held_still_is_the_stem_or_the_whole_encoder() -> None:
    recurrent = RecurrentConfig(hidden_size=4, num_layers=1)
    model = Model(ConvRecurrentConfig(layers=(ConvLayerConfig(channels=2),), recurrent=recurrent), 8, 3)
    names = {
        name
        for name, p in model.named_parameters()
        if any(p is held for held in first_part(model).parameters())
    }
    assert names and all(name.startswith("encoder.stem.") for name in names)
    plain = Model(recurrent, 8, 3)
    assert first_part(plain) is plain.encoder


def test_a_run_begins_where_the_other_ended(
    run: Run, trained_run: TrainedRun, other_data: Path, tmp_path: Path
) -> None:
    def losses(name: str, *words: object) -> tuple[list[float], str]:
        folder = tmp_path / name
        code, _, err = run(
            "train", trained_run.recipe, "--data-dir", other_data, "--run-dir", folder, *words,
            "--training.num-epochs", 2, "--training.learning-rate", 0.003,
        )  # fmt: skip
        assert code == 0, err
        log = (folder / "metrics.jsonl").read_text().splitlines()
        return [json.loads(line)["train_loss"] for line in log], (folder / "train.log").read_text()

    scratch, _ = losses("scratch")
    begun, told = losses("begun", "--init-from", trained_run.model)
    assert begun[0] < 0.6 * scratch[0]
    assert "5 of 6 tokens; its own are 'd'" in told or "4 of 5 tokens; its own are 'd'" in told
    losses("held", "--init-from", trained_run.model, "--training.frozen-steps", 1000)
    theirs = load_model(trained_run.model, torch.device("cpu")).model
    held = load_model(tmp_path / "held" / "last.safetensors", torch.device("cpu")).model
    for name, tensor in theirs.encoder.state_dict().items():
        assert torch.equal(held.encoder.state_dict()[name], tensor)
    assert not torch.equal(held.head.bias[:3], theirs.head.bias[:3])
    # The run goes on without the model that it began with.
    code, _, _ = run(
        "train", trained_run.recipe, "--data-dir", other_data, "--run-dir", tmp_path / "begun",
        "--init-from", trained_run.model,
        "--training.num-epochs", 2, "--training.learning-rate", 0.003,
    )  # fmt: skip
    assert code == 0


def test_a_model_that_is_none_is_told_before_the_data_are_read(
    run: Run, trained_run: TrainedRun, other_data: Path, tmp_path: Path
) -> None:
    words = ("--data-dir", other_data, "--run-dir", tmp_path / "run")
    code, _, err = run("train", trained_run.recipe, *words, "--init-from", other_data / "train.jsonl")
    assert code == 2 and "train.jsonl" in err and not (tmp_path / "run").exists()
