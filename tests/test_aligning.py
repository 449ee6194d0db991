"""`seqlabel align` with times: a model of random weights has a best path for any text."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from praatio import textgrid

from seqlabel.aligning import file_name
from seqlabel.formats import write_wav
from seqlabel.manifest import write_manifest
from seqlabel.model_file import save_model
from seqlabel.recognizer import Recognizer
from seqlabel.records import Example, Waveform
from tests.blocks import TrainedRun
from tests.test_timed_reading import PLAIN, recognizer

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    reader = recognizer(PLAIN, None)
    path = tmp_path / "model.safetensors"
    save_model(path, reader.header, reader.loaded.model.state_dict(), reader.loaded.frontend)
    return path


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    examples = []
    for name, text in (("one/a", "ab c"), ("two", "cab"), ("long", "ab" * 200)):
        path = tmp_path / f"{name.replace('/', '-')}.wav"
        write_wav(path, Waveform(rng.normal(size=4000).astype(np.float32) / 9, 8000))
        examples.append(Example(id=name, source=path, text=text))
    return write(tmp_path / "all.jsonl", examples)


def write(path: Path, examples: list[Example]) -> Path:
    write_manifest(path, examples)
    return path


def test_all_words_stand_in_one_ctm_in_their_order(run: Run, model: Path, manifest: Path) -> None:
    out = manifest.parent / "all.ctm"
    code, said, err = run("align", model, manifest, out, "--format", "ctm")
    assert (code, said) == (2, f"{out}: 2 of 3 examples with times\n")
    assert err.count("\n") == 1 and "'long'" in err and "400 frames" in err
    rows = [line.split() for line in out.read_text().splitlines()]
    assert [(row[0], row[4]) for row in rows] == [("one/a", "ab"), ("one/a", "c"), ("two", "cab")]
    start, length, confidence = (float(value) for value in (rows[0][2], rows[0][3], rows[0][5]))
    assert 0 <= start < start + length <= float(rows[1][2]) + 1e-9 <= 0.5
    assert 0 <= confidence <= 1


def test_each_recording_has_a_textgrid_that_praat_can_read(run: Run, model: Path, manifest: Path) -> None:
    out = manifest.parent / "grids"
    run("align", model, manifest, out, "--format", "textgrid")
    assert {path.name for path in out.iterdir()} == {"one_a.TextGrid", "two.TextGrid"}
    grid = textgrid.openTextgrid(str(out / "one_a.TextGrid"), includeEmptyIntervals=False)
    assert [entry.label for entry in grid.getTier("words").entries] == ["ab", "c"]
    assert [entry.label for entry in grid.getTier("tokens").entries] == ["a", "b", "c"]


def test_borders_by_peaks_are_other_borders(run: Run, model: Path, manifest: Path) -> None:
    found = []
    for borders in ("sound", "peaks"):
        out = manifest.parent / f"{borders}.ctm"
        run("align", model, manifest, out, "--format", "ctm", "--borders", borders)
        found.append(out.read_text())
    assert found[0] != found[1]


def test_a_label_prior_makes_what_is_probable_everywhere_give_way(model: Path, manifest: Path) -> None:
    reader = Recognizer.load(model, "cpu")
    paths = []
    for weight in (0.0, 1.0):
        found, _ = reader.aligned(manifest, label_prior=weight)
        assert [one.example.id for one in found] == ["one/a", "two"]
        paths.append([token for one in found for token in one.path])
    examples = [one.example for one in found]
    mean = np.concatenate(reader.emissions(examples)[1]).mean(axis=0)
    usual = int(mean.argmax())
    assert paths[1].count(usual) < paths[0].count(usual)


def test_what_does_not_go_together_is_refused_before_the_work(
    refusal: Refusal, model: Path, manifest: Path, trained_run: TrainedRun
) -> None:
    out = manifest.parent / "x"
    assert "from 0 to 10" in refusal("align", model, manifest, out, "--label-prior", "-1")
    assert refusal("align", model, manifest, out, "--borders", "peaks").startswith("--borders: for times")
    assert "name a folder" in refusal("align", model, manifest, model, "--format", "textgrid")
    assert "is a folder" in refusal("align", model, manifest, manifest.parent, "--format", "ctm")
    nowhere = manifest.parent / "no" / "folder"
    assert "name a folder elsewhere" in refusal("align", model, manifest, nowhere, "--format", "srt")
    said = refusal("align", trained_run.model, manifest, out, "--format", "ctm")
    assert said.startswith("--format ctm is for recordings, and the model reads ")
    assert not out.exists()


def test_two_examples_never_share_a_file(refusal: Refusal, model: Path, manifest: Path) -> None:
    source = manifest.parent / "two.wav"
    twins = [Example(id=name, source=source, text="ab") for name in ("a/b", "a_b")]
    twin_manifest = write(manifest.parent / "twins.jsonl", twins)
    said = refusal("align", model, twin_manifest, manifest.parent / "x", "--format", "vtt")
    assert "'a/b'" in said and "'a_b'" in said
    assert not (manifest.parent / "x").exists()


def test_two_examples_never_share_a_name_in_a_ctm(refusal: Refusal, model: Path, manifest: Path) -> None:
    source = manifest.parent / "two.wav"
    twins = [Example(id=name, source=source, text="ab") for name in ("a b", "a_b")]
    twin_manifest = write(manifest.parent / "twins.jsonl", twins)
    said = refusal("align", model, twin_manifest, manifest.parent / "x", "--format", "ctm")
    assert "'a b'" in said and "'a_b'" in said


@pytest.mark.parametrize("kind", ["labels", "ctm"])
def test_the_manifest_is_never_written_over(refusal: Refusal, kind: str, model: Path, manifest: Path) -> None:
    before = manifest.read_bytes()
    assert "is the manifest, and would be lost" in refusal(
        "align", model, manifest, manifest, "--format", kind
    )
    assert manifest.read_bytes() == before


def test_ids_longer_than_a_file_may_be_named_have_files_of_their_own(
    run: Run, model: Path, manifest: Path
) -> None:
    source = manifest.parent / "two.wav"
    long = [Example(id=f"{'é' * 300}{end}", source=source, text="ab") for end in "xy"]
    out = manifest.parent / "x"
    written = write(manifest.parent / "long.jsonl", long)
    assert run("align", model, written, out, "--format", "textgrid")[0] == 0
    assert len(list(out.iterdir())) == 2


def test_file_names_lead_nowhere_else() -> None:
    names = ("../x", "/etc/passwd", ".hidden", "-rf", "a b\n", "déjà", "a.b")
    assert [file_name(name) for name in names] == [
        "_._x",
        "_etc_passwd",
        "_hidden",
        "_rf",
        "a_b_",
        "déjà",
        "a.b",
    ]
