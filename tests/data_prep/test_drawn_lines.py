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
