"""Line images and pages: whatever Pillow reads of common formats, as grey with black ink on white paper.

A TIFF may hold several images; `scan.tif:3` is the fourth of them, as `page.xml:3` is the fourth line of a page.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from jaxtyping import Int64, UInt8
from PIL import Image, UnidentifiedImageError

from seqlabel.errors import FormatError
from seqlabel.formats.files import open_file, split_address, write_bytes
from seqlabel.records import LineImage

IMAGE_SUFFIXES = frozenset(
    {
        ".png",
        ".jpg",
        ".jpeg",
        ".tif",
        ".tiff",
        ".bmp",
        ".gif",
        ".webp",
        ".jp2",
        ".pgm",
        ".pbm",
        ".ppm",
        ".pnm",
    }
)

# By name, because Pillow's full list holds formats that start other programs (EPS: Ghostscript).
# JPEG opens MPO (the format of many phones) too.
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "JPEG2000", "PPM")
_EXPECTED = "an image (png, jpeg, tiff, bmp, gif, webp, jp2, pgm)"


MAX_PIXELS = 89_478_485
"""Of an image, as Pillow's own limit is unless it was changed. A3 at 600 dots an inch has 70 million."""
MAX_PIXELS_JPEG2000 = 40_000_000
"""Its decoder takes some 24 bytes for a pixel. A4 at 600 dots an inch has 35 million."""
MAX_IMAGES = 10_000
"""Images of one file that are counted."""
_BAND_PIXELS = 1 << 22
# TIFF 6.0, section 8 and appendix A.
_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339
_WHITE_IS_ZERO, _SIGNED = 0, 2
# EXIF 2.3, section 4.6.4 A.
_ORIENTATION = 274
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = frozenset({5, 6, 7, 8})


def read_line_image(path: Path) -> LineImage:
    """An image as grey values, upright as its EXIF orientation says; what is transparent is white.

    It has `MAX_PIXELS` pixels at most, or `PIL.Image.MAX_IMAGE_PIXELS` where that was set lower: a few bytes can
    announce an image that fills the memory.

    Args:
        path: a file with one image, or one of several images in a TIFF, counted from 0: `scan.tif:3`.

    Raises:
        FormatError: not an image, damaged or truncated, too large, of several images or without the one that is asked
            for, or with values whose range is unknown (signed, beyond 16 bits, float).
    """
    file, index = split_image_address(path) or (path, None)
    with _opened(file) as image:
        _choose(path, file, index, image)
        _refuse_large(file, image)
        return LineImage(_to_grey(file, image))


def split_image_address(source: Path) -> tuple[Path, int] | None:
    """Returns the TIFF file and which of its images a source names; None for other sources."""
    return split_address(source, "tiff?")


def num_images(path: Path) -> int:
    """Returns how many images a file holds; the previews in a phone's MPO are not counted.

    Raises:
        FormatError: not an image.
    """
    with _opened(path) as image:
        return _count(image)


def image_size(path: Path) -> tuple[int, int]:
    """Returns width and height of an image in pixels, upright as its EXIF orientation says; nothing is decoded.

    Args:
        path: as for `read_line_image`.

    Raises:
        FormatError: as `read_line_image`, for what a header tells.
    """
    file, index = split_image_address(path) or (path, None)
    with _opened(file) as image:
        _choose(path, file, index, image)
        width, height = image.size
        is_turned = image.getexif().get(_ORIENTATION) in _SIDEWAYS
        return (height, width) if is_turned else (width, height)


def write_line_image(path: Path, line_image: LineImage) -> None:
    """Write grey values as an image; the suffix says which kind (PNG keeps every value).

    Raises:
        FormatError: an unknown suffix, or the file cannot be written.
    """
    kind = Image.registered_extensions().get(path.suffix.lower())
    if path.suffix.lower() not in IMAGE_SUFFIXES or kind is None:
        raise FormatError(f"{path}: unknown suffix {path.suffix!r}; expected one of {sorted(IMAGE_SUFFIXES)}")
    buffer = io.BytesIO()
    Image.fromarray(line_image.pixels).save(buffer, format=kind)
    write_bytes(path, buffer.getvalue())


def _choose(path: Path, file: Path, index: int | None, image: Image.Image) -> None:
    """Goes to the image that is meant, in a file that may hold several.

    Raises:
        FormatError: there is no such one, or it is not said which.
    """
    # A phone's MPO carries previews as further frames.
    num_images = _count(image) if index is None or index else 1
    if index is None and num_images > 1:
        remedy = (
            f"name one of them, {file.name}:0 to {file.name}:{num_images - 1}"
            if image.format == "TIFF"
            else "split it into files"
        )
        raise FormatError(f"{file}: holds {num_images} images; expected one, {remedy}")
    if index is not None and index >= num_images:
        raise FormatError(f"{path}: the file holds {num_images} images, counted from 0")
    image.seek(index or 0)


