from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFont

from data_prep.drawn_lines import drawn_with_nib, main, mixed_text
from seqlabel.errors import FormatError
from seqlabel.formats import write_strokes
from seqlabel.manifest import read_manifest, write_manifest
from seqlabel.records import Example, Strokes


@pytest.fixture
def fonts(tmp_path: Path) -> Path:
    """A folder with the font that Pillow brings along, which has no Greek."""
    folder = tmp_path / "fonts" / "inner"
    folder.mkdir(parents=True)
    font = ImageFont.load_default(20)
    assert isinstance(font, ImageFont.FreeTypeFont)
    (folder / "plain.ttf").write_bytes(font.font_bytes)
    return folder.parent


def texts(folder: Path, *lines: str | None) -> Path:
    path = folder / "texts.jsonl"
    write_manifest(
        path, [Example(id=f"t{n}", source=folder / "x.png", text=line) for n, line in enumerate(lines)]
    )
    return path


def ink(folder: Path) -> Path:
    source = folder / "row.json"
    write_strokes(
        source,
        Strokes((np.array([[0, 0], [0, 100]], np.float32), np.array([[0, 50], [400, 50]], np.float32))),
    )
    write_manifest(folder / "ink.jsonl", [Example(id="row", source=source, text="t", group="anna")])
    return folder / "ink.jsonl"


