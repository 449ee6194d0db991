import itertools
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from seqlabel.manifest import read_manifest, write_manifest
from tests.blocks import TrainedRun, draw_blocks
from tests.checks.made_up import speech, write_audio, write_rows

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Three recordings, of which one is silent and one is not there."""
    write_audio(tmp_path / "good.wav", speech(1.0))
    write_audio(tmp_path / "silent.wav", np.zeros(8000, np.float32))
    rows = [
        {"id": name, "source": f"{name}.wav", "text": "abab", "group": "ann"}
        for name in ("good", "silent", "gone")
    ]
    return write_rows(tmp_path / "train.jsonl", rows)


@pytest.fixture
def data(trained_run: TrainedRun, tmp_path: Path) -> Path:
    """The corpus of the blocks, to be changed."""
    folder = tmp_path / "data"
    shutil.copytree(trained_run.data, folder)
    return folder


# --- the table --------------------------------------------------------------------------------------------


def test_what_was_found_is_told_with_the_ids(run: Run, manifest: Path) -> None:
    code, out, err = run("check", manifest)
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0].startswith(
        "train     3 examples of 1 groups, 0.0 min of audio (1.00 to 1.00 s, median 1.00), "
    )
    assert "error: missing-file, 1 example: the file is not there" in lines
    assert f"  train gone: {manifest.parent / 'gone.wav'}: no such file" in lines
    assert "  train silent: all samples are equal" in lines
    assert lines[-1] == "found: 2 errors, 0 warnings, 0 notes"


def test_nothing_wrong_is_said_in_so_many_words(run: Run, tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", speech(1.0))
    rows = [{"id": "a", "source": "a.wav", "text": "abab"}]
    assert run("check", write_rows(tmp_path / "all.jsonl", rows))[1].endswith("nothing was found\n")


def test_many_findings_are_cut_short_unless_all_are_wanted(run: Run, tmp_path: Path) -> None:
    rows = [{"id": f"a{n}", "source": f"{n}.wav", "text": "ab"} for n in range(12)]
    path = write_rows(tmp_path / "all.jsonl", rows)
    short, long = run("check", path)[1], run("check", path, "--all")[1]
    assert "  and 7 more (--all shows them)" in short.splitlines()
    assert "a11" not in short and "a11" in long


def test_only_headers_are_read_on_request(run: Run, manifest: Path) -> None:
    out = run("check", "--headers-only", manifest)[1]
    assert "not checked: files were not decoded" in out
    assert "error: silent" not in out
    assert "error: missing-file" in out


def test_json_has_everything(run: Run, manifest: Path) -> None:
    code, out, _ = run("check", manifest, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["splits"][0]["num_examples"] == 3
    assert found["alphabet"] == {"unit": "character", "counts": {"a": {"train": 6}, "b": {"train": 6}}}
    assert [(one["kind"], one["level"], one["examples"]) for one in found["findings"]] == [
        ("missing-file", "error", [{"split": "train", "id": "gone"}]),
        ("silent", "error", [{"split": "train", "id": "silent"}]),
    ]


def test_strict_tells_by_its_exit_code_and_notes_do_not_count(run: Run, manifest: Path) -> None:
    assert run("check", manifest, "--strict")[0] == 1
    rows = [{"id": "a", "source": "good.wav", "text": "abz"}]
    noted = write_rows(manifest.with_name("train_noted.jsonl"), rows)
    code, out, _ = run("check", noted, "--strict")
    assert code == 0
    assert "note: rare-characters" in out


# --- what is checked --------------------------------------------------------------------------------------


def test_a_folder_stands_for_its_splits(run: Run, data: Path) -> None:
    (data / "other.jsonl").write_text("")
    out = run("check", data)[1]
    assert [line.split()[0] for line in out.splitlines()[:3]] == ["train", "dev", "test"]
    assert f"not looked at: {data / 'other.jsonl'}" in out


def test_manifests_may_stand_between_the_options(run: Run, data: Path) -> None:
    out = run("check", data / "train.jsonl", "--all", data / "dev.jsonl")[1]
    assert [line.split()[0] for line in out.splitlines()[:2]] == ["train", "dev"]


def test_a_recipe_tells_which_texts_do_not_fit_after_its_own_subsampling(
    run: Run, trained_run: TrainedRun, data: Path
) -> None:
    code, out, _ = run("check", trained_run.recipe, "--data-dir", data, "--all")
    assert code == 0
    assert "too-few-frames" not in out
    strict = [
        "check",
        trained_run.recipe,
        "--data-dir",
        data,
        "--frontend.feature.step",
        9,
        "--all",
        "--json",
    ]
    findings = json.loads(run(*strict)[1])["findings"]
    offenders = {one["examples"][0]["id"] for one in findings if one["kind"] == "too-few-frames"}
    examples = read_manifest(data / "train.jsonl")
    # 6 columns for a letter and 3 more; of 9 columns one frame is left.
    assert {example.id for example in examples if _needed(example.text or "") > 6} <= offenders
    assert not {example.id for example in examples if len(example.text or "") == 1} & offenders


def _needed(text: str) -> int:
    return len(text) + sum(a == b for a, b in itertools.pairwise(text))


def test_training_refuses_what_a_check_calls_too_few_frames(
    run: Run, refusal: Refusal, trained_run: TrainedRun, data: Path, tmp_path: Path
) -> None:
    setting = ["--data-dir", data, "--frontend.feature.step", 9]
    findings = json.loads(run("check", trained_run.recipe, *setting, "--json")[1])["findings"]
    told = [
        one for one in findings if one["kind"] == "too-few-frames" and one["examples"][0]["split"] == "train"
    ]
    said = refusal("train", trained_run.recipe, *setting, "--run-dir", tmp_path / "run")
    assert f"{len(told)} of 64 examples cannot be used" in said
    assert f"'{told[0]['examples'][0]['id']}': {told[0]['reason']}" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check"], "required"),
        (["check", "gone.jsonl"], "gone.jsonl"),
        (["check", "gone.py"], "gone.py"),
        (["check", "a.jsonl", "--training.seed", "2"], "--training.seed"),
        (["check", "a.py", "b.jsonl"], "a.py"),
        (["check", "a.jsonl", "--data-dir", "b"], "--data-dir"),
        (["check", "a.jsonl", "--workers", "0"], "--workers 0"),
        (["check", "a.jsonl", "--leave-out", "everything"], "'everything'"),
        (["check", "a.jsonl", "--model", "m", "--strict"], "--strict"),
        (["check", "a.py", "--model", "m"], "--model"),
        (["check", "a.jsonl", "--model", "m", "--most", "0"], "--most 0"),
    ],
)
def test_a_command_line_that_is_wrong_is_one_line(words: list[str], said: str, refusal: Refusal) -> None:
    assert said in refusal(*words)


# --- cleaned manifests ------------------------------------------------------------------------------------


def test_a_cleaned_manifest_goes_without_the_errors_and_says_so(run: Run, manifest: Path) -> None:
    out = manifest.with_name("clean.jsonl")
    code, said, _ = run("check", manifest, "--cleaned", out)
    assert code == 0
    assert [example.id for example in read_manifest(out)] == ["good"]
    assert read_manifest(out) == read_manifest(manifest)[:1]
    assert f"{out}: 1 of 3 examples" in said.splitlines()
    assert "  left out train silent: silent: all samples are equal" in said.splitlines()


def test_which_kinds_are_left_out_can_be_said(run: Run, manifest: Path) -> None:
    out = manifest.with_name("clean.jsonl")
    cleaned = json.loads(run("check", manifest, "--cleaned", out, "--leave-out", "silent", "--json")[1])[
        "cleaned"
    ]
    assert [example.id for example in read_manifest(out)] == ["good", "gone"]
    assert cleaned["manifests"] == [{"path": str(out), "num_examples": 2}]
    assert [(one["id"], one["reasons"][0]["kind"]) for one in cleaned["left_out"]] == [("silent", "silent")]


def test_of_several_splits_each_is_written_into_a_folder(run: Run, data: Path, tmp_path: Path) -> None:
    train = read_manifest(data / "train.jsonl")
    dev = read_manifest(data / "dev.jsonl")
    write_manifest(data / "train.jsonl", [*train, dev[0]])
    out = tmp_path / "clean"
    run("check", data / "train.jsonl", data / "dev.jsonl", "--cleaned", out, "--leave-out", "shared-content")
    assert sorted(path.name for path in out.iterdir()) == ["dev.jsonl", "train.jsonl"]
    assert len(read_manifest(out / "dev.jsonl")) == len(dev)
    assert dev[0].id not in {example.id for example in read_manifest(out / "train.jsonl")}


def test_a_place_where_nothing_can_be_written_is_refused_before_the_work(
    refusal: Refusal, manifest: Path, data: Path
) -> None:
    assert "is one of the manifests" in refusal("check", manifest, "--cleaned", manifest)
    assert "name a folder" in refusal("check", data, "--cleaned", data / "clean.jsonl")
    assert "ends in .jsonl" in refusal("check", manifest, "--cleaned", manifest.with_name("clean"))
    assert "does not exist" in refusal("check", manifest, "--cleaned", manifest.parent / "no" / "clean.jsonl")


def test_a_manifest_of_which_nothing_is_left_is_not_written(refusal: Refusal, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "all.jsonl", [{"id": "a", "source": "gone.wav", "text": "a"}])
    assert "nothing would be left of its 1 examples" in refusal(
        "check", path, "--cleaned", tmp_path / "b.jsonl"
    )
    assert not (tmp_path / "b.jsonl").exists()


# --- transcripts ------------------------------------------------------------------------------------------


@pytest.fixture
def swapped(trained_run: TrainedRun, tmp_path: Path) -> tuple[Path, set[str]]:
    """The training set of the blocks with the texts of twelve lines handed on to the next of them."""
    examples = read_manifest(trained_run.data / "train.jsonl")
    chosen = np.random.default_rng(0).choice(len(examples), 12, replace=False).tolist()
    changed = dict(zip(chosen, [examples[index].text for index in np.roll(chosen, 1)], strict=True))
    wrong = {examples[index].id for index, text in changed.items() if text != examples[index].text}
    path = tmp_path / "swapped.jsonl"
    write_manifest(
        path,
        [replace(e, text=changed.get(index, e.text)) for index, e in enumerate(examples)],
    )
    return path, wrong


def test_transcripts_that_were_swapped_are_ranked_first(
    run: Run, trained_run: TrainedRun, swapped: tuple[Path, set[str]]
) -> None:
    path, wrong = swapped
    code, out, err = run("check", "--model", trained_run.model, path, "--json")
    ranked = json.loads(out)["ranked"]
    assert (code, err, len(ranked)) == (0, "", 64)
    assert {row["id"] for row in ranked[: len(wrong)]} == wrong
    assert [row["rank"] for row in ranked] == list(range(1, 65))
    assert ranked[-1]["score"] == pytest.approx(0, abs=0.1)
    assert ranked[-1]["text"] == ranked[-1]["reading"]


def test_the_most_suspect_transcripts_are_shown_with_what_was_read(
    run: Run, trained_run: TrainedRun, swapped: tuple[Path, set[str]]
) -> None:
    path, wrong = swapped
    lines = run("check", "--model", trained_run.model, path, "--most", 3)[1].splitlines()
    assert len(lines) == 1 + 2 * 3 + 1
    assert lines[1].split()[0] == "1" and lines[1].split()[3] in wrong
    assert lines[-1].startswith("the first 3 of 64;")


def test_what_cannot_be_ranked_is_told_and_what_cannot_fit_comes_first(
    run: Run, trained_run: TrainedRun, tmp_path: Path
) -> None:
    draw_blocks(tmp_path / "a.png", "ab")
    rows = [
        {"id": "unknown", "source": "a.png", "text": "xyz"},
        {"id": "right", "source": "a.png", "text": "ab"},
        {"id": "long", "source": "a.png", "text": "ab" * 40},
        {"id": "gone", "source": "b.png", "text": "ab"},
    ]
    path = write_rows(tmp_path / "odd.jsonl", rows)
    code, out, err = run("check", "--model", trained_run.model, path, "--json")
    found = json.loads(out)
    assert code == 0
    assert [(row["id"], row["score"] is None) for row in found["ranked"]] == [
        ("long", True),
        ("right", False),
    ]
    assert {row["id"] for row in found["unranked"]} == {"unknown", "gone"}
    err = run("check", "--model", trained_run.model, path)[2]
    assert "odd gone: not ranked" in err and "odd unknown: not ranked" in err
