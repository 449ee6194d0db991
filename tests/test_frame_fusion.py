"""Guides, and models made of several: the arithmetic, and the commands on lines of blocks."""

import dataclasses
import json
import os
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
from seqlabel.frontend import Frontend, FrontendConfig
from seqlabel.manifest import read_manifest, write_manifest
from seqlabel.merging import _origin
from seqlabel.model import Model
from seqlabel.model_file import Header, LoadedModel, load_model, save_model
from seqlabel.objectives import FramewiseConfig
from seqlabel.optimization import Answering, losses_of
from seqlabel.recognizer import Recognizer
from seqlabel.tensor_files import read_tensors
from seqlabel.texts import TextConfig
from seqlabel.tokens import BLANK
from seqlabel.training import Trainer, TrainingStopped, train
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


@pytest.mark.parametrize("encoder", [SMALL, CONVOLUTIONAL], ids=["recurrent", "conv_recurrent"])
@pytest.mark.parametrize("num_views", [1, 2])
def test_what_meets_the_guide_is_taken_off_the_loss(encoder: EncoderConfig, num_views: int) -> None:
    torch.manual_seed(1)
    model, guide = (Model(encoder, 6, 4).eval() for _ in range(2))
    rng = np.random.default_rng(1)
    rows = [
        (str(length), rng.normal(size=(length, 6)), target) for length, target in ((9, (1, 3)), (5, (2,)))
    ]
    # A network without a stem is given its views as examples, the first of all and then the second.
    times = 1 if model.makes_views else num_views
    batch = collate(rows * times)
    training = TrainingConfig(guide_weight=0.5, consistency=0.2)
    given = (Answering(model), model, batch, CPU, torch.float32, num_views, training)
    plain, guided = losses_of(*given), losses_of(*given, guide)
    with torch.no_grad():
        once = collate(rows)
        met = spikes_met(*(one(once.features, once.feature_lengths) for one in (model, guide)))
    assert 0 < met[0] != met[1] > 0
    torch.testing.assert_close(guided.total, plain.total - 0.5 * times * met.sum())
    torch.testing.assert_close(guided.of_answer, plain.of_answer)


# --- models made of several -------------------------------------------------------------------------------


def loaded(trained_run: TrainedRun, encoder: EncoderConfig, seed: int) -> LoadedModel:
    """The trained model with an encoder of random weights in the place of its own."""
    own = load_model(trained_run.model, CPU)
    torch.manual_seed(seed)
    model = Model(encoder, own.frontend.dim, len(own.header.tokens)).eval()
    torch.nn.init.normal_(model.head.bias)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            torch.nn.init.normal_(module.running_mean, std=0.5)
            torch.nn.init.uniform_(module.running_var, 0.3, 2.0)
    header = replace(own.header, experiment=replace(own.header.experiment, encoder=encoder))
    return LoadedModel(header, own.frontend, model, own.language)


def changed(model: LoadedModel, **settings: object) -> LoadedModel:
    """The model as if its experiment had other settings."""
    experiment = replace(model.header.experiment, **settings)
    frontend = Frontend(experiment.frontend)
    return LoadedModel(replace(model.header, experiment=experiment), frontend, model.model, model.language)


