"""Line images and pages: whatever Pillow reads of common formats, as grey with black ink on white paper."""

import io
import warnings
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from seqlabel.errors import FormatError
from seqlabel.formats.files import open_file, write_bytes
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


def read_line_image(path: Path) -> LineImage:
    """An image as grey values, upright as its EXIF orientation says; what is transparent is white.

    Pillow's limit against decompression bombs holds (`PIL.Image.MAX_IMAGE_PIXELS`).

    Raises:
        FormatError: not an image, damaged or truncated, too large, of several pages, or with values whose
            range is unknown (32-bit and float images).
    """
    with open_file(path, _EXPECTED) as (file, _), warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(file, formats=_FORMATS) as image:
                # A phone's MPO carries previews as further frames.
                if image.format != "MPO" and (pages := getattr(image, "n_frames", 1)) > 1:
                    raise FormatError(f"{path}: holds {pages} images; expected one, split it into files")
                upright = ImageOps.exif_transpose(image)
                pixels = _to_grey(path, upright)
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
    return LineImage(pixels)


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


def _to_grey(path: Path, image: Image.Image) -> UInt8[np.ndarray, "height width"]:
    if image.mode.startswith("I;16"):
        return _from_16_bits(np.asarray(image).astype(np.int64))
    if image.mode == "I":
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise FormatError(
                f"{path}: 32-bit values beyond 65535, whose white is unknown; save it with 8 or 16 bits"
            )
        return _from_16_bits(values)
    if image.mode == "F":
        raise FormatError(f"{path}: float pixels, whose white is unknown; save it with 8 or 16 bits")
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        paper = Image.new("RGBA", coloured.size, (255, 255, 255, 255))
        image = Image.alpha_composite(paper, coloured).convert("RGB")
    return np.array(image.convert("L"), dtype=np.uint8)


def _from_16_bits(values: np.ndarray) -> UInt8[np.ndarray, "height width"]:
    return ((values + 128) // 257).astype(np.uint8)