def grey(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_texts_are_set_in_fonts_and_ink_is_drawn(
    tmp_path: Path, fonts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = texts(
        tmp_path, "one two three four five", None, "six seven eight nine ten", "an editor's s^t sign"
    )
    out = tmp_path / "out"
    arguments = [str(out), "--texts", str(told), "--fonts", str(fonts), "--without", "^", "--lines", "5"]
    assert main([*arguments, "--ink", str(ink(tmp_path)), "--copies", "2"]) == 0
    assert capsys.readouterr().out == f"{out / 'drawn.jsonl'}: 7 lines, 2 hands and fonts\n"
    found = read_manifest(out / "drawn.jsonl")
    assert [e.group for e in found] == ["plain"] * 5 + ["ink-anna"] * 2
    assert len({e.text for e in found[:5]}) == 5
    assert not any("^" in (e.text or "") for e in found) and [e.text for e in found[5:]] == ["t", "t"]
    for example in found:
        pixels = grey(example.source)
        assert pixels.dtype == np.uint8 and pixels.min() < 0.6 * pixels.max() and pixels.max() >= 170
    assert not np.array_equal(grey(found[5].source), grey(found[6].source))


def test_the_same_seed_makes_the_same_files(tmp_path: Path, fonts: Path) -> None:
    told = texts(tmp_path, "one two three four five", "six seven eight nine ten")

    def made(name: str, seed: int) -> list[bytes]:
        out = tmp_path / name
        wanted = [str(out), "--texts", str(told), "--fonts", str(fonts), "--lines", "3", "--seed", str(seed)]
        assert main(wanted) == 0
        return [path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()]

    assert made("a", 1) == made("b", 1) != made("c", 2)


def test_a_line_is_made_of_short_runs_of_words_and_not_too_long() -> None:
    lines = [[f"{name}{n}" for n in range(9)] for name in "abc"]
    rng = np.random.default_rng(0)
    drawn = [mixed_text(lines, rng) for _ in range(200)]
    known = {word for line in lines for word in line}
    assert all(set(text.split()) <= known for text in drawn)
    assert min(map(len, drawn)) >= 15 and max(map(len, drawn)) <= 45 + 3 * 3
    runs = [list(zip(text.split(), text.split()[1:], strict=False)) for text in drawn]
    follows = [a[0] == b[0] and int(b[1]) == int(a[1]) + 1 for run in runs for a, b in run]
    assert 0.3 < np.mean(follows) < 0.7


def test_the_nib_follows_the_strokes(tmp_path: Path) -> None:
    cross = Strokes((np.array([[50, 0], [50, 100]], np.float32), np.array([[0, 50], [400, 50]], np.float32)))
    pixels = drawn_with_nib(cross, np.random.default_rng(3)).pixels
    dark = pixels < 0.7 * pixels.max()
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    assert 3 < len(columns) / len(rows) < 4.5  # 400 x 100 and the breadth of the nib
    assert dark[:, columns[0] : columns[-1] + 1].any(axis=0).all()
    upright = dark[rows[2]].sum()
    level = dark[:, columns[-3]].sum()
    assert upright >= level  # broader on the way down


def test_a_dot_is_drawn_as_a_dot() -> None:
    pixels = drawn_with_nib(Strokes((np.array([[3, 3]], np.float32),)), np.random.default_rng(1)).pixels
    assert (pixels < 0.8 * pixels.max()).any()


def test_ink_without_points_is_refused() -> None:
    with pytest.raises(FormatError, match="without points"):
        drawn_with_nib(Strokes((np.zeros((0, 2), np.float32),)), np.random.default_rng(1))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((None,), "no example has a text; add the transcripts"),
        (("τὰ πάντα ῥεῖ",), "no font has the characters of half of the texts"),
    ],
)
def test_texts_that_cannot_be_set(
    tmp_path: Path,
    fonts: Path,
    lines: tuple[str | None, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([str(tmp_path / "out"), "--texts", str(texts(tmp_path, *lines)), "--fonts", str(fonts)]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_what_is_missing_is_told(tmp_path: Path, fonts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = texts(tmp_path, "a b")
    (tmp_path / "empty").mkdir()
    assert main([str(tmp_path), "--texts", str(told), "--fonts", str(tmp_path / "empty")]) == 2
    assert "found no .ttf, .otf or .woff file" in capsys.readouterr().err
    (fonts / "bad.ttf").write_bytes(b"no font")
    assert main([str(tmp_path), "--texts", str(told), "--fonts", str(fonts)]) == 2
    assert "bad.ttf: cannot be read as a font" in capsys.readouterr().err
    assert main([str(tmp_path), "--ink", str(tmp_path / "nowhere.jsonl")]) == 2
    assert "nowhere.jsonl" in capsys.readouterr().err
    for arguments in ([], ["--texts", str(told)]):
        with pytest.raises(SystemExit) as stopped:
            main([str(tmp_path), *arguments])
        assert stopped.value.code == 2


@pytest.mark.parametrize(
    "strokes",
    [
        [[[0, 0], [400, 0]]],  # a dash without height
        [[[0, 0], [400, 0.001]]],
        [[[0, 0], [10, 1], [20, 0], [30, 1], [5, 1e5]]],  # a point far away
        [[[0, 0], [1e5, 3]]],
        [[[0, 0], [0, 1e30]]],
    ],
)
def test_ink_of_any_shape_becomes_an_image_of_bounded_size(strokes: list[list[list[float]]]) -> None:
    ink = Strokes(tuple(np.array(stroke, np.float32) for stroke in strokes))
    pixels = drawn_with_nib(ink, np.random.default_rng(1)).pixels
    height, width = pixels.shape
    assert width <= 64 * 100 + 50 and height <= 64 * 4 + 50 and (pixels < 0.9 * pixels.max()).any()


def test_nothing_is_lost_when_an_input_cannot_be_read(
    tmp_path: Path, fonts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    wanted = [
        str(out),
        "--texts",
        str(texts(tmp_path, "one two three")),
        "--fonts",
        str(fonts),
        "--lines",
        "2",
    ]
    assert main(wanted) == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (tmp_path / "broken.json").write_text("no ink")
    write_manifest(tmp_path / "bad.jsonl", [Example(id="a", source=tmp_path / "broken.json", text="t")])
    assert main([*wanted, "--seed", "2", "--ink", str(tmp_path / "bad.jsonl")]) == 2
    assert "broken.json" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert main([str(out), "--ink", str(out / "drawn.jsonl")]) == 2
    assert "would be written over" in capsys.readouterr().err


def test_lines_of_before_are_gone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    manifest = str(ink(tmp_path))
    assert main([str(out), "--ink", manifest, "--copies", "3"]) == 0
    assert main([str(out), "--ink", manifest, "--ink", manifest, "--copies", "1"]) == 0
    names = [e.id for e in read_manifest(out / "drawn.jsonl")]
    assert names == ["ink-00000-0", "ink-00001-0"] == sorted(path.stem for path in (out / "drawn").iterdir())


def test_any_id_and_no_writer_will_do(tmp_path: Path) -> None:
    row = read_manifest(ink(tmp_path))[0].source
    ids = ("a/b", "../../evil", "x" * 300)
    write_manifest(tmp_path / "ids.jsonl", [Example(id=id_, source=row, text=id_[:5]) for id_ in ids])
    assert main([str(tmp_path / "out"), "--ink", str(tmp_path / "ids.jsonl"), "--copies", "1"]) == 0
    found = read_manifest(tmp_path / "out" / "drawn.jsonl")
    assert [e.text for e in found] == [id_[:5] for id_ in ids] and {e.group for e in found} == {None}


@pytest.mark.parametrize(
    "wrong", [["--lines", "0"], ["--copies", "-1"], ["--seed", "-1"], ["--lines", "many"], ["--copies", "0"]]
)
def test_numbers_that_make_no_lines_are_refused(
    tmp_path: Path, wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path), "--ink", str(ink(tmp_path)), *wrong])
    assert (
        stopped.value.code == 2 and f"found '{wrong[1]}', expected a whole number" in capsys.readouterr().err
    )


def test_ink_without_texts_and_a_file_for_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = read_manifest(ink(tmp_path))[0].source
    write_manifest(tmp_path / "mute.jsonl", [Example(id="a", source=row)])
    assert main([str(tmp_path), "--ink", str(tmp_path / "mute.jsonl")]) == 2
    assert "mute.jsonl: no example has a text" in capsys.readouterr().err
    assert main([str(row), "--ink", str(tmp_path / "ink.jsonl")]) == 2
    assert "is a file; name a folder" in capsys.readouterr().err


def test_fonts_that_lack_characters_are_told(
    tmp_path: Path, fonts: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (fonts / "other.ttf").write_bytes((fonts / "inner" / "plain.ttf").read_bytes())
    known = iter([{"a"}, set("onetwhr ")])
    monkeypatch.setattr("data_prep.drawn_lines.characters_of", lambda font, marks: next(known))
    told = texts(tmp_path, "one two three")
    arguments = [str(tmp_path / "out"), "--texts", str(told), "--fonts", str(fonts), "--lines", "1"]
    assert main(arguments) == 0
    assert (
        "left out, without the characters of half of the texts: 1 of 2 fonts (plain)"
        in capsys.readouterr().out
    )
    assert read_manifest(tmp_path / "out" / "drawn.jsonl")[0].group == "other"
