"""Line images that nobody had to transcribe: texts set in handwriting fonts, and pen ink drawn with a nib.

    python -m data_prep.drawn_lines OUT --texts data/poilus/train.jsonl --fonts FOLDER --ink data/imadoc/train.jsonl

Writes drawn/*.png and drawn.jsonl below OUT. A model for images can learn from these lines in its first epochs, when it
has to find out what a letter is (`data.auxiliary` of a recipe). FOLDER is searched for .ttf, .otf and .woff files;
scripts whose letters are joined do most for written pages, and many of them are free (`npm install
@fontsource/pinyon-script`, for one, brings node_modules/@fontsource/pinyon-script/files). A font is used for the texts
that it has all characters of.

The texts of the font lines are short runs of words taken from lines drawn at random, so that no line is learnt by
heart. The nib is broader on the way down, as steel nibs are. One seed makes the same files.
"""

import argparse
import sys
import unicodedata
from collections.abc import Iterator, Sequence
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
HEIGHT = 64
"""Pixels that a row of ink is drawn high, from its highest to its lowest points (5 in 100 of them left aside)."""
FINER = 3
"""Times that ink is drawn larger and then reduced, so that its edges are soft."""
MIN_CHARACTERS, MAX_CHARACTERS = 15, 45
MAX_RUN = 3
"""Words that stay together."""


def mixed_text(texts: Sequence[Sequence[str]], rng: np.random.Generator) -> str:
    """Returns runs of one to three words out of texts drawn at random, 15 to 45 characters of them."""
    wanted = int(rng.integers(MIN_CHARACTERS, MAX_CHARACTERS + 1))
    words: list[str] = []
    while len(" ".join(words)) < wanted:
        source = texts[int(rng.integers(len(texts)))]
        first = int(rng.integers(len(source)))
        words += source[first : first + 1 + int(rng.integers(MAX_RUN))]
    return " ".join(words)


def set_in_font(text: str, font: ImageFont.FreeTypeFont, rng: np.random.Generator) -> LineImage:
    """Returns the text as a line image."""
    left, top, right, bottom = font.getbbox(text)
    margin = FONT_SIZE // 8
    size = (int(right - left) + 2 * margin, int(bottom - top) + 2 * margin)
    ink = Image.new("L", size)
    ImageDraw.Draw(ink).text((margin - left, margin - top), text, font=font, fill=255)
    return scanned(ink, rng)


def drawn_with_nib(ink: Strokes, rng: np.random.Generator) -> LineImage:
    """Returns a row of ink as a line image: the nib is as broad as the draw says, and broader on the way down.

    Raises:
        FormatError: ink without points.
    """
    strokes = [stroke.astype(np.float64) for stroke in ink.strokes if len(stroke)]
    if not strokes:
        raise FormatError("ink without points")
    points = np.concatenate(strokes)
    low, high = np.percentile(points[:, 1], [5, 95])
    scale = FINER * HEIGHT / max(high - low, 1e-6)
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


def font_lines(
    texts: Sequence[Sequence[str]], fonts: Sequence[Path], num_lines: int, rng: np.random.Generator
) -> Iterator[tuple[str, str, LineImage]]:
    """Yields name of the font, text and image of each line, the fonts in turn."""
    marks = {mark for text in texts for word in text for mark in word}
    faces = []
    for path in fonts:
        try:
            face = ImageFont.truetype(path, FONT_SIZE)
        except OSError as error:
            raise FormatError(f"{path}: cannot be read as a font ({error}); leave it out") from error
        known = characters_of(face, marks)
        usable = [text for text in texts if known.issuperset("".join(text))]
        if len(usable) * 2 >= len(texts):
            faces.append((path.stem, face, usable))
    if not faces:
        raise FormatError(
            "no font has the characters of half of the texts; use fonts for their writing system"
        )
    for number in range(num_lines):
        name, face, usable = faces[number % len(faces)]
        text = mixed_text(usable, rng)
        yield name, text, set_in_font(text, face, rng)


def draw(options: argparse.Namespace) -> None:
    """Draws all lines that the command line asks for."""
    folder = options.out / "drawn"
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(options.seed)
    examples: list[Example] = []

    def keep(name: str, text: str, group: str, image: LineImage) -> None:
        path = folder / f"{name}.png"
        write_line_image(path, image)
        examples.append(Example(id=name, source=path, text=text, group=group))

    if options.fonts is not None:
        without = set(options.without)
        words = (
            [
                word
                for word in unicodedata.normalize("NFC", example.text or "").split()
                if not without & set(word)
            ]
            for example in read_manifest(options.texts)
        )
        texts = [text for text in words if text]
        if not texts:
            raise ManifestError(f"{options.texts}: no example has a text; add the transcripts")
        fonts = fonts_in(options.fonts)
        for number, (font, text, image) in enumerate(font_lines(texts, fonts, options.lines, rng)):
            keep(f"font-{number:05d}", text, font, image)
    for manifest in options.ink:
        for example in read_manifest(manifest):
            ink = read_strokes(example.source)
            for copy in range(options.copies):
                if example.text:
                    keep(
                        f"ink-{example.id}-{copy}",
                        example.text,
                        f"ink-{example.group}",
                        drawn_with_nib(ink, rng),
                    )
    write_manifest(options.out / "drawn.jsonl", examples)
    print(
        f"{options.out / 'drawn.jsonl'}: {len(examples):,} lines, {len({e.group for e in examples})} hands and fonts"
    )


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
    parser.add_argument("--lines", type=int, default=3000, help="lines set in fonts (default: %(default)s)")
    parser.add_argument(
        "--ink", type=Path, action="append", default=[], help="manifest of pen ink; may be repeated"
    )
    parser.add_argument(
        "--copies", type=int, default=2, help="times that each ink is drawn (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    if (options.texts is None) != (options.fonts is None):
        parser.error("--texts and --fonts go together")
    if options.fonts is None and not options.ink:
        parser.error("nothing to draw: expected --texts with --fonts, or --ink")
    return exit_code(lambda: draw(options), options.out)


if __name__ == "__main__":
    sys.exit(main())
