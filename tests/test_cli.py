import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from seqlabel.checkpoint import load_checkpoint
from tests.blocks import RATE_KEYS, TrainedRun, draw_blocks, rates_of

ROOT = Path(__file__).resolve().parents[1]

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]


def start(*words: object, **settings: object) -> subprocess.Popen[str]:
    """Starts the program in a process of its own."""
    command = [sys.executable, "-m", "seqlabel", *map(str, words)]
    pipe = subprocess.PIPE
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    # Programs that a shell starts in the background ignore Ctrl-C; what they start inherits that.
    settings["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment, **settings)  # type: ignore[call-overload, no-any-return]


@pytest.fixture
def few(trained_run: TrainedRun, tmp_path: Path) -> list[str]:
    """The words of a training that takes no time."""
    words = ["train", trained_run.recipe, "--data-dir", trained_run.data, "--run-dir", tmp_path / "run"]
    return [*map(str, words), "--training.num-epochs", "1", "--encoder.hidden-size", "4"]


# --- help and usage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [[], ["augment"], ["train"], ["evaluate"], ["transcribe"], ["score"], ["info"], ["lm"], ["lm", "tune"]],
)
def test_help_is_printed_without_loading_anything_heavy(words: list[str]) -> None:
    script = (
        "import sys; from seqlabel.cli import main; code = main(sys.argv[1:] + ['--help']); "
        "heavy = {'torch', 'numpy', 'msgspec', 'rich', 'PIL'} & set(sys.modules); "
        "sys.exit(f'{code} {heavy}' if code or heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script, *words], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: {' '.join(['seqlabel', *words])}")


def test_help_waits_for_no_large_library() -> None:
    program = (
        "import sys; from seqlabel.cli import main; main(['--help']); main(['train', '--help']); "
        "found = {'torch', 'numba', 'numpy', 'librosa', 'PIL', 'rich'} & sys.modules.keys(); "
        "sys.exit(f'imported: {found}' if found else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_help_after_a_recipe_lists_its_settings(run: Run, trained_run: TrainedRun) -> None:
    code, out, _ = run("train", trained_run.recipe, "--help")
    listed = {words[0]: words[1] for words in map(str.split, out.splitlines()) if len(words) == 2}
    assert code == 0
    assert listed["--training.seed"] == "1"
    assert listed["--encoder.hidden-size"] == "32"
    assert listed["--frontend.normalization"] == "none"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "COMMAND"),
        (["trian"], "'trian'"),
        (["train"], "RECIPE.py"),
        (["evaluate", "model"], "MANIFEST"),
        (["transcribe", "model"], "PATH"),
        (["info", "model", "--bogus"], "'--bogus'"),
        (["score", "a", "b", "c"], "'c'"),
        (["transcribe", "model", "file", "--device", "tpu"], "'tpu'"),
    ],
)
def test_a_command_that_is_not_understood_is_one_line(words: list[str], said: str, refusal: Refusal) -> None:
    assert said in refusal(*words)
    assert "--help" in refusal(*words)


# --- train ------------------------------------------------------------------------------------------------


def test_training_writes_the_run_folder_and_names_the_best_model(
    run: Run, few: list[str], tmp_path: Path
) -> None:
    code, out, err = run(*few)
    folder = tmp_path / "run"
    assert code == 0
    assert f"model     {folder / 'best.safetensors'}" in out.splitlines()
    assert {path.name for path in folder.iterdir()} == {
        "best.safetensors",
        "last.safetensors",
        "checkpoint.safetensors",
        "checkpoint.previous.safetensors",
        "config.json",
        "metrics.jsonl",
        "train.log",
    }
    [epoch] = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    assert set(epoch["dev"]) == set(RATE_KEYS)
    [line] = [line for line in err.splitlines() if line.startswith("epoch 1/1  loss")]
    assert all(part in line for part in ("dev CER", "WER", "frames/s", "left"))


