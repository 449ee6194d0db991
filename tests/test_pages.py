"""Pages as a user has them: train on a folder of them, evaluate, transcribe, and get the XML back with text in it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from lxml import etree
from msgspec.structs import replace

from seqlabel import page_reading
from seqlabel.calibration import Calibration, Scale
from seqlabel.errors import ConfigError, ManifestError
from seqlabel.features import ColumnConfig, PenConfig
from seqlabel.formats import LineCutConfig, PageLine, PlacedText, cut_page_line, read_page, write_page
from seqlabel.manifest import read_manifest, read_manifests
from seqlabel.page_reading import read_page_with
from seqlabel.recognizer import Recognizer
from seqlabel.records import Example, Span
from seqlabel.tokens import TokenTable
from seqlabel.training_set import held_out_groups
from tests.blocks import TrainedRun
from tests.pages import LEFT, draw_page

Run = Callable[..., tuple[int, str, str]]
KINDS = ("alto", "page")
TEXTS = ["ab ca", "cb", "", "bca abc"]


def test_the_lines_of_pages_are_examples_and_the_pages_their_groups(tmp_path: Path) -> None:
    draw_page(tmp_path / "a", "one", TEXTS)
    draw_page(tmp_path / "b", "two", ["ab"], "page")
    (tmp_path / "b" / "mets.xml").write_text("<mets/>")
    examples = read_manifest(tmp_path)
    assert [(e.id, e.text, e.group) for e in examples] == [
        ("a/one#l0", "ab ca", "a/one"),
        ("a/one#l1", "cb", "a/one"),
        ("a/one#l2", None, "a/one"),
        ("a/one#l3", "bca abc", "a/one"),
        ("b/two#l0", "ab", "b/two"),
    ]
    assert read_manifest(tmp_path / "*" / "*.xml") == examples
    assert [e.id for e in read_manifest(tmp_path / "b" / "two.xml")] == ["two#l0"]
    with pytest.raises(ManifestError, match="no file matches"):
        read_manifest(tmp_path / "c*.xml")
    with pytest.raises(ManifestError, match=r"one\.png, which is no page"):
        read_manifest(tmp_path / "a" / "*")


def test_pages_of_several_patterns_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    for folder, name in (("a/scans", "one"), ("b/scans", "one"), ("b/scans", "two"), ("c", "scans")):
        draw_page(tmp_path / folder, name, ["ab"])
    patterns = [tmp_path / "a" / "scans" / "*.xml", tmp_path / "b" / "scans", tmp_path / "c" / "scans.xml"]
    found = [[example.id for example in part] for part in read_manifests(patterns)]
    assert found == [["a/scans/one#l0"], ["b/scans/one#l0", "two#l0"], ["scans#l0"]]
    assert [example.group for example in read_manifests(patterns)[1]] == ["b/scans/one", "two"]
    # The name that a page has in one source may be that of a page below a folder of another.
    draw_page(tmp_path / "d" / "scans", "one", ["ab"])
    more = [*patterns[:2], tmp_path / "d", tmp_path / "d" / "scans" / "one.xml"]
    for twice in ([patterns[0], tmp_path / "a"], more):
        with pytest.raises(ManifestError, match=r"one\.xml: (is of the same image as|stands there twice)"):
            read_manifests(twice)
    found = [[example.id for example in part] for part in read_manifests(more[:3])]
    assert found == [["a/scans/one#l0"], ["b/scans/one#l0", "two#l0"], ["scans/one#l0"]]
    assert read_manifests([patterns[0]]) == [read_manifest(patterns[0])]


def test_one_image_in_two_folders_of_pages_is_refused(tmp_path: Path) -> None:
    for kind in KINDS:
        path = draw_page(tmp_path / kind, "one", ["ab"], kind)
        path.with_suffix(".png").replace(tmp_path / "one.png")
    with pytest.raises(ManifestError, match="is of the same image as"):
        read_manifests([tmp_path / "alto", tmp_path / "page" / "*.xml"])


def test_lines_that_share_an_id_are_told_apart(tmp_path: Path) -> None:
    path = draw_page(tmp_path, "one", ["ab", "cb"])
    path.write_text(path.read_text().replace('ID="l1"', 'ID="l0"'))
    assert [e.id for e in read_manifest(path)] == ["one#l0", "one#l0@1"]


@pytest.mark.parametrize("kind", KINDS)
def test_pages_are_read_line_by_line(kind: str, run: Run, trained_run: TrainedRun, tmp_path: Path) -> None:
    path = draw_page(tmp_path, "one", TEXTS, kind)
    code, out, err = run("transcribe", trained_run.model, tmp_path)
    assert (code, err) == (0, "")  # the page image is not read as a line
    assert out.splitlines() == [
        f"{path}#l{i}\t{text}" for i, text in enumerate(["ab ca", "cb", "a", "bca abc"])
    ]
    code, out, err = run("evaluate", trained_run.model, path, "--json")
    assert code == 0 and json.loads(out)["cer"] == 0.0
    assert "1 of 4 lines have no text or no outline and are not scored" in err


def test_pages_are_scored_against_pages_and_give_text_to_language_models(run: Run, tmp_path: Path) -> None:
    right, read = (draw_page(tmp_path / name, "one", TEXTS) for name in ("right", "read"))
    read.write_text(read.read_text().replace('"bca"', '"bcb"'))
    code, out, _ = run("score", right, read, "--json")
    assert code == 0 and json.loads(out)["substitutions"] == 1
    code, out, _ = run("lm", "build", right, "-o", tmp_path / "a.arpa", "--order", 2)
    assert code == 0 and "3 sentences" in out


@pytest.mark.parametrize("unit", [1.0, 4.0])
@pytest.mark.parametrize("kind", KINDS)
def test_words_and_characters_are_put_where_they_stand(
    kind: str, unit: float, trained_run: TrainedRun, run: Run, tmp_path: Path
) -> None:
    path = draw_page(tmp_path / "in", "one", ["ab ca", ""], kind, unit)
    code, out, err = run("transcribe", trained_run.model, path, "--format", kind, "--out", tmp_path / "out")
    written = tmp_path / "out" / "one.xml"
    assert (code, err, out) == (0, "", f"{path}\t{written}\n")
    (path.with_suffix(".png")).rename(tmp_path / "out" / "one.png")
    assert [line.text for line in read_page(written).lines] == ["ab ca", "a"]
    reading = read_page_with(Recognizer.load(trained_run.model, "cpu"), written).lines[0]
    assert [word.text for word in reading.words] == ["ab", "ca"]
    # Letter k is drawn from column 6 k + 3 to 6 k + 5 of its line.
    characters = [part for word in reading.words for part in word.parts]
    for part, k in zip(characters, (0, 1, 3, 4), strict=True):
        left, right = part.outline[:, 0].min() / unit, part.outline[:, 0].max() / unit
        assert abs((left + right) / 2 - (LEFT + 6 * k + 4.5)) <= 3 and right - left <= 12
    tree = etree.parse(written)
    assert b"a comment that stays" in etree.tostring(tree)
    names = {element.tag.rpartition("}")[2] for element in tree.iter() if isinstance(element.tag, str)}
    assert "Glyph" in names
    if kind == "page":
        assert "ab ca\na" in "".join(tree.getroot().itertext())  # the region's own text follows its lines
        assert "old" not in "".join(tree.getroot().itertext())
    # Once more over what was written: nothing is doubled.
    again = run("transcribe", trained_run.model, written, "--format", kind, "--out", tmp_path / "again")
    assert again[0] == 0
    assert (tmp_path / "again" / "one.xml").read_bytes() == written.read_bytes()


def test_a_page_that_cannot_be_read_is_told_and_the_rest_is_done(
    trained_run: TrainedRun, run: Run, tmp_path: Path
) -> None:
    for name in ("one", "two", "six"):
        draw_page(tmp_path / "in", name, ["ab", "cb"])
    (tmp_path / "in" / "two.png").unlink()
    six = tmp_path / "in" / "six.xml"
    six.write_text(six.read_text().replace('<Polygon POINTS="20 55', '<Polygon POINTS="9020 55', 1)[:-20])
    code, _, err = run(
        "transcribe", trained_run.model, tmp_path / "in", "--format", "alto", "--out", tmp_path / "out"
    )
    assert code == 2
    assert (tmp_path / "out" / "one.xml").exists() and not (tmp_path / "out" / "six.xml").exists()
    assert "six.xml: is not well-formed" in err
    assert err.count("two.xml: its page image two.png stands neither beside it") == 1
    code, _, err = run("transcribe", trained_run.model, tmp_path / "in" / "none.xml")
    assert code == 2 and "none.xml: no such file" in err
    (tmp_path / "other.xml").write_text("<mets/>")
    code, _, err = run("transcribe", trained_run.model, tmp_path / "other.xml")
    assert code == 2 and "<mets>; expected <alto> or <PcGts>" in err


@pytest.mark.parametrize("form", ["text", "json", "alto"])
def test_several_workers_read_what_one_reads(
    form: str, trained_run: TrainedRun, run: Run, tmp_path: Path
) -> None:
    rng = np.random.default_rng(1)
    for number in range(9):
        texts = [
            "".join(rng.choice(list("abc "), size=5 + number)).strip() or "a" for _ in range(1 + number % 4)
        ]
        draw_page(tmp_path / "in", f"page{number}", texts)
    (tmp_path / "in" / "page4.png").write_bytes(b"no image")
    (tmp_path / "in" / "page2.xml").write_text("<alto")
    found = []
    for workers in (1, 2, 4):
        out = tmp_path / "out"
        words = ("--format", form, "--workers", workers, *(("--out", out) if form == "alto" else ()))
        told = run("transcribe", trained_run.model, tmp_path / "in", *words)
        written = {path.name: path.read_bytes() for path in sorted(out.glob("*.xml"))}
        found.append((told, written))
        shutil.rmtree(out, ignore_errors=True)
    assert found[0] == found[1] == found[2]
    (code, told, err), written = found[0]
    assert code == 2 and len(told.splitlines()) > 6 and len(written) == (7 if form == "alto" else 0)
    assert err.count("page4.png: is not an image") == 1 and "page2.xml: is not well-formed" in err


def test_no_page_is_ever_lost(trained_run: TrainedRun, run: Run, tmp_path: Path) -> None:
    first, second = (draw_page(tmp_path / name, "one", ["ab"]) for name in ("a", "b"))
    before = second.read_bytes()
    words = ("transcribe", trained_run.model, first, second, "--format", "alto", "--out")
    code, _, err = run(*words, tmp_path / "b")
    assert code == 2 and "would be overwritten" in err and second.read_bytes() == before
    code, _, err = run(*words, tmp_path / "out")
    assert code == 2 and "same file as" in err and not (tmp_path / "out").exists()
    # What was written below the folder that is read is not read the next time.
    inside = (
        "transcribe",
        trained_run.model,
        tmp_path / "a",
        "--format",
        "alto",
        "--out",
        tmp_path / "a" / "read",
    )
    assert run(*inside)[0] == run(*inside)[0] == 0
    assert not (tmp_path / "a" / "read" / "read").exists()
    above = ("transcribe", trained_run.model, tmp_path / "a", "--format", "alto", "--out", tmp_path)
    code, out, _ = run(*above)
    assert code == 0 and (tmp_path / "one.xml").exists() and len(out.splitlines()) == 2


def test_the_image_of_a_damaged_page_is_no_line(trained_run: TrainedRun, run: Run, tmp_path: Path) -> None:
    path = draw_page(tmp_path, "one", ["ab"])
    path.write_text(path.read_text()[:-20])
    code, out, err = run("transcribe", trained_run.model, tmp_path)
    assert (code, out) == (2, "") and "not well-formed" in err


def test_regions_and_ids_and_odd_characters(tmp_path: Path) -> None:
    path = draw_page(tmp_path, "one", ["ab", "cb"], "page")
    text = path.read_text().replace("</Page>", "").replace("</PcGts>", "")
    other = (
        '<TextRegion id="l0_w0"><Coords points="0,0 9,0 9,9"/><TextLine id="l0"><Coords points="1,1 9,1 9,9"/>'
        '</TextLine><TextEquiv index="1"><Unicode>other</Unicode></TextEquiv><TextEquiv index="0">'
        "<Unicode>precious</Unicode></TextEquiv></TextRegion>"
    )
    path.write_text(f"{text}{other}</Page></PcGts>")
    corners = np.array([(1.0, 1.0), (5.0, 1.0), (5.0, 5.0), (1.0, 5.0)])
    write_page(path, tmp_path / "out.xml", {0: [PlacedText("a\x01\ud800b", corners, 0.5)], 1: []})
    tree = etree.parse(tmp_path / "out.xml")
    ids = [element.get("id") for element in tree.iter() if element.get("id") not in (None, "l0")]
    assert len(ids) == len(set(ids)) and "l0_w0_2" in ids
    assert read_page(tmp_path / "out.xml").lines[0].text == "a\ufffd\ufffdb"
    # A line that keeps its words keeps their IDs, also where another line has its ID.
    twice = tmp_path / "twice.xml"
    twice.write_text((tmp_path / "out.xml").read_text().replace('id="l1"', 'id="l0"'))
    write_page(twice, twice, {1: [PlacedText("cb", corners, 0.5)]})
    ids = [element.get("id") for element in etree.parse(twice).iter() if "_w" in (element.get("id") or "")]
    assert len(ids) == len(set(ids)) == 3
    told = "".join(tree.getroot().itertext())
    assert "precious" in told and "other" in told and "old" not in told


def test_pages_of_2010_have_points_and_alto_of_version_2_no_glyphs(tmp_path: Path) -> None:
    corners = np.array([(1.0, 1.0), (5.0, 1.0), (5.0, 5.0), (1.0, 5.0)])
    word = PlacedText("ab", corners, 0.5, (PlacedText("a", corners, 0.5), PlacedText("b", corners, 0.5)))
    for kind, new, old, has_glyphs in (
        ("page", "2019-07-15", "2010-03-19", True),
        ("alto", "ns-v4#", "ns-v2#", False),
    ):
        path = draw_page(tmp_path, kind, ["ab"], kind)
        path.write_text(path.read_text().replace(new, old))
        write_page(path, tmp_path / "out.xml", {0: [word]})
        written = (tmp_path / "out.xml").read_text()
        assert ("Glyph" in written) == has_glyphs
        if kind == "page":
            assert '<Point x="5" y="1"/>' in written and "conf=" not in written
    write_page(path, tmp_path / "out.xml", {0: []})
    assert 'CONTENT=""' in (tmp_path / "out.xml").read_text()


def test_a_model_of_words_gives_words(tmp_path: Path) -> None:
    page = np.full((20, 60), 255, np.uint8)
    outline = np.array([(0.0, 0.0), (59.0, 0.0), (59.0, 19.0), (0.0, 19.0)])
    image, place = cut_page_line(page, PageLine("l", "", outline, None, (0, 0, 59, 19)))
    spans = [
        Span(text=t, start_frame=i, end_frame=i + 1, confidence=0.5) for t, i in (("le", 1), ("chat", 4))
    ]
    edges = np.linspace(0, 60, 7)
    tokens, calibration = TokenTable.from_texts(["le chat"], "word"), Calibration(words=Scale(bias=1.0))
    words = page_reading._words(spans, edges, image, place, np.ones(2), tokens, calibration)
    assert [word.confidence for word in words] == pytest.approx([1 / (1 + np.exp(-1))] * 2)
    assert [(word.text, word.parts) for word in words] == [("le", ()), ("chat", ())]


def test_options_that_do_not_go_together_are_refused(
    trained_run: TrainedRun, run: Run, tmp_path: Path
) -> None:
    path = draw_page(tmp_path, "one", ["ab"])
    for words, said in (
        (("--format", "alto"), "name their folder with --out"),
        (("--format", "page", "--out", tmp_path / "x"), "is ALTO, and is written as that"),
        (("--format", "alto", "--out", tmp_path), "would be overwritten"),
        (("--out", tmp_path), "--out is the folder for"),
        (("--workers", 0), "expected at least 1"),
        (("--json", "--format", "alto", "--out", tmp_path), "two ways to write"),
    ):
        code, _, err = run("transcribe", trained_run.model, path, *words)
        assert code == 2 and said in err, words
    assert read_page(path).lines[0].text == "ab"


def test_a_run_learns_from_pages_and_sets_some_apart(
    trained_run: TrainedRun, run: Run, tmp_path: Path
) -> None:
    rng = np.random.default_rng(1)
    for number in range(12):
        texts = ["".join(rng.choice(list("abc"), size=4)) for _ in range(5)]
        draw_page(tmp_path / "pages", f"hand{number // 2}-{number % 2}", [*texts, ""], KINDS[number % 2])
    (tmp_path / "pages" / "hand0-0.xml").write_text(
        (tmp_path / "pages" / "hand0-0.xml")
        .read_text()
        .replace('POINTS="20 30', 'POINTS="20 31 20 31 20 31" OLD="', 1)
    )
    words = ("--data.train", "pages/*.xml", "--data.dev", "none", "--data.group-pattern", "(.*)-")
    code, _, _ = run(
        "train", trained_run.recipe, "--data-dir", tmp_path, "--run-dir", tmp_path / "run", *words,
        "--training.num-epochs", "10",
    )  # fmt: skip
    assert code == 0
    told = (tmp_path / "run" / "train.log").read_text()
    assert "13 of 72 lines have no text or no outline, left out" in told
    assert "of 59 examples, groups hand" in told
    log = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert log[-1]["dev"]["cer"] <= 0.05


def test_groups_are_set_apart_whole_and_stay_when_others_come() -> None:
    examples = [
        Example(id=f"{group}-{i}", source=Path("x"), group=str(group))
        for group in range(30)
        for i in range(4)
    ]
    chosen = held_out_groups(examples, 0.1)
    assert len(chosen) == 3
    assert held_out_groups(examples[::-1], 0.1) == chosen
    more = examples + [Example(id=f"n{i}", source=Path("x"), group="new") for i in range(4)]
    assert len(chosen & held_out_groups(more, 0.1)) >= 2
    large = [Example(id=f"l{i}", source=Path("x"), group="large") for i in range(480)]
    small = [Example(id=f"s{i}", source=Path("x"), group="small\udcff") for i in range(20)]
    assert held_out_groups(large + small, 0.1) == {"small\udcff"}


def test_a_model_of_something_else_refuses_pages(tmp_path: Path, trained_run: TrainedRun) -> None:
    recognizer = Recognizer.load(trained_run.model, "cpu")
    recognizer.loaded.frontend.feature = PenConfig().build()
    with pytest.raises(ConfigError, match="does not read line images"):
        read_page_with(recognizer, draw_page(tmp_path, "one", ["ab"]))


def test_words_stand_where_they_stood_when_a_model_cuts_lines_with_margins(
    trained_run: TrainedRun, tmp_path: Path
) -> None:
    path = draw_page(tmp_path, "one", TEXTS)
    places = []
    for cut in (LineCutConfig(), LineCutConfig(margin_left=0.25, margin_right=0.5)):
        recognizer = Recognizer.load(trained_run.model, "cpu")
        config = recognizer.loaded.frontend.config.feature
        assert isinstance(config, ColumnConfig)
        recognizer.loaded.frontend.feature = replace(config, cut=cut).build()
        reading = read_page_with(recognizer, path)
        # So small a network takes a wide margin for a space.
        found = [line.hypotheses[0].text.strip() for line in reading.lines.values()]
        assert found == ["ab ca", "cb", "a", "bca abc"]
        places.append([word.outline for index in (0, 1, 3) for word in reading.lines[index].words])
    np.testing.assert_allclose(places[1], places[0], atol=2.5)
