"""Pages: text lines with their outlines, as ALTO and PAGE XML tell of them."""

import math
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from seqlabel.errors import FormatError
from seqlabel.formats.image import IMAGE_SUFFIXES, num_images


@dataclass(frozen=True, slots=True)
class PageLine:
    """One text line; coordinates are those of the file, x to the right and y downwards.

    Attributes:
        id: the line's ID, or "line 7" where it has none.
        text: what it says, "" where nobody has transcribed it.
        polygon: the outline; the box's corners where there is no outline, no points where there is neither.
        baseline: points from left to right, or None.
        box: left, top, right, bottom.
        region: the id of the region that it stands in, "" where that has none.
        region_type: what the file calls that region: a tag in ALTO; in PAGE the type of its `custom` structure, else
            the type, else the kind of element.
        place: among all lines in the order of the file, from 0.
    """

    id: str
    text: str
    polygon: Float64[np.ndarray, "n 2"]
    baseline: Float64[np.ndarray, "m 2"] | None
    box: tuple[float, float, float, float]
    region: str = ""
    region_type: str = ""
    place: int = 0

    @property
    def is_upright(self) -> bool:
        """Whether the line runs up or down the page, as writing in the margin does."""
        if self.baseline is None or len(self.baseline) < 2:
            return False
        run, fall = self.baseline[-1] - self.baseline[0]
        return bool(abs(fall) > abs(run))

    def scaled(self, x: float, y: float) -> "PageLine":
        """Returns the line with all coordinates multiplied."""
        left, top, right, bottom = self.box
        return replace(
            self,
            polygon=self.polygon * [x, y],
            baseline=None if self.baseline is None else self.baseline * [x, y],
            box=(left * x, top * y, right * x, bottom * y),
        )


@dataclass(frozen=True, slots=True)
class Page:
    """The lines of a page.

    Attributes:
        kind: "alto" or "page".
        image_name: of the page image, None where the file does not say it.
        size: width and height of the page in the file's own unit, None where the file does not say it.
        lines: in reading order where the file tells it, otherwise in the order of the file.
        image_number: which image of its document it is, as ALTO counts (from 1); None where the file does not say it.
    """

    kind: str
    image_name: str | None
    size: tuple[float, float] | None
    lines: tuple[PageLine, ...]
    image_number: int | None = None


def page_image(path: Path, page: Page) -> Path:
    """Returns the image of a page: beside its file or in the folder above, by its name or by the file's.

    Folders that the file names are not followed: they are those of the machine that wrote it, or nobody's business.

    Raises:
        FormatError: there is none.
    """
    names = [re.split(r"[/\\]", page.image_name)[-1]] if page.image_name else []
    for folder in (path.parent, Path(os.path.abspath(path)).parent.parent):
        for name in names:
            if name and _is_file(folder / name):
                return folder / name
        beside = {other.name: other for other in _files(folder) if other.suffix.lower() in IMAGE_SUFFIXES}
        stems = [Path(name).stem for name in names] + [path.stem]
        for stem in stems:
            if found := sorted(name for name in beside if Path(name).stem == stem):
                return beside[found[0]]
    wanted = names[0] if names else f"{path.stem}.jpg (or .png, .tif)"
    raise FormatError(f"{path}: its page image {wanted} stands neither beside it nor in the folder above")


def image_of_page(path: Path, page: Page, image: Path) -> Path:
    """Returns the source of a page's image: the file itself, or of several images in a TIFF the one that is meant.

    Raises:
        FormatError: several images, and the page does not say which, or not one of them.
    """
    count = num_images(image)
    if count == 1:
        return image  # then the number is that of a page in a book
    if page.image_number is not None and 1 <= page.image_number <= count:
        return image.with_name(f"{image.name}:{page.image_number - 1}")
    found = (
        "PAGE files cannot say which is meant"
        if page.kind == "page"
        else f"PHYSICAL_IMG_NR {page.image_number} is none of them, counted from 1"
        if page.image_number is not None
        else "without a PHYSICAL_IMG_NR"
    )
    raise FormatError(
        f"{path}: its page image {image.name} holds {count} images, {found}; split it into files of one image each"
    )


MOST_POINTS = 20_000
"""Of an outline or a base line; segmentations give some hundred. Filling one takes rows times points."""


def points_of(where: str, text: str) -> Float64[np.ndarray, "n 2"]:
    """Returns the points of `x,y x,y` and of `x y x y` alike.

    Raises:
        FormatError: they are not numbers, or not in pairs.
    """
    numbers = numbers_of(where, text, None)
    if len(numbers) > 2 * MOST_POINTS:
        raise FormatError(f"{where}: {len(numbers) // 2:,} points; expected at most {MOST_POINTS:,}")
    if len(numbers) % 2:
        raise FormatError(
            f"{where}: an odd number ({len(numbers)}) of coordinates; expected pairs of x and y"
        )
    return np.array(numbers, dtype=np.float64).reshape(-1, 2)


def numbers_of(where: str, text: str, count: int | None) -> list[float]:
    """Returns the numbers of a text, between spaces and commas.

    Raises:
        FormatError: they are not numbers, or not as many.
    """
    words = re.split(r"[\s,]+", text.strip()) if text.strip() else []
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise FormatError(f"{where}: {error}; expected coordinates in pixels") from error
    if not all(math.isfinite(number) for number in numbers) or count not in (None, len(numbers)):
        raise FormatError(f"{where}: {text[:40]!r} are not coordinates in pixels")
    return numbers


def box_of(points: Float64[np.ndarray, "n 2"]) -> tuple[float, float, float, float]:
    """Returns left, top, right and bottom of some points; nothing at all for none."""
    if not len(points):
        return 0.0, 0.0, 0.0, 0.0
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return left, top, right, bottom


FARTHEST = 1e9
"""No page reaches so far; coordinates of a broken file do, and their products overflow."""


def has_area(polygon: Float64[np.ndarray, "n 2"], size: tuple[float, float] | None) -> bool:
    """Tells whether an outline encloses at least one square unit, with some of its box on a page of that size."""
    if len(polygon) < 3:
        return False
    x, y = np.clip(polygon, -FARTHEST, FARTHEST).T
    area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2  # the shoelace formula
    width, height = size or (np.inf, np.inf)
    return bool(area >= 1 and x.max() >= 0 and y.max() >= 0 and x.min() < width and y.min() < height)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long
        return False


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_file()]
    except OSError:
        return []