def test_a_run_is_kept_below_runs_and_the_data_are_the_recipes_own(
    run: Run, trained_run: TrainedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data").symlink_to(trained_run.data)
    assert run("train", trained_run.recipe, "--training.num-epochs", 1, "--device", "cpu")[0] == 0
    assert Path("runs/blocks/best.safetensors").is_file()


def test_a_finished_run_is_not_trained_again(run: Run, few: list[str], tmp_path: Path) -> None:
    run(*few)
    before = (tmp_path / "run" / "best.safetensors").stat()
    code, out, _ = run(*few)
    assert (code, "best" in out) == (0, True)
    assert (tmp_path / "run" / "best.safetensors").stat() == before


def test_overrides_reach_the_run(run: Run, few: list[str], tmp_path: Path) -> None:
    assert run(*few, "--training.seed", 7, "--encoder.dropout=0.25")[0] == 0
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["training"]["seed"] == 7
    assert config["encoder"]["dropout"] == 0.25
    assert config["encoder"]["hidden_size"] == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--training.seeds", "2"], "did you mean seed?"),
        (["--training.seed", "two"], "expected a whole number"),
        (["--training.seed"], "has no value"),
        (["--training.num-epochs", "0"], "expected a whole number from 1"),
        (["--encoder.hidden-size", "-4"], "expected a whole number from 1"),
        (["--data.offenders", "hide"], "refuse or leave_out"),
        (["--run-dri", "x"], "did you mean --run-dir?"),
        (["x"], "found 2 values"),
    ],
)
def test_a_wrong_override_is_one_line(
    words: list[str], said: str, refusal: Refusal, few: list[str], tmp_path: Path
) -> None:
    assert said in refusal(*few, *words)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        ("gone.py", None, "no such recipe"),
        ("model.safetensors", "", "expected a Python file"),
        ("empty.py", "", "binds no `config`"),
        ("syntax.py", "config = = 3\n", "syntax.py:1: SyntaxError"),
        ("missing.py", "\nimport no_such_module\n", "missing.py:2: ModuleNotFoundError"),
        ("number.py", "config = 3\n", "`config` is a int"),
    ],
)
def test_a_recipe_that_is_none_is_one_line(
    name: str, source: str | None, said: str, refusal: Refusal, tmp_path: Path
) -> None:
    if source is not None:
        (tmp_path / name).write_text(source)
    assert said in refusal("train", tmp_path / name)


def test_a_data_folder_that_is_not_there_is_one_line(
    refusal: Refusal, few: list[str], tmp_path: Path
) -> None:
    assert "no such data folder" in refusal(*few, "--data-dir", tmp_path / "gone")


