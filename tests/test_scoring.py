import json
from collections.abc import Callable
from pathlib import Path

import pytest

from seqlabel.manifest import read_manifest
from tests.blocks import TrainedRun, rates_of

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A folder with `reference.jsonl` of twelve writers, and what two systems made of it, `a.jsonl` the better."""
    rows: dict[str, list[dict[str, str]]] = {"reference": [], "a": [], "b": []}
    for writer in range(12):
        for number in range(4):
            text = f"The {writer} Quick, brown fox {number} jumps."
            id_ = f"{writer}-{number}"
            rows["reference"].append({"id": id_, "text": text, "group": f"w{writer}"})
            better = text.replace("fox", "f0x") if number < writer % 3 else text
            better = better.replace("Quick,", "quick") if number == 3 else better
            worse = better.replace("brown", "bown") if writer % 4 else better
            worse = worse.replace("jumps", "jmups") if number > 1 + writer % 5 else worse
            rows["a"].append({"id": id_, "hypothesis": better})
            rows["b"].append({"id": id_, "hypothesis": worse})
    for name, lines in rows.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path


def test_rates_come_with_intervals_over_the_groups_of_the_reference(run: Run, corpus: Path) -> None:
    code, out, err = run("score", corpus / "reference.jsonl", corpus / "a.jsonl")
    lines = out.splitlines()
    assert (code, err, len(lines)) == (0, "", 4)
    assert [line.split("%")[1].strip()[0] for line in lines[:2]] == ["[", "["]
    assert lines[-1] == "95 % intervals: bootstrap over 12 groups, 10,000 resamples, seed 0"


def test_intervals_in_json_are_fractions_around_the_rates(run: Run, corpus: Path) -> None:
    found = json.loads(run("score", corpus / "reference.jsonl", corpus / "a.jsonl", "--json")[1])
    for rate in ("cer", "wer"):
        low, high = found["intervals"][rate]
        assert 0 < low < found[rate] < high < 1
    assert (found["intervals"]["over"], found["intervals"]["num_drawn"]) == ("groups", 12)


def test_raw_and_normalised_rates_stand_together_with_their_rules(run: Run, corpus: Path) -> None:
    words = ("score", corpus / "reference.jsonl", corpus / "a.jsonl", "--normalise", "punctuation,case")
    lines = run(*words)[1].splitlines()
    assert [line for line in lines if line.endswith(":")] == [
        "as written:",
        "without differences of case, punctuation:",
    ]
    found = json.loads(run(*words, "--json")[1])
    raw = json.loads(run(*words[:3], "--json")[1])
    assert {key: found[key] for key in raw} == raw
    assert found["normalised"]["rules"] == ["case", "punctuation"]
    assert found["normalised"]["words"]["substitutions"] == 12
    assert found["wer"] > found["normalised"]["wer"] > 0


def test_two_systems_are_compared(run: Run, corpus: Path) -> None:
    words = ("score", corpus / "reference.jsonl", corpus / "b.jsonl", "--compare", corpus / "a.jsonl")
    code, out, _ = run(*words)
    lines = out.splitlines()
    assert code == 0
    assert [lines[0], lines[4]] == ["b.jsonl", "a.jsonl"]
    assert [line.split(" by ")[0] for line in lines[8:11]] == ["a.jsonl is better than b.jsonl"] * 3
    assert lines[10].endswith("segments)")
    [row] = json.loads(run(*words, "--json")[1])["comparison"]["rows"]
    assert row["cer"]["difference"] > 0
    assert row["cer"]["interval"][0] > 0
    assert row["wer"]["p"] < 0.05
    assert row["other"]["cer"] == json.loads(run("score", *words[1:2], words[4], "--json")[1])["cer"]


def test_of_phones_the_rate_is_per(run: Run, corpus: Path) -> None:
    words = ("score", corpus / "reference.jsonl", corpus / "a.jsonl", "--phones")
    assert [line[:3] for line in run(*words)[1].splitlines()] == ["CER", "PER", "SER", "95 "]
    found = json.loads(run(*words, "--json")[1])
    assert found["per"] == found["wer"]


def test_a_report_is_three_files_that_say_what_is_printed(run: Run, corpus: Path) -> None:
    folder = corpus / "report"
    words = ("score", corpus / "reference.jsonl", corpus / "a.jsonl", "--json")
    plain, with_report = run(*words), run(*words, "--report", folder)
    assert plain == with_report
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.json", "report.md"]
    found = json.loads((folder / "report.json").read_text())
    assert found["rows"] == [json.loads(plain[1])]
    assert len(found["lines"]) == 48
    assert len(found["groups"]) == 12
    assert run(*words, "--report", folder)[0] == 0, "a report can be written again"


def test_an_evaluation_can_be_reported_too_and_its_hypotheses_keep_their_groups(
    run: Run, trained_run: TrainedRun, tmp_path: Path
) -> None:
    lines = [json.loads(line) for line in (trained_run.data / "test.jsonl").read_text().splitlines()]
    for place, line in enumerate(lines):
        line.update(
            source=str(trained_run.data / line["source"]),
            group=f"w{place % 6}",
            text=line["text"] + "a" * (place % 2),
        )
    manifest = tmp_path / "m.jsonl"
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert [example.group for example in read_manifest(manifest)][:2] == ["w0", "w1"]
    out, folder = tmp_path / "out.jsonl", tmp_path / "report"
    words = ("evaluate", trained_run.model, manifest, "--json", "--out", out, "--report", folder)
    code, evaluated, _ = run(*words)
    assert code == 0
    assert json.loads(evaluated)["intervals"]["over"] == "groups"
    assert {line["group"] for line in json.loads((folder / "report.json").read_text())["lines"]} == {
        f"w{place}" for place in range(6)
    }
    code, scored, err = run("score", out, out, "--json")
    assert (code, rates_of(scored), err) == (0, rates_of(evaluated), "")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--normalise", "cases"), "no rule 'cases' for scoring; expected some of"),
        (("--report", "gone/report"), "its folder does not exist"),
        (("--report", "a.jsonl"), "is a file; name a folder"),
        (("--compare", "gone.jsonl"), "no such file"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    options: tuple[str, str], said: str, run: Run, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(corpus)
    code, out, err = run("score", "reference.jsonl", "a.jsonl", *options)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_a_group_that_is_no_name_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text('{"id": "1", "text": "a", "group": ["x"]}\n')
    code, _, err = run("score", tmp_path / "r.jsonl", tmp_path / "r.jsonl")
    assert code == 2
    assert "r.jsonl:1: 'group' of example '1' is ['x'], expected a string or null" in err
