import unicodedata
from pathlib import Path

import numpy as np
import pytest

from data_prep import poilus
from data_prep.corpus_source import prepare_into
from seqlabel.errors import FormatError, ManifestError
from seqlabel.formats import AltoLine, read_line_image, write_line_image
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


def alto_line(baseline: list[tuple[float, float]], polygon: list[tuple[float, float]]) -> AltoLine:
    return AltoLine("l", "text", np.array(polygon, float), np.array(baseline, float), (0.0, 0.0, 1.0, 1.0))


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
    with pytest.raises(ManifestError, match=r"does not stand beside it"):
        poilus.prepare(source, tmp_path / "out")


def test_a_truncated_page_is_named(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "poilus")
    path = source / f"{DEV_HAND}-3.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(FormatError, match=f"{DEV_HAND}-3"):
        poilus.prepare(source, tmp_path / "out")


def test_a_sloping_line_is_made_level() -> None:
    page = np.full((300, 400), 255, np.uint8)
    columns = np.arange(50, 350)
    page[(columns * 0.5).astype(int) + 40, columns] = 0  # ink along the base line itself
    line = alto_line([(50, 65), (349, 214)], [(50, 45), (349, 194), (349, 224), (50, 75)])
    strip, polygon = poilus.straighten(page, line)
    rows, _ = np.nonzero(strip == 0)
    assert rows.max() - rows.min() <= 1
    assert polygon[:, 1].max() - polygon[:, 1].min() == pytest.approx(30)


@pytest.mark.parametrize("is_downwards", [True, False])
def test_writing_in_the_margin_is_turned_upright(is_downwards: bool) -> None:
    upright = np.full((40, 200), 255, np.uint8)
    upright[25:30, 10:190] = 0  # the text
    upright[5:10, 10:20] = 100  # an accent above its beginning
    page = np.rot90(upright, -1 if is_downwards else 1)
    height, width = page.shape
    baseline = [(10.0, 10.0), (10.0, 189.0)] if is_downwards else [(29.0, 189.0), (29.0, 10.0)]
    corners = [(0.0, 0.0), (width - 1.0, 0.0), (width - 1.0, height - 1.0), (0.0, height - 1.0)]
    strip, polygon = poilus.straighten(page, alto_line(baseline, corners))
    np.testing.assert_array_equal(strip[:40, :200], upright)
    assert polygon[:, 0].max() == pytest.approx(199)


def test_a_line_without_a_base_line_is_only_cut() -> None:
    page = np.arange(60, dtype=np.uint8).reshape(6, 10)
    polygon = np.array([(2.0, 1.0), (7.0, 1.0), (7.0, 4.0)])
    strip, moved = poilus.straighten(page, AltoLine("l", "t", polygon, None, (0.0, 0.0, 1.0, 1.0)))
    np.testing.assert_array_equal(strip, page[:, 2:8])
    np.testing.assert_array_equal(moved, polygon - [2, 0])


def test_shrinking_keeps_the_mean_and_the_proportions() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (256, 600), dtype=np.uint8)
    small = poilus.shrink(LineImage(pixels), 128).pixels
    assert small.shape == (128, 300)
    expected = pixels.reshape(128, 2, 300, 2).mean(axis=(1, 3))
    assert np.abs(small - expected).max() <= 0.5


def test_shrinking_by_a_broken_factor_weighs_border_rows() -> None:
    pixels = np.repeat(np.array([[0], [90], [240]], np.uint8), 3, axis=1)
    small = poilus.shrink(LineImage(pixels), 2).pixels
    np.testing.assert_array_equal(small, [[30, 30], [190, 190]])


def test_a_small_line_keeps_its_size() -> None:
    image = LineImage(np.zeros((128, 50), np.uint8))
    assert poilus.shrink(image) is image


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
    for example in prepared.splits["train"] + prepared.splits["dev"]:
        text = example.text or ""
        assert text == unicodedata.normalize("NFC", text).strip() != ""
        height, width = read_line_image(example.source).pixels.shape
        assert height <= 128
        assert width > 8 * len(text)
