"""What a run does with damaged and foreign files in its folder."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from msgspec.structs import replace
from safetensors.torch import save_file

from seqlabel.checkpoint import load_checkpoint
from seqlabel.errors import ConfigError, ModelFileError
from seqlabel.model_file import read_header
from seqlabel.run_folder import RunFolder, epoch_of_model, error_of_model, previous
from seqlabel.tensor_files import read_tensors
from seqlabel.training import Trainer, train
from tests.nursery import CONFIG, make_corpus, state


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    make_corpus(tmp_path)
    return tmp_path


@pytest.fixture
def run(corpus: Path) -> RunFolder:
    train(CONFIG, corpus / "run", corpus, "cpu")
    return RunFolder(corpus / "run")


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-7] ^= 1
    path.write_bytes(bytes(data))


def log(run: RunFolder) -> str:
    return (run.path / "train.log").read_text()


def test_from_a_damaged_checkpoint_the_run_goes_back_to_the_one_before_and_ends_the_same(
    run: RunFolder, corpus: Path
) -> None:
    expected = state(run.path)
    flip_a_bit(run.checkpoint)
    train(CONFIG, run.path, corpus, "cpu")
    assert (
        "checkpoint.safetensors: damaged, since its content is not that of its checksum; going on from"
        in log(run)
    )
    assert state(run.path) == expected
    assert (run.path / "checkpoint.damaged.safetensors").exists()


def test_a_torn_or_foreign_or_missing_checkpoint_is_passed_over_as_well(run: RunFolder, corpus: Path) -> None:
    expected = state(run.path)
    run.checkpoint.write_bytes(run.checkpoint.read_bytes()[:500])
    train(CONFIG, run.path, corpus, "cpu")
    assert state(run.path) == expected
    shutil.copy(run.last, run.checkpoint)
    train(CONFIG, run.path, corpus, "cpu")
    assert state(run.path) == expected
    run.checkpoint.unlink()
    train(CONFIG, run.path, corpus, "cpu")
    assert "checkpoint.safetensors: is missing; going on from the one before it" in log(run)
    assert state(run.path) == expected


def test_where_neither_can_be_read_nothing_is_begun_anew(run: RunFolder, corpus: Path) -> None:
    for path in (run.checkpoint, previous(run.checkpoint)):
        flip_a_bit(path)
    before = run.best.read_bytes()
    with pytest.raises(ModelFileError, match=r"checkpoint\.safetensors: damaged"):
        train(CONFIG, run.path, corpus, "cpu")
    assert run.best.read_bytes() == before


def test_a_checkpoint_from_before_there_were_checksums_is_gone_on_with(corpus: Path) -> None:
    short = replace(CONFIG, training=replace(CONFIG.training, num_epochs=1))
    train(short, corpus / "run", corpus, "cpu")
    run = RunFolder(corpus / "run")
    tensors, metadata = read_tensors(run.checkpoint)
    progress = json.loads(metadata["progress"])
    for new in (
        *("learning_rate", "rate_share", "num_returns", "returned_to", "recent_skips", "epoch_skipped"),
        *("epoch_frames", "epoch_seconds", "epoch_waiting", "epochs"),
    ):
        del progress[new]
    del progress["experiment"]["training"]["checkpoint_seconds"]
    del progress["experiment"]["data"]["kept_megabytes"]
    progress["experiment"]["training"]["num_epochs"] = 2
    tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("epoch.")}
    save_file(tensors, run.checkpoint, {"format": metadata["format"], "progress": json.dumps(progress)})
    train(replace(CONFIG, training=replace(CONFIG.training, num_epochs=2)), run.path, corpus, "cpu")
    found, _ = load_checkpoint(run.checkpoint)
    assert (found.epoch, len(found.dev_errors), len(found.epochs)) == (2, 2, 1)


def test_a_damaged_best_model_is_replaced_by_the_best_that_is_left(run: RunFolder, corpus: Path) -> None:
    progress, _ = load_checkpoint(run.checkpoint)
    flip_a_bit(run.best)
    train(CONFIG, run.path, corpus, "cpu")
    assert "best.safetensors: damaged" in log(run) and "takes its place" in log(run)
    read_tensors(run.best)
    assert error_of_model(run.best, progress.dev_errors) == min(
        error_of_model(path, progress.dev_errors) for path in (run.last, previous(run.best))
    )


def test_a_model_of_another_run_is_no_best_model(run: RunFolder, corpus: Path) -> None:
    other = replace(CONFIG, training=replace(CONFIG.training, seed=7, num_epochs=1))
    train(other, corpus / "other", corpus, "cpu")
    shutil.copy(corpus / "other" / "best.safetensors", run.best)
    train(CONFIG, run.path, corpus, "cpu")
    assert f"{run.best}: a model of another run; " in log(run)
    assert read_header(run.best).experiment.training.seed == 1
    damaged = run.path / "best.damaged.safetensors"
    assert read_header(damaged).experiment.training.seed == 7


def test_a_model_that_was_tuned_is_still_one_of_the_run(run: RunFolder, corpus: Path) -> None:
    from seqlabel.decoders import BeamConfig
    from seqlabel.language_model import LanguageModels
    from seqlabel.model_file import set_decoding

    set_decoding(run.best, BeamConfig(), LanguageModels())
    before = run.best.read_bytes()
    train(CONFIG, run.path, corpus, "cpu")
    assert run.best.read_bytes() == before


def test_settings_without_effect_may_change_and_others_may_not(run: RunFolder, corpus: Path) -> None:
    before = torch.get_num_threads()
    training = replace(CONFIG.training, checkpoint_seconds=60.0, num_threads=2)
    try:
        train(
            replace(CONFIG, training=training, data=replace(CONFIG.data, kept_megabytes=1.0)),
            run.path,
            corpus,
            "cpu",
        )
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    with pytest.raises(ConfigError, match=r"data\.batch_size: 2 there, 3 now"):
        train(replace(CONFIG, data=replace(CONFIG.data, batch_size=3)), run.path, corpus, "cpu")


def test_a_run_without_a_step_is_none_to_protect(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(trainer: Trainer) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_epoch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(replace(CONFIG, training=replace(CONFIG.training, seed=9)), corpus / "run", corpus, "cpu")
    assert (corpus / "run" / "checkpoint.safetensors").exists()
    train(replace(CONFIG, training=replace(CONFIG.training, num_epochs=1)), corpus / "run", corpus, "cpu")


def test_signals_that_are_read_again_give_the_same_run(corpus: Path, run: RunFolder) -> None:
    expected = state(run.path)
    none_kept = replace(CONFIG, data=replace(CONFIG.data, kept_megabytes=0.0))
    train(none_kept, corpus / "other", corpus, "cpu")
    found = state(corpus / "other")
    for one in (found, expected):  # they hold the setting
        del one["progress"]["experiment"]["data"]["kept_megabytes"]
    assert found == expected


def test_the_best_model_of_an_epoch_that_is_run_again_does_not_become_the_one_before(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a process that was killed between writing the best model and the checkpoint."""
    config = replace(CONFIG, training=replace(CONFIG.training, num_epochs=1))
    save = Trainer._save_checkpoint

    def killed_at_the_end(trainer: Trainer, *, keeps_previous: bool = True) -> None:
        if trainer.progress.epoch:
            raise KeyboardInterrupt
        save(trainer, keeps_previous=keeps_previous)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_save_checkpoint", killed_at_the_end)
        with pytest.raises(KeyboardInterrupt):
            train(config, corpus / "run", corpus, "cpu")
    assert epoch_of_model(corpus / "run" / "best.safetensors") == 1
    train(config, corpus / "run", corpus, "cpu")
    assert not (corpus / "run" / "best.previous.safetensors").exists()
    assert epoch_of_model(corpus / "run" / "none.safetensors") == 0
