"""Pages and ink that once hung a reader, filled the memory or led to other files: found by fuzzing."""

import json
from pathlib import Path

import numpy as np
import pytest

from seqlabel import formats
from seqlabel.config import Config
from seqlabel.errors import FormatError
from seqlabel.features import BezierConfig, GravesPenConfig, PenConfig
from seqlabel.formats import inkml, page, unipen
from tests.fuzz import seeds
from tests.hostile import refusal, written
from tests.pages import ALTO, PAGE

# --- XML --------------------------------------------------------------------------------------------------

LAUGHS = "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 20}">' for i in range(9))


@pytest.mark.parametrize("root", ["PcGts", "alto", "ink"])
@pytest.mark.parametrize(
    "doctype",
    [
        f'<!DOCTYPE ROOT [<!ENTITY a "{"a" * 99}">{LAUGHS}]>',
        '<!DOCTYPE ROOT SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE ROOT [<!ENTITY j SYSTEM "file:///etc/passwd">]>',
    ],
)
def test_entities_are_refused_before_they_are_expanded(root: str, doctype: str, tmp_path: Path) -> None:
    path = written(tmp_path / "x.xml", f'{doctype.replace("ROOT", root)}<{root} x="&j;"/>')
    assert formats.is_page(path) == (root != "ink")
    assert "DOCTYPE" in refusal(lambda: formats.read_strokes(path))
    assert "DOCTYPE" in refusal(lambda: formats.read_page(path))
    if root == "ink":
        assert "DOCTYPE" in refusal(lambda: formats.read_ink_groups(path))


def test_millions_of_elements_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats.files, "MAX_ELEMENTS", 1000)
    path = written(tmp_path / "x.xml", "<PcGts>" + "<a/>" * 1000 + "</PcGts>")
    assert "more than 1,000 elements" in refusal(lambda: formats.read_page(path))


def test_a_document_beyond_its_limit_is_not_read(tmp_path: Path) -> None:
    with open(tmp_path / "x.xml", "wb") as file:
        file.truncate(1 << 40)  # a hole in a file, which takes no room
    assert "more than the 67,108,864 bytes" in refusal(lambda: formats.read_page(tmp_path / "x.xml"))


def page_of(lines: str, image_name: str = "x.png") -> str:
    return PAGE.format(image=image_name, width=200, height=100, lines=lines)


def test_a_page_image_is_looked_for_beside_the_page_alone(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(seeds.png(tmp_path)[0])
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    for name in ("../../../secret.png", str(tmp_path / "secret.png"), "..", "/", "../.."):
        path = written(tmp_path / "a" / "b" / "c" / "p.xml", page_of("", name))
        assert "stands neither beside it" in refusal(
            lambda path=path: formats.page_image(path, formats.read_page(path))  # type: ignore[misc]
        )


@pytest.mark.parametrize("kind", ["alto", "page"])
def test_an_outline_of_millions_of_points_is_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "MOST_POINTS", 3)
    points = "0,0 9,0 9,9 0,9"
    line = f'<TextLine id="l"><Coords points="{points}"/></TextLine>'
    if kind == "alto":
        line = f'<TextLine ID="l"><Shape><Polygon POINTS="{points}"/></Shape></TextLine>'
    form = ALTO if kind == "alto" else PAGE
    path = written(tmp_path / "p.xml", form.format(image="x", width=9, height=9, lines=line))
    assert "4 points; expected at most 3" in refusal(lambda: formats.read_page(path))


@pytest.mark.parametrize("custom", [" " * 200_000 + "x", "x {" + "offset:" * 100_000, "a " * 100_000])
def test_what_a_line_says_of_itself_is_searched_in_one_go(custom: str, tmp_path: Path) -> None:
    line = f'<TextLine id="l" custom="{custom}"><Coords points="0,0 9,0 9,9"/></TextLine>'
    path = written(tmp_path / "p.xml", page_of(line))
    formats.write_page(path, tmp_path / "out.xml", {0: []})
    [found] = formats.read_page(tmp_path / "out.xml").lines
    assert found.id == "l"