def _count(image: Image.Image) -> int:
    """Returns the number of images of a file, `MAX_IMAGES` where there are more: a chain of them may have no end."""
    if image.format == "MPO":
        return 1
    if image.format != "TIFF":
        return min(MAX_IMAGES, getattr(image, "n_frames", 1))
    count = 1
    with suppress(EOFError):
        while count < MAX_IMAGES:
            image.seek(count)
            count += 1
    image.seek(0)
    return count


def _refuse_large(path: Path, image: Image.Image) -> None:
    most = min(MAX_PIXELS, Image.MAX_IMAGE_PIXELS or MAX_PIXELS)
    if image.format == "JPEG2000":
        most = min(most, MAX_PIXELS_JPEG2000)
    width, height = image.size
    if width * height > most:
        raise FormatError(
            f"{path}: {width} x {height} pixels, larger than the limit of {most} pixels, which guards against "
            "decompression bombs; scale it down"
        )


class _Clamped:
    """A file of which nobody can ask for more than it has: Python would make room for all that a header announces."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self.seek = file.seek
        self.tell = file.tell

    def read(self, count: int = -1) -> bytes:
        return self._file.read(min(count, self._size))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Opens an image; whatever Pillow raises before it is closed becomes a FormatError."""
    with open_file(path, _EXPECTED) as (file, size), warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        # Of damaged files, which are told of in one line.
        warnings.filterwarnings("ignore", "Corrupt EXIF data", UserWarning)
        try:
            with Image.open(_Clamped(file, size), formats=_FORMATS) as image:
                _refuse_large(path, image)
                yield image
        except FormatError:
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise FormatError(
                f"{path}: larger than Pillow's limit of {Image.MAX_IMAGE_PIXELS} pixels, "
                "which guards against decompression bombs; scale it down"
            ) from error
        except UnidentifiedImageError as error:
            raise FormatError(
                f"{path}: is not an image that can be read here; expected {_EXPECTED}"
            ) from error
        except Exception as error:  # on damaged files Pillow's plugins raise almost anything
            reason = str(error) or type(error).__name__
            raise FormatError(f"{path}: the image is damaged or truncated ({reason})") from error


def _to_grey(path: Path, image: Image.Image) -> UInt8[np.ndarray, "height width"]:
    # Only of a TIFF, which is turned, and loses some of them, as it is loaded.
    tags = dict(getattr(image, "tag_v2", {}))
    image.load()
    if image.mode == "F":
        raise FormatError(f"{path}: float pixels, whose white is unknown; save it with 8 or 16 bits")
    width, height = image.size
    # Band by band: what is in between takes several times the room of the image.
    rows = max(1, _BAND_PIXELS // width)
    bands = [image] if height <= rows else _bands(image, rows)
    grey = [_band_to_grey(path, band, tags) for band in bands]
    pixels = grey[0] if len(grey) == 1 else np.concatenate(grey)
    turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    return pixels if turn is None else np.array(Image.fromarray(pixels).transpose(turn))


def _bands(image: Image.Image, rows: int) -> Iterator[Image.Image]:
    width, height = image.size
    for top in range(0, height, rows):
        yield image.crop((0, top, width, min(height, top + rows)))


def _band_to_grey(path: Path, image: Image.Image, tags: dict[int, Any]) -> UInt8[np.ndarray, "height width"]:
    if image.mode.startswith("I;16") or image.mode == "I":
        return _from_many_bits(path, np.asarray(image).astype(np.int64), tags)
    if image.mode == "LAB":  # Pillow turns it into nothing else
        image = image.getchannel("L")
    if image.mode == "La":
        image = image.convert("LA")
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        paper = Image.new("RGBA", coloured.size, (255, 255, 255, 255))
        image = Image.alpha_composite(paper, coloured).convert("RGB")
    return np.array(image.convert("L"), dtype=np.uint8)


def _from_many_bits(
    path: Path, values: Int64[np.ndarray, "height width"], tags: dict[int, Any]
) -> UInt8[np.ndarray, "height width"]:
    bits = tuple(tags.get(_BITS_PER_SAMPLE, ()))
    if bits == (16,) and tuple(tags.get(_SAMPLE_FORMAT, ())) == (_SIGNED,):
        raise FormatError(f"{path}: signed pixels, whose white is unknown; save it with 8 or 16 bits")
    # Pillow leaves the 12 bits of a TIFF in their own range, and beyond 8 bits it does not mind what is white.
    white = 4095 if bits == (12,) else 65535
    if values.min() < 0 or values.max() > white:
        raise FormatError(
            f"{path}: 32-bit values beyond 65535, whose white is unknown; save it with 8 or 16 bits"
        )
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        values = white - values
    return ((values * 255 + white // 2) // white).astype(np.uint8)
