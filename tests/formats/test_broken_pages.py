"""Pages that break the rules of ALTO and PAGE: read where it is clear what is meant, else refused in one line."""

from pathlib import Path

import numpy as np
import pytest

from seqlabel.errors import FormatError, ManifestError
from seqlabel.formats import (
    PlacedText,
    cut_page_line,
    page_address,
    read_page,
    read_page_line,
    split_page_address,
    write_line_image,
    write_page,
)
from seqlabel.manifest import read_manifest
from seqlabel.records import LineImage
from tests.pages import ALTO, PAGE, draw_page

KINDS = ("alto", "page")
CORNERS = np.array([(1.0, 1.0), (5.0, 1.0), (5.0, 5.0), (1.0, 5.0)])
each_kind = pytest.mark.parametrize("kind", KINDS)


def page_with(folder: Path, kind: str, lines: str) -> Path:
    form = ALTO if kind == "alto" else PAGE
    path = folder / "p.xml"
    path.write_text(form.format(image="p.png", width=200, height=100, lines=lines), encoding="utf-8")
    return path


def line_with(kind: str, points: str | None, more: str = "", inside: str = "") -> str:
    if kind == "alto":
        shape = "<Shape/>" if points is None else f'<Shape><Polygon POINTS="{points}"/></Shape>'
        return f'<TextLine ID="l" {more}>{shape}<String CONTENT="ab"/>{inside}</TextLine>'
    coords = "<Coords/>" if points is None else f'<Coords points="{points}"/>'
    return f'<TextLine id="l">{coords}{inside}<TextEquiv><Unicode>ab</Unicode></TextEquiv></TextLine>'


@each_kind
@pytest.mark.parametrize("namespace", ["", 'xmlns="http://example.org/x"', 'xmlns:x="urn:y"'])
def test_namespaces_do_not_matter(kind: str, namespace: str, tmp_path: Path) -> None:
    path = draw_page(tmp_path, "one", ["ab ca"], kind)
    text = path.read_text()
    start = text.index("xmlns=")
    path.write_text(text[:start] + namespace + text[text.index(">", start) :])
    assert [line.text for line in read_page(path).lines] == ["ab ca"]
    write_page(path, tmp_path / "out.xml", {0: [PlacedText("cb", CORNERS, 0.5)]})
    assert [line.text for line in read_page(tmp_path / "out.xml").lines] == ["cb"]


@each_kind
@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "iso-8859-1", "windows-1252", "iso-8859-15"])
def test_the_declared_encoding_is_the_one_that_counts(kind: str, codec: str, tmp_path: Path) -> None:
    path = draw_page(tmp_path, "one", ["ab"], kind)
    text = path.read_text().replace("ab", "né à œuvrer" if codec != "iso-8859-1" else "né à")
    declared = text.replace('encoding="UTF-8"', "" if codec.startswith("utf") else f'encoding="{codec}"')
    path.write_bytes(declared.encode(codec))
    before = read_page(path).lines[0].text
    assert before.startswith("né à")
    write_page(path, tmp_path / "out.xml", {})
    assert read_page(tmp_path / "out.xml").lines[0].text == before


@each_kind
def test_bytes_that_are_not_what_is_declared_are_refused(kind: str, tmp_path: Path) -> None:
    path = draw_page(tmp_path, "one", ["ab"], kind)
    path.write_bytes(path.read_text().replace("ab", "né").encode("latin-1"))
    with pytest.raises(FormatError, match="not well-formed"):
        read_page(path)


@each_kind
@pytest.mark.parametrize(
    "points", ["1,2,9,2,9,6", "1.0,2.0 9.00,2 9,6.0", "  1,2   9,2\n9,6 ", "1 2 9 2 9 6"]
)
def test_points_are_pairs_however_they_are_parted(kind: str, points: str, tmp_path: Path) -> None:
    [line] = read_page(page_with(tmp_path, kind, line_with(kind, points))).lines
    assert line.polygon.tolist() == [[1, 2], [9, 2], [9, 6]]


@each_kind
def test_points_outside_of_the_page_are_cut_off(kind: str, tmp_path: Path) -> None:
    [line] = read_page(page_with(tmp_path, kind, line_with(kind, "-9,-5 50,-5 50,20 -9.5,20"))).lines
    image, place = cut_page_line(np.full((100, 200), 255, np.uint8), line)
    assert image.pixels.shape == (21, 51) and place.page_size == (200, 100)


