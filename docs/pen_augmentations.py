"""Draws docs/pen_augmentations.png and docs/pen_features.png: made-up ink, augmented, evened out, and as Bezier curves.

python docs/pen_augmentations.py docs
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from seqlabel.augmentations import PenPathConfig, PenWarpConfig
from seqlabel.features import InkNormalizationConfig
from seqlabel.features.bezier import curves_of
from seqlabel.features.ink_normalization import normalized, rotated, sheared
from seqlabel.features.ink_points import resample
from seqlabel.records import Strokes

# Small letters on a base line at y = 0, x-height 1, y upwards: the main stroke, then what is written after the word.
LETTERS: dict[str, list[list[tuple[float, float]]]] = {
    "l": [[(0, 0.1), (0.35, 0.8), (0.55, 1.9), (0.38, 2.2), (0.2, 1.6), (0.25, 0.4), (0.45, 0), (0.75, 0.15)]],
    "i": [[(0, 0.1), (0.25, 0.7), (0.32, 1), (0.28, 0.4), (0.4, 0), (0.7, 0.15)], [(0.42, 1.55), (0.45, 1.6)]],
    "t": [
        [(0, 0.1), (0.3, 0.9), (0.4, 1.8), (0.34, 1), (0.34, 0.3), (0.5, 0), (0.75, 0.15)],
        [(0.05, 1.2), (0.4, 1.26), (0.8, 1.3)],
    ],
    "e": [[(0, 0.1), (0.4, 0.5), (0.55, 0.85), (0.35, 1), (0.15, 0.6), (0.25, 0.1), (0.55, 0), (0.85, 0.2)]],
    "n": [
        [(0, 0.1), (0.2, 0.7), (0.25, 1), (0.22, 0.5), (0.2, 0), (0.3, 0.7), (0.5, 1), (0.65, 0.8), (0.63, 0.3),
         (0.75, 0), (0.95, 0.15)]
    ],
    "g": [
        [(0.1, 0.1), (0.6, 0.95), (0.3, 1), (0.12, 0.5), (0.3, 0.05), (0.6, 0.9), (0.6, 0), (0.5, -1), (0.25, -1.1),
         (0.3, -0.6), (0.9, 0.15)]
    ],
}  # fmt: skip
FINE = 2
"""Pictures are drawn so many times larger than they come out, for smooth lines."""
SCALE = 34 * FINE
ROW = 150 * FINE
WIDTH = 560 * FINE
INK, FAINT, MARK = "#1b2631", "#c8ced3", "#c0392b"
PALETTE = ("#c0392b", "#2471a3", "#1e8449", "#b9770e", "#7d3c98")


def smooth(points: list[tuple[float, float]]) -> np.ndarray:
    """Returns a Catmull-Rom curve through the points, eight steps between two."""
    known = np.array([points[0], *points, points[-1]], dtype=float)
    share = np.linspace(0, 1, 8, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(known, known[1:], known[2:], known[3:], strict=False):
        pieces.append(
            b + share * (c - a) / 2 + share**2 * (a - 2.5 * b + 2 * c - d / 2)
            + share**3 * (1.5 * (b - c) + (d - a) / 2)
        )  # fmt: skip
    return np.concatenate([*pieces, known[-1:]])


def written(text: str) -> Strokes:
    """Returns words as a hand might write them: joined letters, then the dots and bars of the word."""
    strokes: list[np.ndarray] = []
    x = 0.0
    for word in text.split():
        main: list[tuple[float, float]] = []
        later = []
        for letter in word:
            first, *delayed = LETTERS[letter]
            main += [(x + a, b) for a, b in first[1 if main else 0 :]]
            later += [smooth([(x + a, b) for a, b in stroke]) for stroke in delayed]
            x += first[-1][0]
        strokes += [smooth(main), *later]
        x += 0.6
    return Strokes(tuple((stroke * [1, -1]).astype(np.float32) for stroke in strokes))


class Page:
    """Pictures of ink in two columns, each with a line of text above."""

    def __init__(self, num_rows: int) -> None:
        self.image = Image.new("RGB", (2 * WIDTH, num_rows * ROW), "white")
        self.pen = ImageDraw.Draw(self.image)
        self.font = ImageFont.load_default(17 * FINE)

    def place(self, cell: int, points: np.ndarray) -> list[tuple[float, float]]:
        """Returns where the points of a cell's ink lie, the middle of the words in the middle of the cell."""
        row, column = divmod(cell, 2)
        moved = points * SCALE + [column * WIDTH + 40 * FINE, row * ROW + 105 * FINE]
        return [(float(x), float(y)) for x, y in moved]

    def say(self, cell: int, text: str) -> None:
        """Writes the text of a cell."""
        row, column = divmod(cell, 2)
        self.pen.text(
            (column * WIDTH + 16 * FINE, row * ROW + 8 * FINE), text, fill="#566573", font=self.font
        )

    def draw(self, cell: int, strokes: list[np.ndarray], colour: str = INK, width: int = 2 * FINE) -> None:
        """Draws strokes."""
        for stroke in strokes:
            self.pen.line(self.place(cell, stroke), fill=colour, width=width, joint="curve")

    def dots(self, cell: int, points: np.ndarray, colour: str = MARK, radius: float = 2.0 * FINE) -> None:
        """Draws points."""
        for x, y in self.place(cell, points):
            self.pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colour)

    def save(self, out: Path) -> None:
        """Writes the page at its size, in few colours, which makes a small file."""
        small = self.image.resize(
            (self.image.width // FINE, self.image.height // FINE), Image.Resampling.LANCZOS
        )
        small.quantize(96, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(out, optimize=True)


def augmentations(out: Path) -> None:
    """Writes the picture of the augmentations: the ink as it was in grey, as augmented in black.

    The last row shows the way of the pen: each stroke in a colour of its own, a dot where it begins.
    """
    ink = written("little telling line")
    off = {"slant": 0.0, "rotation_degrees": 0.0, "stretch": 0.0, "wave": 0.0}
    shown: list[tuple[dict[str, float], int]] = [
        ({"slant": 0.4}, 12),
        ({"rotation_degrees": 2.5}, 3),
        ({"stretch": 0.3}, 4),
        ({"scale": 0.3}, 10),
        ({"squeeze": 0.5}, 3),
        ({"wave": 0.12}, 5),
        ({"bend": 0.12}, 7),
        ({"bend": 0.3}, 7),
        ({"shift": 0.05}, 6),
        ({"jitter": 0.012, "jitter_points": 3.0}, 2),
        ({"time_warp": 0.7}, 1),
        ({"drop_points": 0.8}, 9),
    ]
    page = Page(len(shown) // 2 + 1)
    for cell, (settings, seed) in enumerate(shown):
        shows_points = "time_warp" in settings or "drop_points" in settings
        given = Strokes(tuple(stroke[::3] for stroke in ink.strokes)) if shows_points else ink
        changed = PenWarpConfig(**{**off, **settings}).build()(given, np.random.default_rng(seed))
        assert isinstance(changed, Strokes)
        page.say(cell, ", ".join(f"{name}={value:g}" for name, value in settings.items()))
        page.draw(cell, list(ink.strokes), FAINT)
        page.draw(cell, list(changed.strokes))
        if shows_points:
            page.dots(cell, np.concatenate(changed.strokes))
    another_way = PenPathConfig(share=1.0, lift=0.4, reverse=0.4, swap=0.4).build()(ink, np.random.default_rng(11))
    assert isinstance(another_way, Strokes)
    for cell, text, shown_ink in [
        (len(shown), "as it was written", ink),
        (len(shown) + 1, "lift=0.4, reverse=0.4, swap=0.4", another_way),
    ]:
        page.say(cell, text)
        for number, stroke in enumerate(shown_ink.strokes):
            colour = PALETTE[number % len(PALETTE)]
            page.draw(cell, [stroke], colour)
            page.dots(cell, stroke[:1], colour, radius=4.0 * FINE)
    page.save(out)


def features(out: Path) -> None:
    """Writes the picture of what is evened out, and of the points and curves that features are computed of."""
    plain = written("little telling line")
    leaning = rotated(sheared([stroke.astype(float) for stroke in plain.strokes], -0.55), np.deg2rad(-3))
    ink = Strokes(tuple(stroke.astype(np.float32) for stroke in leaning))
    page = Page(3)
    page.say(0, "as it was written")
    page.draw(0, leaning)
    steps = [
        ("skew taken out", InkNormalizationConfig(skew="base_line")),
        ("and slant", InkNormalizationConfig(skew="base_line", slant="histogram")),
        (
            "delayed strokes",
            InkNormalizationConfig(skew="base_line", slant="histogram", delayed_strokes="flag"),
        ),
    ]
    for cell, (text, config) in enumerate(steps, start=1):
        even = normalized(ink, config, "x_height")
        # Heights of the writing from the mean line downwards: the base line of the picture is at 1.
        strokes = [stroke - [min(s[:, 0].min() for s in even.strokes), 1.0] for stroke in even.strokes]
        page.say(cell, text)
        page.draw(cell, strokes)
        if even.below is not None:
            page.draw(
                cell, [s for s, under in zip(strokes, even.below, strict=True) if under is not None], MARK, 4
            )
    points, _ = resample(strokes, 0.25)
    page.say(4, f"points of pen and graves_pen: {len(points)}")
    page.draw(4, strokes, FAINT)
    page.dots(4, points)
    curves = curves_of(even, 0.06, 2.5)
    left = min(stroke[:, 0].min() for stroke in even.strokes)
    s = np.linspace(0, 1, 30)[:, None]
    page.say(5, f"curves of bezier: {len(curves.owner)}")
    for number, control in enumerate(curves.control[:, :, :2] - [left, 1.0]):
        a, b, c, d = control
        drawn = (1 - s) ** 3 * a + 3 * s * (1 - s) ** 2 * b + 3 * s**2 * (1 - s) * c + s**3 * d
        page.draw(5, [drawn], PALETTE[number % len(PALETTE)])
        page.dots(5, control[[0, 3]], INK)
    page.save(out)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    augmentations(folder / "pen_augmentations.png")
    features(folder / "pen_features.png")
