"""Pen ink as a user has it: whole pages whose text wraps, read row by row, and written back as InkML."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seqlabel.formats import ink_row_address, read_inkml, write_inkml, write_strokes
from seqlabel.manifest import write_manifest
from seqlabel.records import Example, Strokes
from tests.blocks import TrainedRun

Run = Callable[..., tuple[int, str, str]]
RECIPE = '''"""Lines of pen strokes."""

from seqlabel.encoders import RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import PenConfig
from seqlabel.frontend import FrontendConfig

config = ExperimentConfig(
    name="pen",
    data=DataConfig(directory="data", batch_size=4),
    frontend=FrontendConfig(feature=PenConfig(step=0.45), normalization=None),
    encoder=RecurrentConfig(hidden_size=24, num_layers=1, dropout=0.0),
    training=TrainingConfig(
        num_epochs=16, learning_rate=0.03, average_decay=None, num_threads=1, precision="float32"
    ),
)
'''
SHAPES = {
    "a": np.array([[0.0, -10.0], [0.0, 10.0]]),
    "b": np.array([[0.0, -10.0], [8.0, 0.0], [0.0, 10.0]]),
    "c": np.array([[0.0, 10.0], [6.0, -10.0], [12.0, 10.0]]),
}


def drawn(text: str, row: int = 0) -> list[np.ndarray]:
    return [(SHAPES[letter] + [25 * place, 60 * row]).astype(np.float32) for place, letter in enumerate(text)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from seqlabel.experiment import load_recipe
    from seqlabel.training import train

    folder = tmp_path_factory.mktemp("pen")
    (folder / "pen.py").write_text(RECIPE)
    (folder / "data").mkdir()
    rng = np.random.default_rng(1)
    for split, number in (("train", 96), ("dev", 12)):
        examples = []
        for index in range(0, number, 2):
            texts = ["".join(rng.choice(list("abc"), rng.integers(3, 7))) for _ in range(2)]
            path = folder / "data" / f"{split}{index}.json"
            write_strokes(path, Strokes((*drawn(texts[0]), *drawn(texts[1], 1))))
            examples += [
                Example(id=f"{path.stem}-{row}", source=ink_row_address(path, row), text=texts[row])
                for row in (0, 1)
            ]
        write_manifest(folder / "data" / f"{split}.jsonl", examples)
    train(load_recipe(folder / "pen.py"), folder / "run", folder / "data", "cpu")
    return folder / "run" / "best.safetensors"


def test_rows_of_manifests_are_learnt_and_rows_of_files_are_read(
    model: Path, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "page.json"
    write_strokes(path, Strokes((*drawn("abcab"), *drawn("cab", 1), *drawn("bb", 2))))
    code, out, err = run("transcribe", model, path, "--rows")
    assert (code, err) == (0, "")
    assert out.splitlines() == [f"{path}:0\tabcab", f"{path}:1\tcab", f"{path}:2\tbb"]
    assert run("transcribe", model, f"{path}:1")[1] == f"{path}:1\tcab\n"
    code, out, _ = run("transcribe", model, path, "--rows", "--json")
    assert [json.loads(line)["text"] for line in out.splitlines()] == ["abcab", "cab", "bb"]
    write_manifest(
        tmp_path / "m.jsonl",
        [
            Example(id=str(row), source=ink_row_address(path, row), text=t)
            for row, t in enumerate(("abcab", "cab"))
        ],
    )
    code, out, _ = run("evaluate", model, tmp_path / "m.jsonl", "--json")
    assert code == 0 and json.loads(out)["cer"] == 0.0


def test_ink_is_written_with_what_was_read(model: Path, run: Run, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    (folder / "deep").mkdir(parents=True)
    groups = [(Strokes(tuple(drawn("abc"))), "right"), (Strokes((*drawn("cab"), *drawn("ba", 1))), None)]
    write_inkml(folder / "two.inkml", groups)
    write_strokes(folder / "deep" / "one.json", Strokes((*drawn("bca"), *drawn("ab", 1))))
    words = ("transcribe", model, folder, "--format", "inkml", "--rows", "--out", out)
    code, printed, err = run(*words)
    assert (code, err) == (0, "")
    assert printed.splitlines() == [
        f"{folder / 'two.inkml'}\t{out / 'two.inkml'}",
        f"{folder / 'deep/one.json'}\t{out / 'deep/one.inkml'}",
    ]
    assert [group.annotations for group in read_inkml(out / "two.inkml").groups] == [
        {"truth": "right", "transcription": "abc"},
        {"transcription": "cab\nba"},
    ]
    (one,) = read_inkml(out / "deep" / "one.inkml").groups
    assert one.annotations == {"transcription": "bca\nab"} and len(one.strokes.strokes) == 5
    before = (out / "two.inkml").read_bytes()
    assert run("transcribe", model, out, "--format", "inkml", "--rows", "--out", tmp_path / "again")[0] == 0
    assert (tmp_path / "again" / "two.inkml").read_bytes() == before


def test_what_cannot_be_read_is_told_and_the_rest_is_done(model: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.inkml").write_text("<ink><trace>1 x</trace></ink>")
    (tmp_path / "empty.json").write_text("")
    write_inkml(tmp_path / "good.inkml", [(Strokes(tuple(drawn("abc"))), None)])
    for options in (("--rows",), ("--format", "inkml", "--out", tmp_path / "out")):
        code, out, err = run("transcribe", model, tmp_path, *options)
        assert code == 2 and len(err.splitlines()) == 2 and "bad.inkml: trace" in err and "empty.json" in err
        assert len(out.splitlines()) == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.inkml"]


def test_strokes_beside_the_groups_are_told(model: Path, run: Run, tmp_path: Path) -> None:
    write_inkml(tmp_path / "one.inkml", [(Strokes(tuple(drawn("abc"))), None)])
    text = (tmp_path / "one.inkml").read_text().replace("</ink>", "<trace>0 90, 5 99</trace></ink>")
    (tmp_path / "one.inkml").write_text(text)
    words = ("transcribe", model, tmp_path / "one.inkml", "--format", "inkml", "--out", tmp_path / "out")
    code, out, err = run(*words)
    assert code == 2 and len(out.splitlines()) == 1
    assert err.endswith("one.inkml: not read: 1 strokes that stand in no trace group\n")


def test_no_ink_is_ever_lost(model: Path, run: Run, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_inkml(tmp_path / name / "one.inkml", [(Strokes(tuple(drawn("abc"))), name)])
    before = (tmp_path / "b/one.inkml").read_bytes()
    words = (
        "transcribe",
        model,
        tmp_path / "a/one.inkml",
        tmp_path / "b/one.inkml",
        "--format",
        "inkml",
        "--out",
    )
    code, _, err = run(*words, tmp_path / "b")
    assert code == 2 and "would be overwritten" in err and (tmp_path / "b/one.inkml").read_bytes() == before
    code, _, err = run(*words, tmp_path / "out")
    assert code == 2 and "same file as" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--format", "inkml"), "name their folder with --out|writes files; name"),
        (("--format", "inkml", "--json", "--out", "x"), "two ways to write"),
        (("--rows", "--format", "alto", "--out", "x"), "--rows is for pen ink"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    model: Path, run: Run, options: tuple[str, ...], message: str
) -> None:
    code, _, err = run("transcribe", model, "a.inkml", *options)
    assert code == 2 and any(part in err for part in message.split("|"))


def test_a_model_of_images_reads_no_ink(trained_run: TrainedRun, run: Run) -> None:
    for options in (("--rows",), ("--format", "inkml", "--out", "x")):
        code, _, err = run("transcribe", trained_run.model, "a.inkml", *options)
        assert code == 2 and "is for pen ink, and the model reads" in err