@each_kind
@pytest.mark.parametrize(
    ("points", "said"), [("1,2 9", "odd number"), ("1,2 9;2", "coordinates"), ("∞,1", "not")]
)
def test_points_that_are_none_are_refused_with_their_line(
    kind: str, points: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(FormatError, match=said) as caught:
        read_page(page_with(tmp_path, kind, line_with(kind, points)))
    assert "line l" in str(caught.value)


@each_kind
@pytest.mark.parametrize("points", [None, "", "5,5", "1,1 9,9", "3,3 3,3 3,3"])
def test_a_line_without_an_outline_is_kept_and_has_no_text_to_learn(
    kind: str, points: str | None, tmp_path: Path
) -> None:
    baseline = '<Baseline points="1,9 99,9"/>' if kind == "page" else ""
    write_line_image(tmp_path / "p.png", LineImage(np.full((100, 200), 255, np.uint8)))
    path = page_with(tmp_path, kind, line_with(kind, points, 'BASELINE="1 9 99 9"', baseline))
    [line] = read_page(path).lines
    assert line.text == "ab" and line.baseline is not None
    assert [example.text for example in read_manifest(path)] == [None]
    with pytest.raises(FormatError, match="no area on the page"):
        read_page_line(page_address(path, 0))


def test_a_line_of_alto_without_an_outline_has_its_box(tmp_path: Path) -> None:
    path = page_with(tmp_path, "alto", line_with("alto", None, 'HPOS="1" VPOS="2" WIDTH="8.5" HEIGHT="4"'))
    assert read_page(path).lines[0].polygon.tolist() == [[1, 2], [9.5, 2], [9.5, 6], [1, 6]]


@each_kind
def test_empty_regions_and_pages_have_no_lines(kind: str, tmp_path: Path) -> None:
    path = page_with(tmp_path, kind, "")
    assert read_page(path).lines == ()
    write_page(path, tmp_path / "out.xml", {})
    assert read_page(tmp_path / "out.xml").lines == ()
    with pytest.raises(ManifestError, match="no example in it"):
        read_manifest(path)


@each_kind
def test_lines_of_one_id_are_written_each_in_its_place(kind: str, tmp_path: Path) -> None:
    path = draw_page(tmp_path, "one", ["ab", "cb", "ca"], kind)
    path.write_text(path.read_text().replace('"l1"', '"l0"').replace('"l2"', '"l0"'))
    write_page(path, tmp_path / "out.xml", {1: [PlacedText("bb", CORNERS, 0.5)]})
    assert [line.text for line in read_page(tmp_path / "out.xml").lines] == ["ab", "bb", "ca"]
    assert [example.id for example in read_manifest(path)] == ["one#l0", "one#l0@1", "one#l0@2"]


def test_several_readings_and_hyphens_are_those_on_the_paper(tmp_path: Path) -> None:
    first = 'CONTENT="Testa" SUBS_TYPE="HypPart1" SUBS_CONTENT="Testament"'
    alternative = "<ALTERNATIVE>Tesla</ALTERNATIVE>"
    lines = (
        f'<TextLine ID="a"><String {first}>{alternative}</String><HYP CONTENT="&#173;"/></TextLine>'
        '<TextLine ID="b"><String CONTENT="ment" SUBS_TYPE="HypPart2" SUBS_CONTENT="Testament"/><SP/>'
        '<String CONTENT="M."  SUBS_TYPE="Abbreviation" SUBS_CONTENT="Monsieur"/></TextLine>'
    )
    found = [line.text for line in read_page(page_with(tmp_path, "alto", lines)).lines]
    assert found == ["Testa\u00ad", "ment M."]
    readings = "".join(
        f'<TextEquiv index="{i}"><Unicode>{text}</Unicode></TextEquiv>' for i, text in ((2, "x"), (1, "y"))
    )
    lines = f'<TextLine id="a"><Word id="w"><TextEquiv><Unicode>z</Unicode></TextEquiv></Word>{readings}</TextLine>'
    assert [line.text for line in read_page(page_with(tmp_path, "page", lines)).lines] == ["y"]


def test_a_file_of_several_pages_is_refused(tmp_path: Path) -> None:
    path = draw_page(tmp_path, "one", ["ab"])
    text = path.read_text()
    page = text[text.index("<Page ") : text.index("</Layout>")]
    path.write_text(text.replace("</Layout>", f"{page}</Layout>"))
    with pytest.raises(FormatError, match="holds 2 pages"):
        read_page(path)


@each_kind
def test_points_of_any_size_are_measured_without_a_warning(kind: str, tmp_path: Path) -> None:
    write_line_image(tmp_path / "p.png", LineImage(np.full((100, 200), 255, np.uint8)))
    path = page_with(tmp_path, kind, line_with(kind, "0,0 1e300,0 1e300,1e300 0,1e300"))
    assert read_page_line(page_address(path, 0))[0].pixels.shape == (100, 200)


def test_a_number_of_thousands_of_digits_is_no_address() -> None:
    assert split_page_address(Path(f"p.xml:{'9' * 5000}")) is None
    assert split_page_address(Path("p.xml:999999999")) == (Path("p.xml"), 999_999_999)
