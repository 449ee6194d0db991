from pathlib import Path

import numpy as np
import pytest
from lxml import etree

from seqlabel.formats import PlacedText, read_page, write_page
from tests.pages import draw_page

CORNERS = np.array([(1.0, 1.0), (5.0, 1.0), (5.0, 5.0), (1.0, 5.0)])
LETTERS = tuple(PlacedText(text, CORNERS, 0.5) for text in "cb")
WORD = PlacedText("cb", CORNERS, 0.5, LETTERS)


def written(path: Path, words: dict[int, list[PlacedText]]) -> etree._Element:
    out = path.with_name("out.xml")
    write_page(path, out, words)
    return etree.parse(out).getroot()


@pytest.mark.parametrize(("version", "has_glyphs"), [("2", False), ("3", False), ("4", True), ("5", True)])
def test_alto_has_glyphs_from_version_4_on(version: str, has_glyphs: bool, tmp_path: Path) -> None:
    path = draw_page(tmp_path, "one", ["ab"])
    path.write_text(path.read_text().replace("ns-v4#", f"ns-v{version}#"))
    assert (written(path, {0: [WORD]}).find(".//{*}Glyph") is not None) == has_glyphs


def test_a_word_whose_parts_are_no_single_characters_has_no_glyphs_in_alto(tmp_path: Path) -> None:
    path = draw_page(tmp_path, "one", ["ab"])
    pieces = PlacedText("chat", CORNERS, 0.5, tuple(PlacedText(t, CORNERS, 0.5) for t in ("ch", "at")))
    root = written(path, {0: [pieces]})
    assert root.find(".//{*}Glyph") is None and root.find(".//{*}String").get("CONTENT") == "chat"


def test_a_reading_order_of_words_becomes_one_of_their_lines(tmp_path: Path) -> None:
    path = draw_page(tmp_path, "one", ["ab", "cb"])
    text = path.read_text().replace('<String CONTENT="ab"', '<String ID="s" CONTENT="ab"')
    text = text.replace('<String CONTENT="cb"', '<String ID="t" CONTENT="cb"').replace(' ID="l1"', "")
    order = (
        '<ReadingOrder><OrderedGroup ID="g"><ElementRef ID="e" REF="t s l0"/></OrderedGroup></ReadingOrder>'
    )
    path.write_text(text.replace("<Layout>", f"{order}<Layout>"))
    root = written(path, {0: [WORD], 1: [WORD]})
    # The second line has no ID of its own, and takes over that of its word.
    assert root.find(".//{*}ElementRef").get("REF") == "t l0"
    assert [line.get("ID") for line in root.iter("{*}TextLine")] == ["l0", "t"]
    assert [line.id for line in read_page(tmp_path / "out.xml").lines] == ["t", "l0"]


def test_what_was_said_of_the_old_words_goes_with_them(tmp_path: Path) -> None:
    path = draw_page(tmp_path, "one", ["ab"])
    path.write_text(path.read_text().replace('ID="l0"', 'ID="l0" CS="true" LANG="fr"'))
    [line] = written(path, {0: [WORD]}).iter("{*}TextLine")
    assert dict(line.attrib) == {"ID": "l0", "LANG": "fr"}
    path = draw_page(tmp_path, "one", ["ab", "cb"], "page")
    custom = "readingOrder {index:1;} person {offset:0; length:2; continued:true;} structure {type:heading;}"
    path.write_text(path.read_text().replace('custom="keep"', f'custom="{custom}"'))
    first, second = written(path, {0: [WORD]}).iter("{*}TextLine")
    assert first.get("custom") == "readingOrder {index:1;} structure {type:heading;}"
    assert second.get("custom") == custom  # it has not been read anew


def test_the_old_page_has_its_text_twice_and_no_confidence(tmp_path: Path) -> None:
    path = draw_page(tmp_path, "one", ["ab"], "page")
    points = "".join(f'<Point x="{x}" y="{y}"/>' for x, y in ((0, 0), (9, 0), (9, 9)))
    text = path.read_text().replace('<Coords points="0,0 9,0 9,9"/>', f"<Coords>{points}</Coords>")
    path.write_text(
        text.replace(' xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"', "")
    )
    root = written(path, {0: [WORD]})
    for equivalent in root.iter("TextEquiv"):
        assert [child.tag for child in equivalent] == ["PlainText", "Unicode"] and not equivalent.attrib
    assert root.find(".//Word/Coords/Point").get("x") == "1"


@pytest.mark.parametrize(("name", "expected"), [("1 a:b", "l1_a_b_w0"), ("é-1", "é-1_w0"), ("", "line_w0")])
def test_new_ids_are_names_as_xml_has_them(name: str, expected: str, tmp_path: Path) -> None:
    path = draw_page(tmp_path, "one", ["ab"])
    path.write_text(path.read_text().replace('ID="l0"', f'ID="{name}"'), encoding="utf-8")
    assert written(path, {0: [WORD]}).find(".//{*}String").get("ID") == expected


def test_confidences_are_fractions(tmp_path: Path) -> None:
    for kind, key, tag in (("alto", "WC", "String"), ("page", "conf", "Word/{*}TextEquiv")):
        path = draw_page(tmp_path, "one", ["ab"], kind)
        words = [PlacedText("c", CORNERS, value) for value in (1.0000001, -0.5, float("nan"), 0.25)]
        found = written(path, {0: words}).findall(f".//{{*}}{tag}")
        assert [one.get(key) for one in found] == ["1.0000", "0.0000", "0.0000", "0.2500"]


def test_a_line_in_which_nothing_is_read_gets_no_invented_place(tmp_path: Path) -> None:
    path = draw_page(tmp_path, "one", ["ab"])
    assert dict(written(path, {0: []}).find(".//{*}String").attrib) == {"CONTENT": ""}
