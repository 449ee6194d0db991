"""Column slices of a line image: height normalised, aspect ratio kept, each frame a window of columns."""

from collections.abc import Callable, Iterable
from typing import Literal

import numpy as np
from jaxtyping import Float32, Float64
from PIL import Image

from seqlabel.config import Config
from seqlabel.errors import ConfigError, FormatError, SeqlabelError
from seqlabel.features.background import without_background
from seqlabel.features.slant import deslanted, slant_by, upright
from seqlabel.features.sources import line_image
from seqlabel.features.writing_band import WritingSize, with_writing_band, writing_size
from seqlabel.formats import IMAGE_SUFFIXES, LineCutConfig
from seqlabel.records import Example, LineImage, Signal

MAX_COLUMNS = 65536
"""Wider scaled lines are refused: a scan of one pixel's height would fill the memory when it is enlarged."""


MAX_HEIGHT = 8192
"""Values of a frame; a model file with a larger number in it would enlarge every image to that."""


class ColumnConfig(Config, frozen=True, tag="columns"):
    """Pixel columns of the line at a fixed height.

    Attributes:
        height: pixels that the line is scaled to; its width follows.
        window: columns in one frame.
        step: columns from one frame to the next.
        stretch_contrast: has the paper become 0 and the darkest ink 1, by percentiles of the image.
        pad_columns: columns of paper added at both ends.
        band: share of the height that the small letters are brought to (`writing_band`), whatever loops the line has;
            None scales the whole line to the height.
        band_of: whose small letters: those of the line itself, or the median of all lines of its group (a hand, a
            page), which is surer by far. A line without a group is measured by itself.
        spacing: from one stroke to the next, in heights: the width of the writing is brought near to that, so that wide
            and narrow hands become alike; None leaves it as wide as its band makes it.
        deslant: has the line sheared so that its strokes are upright (`slant`).
        slant_by: columns without gaps, which knows hardly any slant between upright and 39 degrees, or the profile of
            the columns, which with `band_of` group is measured over the group as well.
        remove_background: divides the line by the tone of the paper around each pixel (`background`).
        cut: how a line of a page is cut out; line images are taken as they are.

    Raises:
        ConfigError: a number that makes no image.
    """

    height: int = 64
    window: int = 1
    step: int = 1
    stretch_contrast: bool = True
    pad_columns: int = 4
    band: float | None = None
    band_of: Literal["line", "group"] = "line"
    spacing: float | None = None
    deslant: bool = False
    slant_by: Literal["gaps", "profile"] = "gaps"
    remove_background: bool = False
    cut: LineCutConfig = LineCutConfig()

    def __post_init__(self) -> None:
        if min(self.height, self.window, self.step) < 1 or self.pad_columns < 0:
            raise ConfigError(
                "columns: height, window and step have to be at least 1, pad_columns at least 0"
            )
        if self.height * self.window > MAX_HEIGHT or self.pad_columns > MAX_COLUMNS:
            raise ConfigError(
                f"columns: height {self.height} x window {self.window}, pad_columns {self.pad_columns}; expected at "
                f"most {MAX_HEIGHT} values in a frame and {MAX_COLUMNS} columns"
            )
        if self.band is not None and not 0 < self.band < 1:
            raise ConfigError(f"columns: band is {self.band}; expected a share of the height, such as 0.22")
        if self.band is None and (self.band_of == "group" or self.spacing is not None):
            raise ConfigError(
                "columns: band_of group and spacing need a band, a share of the height such as 0.22"
            )
        if self.spacing is not None and not 0 < self.spacing < 100:
            raise ConfigError(
                f"columns: spacing is {self.spacing}; expected heights of the line, such as 0.4"
            )

    def build(self) -> "Columns":
        """Returns the feature."""
        return Columns(self)


