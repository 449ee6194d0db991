import numpy as np
import pytest

from seqlabel.errors import FormatError
from seqlabel.formats import cut_line, read_alto, read_line_image

LINE = """<TextLine ID="l1" HPOS="10" VPOS="20" WIDTH="100" HEIGHT="30" {attributes}>{inside}</TextLine>"""


@pytest.fixture
def alto(tmp_path):
    def write(lines, namespace="http://www.loc.gov/standards/alto/ns-v4#", head=""):
        path = tmp_path / "a.xml"
        path.write_text(
            f"""<?xml version="1.0"?><alto xmlns="{namespace}"><Description>{head}</Description>
            <Layout><Page><PrintSpace><TextBlock><Shape><Polygon POINTS="0 0 9 0 9 9"/></Shape>
            {lines}</TextBlock></PrintSpace></Page></Layout></alto>""",
            encoding="utf-8",
        )
        return path

    return write


def line(inside="", attributes=""):
    return LINE.format(inside=inside, attributes=attributes)


def error_of(path):
    with pytest.raises(FormatError) as caught:
        read_alto(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message
    return message


@pytest.mark.parametrize(
    "namespace",
    [
        "http://www.loc.gov/standards/alto/ns-v2#",
        "http://www.loc.gov/standards/alto/ns-v3#",
        "http://www.loc.gov/standards/alto/ns-v4#",
    ],
)
def test_strings_are_joined_with_one_space(alto, namespace):
    inside = '<String CONTENT="Fait"/><SP/><String CONTENT="à"/><String CONTENT="Pa"/><HYP CONTENT="-"/>'
    (found,) = read_alto(alto(line(inside), namespace)).lines
    assert (found.id, found.text) == ("l1", "Fait à Pa-")


@pytest.mark.parametrize("inside", ["", '<String CONTENT=""/>', '<String CONTENT=" "/>'])
def test_lines_without_text_are_kept(alto, inside):
    assert [found.text for found in read_alto(alto(line(inside))).lines] == [""]


@pytest.mark.parametrize("text", ["10 20 110 20 110 50", "10,20 110,20 110,50"])
def test_polygons_have_pairs_with_or_without_commas(alto, text):
    (found,) = read_alto(alto(line(f'<Shape><Polygon POINTS="{text}"/></Shape>'))).lines
    assert found.polygon.tolist() == [[10, 20], [110, 20], [110, 50]]
    assert found.box == (10, 20, 110, 50)


def test_a_line_without_a_polygon_has_the_corners_of_its_box(alto):
    (found,) = read_alto(alto(line())).lines
    assert found.polygon.tolist() == [[10, 20], [110, 20], [110, 50], [10, 50]]


def test_a_line_without_a_box_has_that_of_its_polygon(alto):
    lines = '<TextLine><Shape><Polygon POINTS="1 2 8 3 5 9"/></Shape></TextLine>'
    (found,) = read_alto(alto(lines)).lines
    assert (found.id, found.box) == ("line 1", (1, 2, 8, 9))


def test_a_line_without_any_place_has_no_points(alto):
    (found,) = read_alto(alto("<TextLine/>")).lines
    assert found.polygon.shape == (0, 2)


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [("", None), ("10 45 110 46", [[10, 45], [110, 46]]), ("45", [[10, 45], [110, 45]])],
)
def test_baselines_are_points_or_one_height(alto, attribute, expected):
    (found,) = read_alto(alto(line(attributes=f'BASELINE="{attribute}"'))).lines
    assert expected == (None if found.baseline is None else found.baseline.tolist())


def test_the_name_of_the_image_is_given(alto):
    head = "<sourceImageInformation><fileName>p1.jpg</fileName></sourceImageInformation>"
    assert read_alto(alto(line(), head=head)).image_name == "p1.jpg"
    assert read_alto(alto(line())).image_name is None


