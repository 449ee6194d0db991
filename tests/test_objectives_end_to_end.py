"""Align with a model that reads texts, learn every frame or the whole line from that, measure: by the commands."""

import json
from pathlib import Path

import numpy as np
import pytest

from seqlabel.cli import main
from seqlabel.manifest import read_manifest, write_manifest
from seqlabel.records import Example
from tests.blocks import BLOCK_RECIPE, TrainedRun, draw_blocks


def recipe(folder: Path, objective: str, *, token_unit: str = "character") -> Path:
    """The recipe of the blocks with another objective."""
    text = BLOCK_RECIPE.replace("    encoder=", f"    objective={objective},\n    encoder=").replace(
        "batch_size=4", f'batch_size=4, token_unit="{token_unit}"'
    )
    text = text.replace(
        "config = ", "from seqlabel.objectives import ClassificationConfig, FramewiseConfig\n\nconfig = "
    )
    path = folder / "recipe.py"
    path.write_text(text)
    return path


def test_aligned_lines_teach_every_frame(
    trained_run: TrainedRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for split in ("train", "dev", "test"):
        given = [
            "align",
            str(trained_run.model),
            str(trained_run.data / f"{split}.jsonl"),
            str(data / f"{split}.jsonl"),
        ]
        assert main(given) == 0
    for example in read_manifest(data / "test.jsonl"):
        assert example.text is not None and example.labels is not None
        assert "".join(label for label, _ in example.labels) == example.text
    run = tmp_path / "run"
    words = [
        "train",
        str(recipe(tmp_path, "FramewiseConfig()")),
        "--data-dir",
        str(data),
        "--run-dir",
        str(run),
    ]
    assert main(words) == 0
    capsys.readouterr()
    assert main(["evaluate", str(run / "best.safetensors"), str(data / "test.jsonl"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["fer"] < 0.1
    assert found["frames"]["reference_length"] > 12 * 10
    assert main(["evaluate", str(run / "best.safetensors"), str(data / "test.jsonl")]) == 0
    assert "% right" in capsys.readouterr().out


def test_a_model_that_names_frames_aligns_nothing(
    trained_run: TrainedRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = (("a", 1.0), ("b", 1.0))
    draw_blocks(tmp_path / "x.png", "ab")
    for split in ("train", "dev"):
        write_manifest(
            tmp_path / f"{split}.jsonl", [Example(id="x", source=tmp_path / "x.png", labels=labels)]
        )
    run = tmp_path / "run"
    words = [
        "train",
        str(recipe(tmp_path, "FramewiseConfig()")),
        "--data-dir",
        str(tmp_path),
        "--run-dir",
        str(run),
    ]
    assert main([*words, "--training.num-epochs", "1"]) == 0
    given = [
        "align",
        str(run / "best.safetensors"),
        str(tmp_path / "train.jsonl"),
        str(tmp_path / "out.jsonl"),
    ]
    assert main(given) == 2
    assert "has not learnt by CTC" in capsys.readouterr().err


def test_an_example_that_cannot_be_aligned_is_told_and_the_others_are_written(
    trained_run: TrainedRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw_blocks(tmp_path / "a.png", "ab")
    examples = [
        Example(id="fits", source=tmp_path / "a.png", text="ab"),
        Example(id="long", source=tmp_path / "a.png", text="abcabcabcabc"),
        Example(id="gone", source=tmp_path / "gone.png", text="ab"),
    ]
    write_manifest(tmp_path / "m.jsonl", examples)
    assert (
        main(["align", str(trained_run.model), str(tmp_path / "m.jsonl"), str(tmp_path / "out.jsonl")]) == 2
    )
    shown = capsys.readouterr()
    assert "1 of 3 examples with labels" in shown.out
    assert "'long'" in shown.err and "'gone'" in shown.err
    assert [example.id for example in read_manifest(tmp_path / "out.jsonl")] == ["fits"]


def test_examples_without_labels_are_offenders_of_framewise_training(
    trained_run: TrainedRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recipe(tmp_path, "FramewiseConfig()")
    words = ["train", str(path), "--data-dir", str(trained_run.data), "--run-dir", str(tmp_path / "run")]
    assert main(words) == 2
    assert "has no labels; `seqlabel align` makes them" in capsys.readouterr().err


def test_whole_lines_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(1)
    for split, number in (("train", 48), ("dev", 9), ("test", 12)):
        examples = []
        for index in range(number):
            label = "abc"[index % 3]
            path = tmp_path / f"{split}-{index}.png"
            draw_blocks(path, label * int(rng.integers(1, 5)))
            examples.append(Example(id=str(index), source=path, text=label))
        write_manifest(tmp_path / f"{split}.jsonl", examples)
    run = tmp_path / "run"
    path = recipe(tmp_path, "ClassificationConfig()", token_unit="word")
    assert main(["train", str(path), "--data-dir", str(tmp_path), "--run-dir", str(run)]) == 0
    assert "dev accuracy" in (run / "train.log").read_text()
    capsys.readouterr()
    assert main(["evaluate", str(run / "best.safetensors"), str(tmp_path / "test.jsonl")]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "accuracy 100.00 %  0 wrong of 12 examples"
    assert [line.split() for line in shown[1:-1]] == [
        ["a", "b", "c", "read", "as"],
        ["a", "4", ".", "."],
        ["b", ".", "4", "."],
        ["c", ".", ".", "4"],
    ]
    assert shown[-1].startswith("no 95 % intervals")
    assert main(["evaluate", str(run / "best.safetensors"), str(tmp_path / "test.jsonl"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["accuracy"] == 1.0
    assert {"reference": "a", "hypothesis": "a", "count": 4} in found["confusions"]
    words = ["evaluate", str(run / "best.safetensors"), str(tmp_path / "test.jsonl"), "--normalise", "case"]
    assert main(words) == 2
    assert "--normalise: this model names whole examples" in capsys.readouterr().err
