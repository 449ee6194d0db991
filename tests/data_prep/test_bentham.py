from pathlib import Path

import pytest

from data_prep import bentham
from seqlabel.errors import ManifestError
from seqlabel.manifest import read_manifest
from tests.data_prep.line_images import draw
from tests.pages import draw_page

PAGES = {"Train": "002_080_001", "Validation": "035_321_001", "Test": "071_053_004"}


def make_corpus(root: Path, text: str = "Law &amp; <gap/> Order\n") -> Path:
    inner = root / "BenthamDatasetR0-GT"
    for folder in ("Partitions", "Transcriptions"):
        (inner / folder).mkdir(parents=True)
    for split, page in PAGES.items():
        (inner / "Partitions" / f"{split}.lst").write_text(f"{page}\n")
        (inner / "Partitions" / f"{split}Lines.lst").write_text(f"{page}_02_01\n{page}_02_02\n")
        for number in (1, 2):
            draw(inner / "Images" / "Lines" / f"{page}_02_0{number}.png")
            (inner / "Transcriptions" / f"{page}_02_0{number}.txt").write_text(text)
        drawn = draw_page(inner / "PAGE", page, ["ab", "ca b", ""], kind="page")
        image = root / "BenthamDatasetR0-Images" / "Images" / "Pages" / f"{page}.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        drawn.with_suffix(".png").rename(image)
    return root


def test_the_lists_are_the_splits_and_pages_the_groups(tmp_path: Path) -> None:
    source, out = make_corpus(tmp_path / "bentham"), tmp_path / "out"
    assert bentham.main([str(source), str(out)]) == 0
    for split, name in (("train", "Train"), ("dev", "Validation"), ("test", "Test")):
        first, second = read_manifest(out / f"{split}.jsonl")
        assert (first.id, first.group) == (f"{PAGES[name]}_02_01", PAGES[name])
        assert first.text == second.text == "Law & Order"
        assert first.source == source / f"BenthamDatasetR0-GT/Images/Lines/{first.id}.png"


def test_pages_are_cut_into_lines(tmp_path: Path) -> None:
    source, out = make_corpus(tmp_path / "bentham"), tmp_path / "out"
    assert bentham.main([str(source), str(out), "--form", "page"]) == 0
    train = read_manifest(out / "train.jsonl")
    assert [(e.id, e.text) for e in train] == [("002_080_001-000", "ab"), ("002_080_001-001", "ca b")]
    assert train[0].source == out / "lines/002_080_001/002_080_001-000.png" and train[0].source.is_file()


def test_a_page_without_its_image_is_named(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "bentham")
    (source / "BenthamDatasetR0-Images").rename(tmp_path / "elsewhere")
    with pytest.raises(ManifestError, match=r"no image of page 002_080_001.*R0-Images\.tbz"):
        bentham.prepare(source, tmp_path / "out", form="page")


def test_lines_without_text_or_image_are_counted(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "bentham")
    inner = source / "BenthamDatasetR0-GT"
    (inner / "Transcriptions/002_080_001_02_01.txt").write_text("<gap/>\n")
    (inner / "Images/Lines/071_053_004_02_02.png").unlink()
    assert bentham.prepare(source, tmp_path / "out").left_out == {
        "no text": ["002_080_001_02_01"], "no image in Images/Lines": ["071_053_004_02_02"]
    }  # fmt: skip


def test_a_line_in_two_lists_is_refused(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "bentham")
    (source / "BenthamDatasetR0-GT/Partitions/TestLines.lst").write_text("002_080_001_02_01\n")
    with pytest.raises(ManifestError, match="stands in train and in test"):
        bentham.prepare(source, tmp_path / "out")
