"""One line cut out of a page image: straightened along its base line, with paper around its outline."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import msgspec
import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt8
from PIL import Image, ImageDraw

from seqlabel.config import Config
from seqlabel.errors import FormatError
from seqlabel.formats.page import PageLine, has_area
from seqlabel.records import LineImage

_BLOCK_PIXELS = 1 << 22


Margin = Annotated[float, msgspec.Meta(ge=0, le=100)]


class LineCutConfig(Config, frozen=True):
    """How much of a page a line takes with it; a model cuts as it was trained to.

    Margins are in heights of the line (the mean one of its outline). They show what stands on the page around the
    outline, which helps where outlines cut through the long letters.

    Attributes:
        margin_above, margin_below: above and below the outline, seen along the line.
        margin_left, margin_right: before and behind it.
        max_height: rows that a line is scaled down to at most; it is never scaled up.
    """

    margin_above: Margin = 0.0
    margin_below: Margin = 0.0
    margin_left: Margin = 0.0
    margin_right: Margin = 0.0
    max_height: Annotated[int, msgspec.Meta(ge=1, le=8192)] = 128


ALONG_THE_OUTLINE = LineCutConfig()


@dataclass(frozen=True, slots=True)
class _Margins:
    above: int = 0
    below: int = 0
    left: int = 0
    right: int = 0


@dataclass(frozen=True, slots=True)
class LinePlace:
    """Where the pixels of a cut line lie on its page.

    Attributes:
        scale: pixels of the page for one of the line.
        left: column of the (turned) page at which the line begins.
        rows: row of the (turned) page at which each column of the line begins, before it was scaled.
        quarter_turns: by which the page was turned to the left.
        page_size: width and height of the page.
    """

    scale: float
    left: int
    rows: Int64[np.ndarray, " W"]
    quarter_turns: int
    page_size: tuple[int, int]

    def on_page(self, points: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 2"]:
        """Returns points of the line image as points of the page."""
        x, y = (points * self.scale).T
        column = np.clip(np.floor(x), 0, len(self.rows) - 1).astype(np.int64)
        x, y = x + self.left, y + self.rows[column]
        width, height = self.page_size
        if self.quarter_turns == 1:
            x, y = width - y, x
        elif self.quarter_turns == -1:
            x, y = y, height - x
        return np.column_stack([np.clip(x, 0, width), np.clip(y, 0, height)])


def cut_page_line(
    page_pixels: UInt8[np.ndarray, "H W"], line: PageLine, config: LineCutConfig = ALONG_THE_OUTLINE
) -> tuple[LineImage, LinePlace]:
    """Returns the image of a line, and where it lies on the page.

    Where the base line runs up or down the page (writing in the margin) the page is turned by a quarter, and each
    column is moved so that the base line becomes level. Without that a sloping line's box is several lines high,
    and scaling it down leaves nothing to read. A line without a base line is taken to be level.

    Raises:
        FormatError: the outline has no area on the page.
    """
    height, width = page_pixels.shape
    if not has_area(line.polygon, (width, height)):
        raise FormatError(f"line {line.id}: its outline has no area on the page")
    strip, polygon, left, rows, turns, margins = _straightened(page_pixels, line, config)
    cut, (x, y) = _cut(strip, polygon, margins)
    place = LinePlace(
        max(1.0, len(cut) / config.max_height),
        left + x,
        rows[x : x + cut.shape[1]] + y,
        turns,
        (width, height),
    )
    return shrunk(LineImage(cut), config.max_height), place


def cut_line(page_pixels: UInt8[np.ndarray, "H W"], polygon: Float64[np.ndarray, "n 2"]) -> LineImage:
    """Returns the part of a page inside of a polygon; around it, paper of the tone that the line has there.

    The polygon is clipped to the page. The tone is the upper quartile of the pixels inside, in stretches
    as long as the line is high and joined by straight lines: uneven light leaves no step at the outline.

    Raises:
        FormatError: the polygon has fewer than three points, or none of it lies on the page.
    """
    return LineImage(_cut(page_pixels, polygon, _Margins())[0])


def shrunk(image: LineImage, max_height: int = ALONG_THE_OUTLINE.max_height) -> LineImage:
    """Returns the image at most `max_height` pixels high, each new pixel the mean of the area it covers."""
    height, width = image.pixels.shape
    if height <= max_height:
        return image
    new_width = max(1, round(width * max_height / height))
    # Some columns at a time: a line as large as its page would else fill the memory with sums.
    step = max(1, _BLOCK_PIXELS // height)
    columns = [
        _area_means(image.pixels[:, first : first + step].astype(np.float64), max_height)
        for first in range(0, width, step)
    ]
    low = columns[0] if len(columns) == 1 else np.concatenate(columns, axis=1)
    pixels = _area_means(low.T, new_width).T
    return LineImage(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def straightened(
    page_pixels: UInt8[np.ndarray, "H W"], line: PageLine
) -> tuple[UInt8[np.ndarray, "h w"], Float64[np.ndarray, "n 2"]]:
    """Returns a strip of the page on which the line's base line is level, and the line's polygon on it."""
    return _straightened(page_pixels, line, ALONG_THE_OUTLINE)[:2]


def _straightened(
    page: UInt8[np.ndarray, "H W"], line: PageLine, config: LineCutConfig
) -> tuple[np.ndarray, np.ndarray, int, np.ndarray, int, _Margins]:
    """Returns a strip of the page with the line on it.

    Returns:
        The strip; the polygon on it; its left column; the page row of its top row, by column; the turns; the margins,
        in pixels.
    """
    # What lies far beyond the page shows nothing, and would make a strip that fills the memory.
    size = np.array(page.shape[::-1], np.float64)
    polygon = np.clip(line.polygon, -1.0, size)
    baseline = line.baseline if line.baseline is not None else np.zeros((0, 2))
    baseline = np.clip(baseline, -size / 2, 1.5 * size)
    turns = 0
    if len(baseline) >= 2:
        if line.is_upright:
            turns = 1 if baseline[-1, 1] > baseline[0, 1] else -1
            height, width = page.shape
            page = np.rot90(page, turns)
            polygon, baseline = (
                np.column_stack([points[:, 1], width - 1 - points[:, 0]])
                if turns == 1
                else np.column_stack([height - 1 - points[:, 1], points[:, 0]])
                for points in (polygon, baseline)
            )
        baseline = baseline[np.argsort(baseline[:, 0], kind="stable")]
    height, width = page.shape
    is_level = len(baseline) < 2
    slope = 0.0 if is_level else np.interp(polygon[:, 0], baseline[:, 0], baseline[:, 1])
    margins = _margins(np.column_stack([polygon[:, 0], polygon[:, 1] - slope]), config)
    left = int(np.clip(np.floor(polygon[:, 0].min()) - margins.left, 0, width - 1))
    right = int(np.clip(np.ceil(polygon[:, 0].max()) + 1 + margins.right, left + 1, width))
    if is_level:
        return (
            page[:, left:right],
            polygon - [left, 0],
            left,
            np.zeros(right - left, np.int64),
            turns,
            margins,
        )
    heights = np.interp(np.arange(left, right), baseline[:, 0], baseline[:, 1])
    level = heights.mean()
    moved = polygon[:, 1] - slope + level
    top = int(np.floor(moved.min())) - margins.above
    bottom = int(np.ceil(moved.max())) + 1 + margins.below
    first = top + np.rint(heights - level).astype(np.int64)
    strip = _moved_columns(page[:, left:right], first, bottom - top)
    return strip, np.column_stack([polygon[:, 0] - left, moved - top]), left, first, turns, margins


def _moved_columns(
    page: UInt8[np.ndarray, "H w"], first: Int64[np.ndarray, " w"], num_rows: int
) -> UInt8[np.ndarray, "rows w"]:
    """Returns `num_rows` rows of each column from its own first row on; beyond the page its border is repeated."""
    strip = np.empty((num_rows, len(first)), np.uint8)
    # Neighbours that begin in the same row are copied together: they are many, since a base line is nearly level.
    borders = [0, *(np.flatnonzero(np.diff(first)) + 1).tolist(), len(first)]
    for begin, end in pairwise(borders):
        top = int(first[begin])
        if top >= 0 and top + num_rows <= len(page):
            strip[:, begin:end] = page[top : top + num_rows, begin:end]
        else:
            strip[:, begin:end] = page[np.arange(top, top + num_rows).clip(0, len(page) - 1), begin:end]
    return strip


def _margins(level: Float64[np.ndarray, "n 2"], config: LineCutConfig) -> _Margins:
    """Returns the margins in pixels around an outline that is level."""
    x, y = level.T
    area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    height = area / max(1.0, float(np.ptp(x)))
    shares = (config.margin_above, config.margin_below, config.margin_left, config.margin_right)
    return _Margins(*(round(share * height) for share in shares))


def _cut(
    page_pixels: UInt8[np.ndarray, "H W"], polygon: Float64[np.ndarray, "n 2"], margins: _Margins
) -> tuple[UInt8[np.ndarray, "h w"], tuple[int, int]]:
    """Returns the pixels inside of a polygon, with paper around it, and their left column and top row."""
    height, width = page_pixels.shape
    if len(polygon) < 3 or not np.isfinite(polygon).all():
        raise FormatError(f"polygon of {len(polygon)} points; expected at least 3, all finite")
    (least_x, least_y), (most_x, most_y) = polygon.min(axis=0), polygon.max(axis=0)
    left, top = max(0, math.floor(least_x) - margins.left), max(0, math.floor(least_y) - margins.above)
    right = min(width, math.ceil(most_x) + 1 + margins.right)
    bottom = min(height, math.ceil(most_y) + 1 + margins.below)
    if left >= right or top >= bottom:
        raise FormatError(
            f"polygon from {polygon.min(axis=0).tolist()} to {polygon.max(axis=0).tolist()} lies outside "
            f"of the page of {width} x {height} pixels; is it another page's?"
        )
    mask_image = Image.new("L", (right - left, bottom - top), 0)
    ImageDraw.Draw(mask_image).polygon([(x - left, y - top) for x, y in polygon.tolist()], fill=1, outline=1)
    mask = _widened(np.asarray(mask_image, dtype=bool), margins)
    if not mask.any():
        raise FormatError(
            f"polygon of {len(polygon)} points covers no pixel of the page of {width} x {height} pixels"
        )
    crop = page_pixels[top:bottom, left:right]
    return np.where(mask, crop, _paper_tone(crop, mask)[None, :]), (left, top)


def _widened(mask: Bool[np.ndarray, "h w"], margins: _Margins) -> Bool[np.ndarray, "h w"]:
    """Returns the mask grown by a rectangle."""
    rows = _grown(mask, margins.above, margins.below) if margins.above or margins.below else mask
    return _grown(rows.T, margins.left, margins.right).T if margins.left or margins.right else rows


def _grown(mask: Bool[np.ndarray, "h w"], before: int, behind: int) -> Bool[np.ndarray, "h w"]:
    """Returns the mask with `before` rows more before each of its rows, and `behind` more behind it."""
    counts = np.concatenate([np.zeros((1, mask.shape[1]), np.int64), np.cumsum(mask, axis=0)])
    row = np.arange(len(mask))
    grown: Bool[np.ndarray, "h w"] = (
        counts[np.minimum(row + before + 1, len(mask))] > counts[np.maximum(row - behind, 0)]
    )
    return grown


def _paper_tone(crop: UInt8[np.ndarray, "h w"], mask: Bool[np.ndarray, "h w"]) -> UInt8[np.ndarray, " w"]:
    """The paper's grey value in each column."""
    height, width = crop.shape
    num_stretches = max(1, round(width / height))
    edges = np.linspace(0, width, num_stretches + 1).astype(int)
    centres, tones = [], []
    for first, last in pairwise(edges.tolist()):
        inside = crop[:, first:last][mask[:, first:last]]
        if len(inside):
            centres.append((first + last - 1) / 2)
            tones.append(_upper_quartile(inside))
    tone: UInt8[np.ndarray, " w"] = np.rint(np.interp(np.arange(width), centres, tones)).astype(np.uint8)
    return tone


def _upper_quartile(values: UInt8[np.ndarray, " n"]) -> float:
    """Returns the 75th percentile, between two values in proportion; a histogram is faster here than sorting."""
    up_to = np.bincount(values, minlength=256).cumsum()
    position = 0.75 * (len(values) - 1)
    below, above = np.searchsorted(up_to, [math.floor(position), math.ceil(position)], side="right").tolist()
    return float(below + (position - math.floor(position)) * (above - below))


def _area_means(values: Float64[np.ndarray, "h w"], num_rows: int) -> Float64[np.ndarray, "rows w"]:
    """Returns `num_rows` rows, each the mean of an equal share of the rows; border rows count in part."""
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    edges = np.linspace(0, len(values), num_rows + 1)
    whole = np.minimum(edges.astype(np.int64), len(values) - 1)
    at_edges = sums[whole] + (edges - whole)[:, None] * values[whole]
    means: np.ndarray = np.diff(at_edges, axis=0) * (num_rows / len(values))
    return means
