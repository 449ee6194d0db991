from pathlib import Path

import numpy as np
import pytest

from seqlabel.errors import FormatError
from seqlabel.formats import (
    Page,
    PageLine,
    cut_page_line,
    is_page,
    page_address,
    page_image,
    read_alto,
    read_page,
    read_page_line,
    read_page_xml,
    write_line_image,
)
from seqlabel.records import LineImage

YEARS = ("2010-03-19", "2013-07-15", "2017-07-15", "2019-07-15")


def page(folder: Path, inside: str, year: str = "2019-07-15", size: str = "", name: str = "p") -> Path:
    namespace = f"http://schema.primaresearch.org/PAGE/gts/pagecontent/{year}"
    path = folder / f"{name}.xml"
    path.write_text(
        f'<?xml version="1.0"?><PcGts xmlns="{namespace}"><Page imageFilename="scans/{name}.jpg" {size}>'
        f"{inside}</Page></PcGts>",
        encoding="utf-8",
    )
    return path


def line(name: str, text: str, points: str = "1,2 9,2 9,6", more: str = "") -> str:
    return (
        f'<TextLine id="{name}"><Coords points="{points}"/>{more}'
        f"<TextEquiv><Unicode>{text}</Unicode></TextEquiv></TextLine>"
    )


@pytest.mark.parametrize("year", YEARS[1:])
def test_lines_have_outline_baseline_text_and_region(year: str, tmp_path: Path) -> None:
    inside = line("l1", "Fait à Paris", more='<Baseline points="1,5 9,4"/>')
    path = page(tmp_path, f'<TextRegion id="r1" type="heading">{inside}</TextRegion>', year)
    found = read_page(path)
    [only] = found.lines
    assert (found.kind, found.image_name) == ("page", "scans/p.jpg")
    assert (only.id, only.text, only.region, only.region_type) == ("l1", "Fait à Paris", "r1", "heading")
    assert only.polygon.tolist() == [[1, 2], [9, 2], [9, 6]] and only.box == (1, 2, 9, 6)
    assert only.baseline is not None and only.baseline.tolist() == [[1, 5], [9, 4]]


def test_points_of_2010_are_elements(tmp_path: Path) -> None:
    points = "".join(f'<Point x="{x}" y="{y}"/>' for x, y in ((1, 2), (9, 2), (9, 6)))
    inside = f'<TextRegion id="r"><TextLine id="l"><Coords>{points}</Coords></TextLine></TextRegion>'
    [only] = read_page_xml(page(tmp_path, inside, YEARS[0])).lines
    assert only.polygon.tolist() == [[1, 2], [9, 2], [9, 6]]
    assert (only.text, only.baseline) == ("", None)


def test_the_first_of_several_readings_counts_else_the_words(tmp_path: Path) -> None:
    readings = "".join(
        f'<TextEquiv index="{index}"><Unicode>{text}</Unicode></TextEquiv>'
        for index, text in ((1, "zwei"), (0, "eins"))
    )
    words = "".join(
        f"<Word><TextEquiv><Unicode>{word}</Unicode></TextEquiv></Word>" for word in ("le", "chat")
    )
    inside = (
        f'<TextRegion><TextLine id="a">{readings}</TextLine><TextLine id="b">{words}</TextLine></TextRegion>'
    )
    assert [found.text for found in read_page_xml(page(tmp_path, inside)).lines] == ["eins", "le chat"]


def test_the_reading_order_is_followed_and_the_places_of_the_file_are_kept(tmp_path: Path) -> None:
    order = (
        '<ReadingOrder><OrderedGroup id="g"><RegionRefIndexed index="1" regionRef="left"/>'
        '<OrderedGroupIndexed index="0" id="h" regionRef="top"><RegionRefIndexed index="0" regionRef="top2"/>'
        "</OrderedGroupIndexed></OrderedGroup></ReadingOrder>"
    )
    regions = [
        f'<TextRegion id="{name}">{line(name + "1", name)}</TextRegion>'
        for name in ("rest", "left", "top2", "top")
    ]
    found = read_page_xml(page(tmp_path, order + "".join(regions)))
    assert [one.text for one in found.lines] == ["top", "top2", "left", "rest"]
    assert [one.place for one in found.lines] == [3, 2, 1, 0]


