from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seqlabel.formats import read_audio, read_line_image, write_line_image, write_strokes, write_wav
from seqlabel.records import LineImage, Strokes, Waveform

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]

RECIPE = """
from seqlabel.augmentations import *
from seqlabel.encoders import RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig
from seqlabel.features import *
from seqlabel.frontend import FrontendConfig

config = ExperimentConfig(
    name="heard",
    data=DataConfig(directory="data"),
    frontend=FrontendConfig(feature={feature}, signal_augmentations=({augmentations})),
    encoder=RecurrentConfig(hidden_size=4, num_layers=1),
)
"""


def recipe(folder: Path, feature: str, augmentations: str) -> Path:
    path = folder / "heard.py"
    path.write_text(RECIPE.format(feature=feature, augmentations=augmentations))
    return path


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    return recipe(
        tmp_path,
        "LogMelConfig(sample_rate=8000, high_hz=4000.0)",
        "SpeedConfig(), RoomConfig(probability=1.0), AdditiveNoiseConfig(probability=1.0),",
    )


def voice(folder: Path, name: str, rate: int = 8000, seed: int = 1) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    samples = np.random.default_rng(seed).normal(0, 0.1, rate).astype(np.float32)
    write_wav(path, Waveform(samples, rate))
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_each_file_is_written_as_often_as_was_asked_for_and_each_time_otherwise(
    run: Run, speech: Path, tmp_path: Path
) -> None:
    files = [voice(tmp_path / "in", name) for name in ("a.wav", "b.wav")]
    code, out, err = run("augment", speech, *files, "--out", tmp_path / "out", "--count", 3)
    assert (code, err) == (0, "")
    names = [f"{stem}-{number}.wav" for stem in "ab" for number in (1, 2, 3)]
    assert [line.split(":")[0] for line in out.splitlines()] == [str(tmp_path / "out" / n) for n in names]
    found = contents(tmp_path / "out")
    assert sorted(found) == names
    assert len(set(found.values())) == 6


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    run: Run, speech: Path, tmp_path: Path
) -> None:
    file = voice(tmp_path / "in", "a.wav")
    for name, seed in (("first", 7), ("again", 7), ("other", 8)):
        assert run("augment", speech, file, "--out", tmp_path / name, "--seed", seed)[0] == 0
    first, again, other = (contents(tmp_path / name) for name in ("first", "again", "other"))
    assert first == again
    assert all(first[name] != other[name] for name in first)


def test_the_files_have_the_rate_at_which_the_recipe_listens(run: Run, speech: Path, tmp_path: Path) -> None:
    file = voice(tmp_path / "in", "a.wav", rate=16000)
    run("augment", speech, file, "--out", tmp_path / "out", "--count", 1)
    assert read_audio(tmp_path / "out" / "a-1.wav", sample_rate=None).sample_rate == 8000


def test_what_would_not_fit_into_a_file_is_turned_down_as_a_whole(run: Run, tmp_path: Path) -> None:
    loud = recipe(
        tmp_path,
        "LogMelConfig(sample_rate=8000, high_hz=4000.0)",
        "VolumeConfig(lowest_db=30.0, highest_db=30.0, clips=False),",
    )
    file = voice(tmp_path / "in", "a.wav")
    _, out, _ = run("augment", loud, file, "--out", tmp_path / "out", "--count", 1)
    assert "turned down by" in out
    before, after = (
        read_audio(path, sample_rate=None).samples for path in (file, tmp_path / "out" / "a-1.wav")
    )
    np.testing.assert_allclose(after, before / np.abs(before).max(), atol=2e-4)


def test_settings_can_be_overridden_for_trying(run: Run, speech: Path, tmp_path: Path) -> None:
    file = voice(tmp_path / "in", "a.wav")
    name = "--frontend.signal-augmentations"
    given = [f"{name}.0.slowest", 0.5, f"{name}.0.fastest", 0.5]
    run("augment", speech, file, "--out", tmp_path / "out", "--count", 1, *given)
    assert len(read_audio(tmp_path / "out" / "a-1.wav", sample_rate=None).samples) == 16000