def test_tags_of_the_old_text_go_and_others_stay() -> None:
    from seqlabel.formats.page_writing import _without_tags_of_text

    custom = (
        "readingOrder {index:3;} person {offset:4; length:5;}  structure {type:heading;}place { offset : 1; }"
    )
    assert _without_tags_of_text(custom) == "readingOrder {index:3;}  structure {type:heading;}"


# --- ink --------------------------------------------------------------------------------------------------


def inkml_of(tmp_path: Path, inside: str) -> Path:
    return written(tmp_path / "x.inkml", f"<ink>{inside}</ink>")


def test_a_long_run_of_blanks_in_a_trace_is_read_once(tmp_path: Path) -> None:
    path = inkml_of(tmp_path, f"<trace>1 2, 3{' ' * 100_000}x</trace>")
    assert "'x' is not an InkML value" in refusal(lambda: formats.read_strokes(path))


def test_a_stroke_of_many_traces_is_joined_in_one_go(tmp_path: Path) -> None:
    traces = "".join(
        f'<trace id="t{i}" continuation="middle" priorRef="#t{i - 1}">1 2</trace>' for i in range(20_000)
    )
    [stroke] = formats.read_strokes(inkml_of(tmp_path, traces)).strokes
    assert stroke.shape == (20_000, 2)


def test_formats_that_refer_to_themselves_are_followed_once(tmp_path: Path) -> None:
    loops = "".join(
        f'<context id="c{i}" contextRef="#c{(i + 1) % 9}" inkSourceRef="#c{(i + 2) % 9}" '
        f'traceFormatRef="#c{(i + 3) % 9}" href="#c{i}"/>'
        for i in range(9)
    )
    form = '<traceFormat><channel name="X"/><channel name="Y"/></traceFormat>'
    traces = '<trace contextRef="#c0">1 2</trace>' * 2000
    path = inkml_of(tmp_path, f"<definitions>{loops}{form}</definitions>{traces}")
    assert len(formats.read_strokes(path).strokes) == 2000


def test_a_long_chain_of_views_is_refused(tmp_path: Path) -> None:
    views = "".join(f'<traceView id="v{i}" traceDataRef="#v{i - 1}"/>' for i in range(3000, 0, -1))
    path = inkml_of(tmp_path, f'<trace id="v0">1 2</trace>{views}')
    assert "more than 100 groups and views" in refusal(lambda: formats.read_inkml(path))


@pytest.mark.parametrize("form", ["<traceView traceDataRef='#t'/>", "nested"])
def test_views_and_groups_that_repeat_much_ink_are_refused(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inkml, "MOST_POINTS", 1000)
    trace = f"<trace id='t'>{'1 2,' * 100}</trace>"
    text = "<traceGroup>" * 20 + trace + "</traceGroup>" * 20 if form == "nested" else trace + form * 20
    path = inkml_of(tmp_path, text)
    assert "more than 1,000 points" in refusal(lambda: formats.read_inkml(path))


def test_a_trace_format_of_thousands_of_channels_is_refused(tmp_path: Path) -> None:
    channels = '<channel name="X"/><channel name="Y"/><intermittentChannels>' + '<channel name="F"/>' * 2000
    path = inkml_of(
        tmp_path, f"<traceFormat>{channels}</intermittentChannels></traceFormat><trace>1 2</trace>"
    )
    assert "more than 100 channels" in refusal(lambda: formats.read_strokes(path))


@pytest.mark.parametrize(
    "segments", ['.SEGMENT A 0-9 ? "x"\n' * 20, f'.SEGMENT A {",".join(["0-9"] * 20)} ? "x"\n']
)
def test_segments_that_name_all_strokes_over_and_over_are_refused(
    segments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unipen, "MOST_STROKES", 100)
    path = written(tmp_path / "x.unipen", ".PEN_DOWN\n1 2\n.PEN_UP\n" * 10 + segments)
    assert "more than 100 strokes" in refusal(lambda: formats.read_unipen(path))


