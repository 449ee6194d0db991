"""Pages whose images stand together in one TIFF."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seqlabel.errors import FormatError
from seqlabel.formats import image_of_page, page_address, page_image, read_page, read_page_line
from seqlabel.manifest import read_manifest
from tests.blocks import TrainedRun, draw_blocks
from tests.pages import draw_page


def three_in_one(folder: Path) -> Path:
    """Writes `scan.tif`, whose three images are grey 10, 20 and 30."""
    first, *others = [Image.fromarray(np.full((90, 100), grey, np.uint8)) for grey in (10, 20, 30)]
    first.save(folder / "scan.tif", save_all=True, append_images=others)
    return folder / "scan.tif"


def page_of(folder: Path, number: str | None, name: str = "p", kind: str = "alto") -> Path:
    """Writes a page with a line whose image is in `scan.tif`."""
    path = draw_page(folder, name, ["ab"], kind)
    (folder / f"{name}.png").unlink()
    text = path.read_text()
    for size in ('WIDTH="55" HEIGHT="75"', 'imageWidth="55" imageHeight="75"'):
        text = text.replace(size, "")
    text = text.replace(f"{name}.png", "scan.tif").replace(
        ' PHYSICAL_IMG_NR="0"', "" if number is None else f' PHYSICAL_IMG_NR="{number}"'
    )
    path.write_text(text)
    return path


@pytest.mark.parametrize(("number", "grey"), [("1", 10), ("2", 20), ("3", 30), ("2.0", 20)])
def test_alto_says_which_image_of_its_file_is_meant(number: str, grey: int, tmp_path: Path) -> None:
    three_in_one(tmp_path)
    path = page_of(tmp_path, number)
    assert (read_page_line(page_address(path, 0))[0].pixels == grey).all()


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("0", "PHYSICAL_IMG_NR 0 is none of them, counted from 1"),
        ("4", "PHYSICAL_IMG_NR 4 is none of them"),
        (None, "without a PHYSICAL_IMG_NR"),
        ("2.5", "without a PHYSICAL_IMG_NR"),
    ],
)
def test_alto_that_does_not_say_which_image_is_refused(number: str | None, said: str, tmp_path: Path) -> None:
    three_in_one(tmp_path)
    path = page_of(tmp_path, number)
    with pytest.raises(FormatError, match=said) as caught:
        read_page_line(page_address(path, 0))
    assert str(caught.value).startswith(f"{path}: its page image scan.tif holds 3 images")
    assert "\n" not in str(caught.value)


def test_page_xml_has_no_way_to_say_which_image_is_meant(tmp_path: Path) -> None:
    three_in_one(tmp_path)
    path = page_of(tmp_path, None, kind="page")
    with pytest.raises(FormatError, match="PAGE files cannot say which is meant; split it into files"):
        read_page_line(page_address(path, 0))


def test_the_number_in_a_book_does_not_matter_to_a_file_of_one_image(tmp_path: Path) -> None:
    path = draw_page(tmp_path, "p", ["ab"])
    path.write_text(path.read_text().replace('PHYSICAL_IMG_NR="0"', 'PHYSICAL_IMG_NR="117"'))
    page = read_page(path)
    assert page.image_number == 117
    assert image_of_page(path, page, page_image(path, page)) == tmp_path / "p.png"


def test_pages_of_one_tiff_are_examples_side_by_side(tmp_path: Path) -> None:
    three_in_one(tmp_path)
    for number in ("1", "2", "3"):
        page_of(tmp_path, number, name=f"p{number}")
    examples = read_manifest(tmp_path)
    assert [example.group for example in examples] == ["p1", "p2", "p3"]
    assert [int(read_page_line(example.source)[0].pixels[0, 0]) for example in examples] == [10, 20, 30]


def test_lines_in_one_tiff_are_transcribed_by_their_number(
    run: Callable[..., tuple[int, str, str]], trained_run: TrainedRun, tmp_path: Path
) -> None:
    texts = ["ab ca", "cb", "bca"]
    for text in texts:
        draw_blocks(tmp_path / f"{text}.png", text)
    first, *others = [Image.open(tmp_path / f"{text}.png") for text in texts]
    path = tmp_path / "lines.tif"
    first.save(path, save_all=True, append_images=others)
    code, out, err = run("transcribe", trained_run.model, f"{path}:2", f"{path}:0", path, f"{path}:3")
    assert code == 2
    assert out.splitlines() == [f"{path}:2\tbca", f"{path}:0\tab ca"]
    told = err.splitlines()
    assert len(told) == 2
    assert "name one of them, lines.tif:0 to lines.tif:2" in told[0]
    assert "lines.tif:3: the file holds 3 images, counted from 0" in told[1]
