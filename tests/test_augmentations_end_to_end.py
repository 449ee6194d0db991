"""Augmentations in a run: what they need is told before it starts, and a model is read without it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seqlabel.augmentations import AdditiveNoiseConfig, CodecConfig, RoomConfig, TempoConfig, TimeWarpConfig
from seqlabel.data import BatchMaker
from seqlabel.encoders import RecurrentConfig
from seqlabel.errors import ConfigError
from seqlabel.experiment import DataConfig, ExperimentConfig
from seqlabel.features import LogMelConfig
from seqlabel.formats import write_wav
from seqlabel.frontend import Frontend, FrontendConfig
from seqlabel.loaded import Loaded
from seqlabel.manifest import write_manifest
from seqlabel.objectives import FramewiseConfig
from seqlabel.records import Example, Waveform

Run = Callable[..., tuple[int, str, str]]

RECIPE = """
from seqlabel.augmentations import AdditiveNoiseConfig
from seqlabel.encoders import RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import LogMelConfig
from seqlabel.frontend import FrontendConfig

config = ExperimentConfig(
    name="noisy",
    data=DataConfig(directory="data"),
    frontend=FrontendConfig(
        feature=LogMelConfig(sample_rate=8000, num_mel_filters=8, high_hz=4000.0),
        signal_augmentations=(AdditiveNoiseConfig(probability=1.0, folder={folder!r}),),
    ),
    encoder=RecurrentConfig(hidden_size=4, num_layers=1),
    training=TrainingConfig(num_epochs=1),
)
"""


def sound(seed: int, seconds: float = 0.5) -> Waveform:
    samples = np.random.default_rng(seed).normal(0, 0.1, round(8000 * seconds)).astype(np.float32)
    return Waveform(samples, 8000)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    for split in ("train", "dev"):
        examples = []
        for number in range(4):
            source = data / f"{split}{number}.wav"
            write_wav(source, sound(number))
            examples.append(Example(id=str(number), source=source, text="ab"[: 1 + number % 2]))
        write_manifest(data / f"{split}.jsonl", examples)
    (tmp_path / "noise").mkdir()
    write_wav(tmp_path / "noise" / "hum.wav", sound(9))
    path = tmp_path / "noisy.py"
    path.write_text(RECIPE.format(folder=str(tmp_path / "noise")))
    return path


def last_line(found: tuple[int, str, str]) -> str:
    code, out, err = found
    assert (code, out) == (2, "")
    return err.splitlines()[-1].removeprefix("seqlabel: ")


def words(recipe: Path) -> list[object]:
    folder = recipe.parent
    return ["train", recipe, "--data-dir", folder / "data", "--run-dir", folder / "run"]


def test_a_model_trained_with_a_folder_of_noise_reads_without_it(run: Run, recipe: Path) -> None:
    code, _, err = run(*words(recipe))
    assert code == 0, err
    (recipe.parent / "noise" / "hum.wav").unlink()
    (recipe.parent / "noise").rmdir()
    model = recipe.parent / "run" / "best.safetensors"
    assert run("evaluate", model, recipe.parent / "data" / "dev.jsonl")[0] == 0
    assert run("info", model)[0] == 0


@pytest.mark.parametrize("command", ["train", "check"])
def test_a_folder_of_noise_that_is_missing_is_told_before_anything_is_read(
    run: Run, recipe: Path, command: str
) -> None:
    name = "--frontend.signal-augmentations.0.folder"
    given = words(recipe) if command == "train" else ["check", recipe, "--data-dir", recipe.parent / "data"]
    said = last_line(run(*given, name, recipe.parent / "nowhere"))
    assert said.startswith(f"{recipe.parent / 'nowhere'}: no such folder of noise")


def test_a_recording_of_noise_that_is_broken_is_told_before_training(run: Run, recipe: Path) -> None:
    (recipe.parent / "noise" / "broken.flac").write_bytes(b"fLaC of no use")
    assert "broken.flac: cannot be decoded" in last_line(run(*words(recipe)))


def frontend() -> Frontend:
    return Frontend(
        FrontendConfig(
            feature=LogMelConfig(sample_rate=8000, num_mel_filters=8, high_hz=4000.0),
            signal_augmentations=(
                TempoConfig(),
                RoomConfig(probability=0.7),
                AdditiveNoiseConfig(probability=0.7),
                CodecConfig(probability=0.7),
            ),
            feature_augmentations=(TimeWarpConfig(max_frames=10),),
        )
    )


def maker() -> BatchMaker:
    loaded = [
        Loaded(Example(id=str(seed), source=Path("x.wav"), text="a"), sound(seed), 48, (1,))
        for seed in range(6)
    ]
    return BatchMaker(frontend(), loaded, lambda target, num_frames: None, 1)


def features_of(made: BatchMaker, epoch: int, indices: list[int], wanted: int) -> np.ndarray:
    batch = made.batch(epoch, indices)
    place = batch.ids.index(str(wanted))
    return batch.features[place, : int(batch.feature_lengths[place])].numpy()


def test_an_example_is_augmented_alike_in_any_batch_in_any_order_and_in_any_process() -> None:
    first = maker()
    for epoch in (1, 2):
        for index in range(6):
            alone = features_of(first, epoch, [index], index)
            # Another process has built its own augmentations and has made other batches before.
            other = maker()
            other.batch(7, [5, 3])
            together = features_of(other, epoch, [4, 2, 0, 5, 1, 3], index)
            np.testing.assert_array_equal(alone, together)


def test_another_epoch_hears_another_noise() -> None:
    made = maker()
    one, other = (features_of(made, epoch, [0], 0) for epoch in (1, 2))
    assert one.shape != other.shape or (one != other).any()


def test_time_is_not_warped_where_each_frame_has_its_label() -> None:
    with pytest.raises(ConfigError, match="time_warp: moves what the frames say"):
        ExperimentConfig(
            name="labels",
            data=DataConfig(directory="data"),
            frontend=FrontendConfig(
                feature=LogMelConfig(), feature_augmentations=(TimeWarpConfig(max_frames=10),)
            ),
            encoder=RecurrentConfig(),
            objective=FramewiseConfig(),
        )