def test_folders_are_walked(run: Run, speech: Path, tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav"):
        voice(tmp_path / "in", name)
    run("augment", speech, tmp_path / "in", "--out", tmp_path / "out", "--count", 1)
    assert sorted(contents(tmp_path / "out")) == ["a-1.wav", "b-1.wav"]


def test_line_images_are_written_as_png(run: Run, tmp_path: Path) -> None:
    pixels = np.full((40, 200), 220, np.uint8)
    pixels[10:30, 50:55] = 10
    write_line_image(tmp_path / "line.png", LineImage(pixels))
    sheared = recipe(tmp_path, "ColumnConfig(height=32)", "ImageWarpConfig(shear=0.5, probability=1.0),")
    assert run("augment", sheared, tmp_path / "line.png", "--out", tmp_path / "out", "--count", 2)[0] == 0
    first, second = (read_line_image(tmp_path / "out" / f"line-{number}.png").pixels for number in (1, 2))
    assert first.shape[0] == second.shape[0] == 32
    assert first.min() < 100 < first.max()
    assert first.shape != second.shape or (first != second).any()


def test_ink_is_drawn(run: Run, tmp_path: Path) -> None:
    strokes = (np.array([[0, 0], [50, 100], [100, 0]], np.float32), np.array([[150, 50]], np.float32))
    write_strokes(tmp_path / "ink.json", Strokes(strokes))
    warped = recipe(tmp_path, "PenConfig()", "PenWarpConfig(),")
    code, out, _ = run("augment", warped, tmp_path / "ink.json", "--out", tmp_path / "out", "--count", 1)
    assert code == 0
    assert out.endswith("ink-1.png: 2 strokes, 4 points\n")
    pixels = read_line_image(tmp_path / "out" / "ink-1.png").pixels
    assert pixels.shape[0] == 96
    assert 0.01 < (pixels < 128).mean() < 0.3


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_written(
    run: Run, speech: Path, tmp_path: Path
) -> None:
    file = voice(tmp_path / "in", "a.wav")
    (tmp_path / "in" / "bad.wav").write_bytes(b"")
    code, out, err = run("augment", speech, tmp_path / "in" / "bad.wav", file, "--out", tmp_path / "out")
    assert code == 2
    assert len(out.splitlines()) == 5
    assert err.splitlines() == [
        f"seqlabel: {tmp_path / 'in' / 'bad.wav'}: is empty (0 bytes); expected an audio file (wav, flac, ogg, opus, "
        "mp3, ...)"
    ]


@pytest.mark.parametrize(
    ("feature", "augmentations", "told"),
    [
        (
            "MatrixConfig(dim=3)",
            "SpeedConfig(),",
            "its feature is matrix, which can neither be heard nor be seen",
        ),
        ("LogMelConfig()", "", "has no frontend.signal_augmentations; name some"),
        ("LogMelConfig()", "TempoConfig(slowest=2.0),", "tempo: slowest 2 is above fastest 1.15"),
        ("LogMelConfig()", "AdditiveNoiseConfig(folder='gone'),", "gone: no such folder of noise"),
    ],
)
def test_a_recipe_with_nothing_to_hear_is_refused(
    refusal: Refusal, tmp_path: Path, feature: str, augmentations: str, told: str
) -> None:
    path = recipe(tmp_path, feature, augmentations)
    assert told in refusal("augment", path, voice(tmp_path / "in", "a.wav"), "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--count", "0"], "--count 0: expected from 1"),
        (["--seed", "-1"], "--seed -1: expected from 0"),
        (["--frontend.nothing", "3"], "no setting 'nothing'"),
    ],
)
def test_options_out_of_range_are_refused(
    refusal: Refusal, speech: Path, tmp_path: Path, options: list[str], told: str
) -> None:
    file = voice(tmp_path / "in", "a.wav")
    assert told in refusal("augment", speech, file, "--out", tmp_path / "out", *options)


def test_places_where_nothing_can_be_written_are_refused(
    refusal: Refusal, speech: Path, tmp_path: Path
) -> None:
    file = voice(tmp_path / "in", "a.wav")
    assert "is a file; name a folder" in refusal("augment", speech, file, "--out", file)
    assert "its folder does not exist" in refusal("augment", speech, file, "--out", tmp_path / "x" / "y")
    assert "holds no file that the recipe reads" in refusal(
        "augment", speech, (tmp_path / "x").mkdir() or tmp_path / "x", "--out", tmp_path / "out"
    )


def test_no_file_takes_the_place_of_another(refusal: Refusal, speech: Path, tmp_path: Path) -> None:
    first, second = voice(tmp_path / "in", "a.wav"), voice(tmp_path / "too", "a.wav")
    assert "would be written as a-1.wav, and so would" in refusal(
        "augment", speech, first, second, "--out", tmp_path / "out"
    )
    same = voice(tmp_path / "in", "a-1.wav")
    assert "is one of the files that are read" in refusal(
        "augment", speech, first, same, "--out", tmp_path / "in"
    )


def test_the_recipe_comes_first(refusal: Refusal, tmp_path: Path) -> None:
    file = voice(tmp_path / "in", "a.wav")
    assert "expected a recipe first" in refusal("augment", file, file, "--out", tmp_path / "out")
