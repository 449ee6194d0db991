"""What is written is valid by the schemas that the Library of Congress and PRImA publish.

The schemas belong to others and are not kept here. `SEQLABEL_SCHEMAS` names a folder that holds them (`*.xsd`, also in
folders below); docs/pages.md says where they are to be had.
"""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from lxml import etree

from seqlabel.formats import PlacedText, read_page, write_page
from tests.blocks import TrainedRun
from tests.pages import draw_page

FOLDER = os.environ.get("SEQLABEL_SCHEMAS")
XS = "{http://www.w3.org/2001/XMLSchema}"
# ALTO's schemas take the attributes of links from one that they name by its address.
XLINK = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="http://www.w3.org/1999/xlink">
  <xs:attributeGroup name="simpleLink"><xs:anyAttribute namespace="##targetNamespace" processContents="skip"/>
  </xs:attributeGroup></xs:schema>"""


class _Links(etree.Resolver):
    def resolve(self, url, public_id, context):
        return self.resolve_string(XLINK, context) if "xlink" in url else None


@cache
def tree_of(path: Path) -> etree._ElementTree:
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_Links())
    return etree.parse(path, parser)


@cache
def schema_of(path: Path) -> etree.XMLSchema:
    return etree.XMLSchema(tree_of(path))


def kind_of(path: Path) -> str | None:
    """Returns alto or page for their schemas, None for the others and for those before text lines had outlines."""
    namespace = tree_of(path).getroot().get("targetNamespace", "")
    if "/alto/ns-v" in namespace:
        return "alto"
    is_page = "/PAGE/gts/pagecontent/" in namespace and namespace[-10:] >= "2010-03-19"
    return "page" if is_page else None


def schemas() -> list[object]:
    if FOLDER is None:
        reason = "the schemas are not at hand; set SEQLABEL_SCHEMAS to their folder (docs/pages.md)"
        return [pytest.param(Path(), marks=pytest.mark.skip(reason=reason))]
    found = [path for path in sorted(Path(FOLDER).rglob("*.xsd")) if kind_of(path)]
    return [pytest.param(path, id=path.stem) for path in found]


every_schema = pytest.mark.parametrize("schema", schemas())


def has(schema: Path, owner: str, name: str) -> bool:
    """Tells whether a schema knows an element or an attribute of a type or of an element."""
    owners = [part for part in tree_of(schema).iter() if part.get("name") == owner]
    return any(part.get("name") == name for one in owners for part in one.iter())


def alto_of(schema: Path, size: tuple[int, int], boxes: list[tuple[int, int, int, int]]) -> str:
    """Returns a valid page that has what the schema offers, so that writing can put it into disorder."""
    root = tree_of(schema).getroot()
    baseline_type = next(part.get("type") for part in root.iter() if part.get("name") == "BASELINE")
    has_tags, has_glyphs = has(schema, "altoType", "Tags"), has(schema, "StringType", "Glyph")
    lines = []
    for i, (x, y, width, height) in enumerate(boxes):
        place = f'HPOS="{x}" VPOS="{y}" WIDTH="{width}" HEIGHT="{height}"'
        points = f"{x} {y} {x + width} {y} {x + width} {y + height} {x} {y + height}"
        shape = f'<Shape><Polygon POINTS="{points}"/></Shape>' if has(schema, "TextLine", "Shape") else ""
        level = y + height
        baseline = f"{x} {level} {x + width} {level}" if baseline_type == "PointsType" else str(level)
        glyph = f'<Glyph ID="g{i}" CONTENT="a" GC="0.5" {place}/>' if has_glyphs else ""
        tags = 'TAGREFS="LT"' if has_tags else ""
        style = 'SUBS_TYPE="HypPart1" SUBS_CONTENT="abac" STYLE="bold" CC="3 0"'
        lines.append(
            f'<TextLine ID="l{i}" {place} {tags} BASELINE="{baseline}" CS="true" STYLEREFS="F">{shape}'
            f'<String ID="s{i}" CONTENT="ab" {place} WC="1" {style}><ALTERNATIVE PURPOSE="x">ba</ALTERNATIVE>{glyph}'
            f'</String><SP WIDTH="2" HPOS="3" VPOS="4"/><String CONTENT="a"/><HYP CONTENT="-"/></TextLine>'
        )
    order = ""
    if has(schema, "altoType", "ReadingOrder"):
        refs = '<ElementRef ID="e1" REF="s0 s1"/><ElementRef ID="e2" REF="b"/>'
        order = f'<ReadingOrder><OrderedGroup ID="o" REF="s2">{refs}</OrderedGroup></ReadingOrder>'
    tags = '<Tags><OtherTag ID="LT" LABEL="Line"/></Tags>' if has_tags else ""
    block = 'HPOS="0" VPOS="0" WIDTH="9" HEIGHT="9"'
    shape = '<Shape><Polygon POINTS="0 0 9 0 9 9"/></Shape>'
    return (
        f'<alto xmlns="{root.get("targetNamespace")}"><Description><MeasurementUnit>pixel</MeasurementUnit>'
        "<sourceImageInformation><fileName>one.png</fileName></sourceImageInformation></Description>"
        f'<Styles><TextStyle ID="F" FONTSIZE="12"/></Styles>{tags}{order}<Layout><Page ID="p" PHYSICAL_IMG_NR="1" '
        f'WIDTH="{size[0]}" HEIGHT="{size[1]}"><PrintSpace {block}><ComposedBlock ID="c" {block}>'
        f'<TextBlock ID="b" {block} IDNEXT="b2">{shape}{lines[0]}{lines[1]}</TextBlock></ComposedBlock>'
        f'<TextBlock ID="b2" {block}>{"".join(lines[2:])}</TextBlock></PrintSpace></Page></Layout></alto>'
    )


def page_of(schema: Path, size: tuple[int, int], boxes: list[tuple[int, int, int, int]]) -> str:
    """As `alto_of`."""
    namespace = tree_of(schema).getroot().get("targetNamespace")
    has_points = has(schema, "CoordsType", "points")

    def coords(points: list[tuple[int, int]]) -> str:
        if has_points:
            joined = " ".join(f"{x},{y}" for x, y in points)
            return f'<Coords points="{joined}"/>'
        joined = "".join(f'<Point x="{x}" y="{y}"/>' for x, y in points)
        return f"<Coords>{joined}</Coords>"

    def texts(text: str) -> str:
        plain = "" if has_points else f"<PlainText>{text}</PlainText>"
        index, other = "", ""
        if has(schema, "TextEquivType", "index"):
            index, other = 'index="0" conf="1"', '<TextEquiv index="1"><Unicode>other</Unicode></TextEquiv>'
        return f"<TextEquiv {index}>{plain}<Unicode>{text}</Unicode></TextEquiv>{other}"

    def at_end(owner: str) -> str:
        style = "<TextStyle/>" if has(schema, owner, "TextStyle") else ""
        user = '<UserDefined><UserAttribute name="n" value="v"/></UserDefined>'
        label = '<Labels><Label value="v"/></Labels>'
        return (
            style
            + (user if has(schema, owner, "UserDefined") else "")
            + (label if has(schema, owner, "Labels") else "")
        )

    lines = []
    for i, (x, y, width, height) in enumerate(boxes):
        corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
        other = '<AlternativeImage filename="x"/>' if has(schema, "TextLineType", "AlternativeImage") else ""
        baseline = ""
        if has(schema, "TextLineType", "Baseline"):
            baseline = f'<Baseline points="{x},{y + height} {x + width},{y + height}"/>'
        custom = ""
        if has(schema, "TextLineType", "custom"):
            custom = f'custom="readingOrder {{index:{i};}} person {{offset:0; length:2;}}"'
        glyph = f'<Glyph id="g{i}">{coords(corners)}{texts("a")}{at_end("GlyphType")}</Glyph>'
        word = f'<Word id="w{i}">{coords(corners)}{glyph}{texts("ab")}{at_end("WordType")}</Word>'
        lines.append(
            f'<TextLine id="l{i}" {custom}>{other}{coords(corners)}{baseline}{word}{texts("ab")}'
            f"{at_end('TextLineType')}</TextLine>"
        )
    relations = ""
    if has(schema, "PageType", "Relations"):
        old = not has(schema, "RelationType", "SourceRegionRef")
        names = ("RegionRef", "RegionRef") if old else ("SourceRegionRef", "TargetRegionRef")
        refs = "".join(f'<{name} regionRef="w{i}"/>' for i, name in enumerate(names))
        named = 'id="n"' if has(schema, "RelationType", "id") else ""
        relations = f'<Relations><Relation {named} type="link">{refs}</Relation></Relations>'
    regions = "".join(
        f'<TextRegion id="r{i}">{coords([(0, 0), (9, 0), (9, 9)])}{part}{texts("ab")}</TextRegion>'
        for i, part in enumerate(("".join(lines[:2]), "".join(lines[2:])))
    )
    return (
        f'<PcGts xmlns="{namespace}"><Metadata><Creator>tests</Creator><Created>2026-01-01T00:00:00</Created>'
        f'<LastChange>2026-01-01T00:00:00</LastChange></Metadata><Page imageFilename="one.png" imageWidth="{size[0]}" '
        f'imageHeight="{size[1]}">{relations}{regions}</Page></PcGts>'
    )


@pytest.fixture
def made_up(tmp_path: Path) -> Callable[[Path], Path]:
    """Writes a page of four drawn lines that is valid by a schema."""

    def write(schema: Path) -> Path:
        path = draw_page(tmp_path / "in", "one", ["ab ca", "cb", "", "bca abc"])
        width, height = read_page(path).size or (0, 0)
        boxes = [tuple(int(value) for value in line.box) for line in read_page(path).lines]
        sizes = [(x, y, right - x, bottom - y) for x, y, right, bottom in boxes]
        make = alto_of if kind_of(schema) == "alto" else page_of
        path.write_text(make(schema, (round(width), round(height)), sizes), encoding="utf-8")
        schema_of(schema).assertValid(etree.parse(path))
        return path

    return write


def check(schema: Path, path: Path) -> None:
    tree = etree.parse(path)
    schema_of(schema).assertValid(tree)
    # lxml does not look whether what is referred to is there.
    names = {element.get(key) for element in tree.iter() for key in ("ID", "id")}
    for element in tree.iter():
        for key in ("REF", "TAGREFS", "STYLEREFS", "IDNEXT", "regionRef"):
            assert set(element.get(key, "").split()) <= names, (element.tag, key)


@every_schema
def test_what_transcribe_writes_is_valid(
    schema: Path, made_up: Callable[[Path], Path], trained_run: TrainedRun, run, tmp_path: Path
) -> None:
    path = made_up(schema)
    words = ("--format", kind_of(schema), "--out", tmp_path / "out")
    code, _, err = run("transcribe", trained_run.model, path, *words)
    assert (code, err) == (0, "")
    check(schema, tmp_path / "out" / "one.xml")
    read = {line.id: line.text for line in read_page(tmp_path / "out" / "one.xml").lines}
    assert (read["l0"], read["l1"], read["l3"]) == ("ab ca", "cb", "bca abc")


@every_schema
def test_odd_texts_are_valid(schema: Path, made_up: Callable[[Path], Path], tmp_path: Path) -> None:
    path = made_up(schema)
    corners = np.array([(-3.4, 1.0), (1e6, 1.0), (5.0, 5.5), (1.0, 5.0)])
    letters = [PlacedText(text, corners, 1.2) for text in ("q\u0303", "\x01", "", "\U0001d11e")]
    words = [PlacedText("q\u0303\x01\U0001d11e", corners, float("nan"), tuple(letters))]
    write_page(path, tmp_path / "out.xml", {0: words * 2, 1: [], 2: [PlacedText("", corners, -0.1)]})
    check(schema, tmp_path / "out.xml")


@pytest.mark.skipif(FOLDER is None, reason="the schemas are not at hand; set SEQLABEL_SCHEMAS")
def test_pages_of_poilus_stay_valid(corpora: Path, tmp_path: Path) -> None:
    num_valid = 0
    for path in sorted((corpora / "poilus").glob("*.xml"))[:25]:
        before = etree.parse(path)
        lines = read_page(path).lines
        words = {
            i: [PlacedText(t, line.polygon[:4], 0.5) for t in line.text.split()]
            for i, line in enumerate(lines)
        }
        write_page(path, tmp_path / "out.xml", words)
        for schema in (param.values[0] for param in schemas()):
            if kind_of(schema) == "alto" and schema_of(schema).validate(before):
                check(schema, tmp_path / "out.xml")
                num_valid += 1
    assert num_valid >= 25
