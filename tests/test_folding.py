import json
from collections.abc import Callable
from pathlib import Path

import pytest

from seqlabel.manifest import read_manifest
from tests.blocks import TrainedRun, rates_of

FOLDING = "ix ih\nzh sh\nepi sil\nq\n"

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]


def test_words_are_counted_as_other_words_where_they_are_folded(run: Run, tmp_path: Path) -> None:
    for name, text in (("r.txt", "sil ix q zh sil"), ("h.txt", "sil ih sh epi"), ("fold.txt", FOLDING)):
        (tmp_path / name).write_text(f"{text}\n")
    words = ("score", tmp_path / "r.txt", tmp_path / "h.txt", "--json")
    assert json.loads(run(*words)[1])["words"]["reference_length"] == 5
    _, out, _ = run(*words, "--fold", tmp_path / "fold.txt")
    found = json.loads(out)
    assert (found["wer"], found["words"]["reference_length"]) == (0, 4)


def test_an_evaluation_can_be_folded_too(run: Run, trained_run: TrainedRun, tmp_path: Path) -> None:
    manifest = trained_run.data / "test.jsonl"
    words = [word for example in read_manifest(manifest) for word in (example.text or "").split()]
    (tmp_path / "fold.txt").write_text("".join(f"{word} x\n" for word in sorted(set(words))))
    run("evaluate", trained_run.model, manifest, "--out", tmp_path / "h.jsonl")
    folded = run("evaluate", trained_run.model, manifest, "--json", "--fold", tmp_path / "fold.txt")
    scored = run("score", manifest, tmp_path / "h.jsonl", "--json", "--fold", tmp_path / "fold.txt")
    assert rates_of(folded[1]) == rates_of(scored[1])
    assert (folded[0], folded[2]) == (scored[0], scored[2]) == (0, "")
    num_spaces = len(words) - json.loads(folded[1])["num_examples"]
    assert json.loads(folded[1])["reference_length"] == len(words) + num_spaces


@pytest.mark.parametrize(
    ("folding", "said"),
    [
        ("a b c\n", "fold.txt:1: 'a b c'"),
        ("a b\na c\n", "fold.txt:2: 'a' was there before"),
        ("\n", "has no lines"),
    ],
)
def test_a_wrong_folding_is_one_line(folding: str, said: str, refusal: Refusal, tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("a\n")
    (tmp_path / "fold.txt").write_text(folding)
    assert said in refusal("score", tmp_path / "r.txt", tmp_path / "r.txt", "--fold", tmp_path / "fold.txt")
