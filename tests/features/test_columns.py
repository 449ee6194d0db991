from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from seqlabel.errors import ConfigError, FormatError
from seqlabel.features import ColumnConfig
from seqlabel.formats import LineCutConfig, read_page_line, write_line_image
from seqlabel.records import Example, LineImage

PLAIN = ColumnConfig(height=4, stretch_contrast=False, pad_columns=0)


def _image(height: int = 32, width: int = 100) -> LineImage:
    pixels = np.full((height, width), 200, np.uint8)
    pixels[height // 4 : height // 2, width // 4 : width // 2] = 50
    return LineImage(pixels)


def test_a_frame_is_a_column_from_the_top_and_ink_is_one() -> None:
    pixels = np.array([[0, 255, 51], [255, 255, 255], [255, 0, 255], [255, 255, 255]], np.uint8)
    frames = PLAIN.build()(LineImage(pixels))
    np.testing.assert_allclose(frames, [[1, 0, 0, 0], [0, 0, 1, 0], [0.8, 0, 0, 0]], atol=1e-6)


def test_the_aspect_ratio_is_kept() -> None:
    config = ColumnConfig(height=64, pad_columns=0)
    assert config.build()(_image(32, 100)).shape == (200, 64)
    assert config.build()(_image(128, 100)).shape == (50, 64)


def test_a_narrow_image_keeps_a_column() -> None:
    assert ColumnConfig(height=4, pad_columns=0).build()(LineImage(np.zeros((900, 1), np.uint8))).shape == (
        1,
        4,
    )


def test_paper_is_added_at_both_ends() -> None:
    frames = ColumnConfig(height=32, pad_columns=3).build()(LineImage(np.zeros((32, 10), np.uint8)))
    assert frames.shape == (16, 32)
    assert not frames[[0, 1, 2, -3, -2, -1]].any()


def test_windows_hold_neighbouring_columns_and_paper_beyond_the_end() -> None:
    pixels = 255 - np.arange(1, 6, dtype=np.uint8)[None, :].repeat(2, axis=0)
    config = ColumnConfig(height=2, window=3, step=2, stretch_contrast=False, pad_columns=0)
    frames = config.build()(LineImage(pixels)) * 255
    expected = [[1, 1, 2, 2, 3, 3], [3, 3, 4, 4, 5, 5], [5, 5, 0, 0, 0, 0]]
    np.testing.assert_allclose(frames, expected, atol=1e-4)


def test_a_pale_scan_becomes_paper_and_ink() -> None:
    frames = ColumnConfig(height=32, pad_columns=0).build()(_image())
    np.testing.assert_allclose([frames.min(), frames.max()], [0, 1], atol=0.01)


def test_noise_on_empty_paper_is_not_blown_up() -> None:
    noise = np.random.default_rng(0).integers(228, 233, (32, 100)).astype(np.uint8)
    assert ColumnConfig(height=32).build()(LineImage(noise)).max() < 0.25


@pytest.mark.parametrize("grey", [0, 5, 255])
def test_an_image_of_one_grey_is_finite(grey: int) -> None:
    frames = ColumnConfig(height=32).build()(LineImage(np.full((32, 9), grey, np.uint8)))
    assert np.isfinite(frames).all()
    assert frames.min() >= 0 and frames.max() <= 1


def test_frames_are_the_same_whether_scaled_on_reading_or_later(tmp_path) -> None:
    write_line_image(tmp_path / "line.png", _image(128, 300))
    feature = ColumnConfig(height=48).build()
    read = feature.read(Example(id="a", source=tmp_path / "line.png"))
    assert read.pixels.shape[0] == 48
    np.testing.assert_array_equal(feature(read), feature(_image(128, 300)))


def test_an_image_without_pixels_is_refused() -> None:
    with pytest.raises(FormatError, match="0 pixels"):
        ColumnConfig().build()(LineImage(np.zeros((0, 0), np.uint8)))


def test_a_scan_of_one_row_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(FormatError, match="text line of at most"):
        ColumnConfig(height=64).build()(LineImage(np.zeros((1, 30000), np.uint8)))


@pytest.mark.parametrize("setting", [{"height": 0}, {"window": 0}, {"step": 0}, {"pad_columns": -1}])
def test_a_setting_out_of_range_is_refused(setting: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        ColumnConfig(**setting)


def sloping_page(folder: Path) -> Path:
    """Writes a page with one line of leaning strokes under a shade, and returns the source of the line."""
    light = np.linspace(250, 120, 400)[None, :] * np.ones((120, 1))
    for column in range(40, 360, 25):
        for up in range(24):
            row = round(60 + 0.1 * column) - up
            light[row, column + round(0.4 * up) : column + round(0.4 * up) + 3] *= 0.2
    Image.fromarray(light.astype(np.uint8)).save(folder / "p.png")
    outline = " ".join(f"{a},{b}" for a, b in ((20, 30), (380, 66), (380, 106), (20, 70)))
    (folder / "p.xml").write_text(
        '<PcGts><Page imageFilename="p.png"><TextRegion id="r"><TextLine id="l">'
        f'<Coords points="{outline}"/><Baseline points="20,62 380,98"/></TextLine></TextRegion></Page></PcGts>'
    )
    return folder / "p.xml:0"


def test_a_line_of_a_page_is_cut_deslanted_and_cleaned_as_the_config_says(tmp_path: Path) -> None:
    example = Example(id="l", source=sloping_page(tmp_path))
    plain = ColumnConfig(height=64).build().read(example).pixels
    config = ColumnConfig(
        height=64, deslant=True, remove_background=True, cut=LineCutConfig(margin_above=0.5)
    )
    read = config.build().read(example).pixels
    written = (read < 110).any(axis=1)
    assert written.sum() < 0.8 * (plain < 110).any(axis=1).sum()  # with a margin the writing is smaller
    assert np.percentile(read, 30) > 235 > np.percentile(plain, 60)
    profile = (read < 110).sum(axis=0)  # upright strokes stand over a few columns each
    assert (profile > 0).mean() < 0.7 * ((plain < 110).sum(axis=0) > 0).mean()


def test_frames_of_a_cleaned_line_lie_where_its_pixels_do(tmp_path: Path) -> None:
    image = LineImage(np.tile(np.linspace(240, 120, 300), (40, 1)).astype(np.uint8))
    image.pixels[10:30, 50:60] = image.pixels[10:30, 240:250] = 20
    edges = ColumnConfig(height=40, pad_columns=0, remove_background=True).build().frame_edges(image, 300)
    np.testing.assert_allclose(edges, np.arange(301))


def test_the_config_of_an_older_model_file_cuts_as_it_did() -> None:
    config = msgspec.json.decode(b'{"type": "columns", "height": 48}', type=ColumnConfig)
    assert config.cut == LineCutConfig() and not config.remove_background


def lines_of_a_hand(folder: Path) -> list[Example]:
    """Writes three lines of one hand, the last with letters half as high, and returns them."""
    examples = []
    for name, (top, bottom) in {"a": (24, 40), "b": (24, 40), "c": (28, 36)}.items():
        pixels = np.full((64, 200), 220, np.uint8)
        for column in range(10, 190, 6):
            pixels[top:bottom, column : column + 2] = 30
        write_line_image(folder / f"{name}.png", LineImage(pixels))
        examples.append(Example(id=name, source=folder / f"{name}.png", group="hand"))
    return examples


def test_the_lines_of_a_group_are_scaled_by_its_median(tmp_path: Path) -> None:
    examples = lines_of_a_hand(tmp_path)
    feature = ColumnConfig(height=64, band=0.13, band_of="group").build()
    alone = [feature.read(example).pixels.shape[1] for example in examples]
    seen: list[int] = []
    feature.measure(examples, lambda: seen.append(1))
    together = [feature.read(example).pixels.shape[1] for example in examples]
    assert len(seen) == 3
    assert alone[2] > 1.4 * alone[0]
    assert together == [alone[0]] * 3
    other_hand = replace(examples[2], group="another hand")
    assert feature.read(other_hand).pixels.shape[1] == alone[2]  # not measured: by itself


def test_lines_by_themselves_measure_nothing(tmp_path: Path) -> None:
    examples = lines_of_a_hand(tmp_path)
    feature = ColumnConfig(height=64, band=0.13).build()
    before = feature.read(examples[2]).pixels
    feature.measure(examples)
    assert not feature.measures_groups and not feature.measured
    np.testing.assert_array_equal(feature.read(examples[2]).pixels, before)


def test_a_file_that_cannot_be_read_is_told_when_it_is_read(tmp_path: Path) -> None:
    examples = lines_of_a_hand(tmp_path)
    (tmp_path / "b.png").write_bytes(b"no image")
    feature = ColumnConfig(height=64, band=0.13, band_of="group").build()
    feature.measure(examples)
    assert feature.read(examples[0]).pixels.shape[0] == 64
    with pytest.raises(FormatError, match=r"b\.png"):
        feature.read(examples[1])


def test_the_scale_of_a_line_of_a_page_counts(tmp_path: Path) -> None:
    """Two lines of a page with letters of one size, of which the higher one is scaled down when it is cut out."""
    pixels = np.full((500, 400), 220, np.uint8)
    for base in (100, 350):
        for column in range(20, 380, 12):
            pixels[base - 30 : base, column : column + 4] = 30
    Image.fromarray(pixels).save(tmp_path / "p.png")
    lines = "".join(
        f'<TextLine id="l{top}"><Coords points="10,{top} 390,{top} 390,{bottom} 10,{bottom}"/></TextLine>'
        for top, bottom in ((40, 160), (185, 485))
    )
    (tmp_path / "p.xml").write_text(
        f'<PcGts><Page imageFilename="p.png"><TextRegion id="r">{lines}</TextRegion></Page></PcGts>'
    )
    examples = [Example(id=str(n), source=tmp_path / f"p.xml:{n}", group="page") for n in (0, 1)]
    feature = ColumnConfig(height=64, band=0.13, band_of="group").build()
    feature.measure(examples)
    assert feature.measured["page"][0].band == pytest.approx(0.6 * 30, abs=3)
    widths = [feature.read(example).pixels.shape[1] for example in examples]
    assert widths[0] == pytest.approx(widths[1], rel=0.02)
    image, place = read_page_line(tmp_path / "p.xml:1", LineCutConfig())
    assert place.scale > 2
    edges = feature.frame_edges(image, 100, "page", place.scale)
    assert edges[0] == 0 and edges[-1] == image.pixels.shape[1]


@pytest.mark.parametrize("setting", [{"band_of": "group"}, {"spacing": 0.4}])
def test_a_size_of_writing_without_a_band_is_refused(setting: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="band_of group and spacing need a band"):
        ColumnConfig(**setting)


def test_a_spacing_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="heights of the line, such as"):
        ColumnConfig(band=0.2, spacing=0.0)


@pytest.mark.parametrize("band_of", ["line", "group"])
def test_wide_and_narrow_hands_become_alike(band_of: str, tmp_path: Path) -> None:
    widths = {}
    for name, step in (("wide", 16), ("narrow", 8)):
        pixels = np.full((64, 20 + 20 * step), 220, np.uint8)
        for number in range(20):
            pixels[24:40, 10 + number * step : 12 + number * step] = 30
        write_line_image(tmp_path / f"{name}.png", LineImage(pixels))
        example = Example(id=name, source=tmp_path / f"{name}.png", group=name)
        for spacing in (None, 0.15):
            feature = ColumnConfig(height=64, band=0.15, band_of=band_of, spacing=spacing).build()
            feature.measure([example])
            widths[name, spacing] = feature.read(example).pixels.shape[1]
    assert widths["wide", None] > 1.8 * widths["narrow", None]
    assert 1.15 < widths["wide", 0.15] / widths["narrow", 0.15] < 1.35  # 2 to the power of 0.3
    assert widths["narrow", 0.15] > widths["narrow", None] and widths["wide", 0.15] < widths["wide", None]
