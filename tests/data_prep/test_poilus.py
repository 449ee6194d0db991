import unicodedata
from pathlib import Path

import numpy as np
import pytest

from data_prep import poilus
from data_prep.corpus_source import prepare_into
from seqlabel.errors import FormatError
from seqlabel.formats import read_line_image, write_line_image
from seqlabel.manifest import read_manifest
from seqlabel.records import LineImage

ALTO = """<?xml version="1.0" encoding="UTF-8"?>
<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#">
  <Description><MeasurementUnit>pixel</MeasurementUnit>
    <sourceImageInformation><fileName>{image}</fileName></sourceImageInformation></Description>
  <Layout><Page WIDTH="400" HEIGHT="300" PHYSICAL_IMG_NR="0" ID="p"><PrintSpace>
    <TextBlock ID="b">{lines}</TextBlock></PrintSpace></Page></Layout>
</alto>
"""
LINE = """<TextLine ID="{id}" BASELINE="{baseline}" HPOS="0" VPOS="0" WIDTH="1" HEIGHT="1">
  <Shape><Polygon POINTS="{polygon}"/></Shape><String CONTENT="{text}"/></TextLine>"""
LEVEL = ("20 60 220 60", "20 30 220 30 220 70 20 70")
DEV_HAND = next(f"hand{number}" for number in range(100) if poilus.is_dev_hand(f"hand{number}"))
TRAIN_HAND = next(f"hand{number}" for number in range(100) if not poilus.is_dev_hand(f"hand{number}"))