@pytest.mark.parametrize("name", ["../secret.dat", "/etc/passwd", "x" * 5000])
def test_an_include_does_not_lead_out_of_the_corpus(name: str, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    written(tmp_path / "secret.dat", ".PEN_DOWN\n7 7\n")
    path = written(tmp_path / "a" / "x.unipen", f".INCLUDE {name}\n.PEN_DOWN\n1 2\n")
    assert len(formats.read_strokes(path).strokes) == 1


def test_times_that_are_infinite_are_refused_without_a_warning(tmp_path: Path) -> None:
    path = written(tmp_path / "x.unipen", ".COORD X Y T\n.PEN_DOWN\n1 2 inf\n2 3 inf\n")
    assert "a time is not finite" in refusal(lambda: formats.read_strokes(path))


def test_more_strokes_than_a_page_has_are_not_split_into_rows(tmp_path: Path) -> None:
    strokes = [[[10 * i, 0], [10 * i + 1, 5]] for i in range(5001)]
    path = written(tmp_path / "x.json", json.dumps(strokes))
    assert (
        str(path) in refusal(lambda: formats.read_rows(path))
        and len(formats.read_strokes(path).strokes) == 5001
    )


@pytest.mark.parametrize("config", [PenConfig(), GravesPenConfig(), BezierConfig()])
def test_a_point_far_away_does_not_fill_the_memory(config: Config, tmp_path: Path) -> None:
    letters = [[[10 * i, 0], [10 * i + 2, 5], [10 * i + 4, 0]] for i in range(50)]
    for far in ([[[0, 0], [1e30, 1e30]]], [[[1e30, 1e30]]], [[[0, 0], [1e9, 0]]]):
        path = written(tmp_path / "x.json", json.dumps(letters + far))
        feature = config.build()  # type: ignore[attr-defined]
        try:
            assert len(feature(formats.read_strokes(path))) < 1_000_000
        except FormatError as error:
            assert "far away" in str(error)


@pytest.mark.parametrize("kind", ["page", "alto"])
def test_comments_and_versions_of_thousands_of_digits_are_no_obstacle_to_writing(
    kind: str, tmp_path: Path
) -> None:
    data = getattr(seeds, kind)(tmp_path)[2].replace(b"<TextLine", b"<!-- here --><?there REF?><TextLine")
    path, out = (
        written(tmp_path / "x.xml", data.replace(b"ns-v4", b"ns-v" + b"9" * 5000)),
        tmp_path / "out.xml",
    )
    word = formats.PlacedText("cb", np.zeros((4, 2)), 0.5)
    formats.write_page(path, out, {0: [word]})
    assert formats.read_page(out).lines[0].text == "cb" and b"<!-- here -->" in out.read_bytes()


@pytest.mark.parametrize("kind", ["inkml", "page", "alto"])
def test_a_file_of_an_impossible_namespace_is_not_written_to(kind: str, tmp_path: Path) -> None:
    data = getattr(seeds, kind)(tmp_path)[0].replace(b"http://", b"h\rttp://")
    # lxml tells of the last namespace that is wrong, and is content with a relative one.
    end = data.rindex(b"</")
    data = data[:end] + b'<x xmlns="#a"/>' + data[end:]
    path, out = written(tmp_path / "x.xml", data), tmp_path / "out.xml"
    if kind == "inkml":
        texts = ["a"] * len(formats.read_ink_groups(path))
        assert "cannot be written to" in refusal(lambda: formats.annotate_inkml(path, out, texts))
    else:
        word = formats.PlacedText("a", np.zeros((4, 2)), 0.5)
        assert "cannot be written to" in refusal(lambda: formats.write_page(path, out, {0: [word]}))
    assert not out.exists()