def test_regions_and_lines_say_their_own_places(tmp_path: Path) -> None:
    def indexed(name: str, index: int, more: str = "") -> str:
        custom = f'custom="readingOrder {{index:{index};}} structure {{type:DefaultLine;}}{more}"'
        return line(name, name).replace("<TextLine ", f"<TextLine {custom} ")

    def region(name: str, index: int, inside: str, kind: str = "marginalia") -> str:
        custom = f"readingOrder {{index:{index};}} structure {{score:0.9; type:{kind};}}"
        return f'<TextRegion id="{name}" type="other" custom="{custom}">{inside}</TextRegion>'

    first = indexed("b1", 1, " person {offset:0; length:2;}") + line("b2", "b2") + indexed("b0", 0)
    second = line("a1", "a1").replace("<TextLine ", '<TextLine index="11" ') + line("a0", "a0").replace(
        "<TextLine ", '<TextLine index="2" '
    )
    found = read_page_xml(page(tmp_path, region("b", 10, first) + region("a", 9, second, "heading")))
    assert [one.text for one in found.lines] == ["a0", "a1", "b0", "b1", "b2"]
    assert {one.region_type for one in found.lines} == {"heading", "marginalia"}
    # What the <ReadingOrder> says of regions comes before what they say themselves.
    order = '<ReadingOrder><UnorderedGroup id="g"><RegionRef regionRef="b"/></UnorderedGroup></ReadingOrder>'
    found = read_page_xml(page(tmp_path, order + region("b", 10, first) + region("a", 9, second)))
    assert [one.text for one in found.lines] == ["b0", "b1", "b2", "a0", "a1"]


def test_a_region_stands_where_the_one_around_it_is_named(tmp_path: Path) -> None:
    order = (
        '<ReadingOrder><OrderedGroup id="g"><RegionRefIndexed index="0" regionRef="b"/>'
        '<RegionRefIndexed index="1" regionRef="a"/></OrderedGroup></ReadingOrder>'
    )
    inner = f'<TextRegion id="inner">{line("b2", "b2")}</TextRegion>'
    regions = f'<TextRegion id="a">{line("a1", "a1")}</TextRegion>'
    regions += f'<TextRegion id="b">{inner}{line("b1", "b1")}</TextRegion>'
    assert [one.text for one in read_page_xml(page(tmp_path, order + regions)).lines] == ["b1", "b2", "a1"]


def test_words_may_have_their_text_in_glyphs_or_as_plain_text(tmp_path: Path) -> None:
    glyphs = "".join(f"<Glyph><TextEquiv><Unicode>{letter}</Unicode></TextEquiv></Glyph>" for letter in "le")
    plain = "<TextEquiv><PlainText>chat</PlainText><Unicode/></TextEquiv>"
    inside = f'<TextRegion><TextLine id="a"><Word>{glyphs}</Word><Word>{plain}</Word></TextLine></TextRegion>'
    assert [found.text for found in read_page_xml(page(tmp_path, inside)).lines] == ["le chat"]


def test_regions_in_regions_and_tables_are_looked_into(tmp_path: Path) -> None:
    cell = f'<TableRegion id="t"><TextRegion id="c">{line("l2", "Zelle")}</TextRegion></TableRegion>'
    inner = f'<TextRegion id="s">{line("l3", "innen")}</TextRegion>'
    inside = f'<TextRegion id="r">{line("l1", "aussen")}{inner}</TextRegion>{cell}'
    found = [(one.text, one.region) for one in read_page_xml(page(tmp_path, inside)).lines]
    assert found == [("aussen", "r"), ("innen", "s"), ("Zelle", "c")]


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        (
            '<TextRegion><TextLine id="q"><Coords points="1,2 a,3"/></TextLine></TextRegion>',
            "line q: .*coordinates",
        ),
        ('<TextRegion><TextLine id="q"><Coords points="1,2,3"/></TextLine></TextRegion>', "odd number"),
    ],
)
def test_broken_coordinates_are_named(inside: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=said):
        read_page_xml(page(tmp_path, inside))


def test_what_is_no_page_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "mets.xml"
    other.write_text("<mets/>")
    with pytest.raises(FormatError, match="<mets>; expected <alto> or <PcGts>"):
        read_page(other)
    other.write_text('<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><PcGts>&e;</PcGts>')
    with pytest.raises(FormatError, match="DOCTYPE"):
        read_page(other)
    other.write_text("<PcGts/>")
    with pytest.raises(FormatError, match="0 <Page> in it"):
        read_page(other)