class Columns:
    """Scales a line image and cuts it into windows of columns, from left to right; ink is 1, paper 0.

    With `size`, writing that is brought to one size is so many times larger than `ColumnConfig.band` says.

    Attributes:
        measured: the size of the writing of each group, in pixels of its files or pages, and its slant.
    """

    suffixes = IMAGE_SUFFIXES

    def __init__(self, config: ColumnConfig, size: float = 1.0) -> None:
        self.config = config
        self.size = size
        self.dim = config.height * config.window
        self.measured: dict[str, tuple[WritingSize, float]] = {}

    @property
    def measures_groups(self) -> bool:
        """Whether `measure` finds out anything that `read` needs."""
        return self.config.band_of == "group"

    def measure(self, examples: Iterable[Example], on_example: Callable[[], object] | None = None) -> None:
        """Finds out how large the writing of each group is; files that cannot be read are told when they are read.

        Args:
            examples: all of a set; what was known of their groups is forgotten.
            on_example: called after each.
        """
        found: dict[str, list[tuple[WritingSize, float]]] = {}
        for example in examples if self.measures_groups else ():
            if example.group is not None and (writing := self._measure(example)) is not None:
                found.setdefault(example.group, []).append(writing)
            if on_example is not None:
                on_example()
        for group, writings in found.items():
            size = WritingSize(
                _middle(size.band for size, _ in writings), _middle(size.spacing for size, _ in writings)
            )
            self.measured[group] = (size, float(np.median([slant for _, slant in writings])))

    def _measure(self, example: Example) -> tuple[WritingSize, float] | None:
        try:
            image, scale = line_image(example, self.config.cut)
            if self.config.remove_background:
                image = without_background(image)
            ink = scaled_ink(image, self.config.height, stretch_contrast=True)
        except SeqlabelError:
            return None
        slant = slant_by(self.config.slant_by, ink) if self._has_slant_of_group else 0.0
        return writing_size(ink).scaled(len(image.pixels) / len(ink) * scale), slant

    @property
    def _has_slant_of_group(self) -> bool:
        return self.measures_groups and self.config.deslant and self.config.slant_by == "profile"

    def read(self, example: Example) -> LineImage:
        """Returns the line image of an example, scaled to the height: augmenting a large scan costs far more.

        Raises:
            FormatError: the file cannot be read as an image, or a part of it is asked for.
        """
        image, scale = line_image(example, self.config.cut)
        line, wider = self._scaled(image, example.group, scale)
        if not self.config.deslant:
            return line
        ink = scaled_ink(line, self.config.height, stretch_contrast=True)
        return deslanted(line, ink, self._slant(ink, example.group, wider))

    def frame_edges(
        self, image: LineImage, num_frames: int, group: str | None = None, scale: float = 1.0
    ) -> Float64[np.ndarray, " frames1"]:
        """Returns where each of `num_frames` equal parts of the frames begins in an image, and where the last ends.

        The feature's frames and the fewer ones of the emissions share out the same line: either can be asked for.

        Args:
            image: the line as it is in its file, before it was scaled.
            num_frames: in how many parts.
            group: of the line's example.
            scale: pixels of the page for one of the line.

        Returns:
            (num_frames + 1,) columns of `image`, in the middle of its height.
        """
        line, wider = self._scaled(image, group, scale)
        height, columns = line.pixels.shape
        first, last = 0, columns
        if self.config.deslant:
            ink = scaled_ink(line, height, stretch_contrast=True)
            found = upright(ink, self._slant(ink, group, wider))
            if found is not None:
                first, last = found[0], found[1] + 1
        pad = self.config.pad_columns
        edges = np.linspace(first - pad, last + pad, num_frames + 1)
        shown: Float64[np.ndarray, " frames1"] = np.clip(
            edges * (image.pixels.shape[1] / columns), 0, image.pixels.shape[1]
        )
        return shown

    def _slant(self, ink: Float32[np.ndarray, "height width"], group: str | None, wider: float) -> float:
        """Returns the slant of a scaled line, which has become so many times wider than higher."""
        if self._has_slant_of_group and group is not None and group in self.measured:
            return self.measured[group][1] * wider
        return slant_by(self.config.slant_by, ink)

    def _scaled(self, image: LineImage, group: str | None, scale: float) -> tuple[LineImage, float]:
        height = self.config.height
        if self.config.remove_background:
            image = without_background(image)
        if self.config.band is None:
            return scaled(image, height), 1.0
        ink = scaled_ink(image, height, stretch_contrast=True)
        told = None
        if self.measures_groups and group is not None and group in self.measured:
            told = self.measured[group][0].scaled(1 / scale)
        return with_writing_band(image, ink, height, self.config.band, self.size, self.config.spacing, told)

    def __call__(self, signal: Signal) -> Float32[np.ndarray, "T F"]:
        """Returns ceil(columns / step) frames of height x window values: column by column, each from the top.

        Raises:
            FormatError: not an image, or an image without pixels.
        """
        ink = scaled_ink(signal, self.config.height, stretch_contrast=self.config.stretch_contrast)
        columns = np.pad(ink.T, ((self.config.pad_columns, self.config.pad_columns), (0, 0)))
        if self.config.window == self.config.step == 1:
            return np.ascontiguousarray(columns)
        num_frames = -(-len(columns) // self.config.step)
        missing = max(0, (num_frames - 1) * self.config.step + self.config.window - len(columns))
        columns = np.pad(columns, ((0, missing), (0, 0)))
        first = np.arange(num_frames) * self.config.step
        windows: Float32[np.ndarray, "T window height"] = columns[
            first[:, None] + np.arange(self.config.window)
        ]
        return windows.reshape(num_frames, self.dim)


def _middle(values: Iterable[float]) -> float:
    """Returns the median of what was found, in the scale of ratios; 0 where nothing was."""
    found = np.log([value for value in values if value > 0])
    return float(np.exp(np.median(found))) if len(found) else 0.0


def scaled_ink(signal: Signal, height: int, *, stretch_contrast: bool) -> Float32[np.ndarray, "height width"]:
    """Returns the line at `height` pixels, 0 for paper and 1 for ink.

    Raises:
        FormatError: not an image, or an image without pixels.
    """
    if not isinstance(signal, LineImage):
        raise FormatError(
            f"found a {type(signal).__name__}, expected a line image; choose the feature for this file"
        )
    pixels = scaled(signal, height).pixels
    grey = pixels.astype(np.float32)
    paper, ink = 255.0, 0.0
    if stretch_contrast:
        # 40 per cent of every line of writing are paper at least, half a per cent is surely ink.
        histogram = np.bincount(pixels.reshape(-1), minlength=256).cumsum()
        paper = float(np.searchsorted(histogram, 0.6 * histogram[-1]))
        ink = min(float(np.searchsorted(histogram, 0.005 * histogram[-1])), paper - 24.0)
    share: Float32[np.ndarray, "height width"] = np.clip((paper - grey) / (paper - ink), 0.0, 1.0)
    return share


def scaled(line_image: LineImage, height: int) -> LineImage:
    """Returns the image at `height` pixels, its width in proportion.

    Raises:
        FormatError: the image has no pixels, or would be too wide.
    """
    rows, columns = line_image.pixels.shape
    if 0 in (rows, columns):
        raise FormatError(f"found an image of {columns} x {rows} pixels; leave the file out")
    if rows == height:
        return line_image
    size = (max(1, round(columns * height / rows)), height)
    if size[0] > MAX_COLUMNS:
        raise FormatError(
            f"found an image of {columns} x {rows} pixels, at height {height} it would be {size[0]} wide; "
            f"expected a text line of at most {MAX_COLUMNS}"
        )
    image = Image.fromarray(line_image.pixels).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    return LineImage(np.asarray(image))
