"""Draws docs/line_augmentations.png and docs/remove_background.png: a made-up line before and after.

python docs/line_augmentations.py docs
"""

import sys
from pathlib import Path

import numpy as np
from msgspec.structs import replace
from PIL import Image, ImageDraw, ImageFont

from seqlabel.augmentations import ImageDamageConfig, ImageWarpConfig
from seqlabel.augmentations.joining import joined
from seqlabel.features.background import without_background
from seqlabel.records import LineImage

HEIGHT, WIDTH = 64, 500
FINE = 6
"""Pixels that are drawn for one of the picture: the pen has soft edges."""
NAMES, GAP, ROW = 230, 16, 78

# Cursive letters: a path of the pen from the base line (0) over the height of a small letter (1) to the next letter.
LETTERS = {
    "a": "0 .1 .4 .8 .72 .98 .42 1 .2 .55 .34 .03 .64 .3 .84 .98 .82 .35 .95 .02 1.2 .2",
    "d": "0 .1 .4 .8 .72 .98 .42 1 .2 .55 .34 .03 .64 .3 .86 1.2 .98 2.1 .86 .9 .86 .3 .98 .02 1.24 .2",
    "e": "0 .1 .35 .42 .62 .8 .44 1.02 .2 .65 .22 .2 .5 0 .86 .2",
    "i": "0 .1 .26 .62 .38 1 .37 .4 .5 .02 .78 .2",
    "l": "0 .1 .4 .9 .64 1.8 .48 2.2 .29 1.6 .27 .5 .44 .02 .76 .2",
    "m": "0 .1 .2 .8 .32 1 .36 .6 .34 0 .44 .6 .66 1 .76 .7 .75 0 .86 .6 1.08 1 1.18 .7 1.18 .2 1.3 0 1.56 .2",
    "n": "0 .1 .2 .8 .32 1 .36 .6 .34 0 .44 .6 .7 1 .82 .7 .82 .2 .95 0 1.2 .2",
    "r": "0 .1 .24 .8 .33 1.12 .42 .93 .68 .92 .62 .4 .72 .02 .98 .2",
    "s": "0 .1 .34 .75 .48 1.06 .58 .7 .66 .3 .48 0 .26 .08 .5 .02 .92 .2",
    "t": "0 .1 .3 .8 .46 1.7 .42 .6 .52 .03 .8 .2",
}
MARKS = {"i": "0.42 1.62 .5 1.68", "t": "0.12 1.12 .4 1.2 .76 1.16"}
ADVANCE = {letter: float(path.split()[-2]) for letter, path in LETTERS.items()}

WARP = ImageWarpConfig(
    shear=0.0, rotation_degrees=0.0, stretch=0.0, squeeze=0.0, elastic=0.0, stroke_width=0.0, contrast=0.0,
    noise=0.0, probability=1.0,
)  # fmt: skip
DAMAGE = ImageDamageConfig(bleed=0, cutout=0, show_through=0, rules=0, stains=0, light=0, gamma=0)
KINDS: tuple[tuple[str, ImageWarpConfig | ImageDamageConfig, int], ...] = (
    ("shear, rotation", replace(WARP, shear=0.4, rotation_degrees=1.5), 8),
    ("stretch, squeeze", replace(WARP, stretch=0.25, squeeze=0.25), 5),
    ("width_jitter", replace(WARP, width_jitter=0.35), 0),
    ("elastic", replace(WARP, elastic=0.06), 2),
    ("letter_elastic", replace(WARP, letter_elastic=0.05), 1),
    ("zones", replace(WARP, zones=0.3), 3),
    ("stroke_width", replace(WARP, stroke_width=1.0), 2),
    ("contrast, noise", replace(WARP, contrast=0.5, noise=22.0), 5),
    ("bleed", replace(DAMAGE, bleed=1.0, bleed_reach=0.05), 1),
    ("cutout", replace(DAMAGE, cutout=1.0), 7),
    ("show_through", replace(DAMAGE, show_through=1.0, show_through_strength=0.45), 0),
    ("rules", replace(DAMAGE, rules=1.0), 1),
    ("stains", replace(DAMAGE, stains=1.0), 4),
    ("light", replace(DAMAGE, light=1.0, light_strength=0.6), 6),
    ("gamma", replace(DAMAGE, gamma=1.0, gamma_strength=0.8), 4),
)


