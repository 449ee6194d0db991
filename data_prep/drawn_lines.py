"""Line images that nobody had to transcribe: texts set in handwriting fonts, and pen ink drawn with a nib.

    python -m data_prep.drawn_lines OUT --texts data/poilus/train.jsonl --fonts FOLDER --ink data/imadoc/train.jsonl

Writes drawn/*.png and drawn.jsonl below OUT. A model for images can learn from these lines in its first epochs, when it
has to find out what a letter is (`data.auxiliary` of a recipe). FOLDER is searched for .ttf, .otf and .woff files;
scripts whose letters are joined do most for written pages, and many of them are free (`npm install
@fontsource/pinyon-script`, for one, brings node_modules/@fontsource/pinyon-script/files). A font is used for the texts
that it has all characters of, and left out, with a word, where these are less than half.

The texts of the font lines are short runs of words taken from lines drawn at random, so that no line is learnt by
heart. The nib is broader on the way down, as steel nibs are. One seed makes the same files.
"""

import argparse
import itertools
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from data_prep.corpus_source import Parser, exit_code
from seqlabel.errors import FormatError, ManifestError
from seqlabel.formats import read_strokes, write_line_image
from seqlabel.manifest import read_manifest, write_manifest
from seqlabel.records import Example, LineImage, Strokes

FONT_SUFFIXES = frozenset({".ttf", ".otf", ".woff"})
FONT_SIZE = 48
"""Pixels of the em that texts are set in."""
HEIGHT = 64
"""Pixels that a row of ink is drawn high, from its highest to its lowest points (5 in 100 of them left aside)."""
FINER = 3
"""Times that ink is drawn larger and then reduced, so that its edges are soft."""
MIN_CHARACTERS, MAX_CHARACTERS = 15, 45
MAX_RUN = 3
"""Words that stay together."""
WIDEST = 100
"""Heights of the writing that a row of ink is wide at most."""

Face = tuple[str, ImageFont.FreeTypeFont, list[Sequence[str]]]
"""A font with its name and the words of the texts that can be set in it."""


def mixed_text(texts: Sequence[Sequence[str]], rng: np.random.Generator) -> str:
    """Returns runs of one to three words out of texts drawn at random, until there are 15 to 45 characters."""
    wanted = int(rng.integers(MIN_CHARACTERS, MAX_CHARACTERS + 1))
    words: list[str] = []
    while len(" ".join(words)) < wanted:
        source = texts[int(rng.integers(len(texts)))]
        first = int(rng.integers(len(source)))
        words += source[first : first + 1 + int(rng.integers(MAX_RUN))]
    return " ".join(words)


def set_in_font(text: str, font: ImageFont.FreeTypeFont, rng: np.random.Generator) -> LineImage:
    """Returns the text as a line image, in the font's own size, an eighth of `FONT_SIZE` of paper around it."""
    left, top, right, bottom = font.getbbox(text)
    margin = FONT_SIZE // 8
    size = (int(right - left) + 2 * margin, int(bottom - top) + 2 * margin)
    ink = Image.new("L", size)
    ImageDraw.Draw(ink).text((margin - left, margin - top), text, font=font, fill=255)
    return scanned(ink, rng)


