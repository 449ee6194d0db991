"""What a century and a scanner do to a line of writing: ink runs, the back shows through, paper is ruled and stained.

Every kind is drawn for itself, with a probability of its own. Light, stains, ruled lines and the back of the page let
less light through and are multiplied into one sheet, which is laid over the line at the end.

Source of the patches: DeVries and Taylor, "Improved regularization of convolutional neural networks with cutout", 2017.
"""

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image, ImageChops, ImageFilter

from seqlabel.config import Config, FromZero, Probability, Share
from seqlabel.records import LineImage, Signal

LINE_HEIGHT = 64
"""Pixels of a line for which the widths of rulings and runs of ink below are meant; they grow with the line."""


class ImageDamageConfig(Config, frozen=True, tag="image_damage"):
    """Random damage to a line image, each kind with its probability (0: never) and its greatest strength.

    Attributes:
        bleed: probability that the ink has run into the paper.
        bleed_reach: how far at most, in heights of the line.
        cutout: probability of patches without ink.
        cutout_size: greatest width of a patch, in heights of the line; there is about one in six heights of the line.
        show_through: probability that writing of the back of the page shows, mirrored.
        show_through_strength: at most, as a share of the ink's own darkness.
        rules: probability of ruled lines, in one of three cases with upright ones as well.
        rules_strength: share of the light that they take at most.
        stains: probability of stains with a rim, as water leaves them.
        stains_strength: share of the light that they take at most.
        light: probability of uneven light along and across the line.
        light_strength: share of the light that is missing at most.
        gamma: probability of another tone curve of the scanner.
        gamma_strength: largest change of the exponent's natural logarithm.
    """

    bleed: Probability = 0.15
    bleed_reach: FromZero = 0.03
    cutout: Probability = 0.2
    cutout_size: FromZero = 0.3
    show_through: Probability = 0.25
    show_through_strength: Share = 0.3
    rules: Probability = 0.2
    rules_strength: Share = 0.3
    stains: Probability = 0.15
    stains_strength: Share = 0.3
    light: Probability = 0.3
    light_strength: Share = 0.4
    gamma: Probability = 0.3
    gamma_strength: FromZero = 0.4

    def build(self) -> "ImageDamage":
        """Returns the augmentation."""
        return ImageDamage(self)


class ImageDamage:
    """Damages line images; leaves other signals alone."""

    def __init__(self, config: ImageDamageConfig) -> None:
        self.config = config

    def __call__(self, signal: Signal, rng: np.random.Generator) -> Signal:
        """Returns the line as an archive might hold it, drawn from `rng`."""
        if not isinstance(signal, LineImage) or 0 in signal.pixels.shape:
            return signal
        config = self.config
        chances = (
            config.bleed,
            config.cutout,
            config.show_through,
            config.rules,
            config.stains,
            config.light,
            config.gamma,
        )
        bleed, cutout, show_through, rules, stains, light, gamma = (
            rng.random(len(chances)) < chances
        ).tolist()
        image = Image.fromarray(signal.pixels)
        paper = _paper(image) if bleed or cutout or show_through else 255
        if bleed:
            image = _bled(image, paper, config.bleed_reach, rng)
        if cutout:
            image = _with_patches(image, paper, config.cutout_size, rng)
        sheets = []
        if show_through:
            sheets.append(_back_of_page(image, paper, config.show_through_strength, rng))
        if rules:
            sheets.append(_rules(image.size, config.rules_strength, rng))
        if stains:
            sheets.append(_stains(image.size, config.stains_strength, rng))
        if light:
            sheets.append(_light(image.size, config.light_strength, rng))
        if sheets:
            image = _seen_through(image, sheets)
        if gamma:
            exponent = np.exp(rng.uniform(-config.gamma_strength, config.gamma_strength))
            image = image.point(_table(255 * (np.arange(256) / 255) ** exponent))
        return LineImage(np.asarray(image))


Sheet = Float32[np.ndarray, "height width"]


def _paper(image: Image.Image) -> int:
    """Returns the upper quartile of the grey values."""
    counts = np.cumsum(image.histogram())
    return max(1, int(np.searchsorted(counts, 0.75 * counts[-1])))


def _table(values: np.ndarray) -> list[int]:
    table: list[int] = np.clip(np.rint(values), 0, 255).astype(int).tolist()
    return table


def _seen_through(image: Image.Image, sheets: list[np.ndarray]) -> Image.Image:
    light = sheets[0]
    for sheet in sheets[1:]:
        light = light * sheet
    pixels: UInt8[np.ndarray, "height width"] = (np.asarray(image) * light + np.float32(0.5)).astype(np.uint8)
    return Image.fromarray(pixels)


def _bled(image: Image.Image, paper: int, reach: float, rng: np.random.Generator) -> Image.Image:
    """Returns the line with ink that has run: around strokes it fades out, and narrow loops fill."""
    radius = rng.uniform(0.3, 1.0) * reach * image.height
    gain = rng.uniform(1.0, 1.6)
    blurred = image.filter(ImageFilter.GaussianBlur(radius))
    return ImageChops.darker(image, blurred.point(_table(paper - gain * (paper - np.arange(256)))))