def main(folder: Path) -> None:
    """Writes both pictures."""
    line = written("le dernier testament des miens", np.random.default_rng(4))
    rows = [(name, line, config.build()(line, np.random.default_rng(seed))) for name, config, seed in KINDS]
    first, second = (
        cropped(written(text, np.random.default_rng(seed)))
        for text, seed in (("le dernier", 4), ("testament", 5))
    )
    both = joined(first, second, np.random.default_rng(1))
    assert isinstance(both, LineImage)
    sheet([*rows, ("data.join_share", first, both)], folder / "line_augmentations.png")
    dark = replace(DAMAGE, light=1.0, light_strength=0.75, stains=1.0, stains_strength=0.35).build()
    shaded = dark(line, np.random.default_rng(12))
    sheet([("remove_background", shaded, without_background(shaded))], folder / "remove_background.png")


def written(text: str, rng: np.random.Generator) -> LineImage:
    """Returns a line of joined-up writing on paper with a grain."""
    canvas = Image.new("L", (WIDTH * FINE, HEIGHT * FINE), 0)
    pen = ImageDraw.Draw(canvas)
    small = 15.5 * FINE
    left, base = 14.0 * FINE, 46.0 * FINE
    for word in text.split():
        path: list[np.ndarray] = []
        for letter in word:
            size = small * rng.uniform(0.94, 1.06)
            points = np.array(LETTERS[letter].split(), float).reshape(-1, 2)[1 if path else 0 :]
            path.append(placed(points, left, base, size))
            if letter in MARKS:
                mark = np.array(MARKS[letter].split(), float).reshape(-1, 2)
                drawn(pen, placed(mark, left, base, size))
            left += ADVANCE[letter] * small
        drawn(pen, np.concatenate(path))
        left += 0.85 * small
    ink = np.asarray(canvas.resize((WIDTH, HEIGHT), Image.Resampling.BOX), dtype=float) / 255
    grain = 2.2 * cloud(8, 60, rng) + 1.2 * cloud(32, 250, rng)
    paper = 226 + grain
    light = paper * (1 - ink * (0.78 + 0.012 * grain))
    return LineImage(np.clip(np.rint(light), 0, 255).astype(np.uint8))


def cropped(line: LineImage) -> LineImage:
    """Returns the line without the bare paper at its end."""
    dark = np.flatnonzero(line.pixels.min(axis=0) < 150)
    return LineImage(line.pixels[:, : int(dark[-1]) + 15])


def cloud(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """Returns smooth noise of about standard deviation 1 over the line, with so many hills each way."""
    noise = Image.fromarray(rng.standard_normal((rows, columns)).astype(np.float32))
    return np.asarray(noise.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))


def placed(points: np.ndarray, left: float, base: float, size: float) -> np.ndarray:
    """Returns points of a letter as pixels; the hand leans to the right."""
    x, y = points.T
    return np.column_stack([left + (x + 0.32 * y) * size, base - y * size])


def drawn(pen: ImageDraw.ImageDraw, points: np.ndarray) -> None:
    """Draws a curve through all points (Catmull and Rom 1974) with a nib that is broad on the way down."""
    ends = np.concatenate([points[:1], points, points[-1:]])
    share = np.linspace(0, 1, 40, endpoint=False)[:, None]
    for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        curve = 0.5 * (
            2 * b
            + (c - a) * share
            + (2 * a - 5 * b + 4 * c - d) * share**2
            + (3 * b - a - 3 * c + d) * share**3
        )
        way = (c - a) * 0.5 + (2 * a - 5 * b + 4 * c - d) * share + 1.5 * (3 * b - a - 3 * c + d) * share**2
        down = np.clip(way[:, 1] / np.maximum(np.hypot(*way.T), 1e-6), 0, 1)
        for (x, y), radius in zip(curve.tolist(), (FINE * (0.85 + 0.75 * down)).tolist(), strict=True):
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)


def sheet(rows: list[tuple[str, LineImage, LineImage]], path: Path) -> None:
    """Writes a row of name, before and after for each."""
    widest = max(after.pixels.shape[1] for _, _, after in rows)
    size = (NAMES + WIDTH + GAP + widest + GAP, 34 + ROW * len(rows))
    canvas = Image.new("L", size, 255)
    pen = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(20)
    for title, left in (("before", NAMES), ("after", NAMES + WIDTH + GAP)):
        pen.text((left, 6), title, fill=120, font=font)
    for index, (name, before, after) in enumerate(rows):
        top = 34 + ROW * index
        pen.text((GAP, top + HEIGHT // 2), name, fill=30, font=font, anchor="lm")
        for image, left in ((before, NAMES), (after, NAMES + WIDTH + GAP)):
            canvas.paste(Image.fromarray(image.pixels), (left, top))
    # Some fifty greys are enough for the eye and halve the file.
    canvas.point([min(255, 5 * round(value / 5)) for value in range(256)]).save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