@pytest.mark.parametrize("where", ["p.jpg", "../p.jpg", "p.png"])
def test_the_image_is_found_beside_the_page_or_above_it(where: str, tmp_path: Path) -> None:
    folder = tmp_path / "page"
    folder.mkdir()
    path = page(folder, "")
    (folder / where).resolve().write_bytes(b"x")
    assert page_image(path, read_page(path)).resolve() == (folder / where).resolve()


def test_folders_that_a_page_names_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret" / "p.jpg"
    secret.parent.mkdir()
    secret.write_bytes(b"x")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    for name in ("../../secret/p.jpg", str(secret), r"..\..\secret\p.jpg"):
        with pytest.raises(FormatError, match=r"p\.jpg stands neither beside it"):
            page_image(inner / "q.xml", Page("page", name, None, ()))


def test_alto_has_reading_order_units_and_regions(tmp_path: Path) -> None:
    blocks = "".join(
        f'<TextBlock ID="b{i}" TAGREFS="T{i}"><TextLine ID="l{i}" HPOS="1" VPOS="2" WIDTH="3" HEIGHT="4"/></TextBlock>'
        for i in range(3)
    )
    path = tmp_path / "a.xml"
    path.write_text(
        "<alto><Description><MeasurementUnit>mm10</MeasurementUnit></Description>"
        '<Tags><LayoutTag ID="T1" LABEL="Margin"/></Tags><ReadingOrder><OrderedGroup><ElementRef REF="b2"/>'
        '<ElementRef REF="b0"/></OrderedGroup></ReadingOrder>'
        f'<Layout><Page WIDTH="100" HEIGHT="200"><PrintSpace>{blocks}</PrintSpace></Page></Layout></alto>'
    )
    found = read_alto(path)
    assert [one.id for one in found.lines] == ["l2", "l0", "l1"]
    assert [one.place for one in found.lines] == [2, 0, 1]
    assert [one.region_type for one in found.lines] == ["", "", "Margin"]
    assert found.size == (100, 200)
    path.write_text("<alto><Description><MeasurementUnit>mm10</MeasurementUnit></Description></alto>")
    with pytest.raises(FormatError, match="does not say how large the page is"):
        read_alto(path)


def alto_of_blocks(path: Path, head: str, attributes: dict[str, str]) -> Path:
    blocks = "".join(
        f'<TextBlock ID="{name}" {more}><TextLine ID="{name}1"><String ID="{name}s" CONTENT="{name}"/></TextLine>'
        f'<TextLine ID="{name}2"><String ID="{name}t" CONTENT="{name}2"/></TextLine></TextBlock>'
        for name, more in attributes.items()
    )
    path.write_text(
        f'<alto>{head}<Layout><Page ID="p"><PrintSpace>{blocks}</PrintSpace></Page></Layout></alto>'
    )
    return path


def test_a_reference_of_alto_may_name_several_elements_words_too(tmp_path: Path) -> None:
    groups = (
        '<UnorderedGroup ID="g"><OrderedGroup ID="h" REF="c"><ElementRef ID="e" REF="c2 c1"/></OrderedGroup>'
        '<OrderedGroup ID="i"><ElementRef ID="f" REF="bt bs"/><ElementRef ID="k" REF="a"/></OrderedGroup>'
        "</UnorderedGroup>"
    )
    again = '<OrderedGroup ID="m"><ElementRef ID="n" REF="a b c"/></OrderedGroup>'
    head = f"<ReadingOrder>{groups}{again}</ReadingOrder>"
    path = alto_of_blocks(tmp_path / "a.xml", head, {"a": "", "b": "", "c": "", "d": ""})
    found = [one.text for one in read_alto(path).lines]
    assert found == ["c2", "c", "b2", "b", "a", "a2", "d", "d2"]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"a": 'IDNEXT="c"', "b": "", "c": 'IDNEXT="d"', "d": ""}, "a c d b"),
        ({"c": "", "b": 'IDNEXT="c"', "a": 'IDNEXT="b"'}, "a b c"),
        ({"a": 'IDNEXT="b"', "b": 'IDNEXT="a"'}, "a b"),  # a ring, and no beginning
        ({"a": 'IDNEXT="z"', "b": ""}, "a b"),
    ],
)
def test_blocks_of_alto_name_their_successors(
    attributes: dict[str, str], expected: str, tmp_path: Path
) -> None:
    found = read_alto(alto_of_blocks(tmp_path / "a.xml", "", attributes))
    assert [one.text for one in found.lines[::2]] == expected.split()


