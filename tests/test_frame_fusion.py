"""Guides, and models made of several: the arithmetic, and the commands on lines of blocks."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from seqlabel.ctc import Emissions, spikes_met
from seqlabel.data import collate
from seqlabel.encoders import (
    ConvLayerConfig,
    ConvRecurrentConfig,
    EncoderConfig,
    ParallelConfig,
    RecurrentConfig,
)
from seqlabel.errors import ConfigError
from seqlabel.experiment import TrainingConfig, load_recipe
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.frame_fusion import merge
from seqlabel.frontend import Frontend
from seqlabel.model import Model
from seqlabel.model_file import Header, LoadedModel, load_model, save_model
from seqlabel.objectives import FramewiseConfig
from seqlabel.optimization import Answering, losses_of
from seqlabel.recognizer import Recognizer
from seqlabel.tokens import BLANK
from seqlabel.training import train
from tests.blocks import TrainedRun

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]
CPU = torch.device("cpu")


def emissions(probs: list[list[list[float]]], lengths: list[int]) -> Emissions:
    return Emissions(torch.tensor(probs).log(), torch.tensor(lengths))


def test_only_the_guides_tokens_in_its_valid_frames_are_to_be_met() -> None:
    guide = emissions([[[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]], [[0.4, 0.6], [0.2, 0.8], [0.1, 0.9]]], [3, 1])
    row = emissions([[[0.5, 0.5], [0.1, 0.9], [0.75, 0.25]], [[0.9, 0.1], [0.0, 1.0], [0.0, 1.0]]], [3, 1])
    torch.testing.assert_close(spikes_met(row, guide), torch.tensor([0.75, 0.1]))


def test_where_the_guide_says_nothing_there_is_no_gradient() -> None:
    logits = torch.zeros(1, 2, 3, requires_grad=True)
    guide = emissions([[[0.9, 0.05, 0.05], [0.1, 0.1, 0.8]]], [2])
    spikes_met(Emissions(logits.log_softmax(-1), torch.tensor([2])), guide).sum().backward()
    gradient = logits.grad
    assert gradient is not None
    assert not gradient[0, 0].any() and gradient[0, 1, 2] > 0 > gradient[0, 1, 0]


STEM = (ConvLayerConfig(channels=3, pool=(2, 2)),)
SMALL = RecurrentConfig(hidden_size=4, num_layers=1, dropout=0.0)
CONVOLUTIONAL = ConvRecurrentConfig(layers=STEM, recurrent=SMALL, dropout=0.0)


@pytest.mark.parametrize(("encoder", "num_views"), [(SMALL, 1), (CONVOLUTIONAL, 1), (CONVOLUTIONAL, 2)])
def test_what_meets_the_guide_is_taken_off_the_loss(encoder: EncoderConfig, num_views: int) -> None:
    torch.manual_seed(1)
    model, guide = (Model(encoder, 6, 4).eval() for _ in range(2))
    batch = collate([(name, np.random.default_rng(1).normal(size=(9, 6)), (1, 3)) for name in "ab"])
    training = TrainingConfig(guide_weight=0.5, consistency=0.2)
    given = (Answering(model), model, batch, CPU, torch.float32, num_views, training)
    plain, guided = losses_of(*given), losses_of(*given, guide)
    with torch.no_grad():
        met = spikes_met(*(one(batch.features, batch.feature_lengths) for one in (model, guide)))
    torch.testing.assert_close(guided.total, plain.total - 0.5 * met.sum())
    torch.testing.assert_close(guided.of_answer, plain.of_answer)
    assert met.sum() > 0


# --- models made of several -------------------------------------------------------------------------------


def loaded(trained_run: TrainedRun, encoder: EncoderConfig, seed: int) -> LoadedModel:
    """The trained model with an encoder of random weights in the place of its own."""
    own = load_model(trained_run.model, CPU)
    torch.manual_seed(seed)
    model = Model(encoder, own.frontend.dim, len(own.header.tokens)).eval()
    torch.nn.init.normal_(model.head.bias)
    header = replace(own.header, experiment=replace(own.header.experiment, encoder=encoder))
    return LoadedModel(header, own.frontend, model, own.language)


@pytest.mark.parametrize(
    "encoders",
    [
        (SMALL, replace(SMALL, hidden_size=6, merge="sum"), replace(SMALL, direction="forward")),
        (
            ConvRecurrentConfig(layers=STEM, recurrent=SMALL, shortcut=0.1),
            ConvRecurrentConfig(layers=STEM, recurrent=replace(SMALL, num_layers=2)),
        ),
    ],
    ids=["recurrent", "conv_recurrent"],
)
def test_logits_are_the_mean_of_those_of_the_models(
    encoders: tuple[EncoderConfig, ...], trained_run: TrainedRun
) -> None:
    models = [loaded(trained_run, encoder, seed) for seed, encoder in enumerate(encoders)]
    config, weights = merge(models)
    made = Model(config, models[0].frontend.dim, len(models[0].header.tokens)).eval()
    made.load_state_dict(weights)
    features, lengths = torch.randn(3, 9, models[0].frontend.dim), torch.tensor([9, 4, 7])
    found, each = made(features, lengths), [one.model(features, lengths) for one in models]
    mean = torch.stack([one.log_probs for one in each]).mean(dim=0).log_softmax(dim=-1)
    assert torch.equal(found.lengths, each[0].lengths)
    for row, expected, length in zip(found.log_probs, mean, found.lengths.tolist(), strict=True):
        torch.testing.assert_close(row[:length], expected[:length], rtol=1e-5, atol=1e-5)


def test_what_cannot_be_merged_is_named(trained_run: TrainedRun) -> None:
    first = loaded(trained_run, SMALL, 1)
    blank, *names = first.header.tokens.tokens
    other_tokens = replace(first.header.tokens, tokens=(blank, *names[::-1]))
    frontend = Frontend(replace(first.frontend.config, stacking=None))
    feature = replace(first.frontend.config.feature, pad_columns=1)
    stem = ConvRecurrentConfig(layers=STEM, recurrent=SMALL)
    for other, expected in (
        (LoadedModel(replace(first.header, tokens=other_tokens), *_rest(first)), "other tokens"),
        (
            LoadedModel(first.header, Frontend(replace(frontend.config, feature=feature)), *_rest(first)[1:]),
            "settings of the feature",
        ),
        (loaded(trained_run, stem, 2), "another number of frames"),
        (loaded(trained_run, ParallelConfig(members=(SMALL, SMALL)), 2), "is merged already"),
    ):
        with pytest.raises(ConfigError, match=expected):
            merge([first, other])


def _rest(model: LoadedModel) -> tuple[Frontend, Model, object]:
    return model.frontend, model.model, model.language


def test_statistics_of_other_data_are_other_frames(trained_run: TrainedRun) -> None:
    first, second = (loaded(trained_run, SMALL, seed) for seed in (1, 2))
    config = replace(first.frontend.config, normalization=NormalizationConfig(scope="corpus"))
    frontends = []
    for mean in (0.0, 0.5):
        frontend = Frontend(config)
        dim = frontend.feature.dim
        frontend.set_statistics({"mean": np.full(dim, mean, np.float32), "std": np.ones(dim, np.float32)})
        frontends.append(frontend)
    models = [
        LoadedModel(one.header, frontend, one.model, one.language)
        for one, frontend in zip((first, second), frontends, strict=True)
    ]
    merge([models[0], LoadedModel(second.header, frontends[0], second.model, second.language)])
    with pytest.raises(ConfigError, match="statistics of other data"):
        merge(models)


# --- on lines of blocks -----------------------------------------------------------------------------------


def share_met(path: Path, guide: Path, manifest: Path) -> float:
    """The mean probability that a model gives to the guide's tokens at their frames."""
    met, num_spikes = 0.0, 0
    rows, wanted = (Recognizer.load(one, "cpu").emissions(manifest)[1] for one in (path, guide))
    for row, want in zip(rows, wanted, strict=True):
        lengths = torch.tensor([len(row)])
        said = (Emissions(torch.from_numpy(one)[None], lengths) for one in (row, want))
        met += float(spikes_met(*said)[0])
        num_spikes += int((want.argmax(axis=1) != BLANK).sum())
    return met / num_spikes