def test_a_data_folder_without_manifests_is_one_line(
    refusal: Refusal, few: list[str], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    assert "has no train.jsonl" in refusal(*few, "--data-dir", tmp_path / "empty")


def test_auxiliary_examples_that_are_not_there_can_be_done_without(refusal: Refusal, few: list[str]) -> None:
    said = refusal(*few, "--data.auxiliary", "drawn.jsonl")
    assert "has no drawn.jsonl" in said and "--data.auxiliary '[]'" in said


def test_a_recipe_of_ours_without_its_data_names_the_command_that_prepares_them(
    refusal: Refusal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = refusal("train", ROOT / "recipes" / "digits" / "digits.py")
    assert "`python -m data_prep.digits data/digits`" in said


def test_a_full_gpu_is_one_line(refusal: Refusal, few: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def train(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("seqlabel.training.train", train)
    assert "--data.batch-frames below 16000" in refusal(*few)


def test_a_wrong_line_of_a_manifest_is_named(
    refusal: Refusal, few: list[str], trained_run: TrainedRun, tmp_path: Path
) -> None:
    data = shutil.copytree(trained_run.data, tmp_path / "data")
    with (data / "train.jsonl").open("a") as file:
        file.write('{"id": "x", "source": }\n')
    assert f"{data / 'train.jsonl'}:65: " in refusal(*few, "--data-dir", data)


def test_a_run_that_was_refused_for_its_data_can_be_started_with_other_settings(
    run: Run, refusal: Refusal, few: list[str], trained_run: TrainedRun, tmp_path: Path
) -> None:
    data = shutil.copytree(trained_run.data, tmp_path / "data")
    (data / "train" / "00.png").unlink()
    said = refusal(*few, "--data-dir", data)
    assert "1 of 64 examples cannot be used: 'train-0'" in said
    assert "--data.offenders leave_out" in said
    code, _, err = run(*few, "--data-dir", data, "--data.offenders", "leave_out")
    assert code == 0
    assert "left out" in err


def test_a_folder_with_a_run_of_other_settings_is_refused(run: Run, refusal: Refusal, few: list[str]) -> None:
    run(*few)
    assert "training.seed: 1 there, 2 now" in refusal(*few, "--training.seed", 2)


def test_a_folder_with_a_run_on_other_data_is_refused(
    run: Run, refusal: Refusal, few: list[str], trained_run: TrainedRun, tmp_path: Path
) -> None:
    run(*few)
    data = shutil.copytree(trained_run.data, tmp_path / "data")
    lines = (data / "train.jsonl").read_text().splitlines(keepends=True)
    (data / "train.jsonl").write_text("".join(lines[1:]))
    assert "started with other data" in refusal(*few, "--data-dir", data)


def test_a_file_where_the_run_folder_should_be_is_refused(
    refusal: Refusal, few: list[str], tmp_path: Path
) -> None:
    (tmp_path / "run").write_text("")
    assert "is a file" in refusal(*few)


def test_two_damaged_checkpoints_are_refused(
    run: Run, refusal: Refusal, few: list[str], tmp_path: Path
) -> None:
    run(*few)
    checkpoints = [tmp_path / "run" / f"checkpoint{middle}.safetensors" for middle in ("", ".previous")]
    for checkpoint in checkpoints:
        checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    assert str(checkpoints[0]) in refusal(*few)


def test_ctrl_c_keeps_the_training_and_says_how_to_go_on(few: list[str], tmp_path: Path) -> None:
    words = [*few, "--training.num-epochs", "100000"]
    process = start(*words)
    metrics = tmp_path / "run" / "metrics.jsonl"
    deadline = time.monotonic() + 60
    while not (metrics.exists() and metrics.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    last = err.splitlines()[-1]
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert last.endswith(f"the same command goes on: {shlex.join(['seqlabel', *words])}")
    progress, _ = load_checkpoint(tmp_path / "run" / "checkpoint.safetensors")
    assert progress.epoch >= 1
    assert f"after {progress.epoch} of 100000 epochs" in last


# --- evaluate ---------------------------------------------------------------------------------------------


@pytest.fixture
def references(trained_run: TrainedRun, tmp_path: Path) -> Path:
    """A manifest of what the model reads as abc and c, with abb and c a as references."""
    lines = []
    for drawn, reference in (("abc", "abb"), ("c", "c a")):
        draw_blocks(tmp_path / f"{drawn}.png", drawn)
        lines.append(json.dumps({"id": drawn, "source": f"{drawn}.png", "text": reference}))
    (tmp_path / "references.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path / "references.jsonl"


def test_evaluation_shows_rates_and_their_counts(run: Run, trained_run: TrainedRun, references: Path) -> None:
    code, out, err = run("evaluate", trained_run.model, references)
    *shown, expected = out.splitlines(keepends=True)
    assert re.fullmatch(r"expected from confidences alone: \d+\.\d\d % of the tokens wrong\n", expected)
    assert (code, "".join(shown), err) == (
        0,
        "CER   50.00 %  3 errors in 6 characters  1 substituted, 2 deleted, 0 inserted\n"
        "WER   66.67 %  2 errors in 3 words       1 substituted, 1 deleted, 0 inserted\n"
        "SER  100.00 %  2 wrong  of 2 examples\n"
        "no 95 % intervals: too little differs among 2 lines; no groups are known, so lines count as independent\n",
        "",
    )


def test_evaluation_as_json_is_one_object_of_fractions_and_counts(
    run: Run, trained_run: TrainedRun, references: Path
) -> None:
    code, out, err = run("evaluate", trained_run.model, references, "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    found = json.loads(out)
    assert list(found) == [*RATE_KEYS, "intervals", "expected_error"]
    assert 0 <= found.pop("expected_error") <= 1
    assert found == {
        "cer": 0.5,
        "wer": 2 / 3,
        "ser": 1.0,
        "num_examples": 2,
        "substitutions": 1,
        "deletions": 2,
        "insertions": 0,
        "reference_length": 6,
        "words": {"substitutions": 1, "deletions": 1, "insertions": 0, "reference_length": 3},
        "intervals": {
            "cer": None,
            "wer": None,
            "ser": None,
            "level": 0.95,
            "over": "lines",
            "num_drawn": 2,
            "resamples": 10_000,
            "seed": 0,
        },
    }


def test_hypotheses_that_are_kept_score_like_the_evaluation(
    run: Run, trained_run: TrainedRun, references: Path, tmp_path: Path
) -> None:
    out = tmp_path / "hypotheses.jsonl"
    out.write_text("old")
    _, evaluated, _ = run("evaluate", trained_run.model, references, "--json", "--out", out)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    shown = [(line["id"], line["reference"], line["hypothesis"]) for line in lines]
    assert shown == [("abc", "abb", "abc"), ("c", "c a", "c")]
    assert all(line["score"] <= 0 for line in lines)
    rates = rates_of(evaluated)
    for of_references in (references, out):
        code, scored, err = run("score", of_references, out, "--json")
        assert (code, json.loads(scored), err) == (0, rates, "")
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(("name", "said"), [("gone/x.jsonl", "folder does not exist"), (".", "is a folder")])
def test_an_out_that_cannot_be_written_is_said_before_the_work(
    name: str, said: str, refusal: Refusal, trained_run: TrainedRun, tmp_path: Path
) -> None:
    # The manifest is not there either: it would be missed first if anything were read before.
    words = ("evaluate", trained_run.model, tmp_path / "gone.jsonl", "--out", tmp_path / name)
    assert said in refusal(*words)


def test_a_device_can_take_the_hypotheses_and_stays_one(
    run: Run, trained_run: TrainedRun, references: Path
) -> None:
    assert run("evaluate", trained_run.model, references, "--out", os.devnull)[0] == 0
    assert Path(os.devnull).is_char_device()


def test_examples_that_cannot_be_read_are_never_left_out_of_an_evaluation(
    refusal: Refusal, trained_run: TrainedRun, references: Path, tmp_path: Path
) -> None:
    (tmp_path / "c.png").unlink()
    said = refusal("evaluate", trained_run.model, references, "--json", "--out", tmp_path / "out.jsonl")
    assert said.startswith(
        f"{references}: 1 of 2 examples cannot be used: 'c': {tmp_path / 'c.png'}: no such file"
    )
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        ("", "no example in it"),
        ("not json\n", ":1: JSON is malformed"),
        ('{"id": "a", "source": "a.png"}\n', ":1: example 'a': "),
        ('{"id": "a", "source": "a.png", "text": null}\n', "have no text"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_one_line(
    content: str | None, said: str, refusal: Refusal, trained_run: TrainedRun, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "m.jsonl").write_text(content)
    answer = refusal("evaluate", trained_run.model, tmp_path / "m.jsonl")
    assert answer.startswith(f"{tmp_path / 'm.jsonl'}")
    assert said in answer


@pytest.mark.parametrize("words", [("info",), ("evaluate", "m.jsonl"), ("transcribe", "line.png")])
@pytest.mark.parametrize("kind", ["missing", "empty", "image", "truncated", "folder", "other"])
def test_a_file_that_is_no_model_is_one_line(
    kind: str, words: tuple[str, ...], refusal: Refusal, trained_run: TrainedRun, tmp_path: Path
) -> None:
    path = tmp_path / f"{kind}.safetensors"
    if kind == "empty":
        path.touch()
    elif kind == "image":
        Image.new("L", (30, 8)).save(path, format="PNG")
    elif kind == "truncated":
        path.write_bytes(trained_run.model.read_bytes()[:-10])
    elif kind == "folder":
        path.mkdir()
    elif kind == "other":
        save_file({"weight": torch.zeros(2)}, path)
    assert refusal(words[0], path, *words[1:]).startswith(f"{path}: ")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_one_line(refusal: Refusal, trained_run: TrainedRun) -> None:
    said = refusal("transcribe", trained_run.model, "line.png", "--device", "cuda")
    assert "use --device cpu or auto" in said


# --- transcribe -------------------------------------------------------------------------------------------


def test_a_file_is_one_line_of_path_and_text(run: Run, trained_run: TrainedRun, tmp_path: Path) -> None:
    names = ("ca.png", "a b.png", "b.png")
    for name in names:
        draw_blocks(tmp_path / name, name.removesuffix(".png"))
    paths = [tmp_path / name for name in names]
    expected = "".join(f"{path}\t{path.stem}\n" for path in paths)
    assert run("transcribe", trained_run.model, *paths) == (0, expected, "")


def test_as_json_a_file_is_one_object(run: Run, trained_run: TrainedRun, tmp_path: Path) -> None:
    path = tmp_path / "é.png"
    draw_blocks(path, "cab")
    code, out, _ = run("transcribe", trained_run.model, path, "--json")
    found = json.loads(out)
    assert (code, found["path"], found["text"]) == (0, str(path), "cab")
    assert found["score"] <= 0


def test_a_path_that_is_not_utf_8_is_still_json(run: Run, trained_run: TrainedRun, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.png")
    draw_blocks(path, "a")
    _, out, _ = run("transcribe", trained_run.model, path, "--json")
    assert out.isascii()
    assert json.loads(out)["path"] == str(path)


def test_folders_are_walked_in_order_for_the_files_that_the_model_reads(
    run: Run, trained_run: TrainedRun, tmp_path: Path
) -> None:
    for folder in ("b", "a", ".hidden"):
        (tmp_path / folder).mkdir()
    for name in ("b/2.png", "b/10.PNG", "a/x.jpg", ".hidden/y.png", "b/.z.png", "c.png"):
        draw_blocks(tmp_path / name, "c")
    (tmp_path / "b" / "notes.txt").write_text("no image")
    code, out, err = run("transcribe", trained_run.model, tmp_path)
    names = [line.split("\t")[0] for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert names == [str(tmp_path / name) for name in ("c.png", "a/x.jpg", "b/10.PNG", "b/2.png")]


def test_a_bad_file_is_one_line_and_the_others_are_read(
    run: Run, trained_run: TrainedRun, tmp_path: Path
) -> None:
    draw_blocks(tmp_path / "a.png", "a")
    draw_blocks(tmp_path / "c.png", "c")
    (tmp_path / "sound.wav").write_bytes(b"RIFF")
    bad = (tmp_path / "sound.wav", tmp_path / "gone.png")
    code, out, err = run("transcribe", trained_run.model, tmp_path / "a.png", *bad, tmp_path / "c.png")
    assert code == 2
    assert out == f"{tmp_path / 'a.png'}\ta\n{tmp_path / 'c.png'}\tc\n"
    assert [line.split(": ")[:2] for line in err.splitlines()] == [["seqlabel", str(path)] for path in bad]


def test_a_folder_without_anything_to_read_is_one_line(
    refusal: Refusal, trained_run: TrainedRun, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    assert "no file in this folder that the model reads" in refusal("transcribe", trained_run.model, tmp_path)


# --- info -------------------------------------------------------------------------------------------------


def test_info_says_what_a_model_reads_and_writes_and_how_it_came_to_be(
    run: Run, trained_run: TrainedRun
) -> None:
    code, out, err = run("info", trained_run.model)
    assert (code, err) == (0, "")
    rows = {line[:10].strip(): line[10:] for line in out.splitlines() if line[:10].strip()}
    assert rows["model"] == str(trained_run.model)
    assert "weights" in rows["size"]
    assert ".png" in rows["reads"]
    assert rows["writes"] == "4 characters: space a b c"
    assert "hidden size 32" in rows["encoder"]
    assert rows["trained"] == "recipe blocks, seed 1, 64 examples"
    assert rows["dev error"].startswith("CER 0.00 %  WER 0.00 %")


def test_info_as_json_holds_every_setting(run: Run, trained_run: TrainedRun) -> None:
    _, out, _ = run("info", trained_run.model, "--json")
    found = json.loads(out)
    assert found["experiment"] == json.loads((trained_run.run / "config.json").read_text())
    assert found["tokens"]["tokens"] == ["<blank>", " ", "a", "b", "c"]


# --- the process ------------------------------------------------------------------------------------------


def test_a_reader_that_has_had_enough_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\n")
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "seqlabel", "score", str(tmp_path / "a.txt"), str(tmp_path / "a.txt")]
    try:
        done = subprocess.run(command, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_ctrl_c_is_one_line(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.txt"
    os.mkfifo(fifo)
    with (
        start("score", fifo, fifo) as process,
        fifo.open("w"),
    ):  # opens when the program does, which then waits for us
        while process.poll() is None:
            # One that comes between the program's opening and its reading is heard only with the next.
            process.send_signal(signal.SIGINT)
            time.sleep(1)
        out, err = process.communicate()
    assert (process.returncode, out, err) == (130, "", "seqlabel: interrupted\n")


def test_texts_are_written_in_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    gone = tmp_path / "é.txt"
    command = [sys.executable, "-m", "seqlabel", "score", str(gone), str(gone)]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, env=environment)
    assert done.returncode == 2
    assert "é.txt: no such file".encode() in done.stderr
