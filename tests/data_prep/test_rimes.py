from pathlib import Path

import numpy as np
import pytest

from data_prep import rimes
from seqlabel.errors import FormatError, ManifestError
from seqlabel.formats import read_line_image, write_line_image
from seqlabel.manifest import read_manifest
from seqlabel.records import LineImage

LINE = '<Line Bottom="{bottom}" Left="{left}" Right="89" Top="{top}" Value="{text}"/>'
PAGE = (
    '<SinglePage FileName="Images/{name}.tif"><Paragraph Bottom="1" Left="1" Right="1" Top="1">'
    "{lines}</Paragraph></SinglePage>"
)
XML = '<?xml version="1.0" encoding="iso-8859-1"?>\n<DocumentList>{pages}</DocumentList>\n'


def write_pages(path: Path, names: list[str], lines: str) -> None:
    pages = "".join(PAGE.format(name=name, lines=lines) for name in names)
    path.write_bytes(XML.format(pages=pages).encode("iso-8859-1"))
    for name in names:
        pixels = np.full((100, 100), 255, np.uint8)
        pixels[20:40, 10:90] = 50
        image = path.parent / "images_gray" / f"{name}.png"
        image.parent.mkdir(exist_ok=True)
        write_line_image(image, LineImage(pixels))


def make_corpus(root: Path, num_pages: int = 4) -> Path:
    root.mkdir()
    lines = LINE.format(left=10, top=20, bottom=39, text="r&#233;gl&#233;  &amp;amp; pay\xe9")
    lines += LINE.format(left=-5, top=50, bottom=70, text="vide")
    write_pages(root / "training_2011.xml", [f"train2011-{n}" for n in range(num_pages)], lines)
    write_pages(root / "eval_2011_annotated.xml", ["eval2011-0"], lines)
    return root


def test_lines_are_cut_out_of_their_boxes(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert rimes.main([str(make_corpus(tmp_path / "rimes")), str(out)]) == 0
    first, second = read_manifest(out / "test.jsonl")
    assert (first.id, first.text, first.group) == ("eval2011-0-000", "réglé & payé", "eval2011-0")
    assert np.unique(read_line_image(first.source).pixels).tolist() == [50]
    assert np.unique(read_line_image(second.source).pixels).tolist() == [255]


def test_the_last_pages_by_number_are_dev(tmp_path: Path) -> None:
    prepared = rimes.prepare(make_corpus(tmp_path / "rimes", num_pages=210), tmp_path / "out")
    assert {len(prepared.splits[name]) for name in ("dev",)} == {200}
    assert len(prepared.splits["train"]) == 220
    groups = [example.group for example in prepared.splits["dev"]]
    assert groups[0] == "train2011-110" and groups[-1] == "train2011-209"


def test_corrected_pages_go_first(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "rimes")
    text = (source / "training_2011.xml").read_bytes().replace(b"vide", b"plein")
    (source / "training_2011.patched.xml").write_bytes(text)
    prepared = rimes.prepare(source, tmp_path / "out")
    assert [example.text for example in prepared.splits["train"]][1] == "plein"


def test_lines_without_text_or_box_are_counted(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "rimes")
    lines = LINE.format(left=10, top=20, bottom=39, text=" ") + LINE.format(
        left=95, top=20, bottom=39, text="a"
    )
    lines += LINE.format(left=10, top=200, bottom=239, text="b") + LINE.format(
        left=1, top=2, bottom=9, text="c"
    )
    write_pages(source / "eval_2011_annotated.xml", ["eval2011-0"], lines)
    prepared = rimes.prepare(source, tmp_path / "out")
    assert prepared.left_out == {
        "no text": ["eval2011-0-000"], "no area on the page": ["eval2011-0-001", "eval2011-0-002"]
    }  # fmt: skip


def test_a_page_without_its_image_is_named(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "rimes")
    (source / "images_gray/eval2011-0.png").unlink()
    with pytest.raises(ManifestError, match="no image of page eval2011-0"):
        rimes.prepare(source, tmp_path / "out")


def test_a_line_without_numbers_is_refused(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "rimes")
    path = source / "training_2011.xml"
    path.write_bytes(path.read_bytes().replace(b'Left="10"', b'Left="ten"'))
    with pytest.raises(ManifestError, match="train2011-0: a Line without Left"):
        rimes.prepare(source, tmp_path / "out")


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "rimes")
    path = source / "training_2011.xml"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FormatError, match=r"training_2011\.xml: is not well-formed"):
        rimes.prepare(source, tmp_path / "out")