def drawn_with_nib(ink: Strokes, rng: np.random.Generator) -> LineImage:
    """Returns a row of ink as a line image: the nib is as broad as the draw says, and broader on the way down.

    Ink that is flat, or has single points far away, is drawn smaller.

    Raises:
        FormatError: ink without points.
    """
    strokes = [stroke.astype(np.float64) for stroke in ink.strokes if len(stroke)]
    if not strokes:
        raise FormatError("ink without points")
    points = np.concatenate(strokes)
    low, high = np.percentile(points[:, 1], [5, 95])
    whole_width, whole_height = np.ptp(points, axis=0)
    scale = FINER * HEIGHT / max(high - low, whole_height / 4, whole_width / WIDEST, 1e-6)
    nib = FINER * HEIGHT * rng.uniform(0.03, 0.07)
    swell = rng.uniform(0.0, 1.5)
    margin = FINER * HEIGHT // 6
    origin = points.min(axis=0)
    width, height = np.ceil((points.max(axis=0) - origin) * scale).astype(int) + 2 * margin
    image = Image.new("L", (int(width), int(height)))
    pen = ImageDraw.Draw(image)
    for stroke in strokes:
        path = (stroke - origin) * scale + margin
        before = path[0]
        for point in path if len(path) == 1 else path[1:]:
            way = point - before
            down = max(0.0, way[1]) / max(float(np.hypot(*way)), 1e-6)
            breadth = nib * (1 + swell * down)
            pen.line([*before, *point], fill=255, width=max(1, round(breadth)))
            for x, y in (before, point):
                pen.ellipse([x - breadth / 2, y - breadth / 2, x + breadth / 2, y + breadth / 2], fill=255)
            before = point
    return scanned(image.reduce(FINER), rng)


def scanned(ink: Image.Image, rng: np.random.Generator) -> LineImage:
    """Returns an image of ink (255 where it stands) as a scan shows it: a little blurred, on paper of any tone."""
    soft = np.asarray(ink.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.0))), np.float64) / 255
    paper, depth = rng.uniform(170, 250), rng.uniform(0.5, 0.95)
    return LineImage(np.round(paper * (1 - depth * soft)).astype(np.uint8))


def characters_of(font: ImageFont.FreeTypeFont, wanted: set[str]) -> set[str]:
    """Returns those of the characters that a font has: the others look like one that no font has."""
    missing = bytes(font.getmask("\U0010ffff"))
    return {mark for mark in wanted if mark == " " or bytes(font.getmask(mark)) != missing}


def fonts_in(folder: Path) -> list[Path]:
    """Returns the font files below a folder.

    Raises:
        FormatError: there are none.
    """
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in FONT_SUFFIXES)
    if not found:
        raise FormatError(
            f"{folder}: found no .ttf, .otf or .woff file in it or below; expected a folder of fonts"
        )
    return found


def faces_for(texts: Sequence[Sequence[str]], fonts: Sequence[Path]) -> tuple[list[Face], list[str]]:
    """Returns each font with the texts that it has all characters of, and the names of those that lack half of them.

    Raises:
        FormatError: a file is no font.
    """
    marks = {mark for text in texts for word in text for mark in word}
    faces: list[Face] = []
    lacking = []
    for path in fonts:
        try:
            font = ImageFont.truetype(path, FONT_SIZE)
        except OSError as error:
            raise FormatError(f"{path}: cannot be read as a font ({error}); leave it out") from error
        known = characters_of(font, marks)
        usable = [text for text in texts if known.issuperset("".join(text))]
        if len(usable) * 2 >= len(texts):
            faces.append((path.stem, font, usable))
        else:
            lacking.append(path.stem)
    return faces, lacking


def font_lines(
    faces: Sequence[Face], num_lines: int, rng: np.random.Generator
) -> Iterator[tuple[str, str, LineImage]]:
    """Yields name of the font, text and image of each line, the fonts in turn."""
    for number in range(num_lines):
        name, font, usable = faces[number % len(faces)]
        text = mixed_text(usable, rng)
        yield name, text, set_in_font(text, font, rng)


def texts_of(manifest: Path, without: set[str]) -> list[list[str]]:
    """Returns the words of each text, without those that are too long or have one of those characters.

    Raises:
        ManifestError: nothing is left, or the manifest cannot be read.
    """
    words = (
        [
            word
            for word in unicodedata.normalize("NFC", example.text or "").split()
            if len(word) <= MAX_CHARACTERS and not without & set(word)
        ]
        for example in read_manifest(manifest)
    )
    if not (texts := [text for text in words if text]):
        raise ManifestError(f"{manifest}: no example has a text; add the transcripts")
    return texts