@pytest.mark.parametrize(
    "encoders",
    [
        (
            SMALL,
            replace(SMALL, hidden_size=6, merge="sum"),
            replace(SMALL, direction="forward"),
            replace(SMALL, direction="backward", projection_size=2),
        ),
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
    config, made = merge(models, "abcd"[: len(models)])
    assert config.members == encoders
    features, lengths = torch.randn(3, 9, models[0].frontend.dim), torch.tensor([9, 4, 7])
    with torch.no_grad():
        found, each = made(features, lengths), [one.model(features, lengths) for one in models]
    mean = torch.stack([one.log_probs for one in each]).mean(dim=0).log_softmax(dim=-1)
    assert torch.equal(found.lengths, each[0].lengths)
    for row, expected, length in zip(found.log_probs, mean, found.lengths.tolist(), strict=True):
        torch.testing.assert_close(row[:length], expected[:length], rtol=1e-5, atol=1e-5)


def test_what_cannot_be_merged_is_named(trained_run: TrainedRun) -> None:
    first = loaded(trained_run, SMALL, 1)
    blank, *names = first.header.tokens.tokens
    tokens = replace(first.header.tokens, tokens=(blank, *names[::-1]))
    feature = replace(first.frontend.config.feature, pad_columns=1)
    headers = (
        (replace(first.header, tokens=tokens), "second: cannot be merged with first: it has other tokens"),
        (replace(first.header, adapted_to="3 examples"), "second: is adapted"),
    )
    others = [
        (LoadedModel(header, first.frontend, first.model, first.language), said) for header, said in headers
    ]
    for other, expected in (
        *others,
        (changed(first, frontend=replace(first.frontend.config, feature=feature)), "settings of the feature"),
        (changed(first, objective=FramewiseConfig()), "has not learnt by CTC"),
        (changed(first, texts=TextConfig(unicode_form="NFD")), "other rules for texts"),
        (loaded(trained_run, CONVOLUTIONAL, 2), "another number of frames"),
        (loaded(trained_run, ParallelConfig(members=(SMALL, SMALL)), 2), "second: is merged already"),
    ):
        with pytest.raises(ConfigError, match=expected):
            merge([first, other], ["first", "second"])


def test_statistics_of_other_data_are_other_frames(trained_run: TrainedRun) -> None:
    config = FrontendConfig(
        feature=load_model(trained_run.model, CPU).frontend.config.feature,
        normalization=NormalizationConfig(scope="corpus"),
    )
    models = [changed(loaded(trained_run, SMALL, seed), frontend=config) for seed in range(3)]
    for one, mean in zip(models, (0.5, 0.5, 0.0), strict=True):
        dim = one.frontend.feature.dim
        one.frontend.set_statistics({"mean": np.full(dim, mean, np.float32), "std": np.ones(dim, np.float32)})
    merge(models[:2], "ab")
    with pytest.raises(ConfigError, match=r"c: .*statistics of other data"):
        merge(models, "abc")


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


def test_models_that_had_no_guide_are_told_of(
    trained_run: TrainedRun, guided: Path, run: Run, tmp_path: Path
) -> None:
    own = load_model(trained_run.model, CPU)
    weights = own.model.state_dict()
    weights["head.bias"][0] = 1000.0  # says nothing, and is sure of it
    silent, out = tmp_path / "silent.safetensors", tmp_path / "out.safetensors"
    save_model(silent, load_model(guided, CPU).header, weights, own.frontend)
    dev = trained_run.data / "train.jsonl"
    for other, expected in (
        (silent, "much worse than its models"),
        (trained_run.model, "not learnt with one guide"),
    ):
        code, said, err = run("merge", trained_run.model, other, "--dev", dev, "-o", out)
        assert code == 0 and out.exists() and "merged" in said
        [line] = err.splitlines()
        assert line.startswith(f"seqlabel: {out}: ") and expected in line and "evaluate --with" in line


def test_decoder_and_language_are_those_of_the_first(
    trained_run: TrainedRun, guided: Path, run: Run, tmp_path: Path
) -> None:
    lm, tuned, out = (tmp_path / name for name in ("a.arpa", "tuned.safetensors", "out.safetensors"))
    tuned.write_bytes(trained_run.model.read_bytes())
    dev = trained_run.data / "dev.jsonl"
    assert run("lm", "build", trained_run.data / "train.jsonl", "-o", lm, "--order", 3)[0] == 0
    assert run("lm", "tune", tuned, dev, "--lm", lm)[0] == 0
    assert run("merge", tuned, guided, "--dev", dev, "-o", out)[0] == 0
    made, first = load_model(out, CPU), load_model(tuned, CPU)
    assert made.header.experiment.decoder == first.header.experiment.decoder
    assert made.language.tokens is not None and first.language.tokens is not None
    assert made.language.tokens.words == first.language.tokens.words
    assert made.header.merged_from == (f"{tuned}, seed 1", f"{guided}, seed 2")
    code, said, _ = run("evaluate", out, dev, "--json")
    assert code == 0 and json.loads(said)["cer"] == made.header.summary.dev_cer


def test_a_name_that_is_no_text_is_told_of_as_far_as_it_can_be_read(trained_run: TrainedRun) -> None:
    name = Path(os.fsdecode(b"odd \xff.safetensors"))
    assert _origin(name, load_model(trained_run.model, CPU)) == "odd \ufffd.safetensors, seed 1"


def test_what_merge_refuses(trained_run: TrainedRun, refusal: Refusal, tmp_path: Path) -> None:
    dev, out, model = trained_run.data / "dev.jsonl", tmp_path / "out.safetensors", trained_run.model
    assert "name two or more" in refusal("merge", model, "--dev", dev, "-o", out)
    for path in (model, dev):
        assert "name another one" in refusal("merge", model, model, "--dev", dev, "-o", path)
    assert "gone.safetensors" in refusal(
        "merge", model, tmp_path / "gone.safetensors", "--dev", dev, "-o", out
    )
    assert "gone.jsonl" in refusal("merge", model, model, "--dev", tmp_path / "gone.jsonl", "-o", out)
    assert str(tmp_path) in refusal("merge", model, model, "--dev", dev, "-o", tmp_path)
    silence = tmp_path / "silence.jsonl"
    write_manifest(silence, [dataclasses.replace(read_manifest(dev)[0], text="")])
    assert "there is no text" in refusal("merge", model, model, "--dev", silence, "-o", out)
    assert not out.exists()


def test_a_guide_of_another_kind_is_refused(
    trained_run: TrainedRun, run: Run, refusal: Refusal, tmp_path: Path
) -> None:
    command = ("train", trained_run.recipe, "--data-dir", trained_run.data, "--run-dir", tmp_path / "run")
    gone = tmp_path / "gone.safetensors"
    assert "gone.safetensors" in refusal(*command, "--training.guide", gone)
    line = refusal(*command, "--training.guide", trained_run.model, "--frontend.feature.step", "1")
    assert str(trained_run.model) in line and "other settings of the feature" in line
    # Other tokens are seen when the training texts have been read.
    own = load_model(trained_run.model, CPU)
    tokens = replace(own.header.tokens, tokens=(*own.header.tokens.tokens[:-1], "z"))
    other = tmp_path / "other.safetensors"
    save_model(other, replace(own.header, tokens=tokens), own.model.state_dict(), own.frontend)
    code, _, err = run(*command, "--training.guide", other)
    assert code == 2 and f"training.guide {other}: it has other tokens" in err.splitlines()[-1]


def test_a_run_goes_on_with_the_guide_that_it_began_with(trained_run: TrainedRun, tmp_path: Path) -> None:
    guide = tmp_path / "guide.safetensors"
    settings = ["--training.guide", str(guide), "--training.num-epochs", "3"]
    models = []
    for name in ("straight", "interrupted"):
        guide.write_bytes(trained_run.model.read_bytes())
        config = load_recipe(trained_run.recipe, settings)
        if name == "interrupted":

            def stopped(trainer: Trainer, *_: object) -> None:
                raise TrainingStopped("after an epoch")

            with pytest.MonkeyPatch.context() as patch, pytest.raises(TrainingStopped):
                patch.setattr(Trainer, "_stop_if_requested", stopped)
                train(config, tmp_path / name, trained_run.data, "cpu")
            guide.unlink()
        train(config, tmp_path / name, trained_run.data, "cpu")
        models.append(read_tensors(tmp_path / name / "last.safetensors")[0])
    for tensor_name, tensor in models[0].items():
        assert torch.equal(tensor, models[1][tensor_name])
    assert (tmp_path / "interrupted" / "guide.safetensors").read_bytes() == trained_run.model.read_bytes()


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