@pytest.mark.parametrize("points", ["1 2 3", "1 2 x 4", "1 2 nan 4 5 6"])
def test_broken_points_are_refused_with_their_line(alto, points):
    assert "l1" in error_of(alto(line(f'<Shape><Polygon POINTS="{points}"/></Shape>')))


def test_other_units_than_pixels_are_refused(alto):
    assert "mm10" in error_of(alto(line(), head="<MeasurementUnit>mm10</MeasurementUnit>"))


@pytest.mark.parametrize(
    "text", ["", "<ink/>", "<alto>", "no xml", '<!DOCTYPE alto [<!ENTITY a "b">]><alto/>']
)
def test_files_that_are_not_alto_are_refused(tmp_path, text):
    (tmp_path / "a.xml").write_text(text)
    error_of(tmp_path / "a.xml")


# --- cutting


def test_nothing_else_than_the_line_is_on_the_cut():
    page = np.full((60, 200), 200, np.uint8)
    page[28:32, 20:180] = 10  # the line's ink
    page[36:40, 20:180] = 0  # another line's, inside of the box but below the slanting outline
    polygon = np.array([[20, 22], [180, 22], [180, 34], [100, 34], [20, 40], [20, 22]], float)
    page[36:40, 20:80] = 200
    pixels = cut_line(page, polygon).pixels
    assert pixels.shape == (19, 161)
    assert (pixels == 10).sum() == 4 * 160
    assert (pixels == 0).sum() == 0 and set(np.unique(pixels)) == {10, 200}


def test_the_filling_follows_uneven_light():
    page = np.tile(np.linspace(120, 220, 400).astype(np.uint8), (40, 1))
    polygon = np.array([[0, 10], [399, 20], [399, 35], [0, 25]], float)
    pixels = cut_line(page, polygon).pixels
    assert np.abs(pixels.astype(int) - page[10:36].astype(int)).max() <= 12


def test_the_filling_is_the_papers_tone_and_not_the_inks():
    page = np.full((40, 100), 180, np.uint8)
    page[12:28, ::3] = 20
    polygon = np.array([[0, 10], [99, 10], [50, 30]], float)
    assert cut_line(page, polygon).pixels[-1, 0] == 180


@pytest.mark.parametrize("shift", [-15, 15])
def test_a_polygon_over_the_border_is_clipped_to_the_page(shift):
    page = np.full((30, 30), 90, np.uint8)
    polygon = np.array([[0, 0], [29, 0], [29, 29], [0, 29]], float) + shift
    assert cut_line(page, polygon).pixels.shape == (15, 15)


@pytest.mark.parametrize(
    "polygon", [np.zeros((0, 2)), np.array([[0.0, 0], [1, 1]]), np.array([[100.0, 0], [120, 0], [120, 9]]),
                np.array([[np.nan, 0], [1, 1], [2, 0]])]
)  # fmt: skip
def test_polygons_without_a_pixel_on_the_page_are_refused(polygon):
    with pytest.raises(FormatError, match="polygon"):
        cut_line(np.zeros((20, 20), np.uint8), polygon)


def test_lines_of_poilus_are_cut_from_their_page(corpora):
    page = read_alto(corpora / "poilus/TestamentsDePoilus_will_AD78_0002-0.xml")
    pixels = read_line_image(corpora / "poilus" / str(page.image_name)).pixels
    first = page.lines[0]
    assert first.text == "né à Marolles-les-Braults le dix huit"
    assert first.baseline is not None and first.baseline.tolist() == [[607, 357], [2054, 370]]
    cut = cut_line(pixels, first.polygon).pixels
    assert cut.shape == (107, 1453)
    assert np.percentile(cut, 75) - np.percentile(cut, 2) > 40  # there is ink on the paper


def test_all_of_poilus_is_read(corpora):
    pages = [read_alto(path) for path in sorted((corpora / "poilus").glob("*.xml"))]
    assert len(pages) == 189
    assert 2700 < sum(bool(found.text) for page in pages for found in page.lines) < 2900