def test_deep_nesting_and_long_names_are_refused(tmp_path: Path) -> None:
    deep = "<TextRegion>" * 3000 + "</TextRegion>" * 3000
    with pytest.raises(FormatError, match="nested 201 deep"):
        read_page(page(tmp_path, deep))
    with pytest.raises(FormatError, match="stands neither beside it"):
        page_image(tmp_path / "p.xml", Page("page", "x" * 5000 + ".jpg", None, ()))


def test_numbers_that_only_look_like_numbers(tmp_path: Path) -> None:
    for index in ("\u00b2", "9" * 5000, "-1", "1.5"):
        reading = f'<TextEquiv index="{index}"><Unicode>x</Unicode></TextEquiv>'
        inside = f'<TextRegion><TextLine id="l" index="{index}">{reading}</TextLine></TextRegion>'
        assert [one.text for one in read_page(page(tmp_path, inside)).lines] == ["x"]


def test_the_folder_above_is_that_of_relative_paths_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "doc" / "page"
    inner.mkdir(parents=True)
    (tmp_path / "doc" / "p.jpg").write_bytes(b"x")
    monkeypatch.chdir(inner)
    assert page_image(Path("p.xml"), Page("page", "p.jpg", None, ())).samefile(tmp_path / "doc" / "p.jpg")


@pytest.mark.parametrize("prefix", ["", "pc-1:"])
def test_pages_are_known_by_their_root_element(prefix: str, tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    namespace = f' xmlns:{prefix[:-1]}="x"' if prefix else ""
    path.write_text(f"<?xml version='1.0'?><!-- {'long ' * 2000}--><{prefix}PcGts{namespace}/>")
    assert is_page(path)
    path.write_text("<mets><!-- <alto > --></mets>")
    assert not is_page(path)
    path.write_text("<alto><Layout/></alto>", encoding="utf-16")
    assert is_page(path)
    for broken in ("", "<alto", "no XML"):  # whose errors have to be told
        path.write_text(broken)
        assert is_page(path)


def test_a_page_whose_image_changes_is_read_again_and_one_of_another_shape_is_refused(tmp_path: Path) -> None:
    lines = f'<TextRegion id="r">{line("l", "x", "0,0 19,0 19,9 0,9")}</TextRegion>'
    path = page(tmp_path, lines, size='imageWidth="20" imageHeight="10"')
    for grey, size in ((200, (10, 20)), (50, (10, 20)), (90, (20, 40))):
        write_line_image(tmp_path / "p.png", LineImage(np.full(size, grey, np.uint8)))
        assert read_page_line(page_address(path, 0))[0].pixels.mean() == grey
    write_line_image(tmp_path / "p.png", LineImage(np.full((20, 10), 90, np.uint8)))
    with pytest.raises(FormatError, match="turned"):
        read_page_line(page_address(path, 0))


def test_coordinates_far_beyond_the_page_take_no_memory(tmp_path: Path) -> None:
    pixels = np.full((300, 300), 255, np.uint8)
    outline = np.array([(0.0, 10.0), (200.0, 10.0), (200.0, 1e30), (0.0, 1e7)])
    for baseline in (np.array([(0.0, 40.0), (200.0, 50.0)]), np.array([(0.0, -1e30), (299.0, 1e30)])):
        image, _ = cut_page_line(pixels, PageLine("l", "", outline, baseline, (0, 0, 1, 1)))
        assert image.pixels.size < 1e6


def test_lines_are_scaled_with_all_their_coordinates() -> None:
    line = PageLine(
        "l", "t", np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]]), np.array([[1.0, 1.0]]), (1, 2, 3, 4)
    )
    scaled = line.scaled(2, 10)
    assert scaled.polygon.tolist() == [[2, 20], [6, 40], [10, 70]]
    assert scaled.baseline is not None and scaled.baseline.tolist() == [[2, 10]]
    assert scaled.box == (2, 20, 6, 40)