def ink_of(manifest: Path) -> list[tuple[Example, Strokes]]:
    """Returns the examples of a manifest that have texts, with their ink.

    Raises:
        ManifestError, FormatError: the manifest or an ink file cannot be read, or no example has a text.
    """
    found = [(example, read_strokes(example.source)) for example in read_manifest(manifest) if example.text]
    if not found:
        raise ManifestError(f"{manifest}: no example has a text; add the transcripts")
    return found


def draw(options: argparse.Namespace) -> None:
    """Draws all lines that the command line asks for; what it needs is read before anything is written."""
    folder, manifest = options.out / "drawn", options.out / "drawn.jsonl"
    inputs = [path for path in (options.texts, *options.ink) if path is not None]
    if options.out.is_file():
        raise ManifestError(f"{options.out}: is a file; name a folder for the lines")
    if any(path.resolve() == manifest.resolve() for path in inputs):
        raise ManifestError(f"{manifest}: would be written over by what is drawn of it; name another folder")
    rng = np.random.default_rng(options.seed)
    faces: list[Face] = []
    if options.fonts is not None:
        faces, lacking = faces_for(texts_of(options.texts, set(options.without)), fonts_in(options.fonts))
        if not faces:
            raise FormatError(
                f"{options.fonts}: no font has the characters of half of the texts of {options.texts}; use fonts for "
                "their writing system"
            )
        if lacking:
            share = f"{len(lacking)} of {len(lacking) + len(faces)} fonts"
            shown = ", ".join(lacking[:5]) + (", ..." if len(lacking) > 5 else "")
            print(f"left out, without the characters of half of the texts: {share} ({shown})")
    rows = [row for path in options.ink for row in ink_of(path)]
    # Nobody must find the texts of before beside images that are new.
    manifest.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    for old in itertools.chain(folder.glob("font-*.png"), folder.glob("ink-*.png")):
        old.unlink()
    examples: list[Example] = []

    def keep(name: str, text: str | None, group: str | None, image: LineImage) -> None:
        path = folder / f"{name}.png"
        write_line_image(path, image)
        examples.append(Example(id=name, source=path, text=text, group=group))

    for number, (font, text, image) in enumerate(font_lines(faces, options.lines if faces else 0, rng)):
        keep(f"font-{number:05d}", text, font, image)
    for number, (example, ink) in enumerate(rows):
        group = None if example.group is None else f"ink-{example.group}"
        for copy in range(options.copies):
            keep(f"ink-{number:05d}-{copy}", example.text, group, drawn_with_nib(ink, rng))
    write_manifest(manifest, examples)
    print(f"{manifest}: {len(examples):,} lines, {len({e.group for e in examples})} hands and fonts")


def whole(least: int) -> Callable[[str], int]:
    """Returns a reader of whole numbers of the command line."""

    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number from {least} on")
        return int(text)

    return number


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    parser = Parser(
        prog="python -m data_prep.drawn_lines",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("out", type=Path, help="folder that drawn.jsonl and drawn/ are written to")
    parser.add_argument("--texts", type=Path, help="manifest whose texts are set in the fonts")
    parser.add_argument("--fonts", type=Path, help="folder of font files")
    parser.add_argument(
        "--without", default="", help="characters whose words are not set, such as signs of an editor's"
    )
    parser.add_argument(
        "--lines", type=whole(1), default=3000, help="lines set in fonts (default: %(default)s)"
    )
    parser.add_argument(
        "--ink", type=Path, action="append", default=[], help="manifest of pen ink; may be repeated"
    )
    parser.add_argument(
        "--copies", type=whole(1), default=2, help="times that each ink is drawn (default: %(default)s)"
    )
    parser.add_argument("--seed", type=whole(0), default=1)
    options = parser.parse_args(arguments)
    if (options.texts is None) != (options.fonts is None):
        parser.error("--texts and --fonts go together")
    if options.fonts is None and not options.ink:
        parser.error("nothing to draw: expected --texts with --fonts, or --ink")
    return exit_code(lambda: draw(options), options.out)


if __name__ == "__main__":
    sys.exit(main())