def _with_patches(image: Image.Image, paper: int, size: float, rng: np.random.Generator) -> Image.Image:
    width, height = image.size
    number = 1 + int(rng.poisson(width / height / 6))
    shapes = np.maximum(1, np.rint(rng.uniform((0.2, 0.2), (1.0, 1.0), (number, 2)) * (size, 1.0) * height))
    # A patch may stand out over the border, so that all columns are as likely to lose their ink.
    corners = np.ceil(rng.random((number, 2)) * (shapes + np.array([width, height])) - shapes)
    patched = image.copy()
    for (left, top), (columns, rows) in zip(
        corners.astype(int).tolist(), shapes.astype(int).tolist(), strict=True
    ):
        patched.paste(paper, (left, top, left + columns, top + rows))
    return patched


def _back_of_page(image: Image.Image, paper: int, strength: float, rng: np.random.Generator) -> Sheet:
    """Returns what the ink on the back lets through: this line's own, mirrored, softened and somewhere else."""
    width, height = image.size
    size = (max(1, width // 3), max(1, height // 3))
    # Smaller and large again is a blur that costs less than one.
    soft = image.resize(size, Image.Resampling.BOX).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    soft = ImageChops.offset(soft, int(rng.integers(size[0])), int(rng.integers(size[1])))
    ink = np.arange(256) / paper
    share = rng.uniform(0.25, 1.0) * strength
    through = soft.point(_table(255 * (1 - share * np.clip(1 - ink, 0, 1))))
    sheet: Sheet = np.asarray(through.resize((width, height), Image.Resampling.BILINEAR)) * np.float32(
        1 / 255
    )
    return sheet


def _rules(size: tuple[int, int], strength: float, rng: np.random.Generator) -> Sheet:
    """Returns ruled paper: lines at one distance, a little sloped, and sometimes lines across them."""
    width, height = size
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    slope, first, distance, half = rng.uniform((-0.01, 0, 0.35, 0.3), (0.01, 1, 1.2, 1.2)).tolist()
    taken, across, first_across = rng.uniform((0.2 * strength, 0, 0), (strength, 3, 1)).tolist()
    half *= height / LINE_HEIGHT
    rows = _comb(y[:, None] - np.float32(slope) * x[None, :], first, distance * height, half)
    if across < 1:
        columns = _comb(x, first_across, distance * height, half)
        rows = np.maximum(rows, columns[None, :])
    sheet: Sheet = 1 - np.float32(taken) * rows
    return sheet


def _comb(place: np.ndarray, first: float, distance: float, half: float) -> np.ndarray:
    """Returns 1 on lines at a distance from each other and 0 between them, with soft edges."""
    distance = max(distance, 2.0)
    phase: np.ndarray = place * np.float32(1 / distance) - np.float32(first)
    phase -= np.rint(phase)
    np.abs(phase, out=phase)
    phase *= np.float32(-distance)
    phase += np.float32(half + 0.5)
    np.clip(phase, 0, min(1.0, 2 * half), out=phase)
    return phase


def _stains(size: tuple[int, int], strength: float, rng: np.random.Generator) -> Sheet:
    """Returns blots where a smooth noise is high; where it passes the threshold they have a darker rim."""
    width, height = size
    cell = rng.uniform(0.5, 1.2) * height
    noise = rng.standard_normal((4 + int(height / cell), 4 + int(width / cell)), dtype=np.float32)
    smooth = Image.fromarray(noise).resize(
        size, Image.Resampling.BICUBIC, box=(1.5, 1.5, 1.5 + width / cell, 1.5 + height / cell)
    )
    threshold, taken, rim = rng.uniform((0.5, 0.3 * strength, 0.0), (1.1, strength, 1.0)).tolist()
    above = np.asarray(smooth) - np.float32(threshold)
    body = np.clip(above * np.float32(12), 0, 1)
    edge = np.clip(1 - np.abs(above) * np.float32(12), 0, 1)
    body *= np.float32(taken * (1 - 0.6 * rim))
    edge *= np.float32(0.6 * taken * rim)
    sheet: Sheet = 1 - body - edge
    return sheet


def _light(size: tuple[int, int], strength: float, rng: np.random.Generator) -> Sheet:
    """Returns light that changes slowly along the line, evenly across it, and may fall off towards one end."""
    width, height = size
    knots = rng.random(3 + int(width / height / 4))
    place = np.linspace(0, len(knots) - 1, width)
    left = np.minimum(place.astype(np.int64), len(knots) - 2)
    share = place - left
    share = share * share * (3 - 2 * share)  # no kink at a knot
    along = knots[left] * (1 - share) + knots[left + 1] * share
    taken, across, spine = rng.uniform((0.2 * strength, -0.5, -1), (strength, 0.5, 1)).tolist()
    # The shadow of a book's spine, on one of the sides, in half of the cases.
    if abs(spine) > 0.5:
        away = np.arange(width)[:: 1 if spine > 0 else -1] / (1.5 * height)
        along = np.maximum(along, np.exp(-away))
    field = along[None, :] + across * np.linspace(-0.5, 0.5, height)[:, None]
    sheet: Sheet = (1 - taken * np.clip(field, 0, 1)).astype(np.float32)
    return sheet
