"""Draws docs/drawn_lines.png: a made-up text set in handwriting fonts, and made-up ink drawn with three nibs.

python docs/drawn_lines.py FONTS docs
"""

import sys
from pathlib import Path

import numpy as np
from pen_augmentations import written
from PIL import Image

from data_prep.drawn_lines import drawn_with_nib, faces_for, font_lines, fonts_in
from seqlabel.records import LineImage

HEIGHT, GAP = 56, 10
TEXT = ["ceci", "est", "le", "dernier", "testament", "des", "miens"]


def main(fonts: Path, folder: Path) -> None:
    """Writes the picture: fonts to the left, nibs to the right."""
    faces, _ = faces_for([TEXT], fonts_in(fonts))
    left = [image for _, _, image in font_lines(faces, 6, np.random.default_rng(2))]
    right = [drawn_with_nib(written("intelligent ligne"), np.random.default_rng(seed)) for seed in range(6)]
    columns = [[scaled(image) for image in images] for images in (left, right)]
    widths = [max(image.width for image in images) for images in columns]
    sheet = Image.new("L", (sum(widths) + 3 * GAP, len(left) * (HEIGHT + GAP) + GAP), 255)
    for x, images in zip((GAP, widths[0] + 2 * GAP), columns, strict=True):
        for row, image in enumerate(images):
            sheet.paste(image, (x, GAP + row * (HEIGHT + GAP)))
    sheet.save(folder / "drawn_lines.png", optimize=True)


def scaled(line: LineImage) -> Image.Image:
    """Returns the line at the height of the picture's rows."""
    image = Image.fromarray(line.pixels)
    return image.resize((round(image.width * HEIGHT / image.height), HEIGHT), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
