"""Another hand, pen and scan for the same line image: one affine and elastic warp, then stroke width and tone.

Source of the kinds and ranges: Retsinas et al., "Best practices for a handwritten text recognition system", DAS 2022;
of `letter_elastic`: Wigington et al., "Data augmentation for recognition of handwritten words and lines", ICDAR 2017.
"""

import numpy as np
from jaxtyping import Float64, UInt8
from PIL import Image, ImageFilter

from seqlabel.augmentations.mesh import pulled
from seqlabel.config import Config, FromZero
from seqlabel.records import LineImage, Signal

SMALL_LETTERS = 0.28
"""Share of the height, in its middle, that small letters are taken to fill: what `ColumnConfig.band` makes of them."""
LETTER = 0.375
"""Sides of the cells of `letter_elastic`, in heights of the line."""


class ImageWarpConfig(Config, frozen=True, tag="image_warp"):
    """Random geometry and tone of a line image.

    Attributes:
        shear: largest horizontal shear, as a tangent.
        rotation_degrees: largest rotation.
        stretch: largest relative change of the width.
        squeeze: largest relative change of the height of the writing inside its line.
        shift: largest vertical displacement of the writing, in heights of the line.
        elastic: standard deviation of the grid displacement, in heights of the line.
        letter_elastic: the same for a finer grid, whose cells are about as large as letters.
        zones: standard deviation of the logarithm of the heights that ascenders, small letters and descenders get, each
            of the three for itself; small letters are looked for in the middle of the line.
        width_jitter: standard deviation of the logarithm of the width that each stretch of the line, about as long as
            high, gets; the line stays as long as it is.
        stroke_width: probability of thicker or thinner strokes.
        contrast: largest relative change of contrast and brightness.
        noise: largest standard deviation of the pixel noise, in grey levels of 255.
        probability: with which each of the groups (shear and rotation, sizes, width jitter, zones, elastic, letter
            elastic, tone) is applied.
    """

    shear: FromZero = 0.4
    rotation_degrees: FromZero = 1.5
    stretch: FromZero = 0.25
    squeeze: FromZero = 0.15
    shift: FromZero = 0.0
    elastic: FromZero = 0.03
    letter_elastic: FromZero = 0.0
    zones: FromZero = 0.0
    width_jitter: FromZero = 0.0
    stroke_width: FromZero = 0.3
    contrast: FromZero = 0.3
    noise: FromZero = 12.0
    probability: FromZero = 0.7

    def build(self) -> "ImageWarp":
        """Returns the augmentation."""
        return ImageWarp(self)


