"""Writing that is brought to the size which all lines of a hand or a page tell together."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from seqlabel.checks.targets import TargetCheck
from seqlabel.data import read_signals
from seqlabel.encoders import RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig
from seqlabel.features import ColumnConfig
from seqlabel.formats import write_line_image
from seqlabel.frontend import Frontend, FrontendConfig
from seqlabel.manifest import write_manifest
from seqlabel.model_file import save_model
from seqlabel.page_reading import read_page_with
from seqlabel.recognizer import Recognizer
from seqlabel.records import Example, LineImage, Signal
from seqlabel.run_log import RunLog
from seqlabel.training_set import prepare
from seqlabel.views import IMAGES, MOST_VIEWS, views_of
from tests.blocks import TrainedRun
from tests.pages import draw_page

Run = Callable[..., tuple[int, str, str]]
CONFIG = FrontendConfig(feature=ColumnConfig(height=64, band=0.13, band_of="group"), normalization=None)
LENGTH = 200


def hand(folder: Path, name: str, heights: list[int]) -> list[Example]:
    """Writes lines of one hand with small letters of these heights."""
    examples = []
    for number, height in enumerate(heights):
        pixels = np.full((64, LENGTH), 220, np.uint8)
        for column in range(10, LENGTH - 10, 6):
            pixels[32 - height // 2 : 32 + height // 2, column : column + 2] = 30
        path = folder / f"{name}{number}.png"
        write_line_image(path, LineImage(pixels))
        examples.append(Example(id=path.stem, source=path, text="abc", group=name))
    return examples


def width(signal: Signal) -> int:
    assert isinstance(signal, LineImage)
    return signal.pixels.shape[1]


def test_the_lines_of_a_hand_keep_their_sizes_beside_each_other(tmp_path: Path) -> None:
    large, small = hand(tmp_path, "large", [16, 16, 8]), hand(tmp_path, "small", [8, 8, 16])
    found, offenders = read_signals([*large, *small], Frontend(CONFIG))
    assert not offenders
    widths = [width(signal) for _, signal in found]
    assert len(set(widths[:3])) == len(set(widths[3:])) == 1
    assert widths[3] == pytest.approx(2 * widths[0], rel=0.05)


def test_train_and_dev_measure_their_own_lines(tmp_path: Path) -> None:
    train, dev = hand(tmp_path, "a", [16, 16, 8]), hand(tmp_path, "b", [8, 8, 16])
    dev = [dataclasses.replace(example, group="a") for example in dev]  # a hand of both
    write_manifest(tmp_path / "train.jsonl", train)
    write_manifest(tmp_path / "dev.jsonl", dev)
    config = ExperimentConfig(
        name="tiny",
        data=DataConfig(directory="unused"),
        frontend=CONFIG,
        encoder=RecurrentConfig(hidden_size=2, num_layers=1),
    )
    data = prepare(config, tmp_path, RunLog(tmp_path, append=False))
    read = [width(signal) for _, signal in read_signals(train, Frontend(CONFIG))[0]]
    assert [width(item.known_signal) for item in data.train] == read
    dev_widths = {len(frames) for frames in data.dev_features}
    assert len(dev_widths) == 1 and dev_widths != {len(data.frontend(data.train[0].known_signal))}
    check = TargetCheck(config, train)
    assert [check(example) for example in train] == [None] * 3
    assert check.frontend.feature.measured == data.frontend.feature.measured


def test_every_view_goes_by_the_size_that_is_measured(tmp_path: Path) -> None:
    examples = hand(tmp_path, "a", [16, 16, 8])
    frontend = Frontend(CONFIG)
    views = views_of(frontend, MOST_VIEWS)
    frontend.measure(examples)
    widths = [width(view.frontend.read(examples[2])) for view in views]
    assert widths == pytest.approx([size * widths[0] for size in (1.0, *IMAGES)], abs=1)


@pytest.fixture
def grouped(trained_run: TrainedRun, tmp_path: Path) -> Path:
    """The model of the run, which brings the writing of a page to one size."""
    reader = Recognizer.load(trained_run.model, "cpu")
    frontend = reader.header.experiment.frontend
    config = replace(frontend, feature=replace(frontend.feature, band=0.5, band_of="group"))
    header = replace(reader.header, experiment=replace(reader.header.experiment, frontend=config))
    path = tmp_path / "grouped.safetensors"
    save_model(path, header, reader.loaded.model.state_dict(), Frontend(config))
    return path


@pytest.mark.parametrize("num_views", [1, 3])
def test_the_lines_of_a_page_are_a_group(num_views: int, grouped: Path, tmp_path: Path) -> None:
    path = draw_page(tmp_path / "pages", "one", ["ab ca", "cb"])
    recognizer = Recognizer.load(grouped, "cpu", num_views=num_views)
    reading = read_page_with(recognizer, path)
    assert set(reading.lines) == {0, 1} and not reading.failed
    assert recognizer.loaded.frontend.feature.measured.keys() == {str(path)}
    again = read_page_with(recognizer, path, places=False)
    assert [line.hypotheses for line in again.lines.values()] == [
        line.hypotheses for line in reading.lines.values()
    ]


def test_evaluating_and_reading_a_page_give_the_same_texts(grouped: Path, run: Run, tmp_path: Path) -> None:
    path = draw_page(tmp_path / "pages", "one", ["ab ca", "cb", "bca abc"])
    code, out, err = run("transcribe", grouped, path)
    assert (code, err) == (0, "")
    read = [line.split("\t")[1] for line in out.splitlines()]
    hypotheses = tmp_path / "found.jsonl"
    code, _, err = run("evaluate", grouped, path, "--out", hypotheses)
    assert (code, err) == (0, "")
    rows = map(json.loads, hypotheses.read_text(encoding="utf-8").splitlines())
    assert [row["hypothesis"] for row in rows] == read
