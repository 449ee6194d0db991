"""Another hand, pen and scan for the same line image: one affine and elastic warp, then stroke width and tone.

Source of the kinds and ranges: Retsinas et al., "Best practices for a handwritten text recognition system", DAS 2022.
"""

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageFilter

from seqlabel.config import Config, FromZero
from seqlabel.records import LineImage, Signal


class ImageWarpConfig(Config, frozen=True, tag="image_warp"):
    """Random geometry and tone of a line image.

    Attributes:
        shear: largest horizontal shear, as a tangent.
        rotation_degrees: largest rotation.
        stretch: largest relative change of the width.
        squeeze: largest relative change of the height of the writing inside its line.
        shift: largest vertical displacement of the writing, in heights of the line.
        elastic: standard deviation of the grid displacement, in heights of the line.
        stroke_width: probability of thicker or thinner strokes.
        contrast: largest relative change of contrast and brightness.
        noise: largest standard deviation of the pixel noise, in grey levels of 255.
        probability: with which each of the groups (shear and rotation, sizes, elastic, tone) is applied.
    """

    shear: FromZero = 0.4
    rotation_degrees: FromZero = 1.5
    stretch: FromZero = 0.25
    squeeze: FromZero = 0.15
    shift: FromZero = 0.0
    elastic: FromZero = 0.03
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
        image = Image.fromarray(signal.pixels)
        image = self._geometry(image, rng)
        image = self._stroke_width(image, rng)
        return LineImage(self._tone(np.asarray(image), rng))

    def _geometry(self, image: Image.Image, rng: np.random.Generator) -> Image.Image:
        config = self.config
        width, height = image.size
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
        columns = max(2, round(new_width / height) + 1)
        # The mesh is cut at whole pixels; with its corners between them a warp of nothing would move the ink.
        grid_x = np.round(np.linspace(0, new_width, columns + 1))
        grid_y = np.round(np.linspace(0, height, 3))
        target_x, target_y = np.meshgrid(grid_x, grid_y)
        x, y = target_x - new_width / 2, target_y - height / 2
        x, y = x + np.tan(angle) * y, (y - np.tan(angle) * x * min(1.0, 8 * height / new_width)) / squeeze
        x = (x + shear * y) / stretch
        source = np.stack([x + width / 2, y + height / 2 + shift], axis=-1)
        if rng.random() < config.probability:
            source += rng.normal(0, config.elastic * height, size=source.shape)
        mesh = []
        for row in range(2):
            for column in range(columns):
                box = (grid_x[column], grid_y[row], grid_x[column + 1], grid_y[row + 1])
                if box[0] == box[2] or box[1] == box[3]:
                    continue  # a line of a pixel or two
                corners = (
                    source[row, column],
                    source[row + 1, column],
                    source[row + 1, column + 1],
                    source[row, column + 1],
                )
                mesh.append(
                    (tuple(int(v) for v in box), tuple(float(v) for corner in corners for v in corner))
                )
        paper = int(np.percentile(np.asarray(image)[:: max(1, height // 16)], 75))
        return image.transform(
            (new_width, height), Image.Transform.MESH, mesh, Image.Resampling.BILINEAR, fillcolor=paper
        )

    def _stroke_width(self, image: Image.Image, rng: np.random.Generator) -> Image.Image:
        if rng.random() >= self.config.stroke_width:
            return image
        kind = rng.integers(3)
        if kind == 0:
            return image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.5) * image.height / 64))
        ranked = image.filter(ImageFilter.MinFilter(3) if kind == 1 else ImageFilter.MaxFilter(3))
        return Image.blend(image, ranked, rng.uniform(0.2, 0.8))

    def _tone(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if rng.random() >= self.config.probability:
            return pixels
        contrast = rng.uniform(1 - self.config.contrast, 1 + self.config.contrast)
        brightness = rng.uniform(-self.config.contrast, self.config.contrast) * 64
        mean = float(pixels.mean())
        toned = (pixels.astype(np.float32) - mean) * contrast + mean + brightness
        std = rng.uniform(0, self.config.noise)
        toned += std * rng.standard_normal(pixels.shape, dtype=np.float32)
        clipped: UInt8[np.ndarray, "height width"] = np.clip(toned, 0, 255).astype(np.uint8)
        return clipped