def add_page(folder: Path, name: str, lines: list[tuple[str, str, str]]) -> None:
    """A page, 400 wide and 300 high, on which the ink fills rows 30 to 70 and a neighbour rows 80 to 120."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.full((300, 400), 220, np.uint8)
    pixels[40:60, 30:210:10] = 20
    pixels[80:120, 20:220] = 0
    write_line_image(folder / f"{name}.png", LineImage(pixels))
    rows = [
        LINE.format(id=f"l{number}", text=text, baseline=baseline, polygon=polygon)
        for number, (text, baseline, polygon) in enumerate(lines)
    ]
    (folder / f"{name}.xml").write_text(
        ALTO.format(image=f"{name}.png", lines="".join(rows)), encoding="utf-8"
    )


def make_corpus(root: Path) -> Path:
    add_page(root, f"{TRAIN_HAND}-0", [("e\u0301crit le ", *LEVEL), ("", *LEVEL)])
    add_page(root, f"{DEV_HAND}-3", [("5 mai", *LEVEL)])
    return root


def test_a_tiny_corpus_becomes_two_manifests_and_line_images(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert poilus.main([str(make_corpus(tmp_path / "poilus")), str(out)]) == 0
    (train,) = read_manifest(out / "train.jsonl")
    assert (train.id, train.group) == (f"{TRAIN_HAND}-0-000", TRAIN_HAND)
    (dev,) = read_manifest(out / "dev.jsonl")
    assert (dev.text, dev.group) == ("5 mai", DEV_HAND)
    assert {path.name for path in out.rglob("*.png")} == {f"{train.id}.png", f"{dev.id}.png"}


def test_the_manifest_holds_composed_characters_without_spaces_around(tmp_path: Path) -> None:
    prepared = poilus.prepare(make_corpus(tmp_path / "poilus"), tmp_path / "out")
    assert [example.text for example in prepared.splits["train"]] == ["écrit le"]


def test_nothing_else_is_on_the_line(tmp_path: Path) -> None:
    prepared = poilus.prepare(make_corpus(tmp_path / "poilus"), tmp_path / "out")
    pixels = read_line_image(prepared.splits["dev"][0].source).pixels
    assert 38 <= pixels.shape[0] <= 43
    assert pixels.min() == 20  # the neighbour's ink is 0


def test_lines_without_text_and_pages_without_lines_are_counted(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "poilus")
    add_page(source, f"{TRAIN_HAND}-1", [])
    prepared = poilus.prepare(source, tmp_path / "out")
    assert prepared.left_out == {
        "no text": [f"{TRAIN_HAND}-0-001"],
        "page without lines": [f"{TRAIN_HAND}-1.xml"],
    }


def test_a_line_off_the_page_or_without_area_is_counted(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "poilus")
    beside = ("loin", "500 60 600 60", "500 30 600 30 600 70 500 70")
    flat = ("plat", "20 60 220 60", "20 60 120 60 220 60")
    add_page(source, f"{TRAIN_HAND}-1", [beside, flat])
    prepared = poilus.prepare(source, tmp_path / "out")
    assert prepared.left_out["no area on the page"] == [f"{TRAIN_HAND}-1-000", f"{TRAIN_HAND}-1-001"]


def test_a_polygon_over_the_border_is_cut_at_it(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "poilus")
    add_page(source, f"{TRAIN_HAND}-1", [("bord", "-30 60 220 60", "-30 30 220 30 220 70 -30 70")])
    prepared = poilus.prepare(source, tmp_path / "out")
    pixels = read_line_image(prepared.splits["train"][-1].source).pixels
    assert pixels.shape[1] == pytest.approx(221, abs=1)


def test_pages_in_folders_are_found(tmp_path: Path) -> None:
    make_corpus(tmp_path / "repository" / "data" / "batch1")
    prepared = poilus.prepare(tmp_path / "repository", tmp_path / "out")
    assert len(prepared.splits["dev"]) == 1


def test_a_page_without_its_image_is_refused(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "poilus")
    (source / f"{DEV_HAND}-3.png").unlink()
    with pytest.raises(FormatError, match="stands neither beside it nor"):
        poilus.prepare(source, tmp_path / "out")


def test_a_truncated_page_is_named(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "poilus")
    path = source / f"{DEV_HAND}-3.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(FormatError, match=f"{DEV_HAND}-3"):
        poilus.prepare(source, tmp_path / "out")


def test_the_hand_is_the_name_up_to_the_last_hyphen() -> None:
    assert poilus.hand_of("TestamentsDePoilus_will_AD-78_0003-1.jpg") == "TestamentsDePoilus_will_AD-78_0003"


def test_running_twice_gives_the_same_files(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "poilus")
    contents = []
    for name in ("first", "second"):
        prepare_into(poilus.prepare, source, tmp_path / name)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        contents.append({path.relative_to(tmp_path / name): path.read_bytes() for path in files})
    assert contents[0] == contents[1]


def test_the_hands_of_the_real_corpus_split_as_published(corpora: Path) -> None:
    hands = {poilus.hand_of(path.name) for path in (corpora / "poilus").glob("*.jpg")}
    assert len(hands) == 122
    assert sum(poilus.is_dev_hand(hand) for hand in hands) == 12


def test_lines_of_real_pages_are_cut_out(corpora: Path, tmp_path: Path) -> None:
    # A page of a dev hand, and one of a train hand with writing in the margin.
    names = ("TestamentsDePoilus_will_AD78_0110-0", "TestamentsDePoilus_will_AN_0008-3")
    (tmp_path / "part").mkdir()
    for name in names:
        for suffix in (".jpg", ".xml"):
            (tmp_path / "part" / f"{name}{suffix}").symlink_to(corpora / "poilus" / f"{name}{suffix}")
    prepared = prepare_into(poilus.prepare, tmp_path / "part", tmp_path / "out")
    heights: dict[str, list[int]] = {}
    for example in prepared.splits["train"] + prepared.splits["dev"]:
        text = example.text or ""
        assert text == unicodedata.normalize("NFC", text).strip() != ""
        height, width = read_line_image(example.source).pixels.shape
        heights.setdefault(example.id.rsplit("-", 1)[0], []).append(height)
        assert width > 8 * len(text)
    assert len(heights) == 2
    assert all(np.median(of_page) <= 128 for of_page in heights.values())
