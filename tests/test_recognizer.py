import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import seqlabel
import seqlabel.recognizer
from seqlabel.errors import ConfigError, FormatError, ManifestError, ModelFileError
from seqlabel.manifest import read_manifest, write_manifest
from seqlabel.recognizer import Recognizer
from seqlabel.records import Example, Hypothesis
from tests.blocks import TrainedRun, draw_blocks


@pytest.fixture(scope="module")
def recognizer(trained_run: TrainedRun) -> Recognizer:
    return Recognizer.load(trained_run.model, "cpu")


@pytest.mark.parametrize("text", ["a", "cab", "ab ca", "aabb"])
def test_a_trained_model_reads_what_was_drawn(text: str, recognizer: Recognizer, tmp_path: Path) -> None:
    draw_blocks(tmp_path / "line.png", text)
    assert recognizer.transcribe(tmp_path / "line.png") == text
    assert recognizer.transcribe(str(tmp_path / "line.png")) == text


def test_it_is_a_name_of_the_package(trained_run: TrainedRun) -> None:
    assert seqlabel.Recognizer is Recognizer


def test_it_says_what_it_reads(recognizer: Recognizer) -> None:
    assert {".png", ".jpg"} <= recognizer.suffixes
    assert ".wav" not in recognizer.suffixes


def test_files_come_back_in_order_with_the_bad_ones_in_their_place(
    recognizer: Recognizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seqlabel.recognizer, "CHUNK", 2)
    names = ["abc.png", "gone.png", "b.png", "c a.png", "notes.png"]
    for name in ("abc.png", "b.png", "c a.png"):
        draw_blocks(tmp_path / name, name.removesuffix(".png"))
    (tmp_path / "notes.png").write_text("not an image")
    results = list(recognizer.transcribe_files([tmp_path / name for name in names]))
    assert [path.name for path, _ in results] == names
    shown = [result.text if isinstance(result, Hypothesis) else type(result) for _, result in results]
    assert shown == ["abc", FormatError, "b", "c a", FormatError]


def test_a_file_that_cannot_be_read_is_refused_by_its_path(recognizer: Recognizer, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=re.escape(str(tmp_path / "gone.png"))):
        recognizer.transcribe(tmp_path / "gone.png")


def test_a_file_without_usable_frames_is_refused_by_its_path(recognizer: Recognizer, tmp_path: Path) -> None:
    path = tmp_path / "thread.png"
    Image.fromarray(np.zeros((1, 20000), np.uint8)).save(path)
    with pytest.raises(FormatError, match=re.escape(str(path))):
        recognizer.transcribe(path)


def test_a_manifest_and_its_examples_are_evaluated_alike(
    recognizer: Recognizer, trained_run: TrainedRun
) -> None:
    manifest = trained_run.data / "test.jsonl"
    by_path = recognizer.evaluate(manifest)
    assert recognizer.evaluate(str(manifest)) == by_path
    assert recognizer.evaluate(read_manifest(manifest)) == by_path
    assert by_path.rates.num_examples == 12


def test_an_example_without_text_is_not_evaluated_in_silence(
    recognizer: Recognizer, trained_run: TrainedRun
) -> None:
    examples = [Example(id="untold", source=trained_run.data / "test" / "00.png")]
    with pytest.raises(ManifestError, match=r"1 of 1 examples have no text, first 'untold'"):
        recognizer.evaluate(examples)


def test_examples_that_cannot_be_read_are_counted_and_named(
    recognizer: Recognizer, trained_run: TrainedRun, tmp_path: Path
) -> None:
    good = read_manifest(trained_run.data / "test.jsonl")
    bad = [Example(id=f"bad-{number}", source=tmp_path / f"{number}.png", text="a") for number in range(5)]
    write_manifest(tmp_path / "mixed.jsonl", [*good, *bad])
    with pytest.raises(ManifestError) as caught:
        recognizer.evaluate(tmp_path / "mixed.jsonl")
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'mixed.jsonl'}: 5 of 17 examples cannot be used: 'bad-0': ")
    assert "no such file" in message
    assert "\n" not in message


def test_an_example_without_usable_frames_is_named(recognizer: Recognizer, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((1, 20000), np.uint8)).save(tmp_path / "thread.png")
    examples = [Example(id="thread", source=tmp_path / "thread.png", text="a")]
    with pytest.raises(ManifestError, match="1 of 1 examples cannot be used: 'thread'"):
        recognizer.evaluate(examples)


def test_progress_is_shown_for_every_example_read_and_decoded(
    recognizer: Recognizer, trained_run: TrainedRun
) -> None:
    shown: dict[str, list[int]] = {}

    @contextmanager
    def bar_of(what: str, total: int) -> Iterator[Callable[[], object]]:
        shown[what] = [0, total]

        def advance() -> None:
            shown[what][0] += 1

        yield advance

    recognizer.evaluate(trained_run.data / "test.jsonl", bar_of)
    assert shown == {"reading": [12, 12], "decoding": [12, 12]}


def test_a_model_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"gone\.safetensors: no such model file"):
        Recognizer.load(tmp_path / "gone.safetensors")


def test_an_unknown_device_is_refused(trained_run: TrainedRun) -> None:
    with pytest.raises(ConfigError, match="expected auto, cpu or cuda"):
        Recognizer.load(trained_run.model, "tpu")