class ImageWarp:
    """Deforms line images; leaves other signals alone."""

    def __init__(self, config: ImageWarpConfig) -> None:
        self.config = config

    def __call__(self, signal: Signal, rng: np.random.Generator) -> Signal:
        """Returns the line as another writer and camera might have made it, drawn from `rng`."""
        if not isinstance(signal, LineImage):
            return signal
        pixels = self._geometry(signal.pixels, rng)
        pixels = self._stroke_width(pixels, rng)
        return LineImage(self._tone(pixels, rng))

    def _geometry(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        config = self.config
        height, width = pixels.shape
        shear = angle = 0.0
        stretch = squeeze = 1.0
        shift = 0.0
        if rng.random() < config.probability:
            shear = rng.uniform(-config.shear, config.shear)
            angle = np.deg2rad(rng.uniform(-config.rotation_degrees, config.rotation_degrees))
        if rng.random() < config.probability:
            stretch = rng.uniform(1 - config.stretch, 1 + config.stretch)
            squeeze = rng.uniform(1 - config.squeeze, 1 + config.squeeze)
            shift = rng.uniform(-config.shift, config.shift) * height
        # A sheared line needs room at both ends for the corners that lean out.
        margin = int(np.ceil(abs(shear) * height / 2))
        new_width = max(8, round(width * stretch) + 2 * margin)
        # The mesh is cut at whole pixels; with its corners between them a warp of nothing would move the ink.
        coarse_x, coarse_y = _mesh(new_width, height, 1.0)
        grid_x, grid_y = _mesh(new_width, height, LETTER if config.letter_elastic or config.zones else 1.0)
        target_x, target_y = np.meshgrid(grid_x, grid_y)
        x, y = target_x - new_width / 2, target_y - height / 2
        if config.width_jitter > 0 and rng.random() < config.probability:
            widths = np.exp(rng.normal(0, config.width_jitter, len(coarse_x) - 1))
            ends = np.concatenate([[0.0], np.cumsum(widths)]) * (new_width / widths.sum())
            x = x + (np.interp(grid_x, coarse_x, ends) - grid_x)[None, :]
        if config.zones > 0 and rng.random() < config.probability:
            y = _zoned(y, height, np.exp(rng.normal(0, config.zones, size=3)))
        x, y = x + np.tan(angle) * y, (y - np.tan(angle) * x * min(1.0, 8 * height / new_width)) / squeeze
        x = (x + shear * y) / stretch
        source = np.stack([x + width / 2, y + height / 2 + shift], axis=-1)
        if rng.random() < config.probability:
            moved = rng.normal(0, config.elastic * height, size=(len(coarse_y), len(coarse_x), 2))
            source += _between(moved, coarse_x, coarse_y, grid_x, grid_y)
        if config.letter_elastic > 0 and rng.random() < config.probability:
            source += rng.normal(0, config.letter_elastic * height, size=source.shape)
        rows = pixels[:: max(1, height // 16)]
        return pulled(pixels, grid_x.astype(np.int64), grid_y.astype(np.int64), source, _upper_quartile(rows))

    def _stroke_width(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if rng.random() >= self.config.stroke_width:
            return pixels
        kind = rng.integers(3)
        image = Image.fromarray(pixels)
        if kind == 0:
            return np.asarray(
                image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.5) * image.height / 64))
            )
        ranked = Image.fromarray(_ranked(pixels, np.minimum if kind == 1 else np.maximum))
        return np.asarray(Image.blend(image, ranked, rng.uniform(0.2, 0.8)))

    def _tone(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if rng.random() >= self.config.probability:
            return pixels
        contrast = rng.uniform(1 - self.config.contrast, 1 + self.config.contrast)
        brightness = rng.uniform(-self.config.contrast, self.config.contrast) * 64
        mean = float(pixels.mean())
        toned = pixels.astype(np.float32)
        toned -= mean
        toned *= contrast
        toned += mean
        toned += brightness
        std = rng.uniform(0, self.config.noise)
        noise = rng.standard_normal(pixels.shape, dtype=np.float32)
        noise *= std
        toned += noise
        clipped: UInt8[np.ndarray, "height width"] = np.clip(toned, 0, 255, out=toned).astype(np.uint8)
        return clipped


def _mesh(
    width: int, height: int, cell: float
) -> tuple[Float64[np.ndarray, " columns1"], Float64[np.ndarray, " rows1"]]:
    """Returns where the columns and rows of a mesh meet, whose cells are about `cell` heights wide.

    Two rows are enough for cells as wide as the line is high; no mesh has fewer.
    """
    columns = max(2, round(width / (cell * height)) + 1)
    rows = max(2, round(1 / cell) + 1)
    return np.round(np.linspace(0, width, columns + 1)), np.round(np.linspace(0, height, rows + 1))


def _zoned(
    y: Float64[np.ndarray, "rows1 columns1"], height: int, sizes: Float64[np.ndarray, " 3"]
) -> Float64[np.ndarray, "rows1 columns1"]:
    """Returns from where each y comes, both seen from the middle, if the zones become about so many times as high."""
    small, outer = SMALL_LETTERS / 2, 0.5 - SMALL_LETTERS / 2
    edges = np.array([-0.5, -small, small, 0.5])
    ascenders, letters, descenders = sizes
    origins = (
        np.array([-outer / ascenders, 0.0, 0.0, outer / descenders])
        + np.array([-1, -1, 1, 1]) * small / letters
    )
    zoned: Float64[np.ndarray, "rows1 columns1"] = np.interp(y, edges * height, origins * height)
    return zoned


def _between(
    moved: Float64[np.ndarray, "rows columns 2"],
    coarse_x: Float64[np.ndarray, " columns"],
    coarse_y: Float64[np.ndarray, " rows"],
    grid_x: Float64[np.ndarray, " columns1"],
    grid_y: Float64[np.ndarray, " rows1"],
) -> Float64[np.ndarray, "rows1 columns1 2"]:
    """Returns the displacements of a coarse mesh at the crossings of another one, bilinear in between."""
    across = np.stack(
        [[np.interp(grid_x, coarse_x, row) for row in axis] for axis in np.moveaxis(moved, 2, 0)]
    )
    down = np.stack([[np.interp(grid_y, coarse_y, column) for column in axis.T] for axis in across])
    return down.transpose(2, 1, 0)


def _upper_quartile(pixels: UInt8[np.ndarray, "rows columns"]) -> int:
    """Returns `int(np.percentile(pixels, 75))`, which sorts."""
    place = 0.75 * (pixels.size - 1)
    counts = np.cumsum(np.bincount(pixels.reshape(-1), minlength=256))
    lower, upper = np.searchsorted(counts, [int(place), min(int(place) + 1, pixels.size - 1)], side="right")
    return int(lower + (upper - lower) * (place - int(place)))


def _ranked(pixels: UInt8[np.ndarray, "height width"], choice: np.ufunc) -> UInt8[np.ndarray, "height width"]:
    """Returns the least or the greatest of each pixel and the eight around it, as Pillow's rank filters."""
    rows = np.pad(pixels, ((1, 1), (0, 0)), mode="edge")
    tall = choice(choice(rows[:-2], rows[1:-1]), rows[2:])
    columns = np.pad(tall, ((0, 0), (1, 1)), mode="edge")
    chosen: UInt8[np.ndarray, "height width"] = choice(
        choice(columns[:, :-2], columns[:, 1:-1]), columns[:, 2:]
    )
    return chosen