@pytest.fixture(scope="module")
def guided(trained_run: TrainedRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of another seed, that has learnt with the trained run as its guide."""
    run = tmp_path_factory.mktemp("guided") / "run"
    settings = ["--training.seed", "2", "--training.guide", str(trained_run.model)]
    train(load_recipe(trained_run.recipe, settings), run, trained_run.data, "cpu")
    return run / "best.safetensors"


def test_a_guided_model_has_its_tokens_where_the_guide_has_them(
    trained_run: TrainedRun, guided: Path, tmp_path: Path
) -> None:
    settings = load_recipe(trained_run.recipe, ["--training.seed", "2"])
    free = train(settings, tmp_path / "free", trained_run.data, "cpu").best_model
    dev = trained_run.data / "dev.jsonl"
    met = [share_met(path, trained_run.model, dev) for path in (guided, free)]
    assert 1 - met[0] < (1 - met[1]) / 5


def test_a_merged_model_is_a_model_like_any_other(
    trained_run: TrainedRun, guided: Path, run: Run, tmp_path: Path
) -> None:
    out, dev = tmp_path / "merged.safetensors", trained_run.data / "dev.jsonl"
    code, said, err = run("merge", trained_run.model, guided, "--dev", dev, "-o", out)
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in said.splitlines()] == [
        str(trained_run.model), str(guided), "merged", "written"
    ]  # fmt: skip
    header = load_model(out, CPU).header
    assert isinstance(header.experiment.encoder, ParallelConfig) and len(header.merged_from) == 2
    # The heads have one bias for each of the five tokens together.
    assert header.calibration is not None and header.num_parameters == 2 * _num_weights(guided) - 5
    code, said, _ = run("evaluate", out, dev, "--json")
    assert code == 0 and json.loads(said)["cer"] == header.summary.dev_cer <= 0.05
    assert run("transcribe", out, trained_run.data / "test" / "00.png")[0] == 0
    assert "2 times (hidden size 32" in run("info", out)[1] and "seed 2" in run("info", out)[1]


def _num_weights(path: Path) -> int:
    return load_model(path, CPU).header.num_parameters


def test_models_that_had_no_guide_are_told_of(trained_run: TrainedRun, run: Run, tmp_path: Path) -> None:
    own = load_model(trained_run.model, CPU)
    weights = own.model.state_dict()
    weights["head.bias"][0] = 1000.0  # says nothing, and is sure of it
    silent, out = tmp_path / "silent.safetensors", tmp_path / "out.safetensors"
    save_model(silent, own.header, weights, own.frontend)
    code, said, err = run(
        "merge", trained_run.model, silent, "--dev", trained_run.data / "dev.jsonl", "-o", out
    )
    assert code == 0 and out.exists() and "merged" in said
    [line] = err.splitlines()
    assert str(out) in line and "--training.guide" in line and "evaluate --with" in line


def test_what_merge_refuses(trained_run: TrainedRun, refusal: Refusal, tmp_path: Path) -> None:
    dev, out, model = trained_run.data / "dev.jsonl", tmp_path / "out.safetensors", trained_run.model
    assert "name two or more" in refusal("merge", model, "--dev", dev, "-o", out)
    assert "name another file" in refusal("merge", model, model, "--dev", dev, "-o", model)
    assert "gone.safetensors" in refusal(
        "merge", model, tmp_path / "gone.safetensors", "--dev", dev, "-o", out
    )
    assert "gone.jsonl" in refusal("merge", model, model, "--dev", tmp_path / "gone.jsonl", "-o", out)
    assert str(tmp_path) in refusal("merge", model, model, "--dev", dev, "-o", tmp_path)
    assert not out.exists()


def test_a_guide_of_another_kind_is_refused(trained_run: TrainedRun, run: Run, tmp_path: Path) -> None:
    def said(guide: Path, *words: object) -> str:
        command = ("train", trained_run.recipe, "--data-dir", trained_run.data, "--run-dir", tmp_path / "run")
        code, _, err = run(*command, "--training.guide", guide, *words)
        assert code == 2 and not (tmp_path / "run" / "checkpoint.safetensors").exists()
        return err.splitlines()[-1]

    assert "gone.safetensors" in said(tmp_path / "gone.safetensors")
    line = said(trained_run.model, "--frontend.feature.step", "1")
    assert str(trained_run.model) in line and "other settings of the feature" in line


def test_a_guide_shows_labels_of_frames_nothing(trained_run: TrainedRun) -> None:
    config = load_recipe(trained_run.recipe)
    with pytest.raises(ConfigError, match=r"training\.guide"):
        replace(config, objective=FramewiseConfig(), training=replace(config.training, guide="a"))


def test_a_header_with_members_that_disagree_is_refused(
    trained_run: TrainedRun, refusal: Refusal, tmp_path: Path
) -> None:
    own = load_model(trained_run.model, CPU)
    config = ParallelConfig(members=(SMALL, ConvRecurrentConfig(layers=STEM, recurrent=SMALL)))
    header: Header = replace(own.header, experiment=replace(own.header.experiment, encoder=config))
    path = tmp_path / "odd.safetensors"
    save_model(
        path, header, own.model.state_dict() | {"x": torch.zeros(1), "y": torch.zeros(1)}, own.frontend
    )
    assert "number 2 makes another number of frames" in refusal(
        "transcribe", path, trained_run.data / "test" / "00.png"
    )
