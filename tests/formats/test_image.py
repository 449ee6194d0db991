import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from seqlabel.errors import FormatError
from seqlabel.formats import read_line_image, write_line_image
from seqlabel.records import LineImage

GREY = np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6)


def read(path):
    return read_line_image(path).pixels


def error_of(path):
    with pytest.raises(FormatError) as caught:
        read_line_image(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message
    return message


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".gif", ".pgm"])
def test_lossless_kinds_give_back_every_grey_value(tmp_path, suffix):
    Image.fromarray(GREY).save(tmp_path / f"a{suffix}")
    assert np.array_equal(read(tmp_path / f"a{suffix}"), GREY)


def test_what_is_written_is_read(tmp_path):
    write_line_image(tmp_path / "a.png", LineImage(GREY))
    assert np.array_equal(read(tmp_path / "a.png"), GREY)


def test_a_jpeg_is_read_to_within_its_loss(tmp_path):
    Image.fromarray(np.full((16, 32), 90, np.uint8)).save(tmp_path / "a.jpg")
    assert np.abs(read(tmp_path / "a.jpg").astype(int) - 90).max() <= 2


def test_transparent_pixels_are_white(tmp_path):
    pixels = np.zeros((2, 3, 4), np.uint8)
    pixels[0, 0, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert read(tmp_path / "a.png").tolist() == [[0, 255, 255], [255, 255, 255]]


def test_grey_with_alpha_is_laid_on_white(tmp_path):
    Image.fromarray(np.array([[[0, 255], [0, 0], [100, 255]]], np.uint8), "LA").save(tmp_path / "a.png")
    assert read(tmp_path / "a.png").tolist() == [[0, 255, 100]]


def test_the_transparent_colour_of_a_palette_is_white(tmp_path):
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8), "P")
    image.putpalette([0, 0, 0, 255, 0, 0, 80, 80, 80])
    image.save(tmp_path / "a.png", transparency=0)
    assert read(tmp_path / "a.png").tolist() == [[255, 76, 80]]


def test_one_bit_images_are_black_and_white(tmp_path):
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "a.png")
    assert read(tmp_path / "a.png").tolist() == [[255, 0]]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_images_keep_their_range(tmp_path, suffix):
    Image.fromarray(np.array([[0, 257 * 100, 65535]], np.uint16)).save(tmp_path / f"a{suffix}")
    assert read(tmp_path / f"a{suffix}").tolist() == [[0, 100, 255]]


def test_float_images_are_refused(tmp_path):
    Image.fromarray(np.ones((2, 2), np.float32)).save(tmp_path / "a.tif")
    assert "float" in error_of(tmp_path / "a.tif")


def test_the_orientation_in_exif_is_followed(tmp_path):
    image = Image.fromarray(np.array([[0] * 16 + [255] * 16] * 16, np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    image.save(tmp_path / "a.jpg", exif=exif)
    pixels = read(tmp_path / "a.jpg")
    assert pixels.shape == (32, 16)
    assert pixels[:8].mean() < 20 and pixels[-8:].mean() > 235


def bomb(path, width, height):
    """A PNG of a few bytes that says it is very large."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)


@pytest.mark.parametrize("side", [10_000, 60_000])
def test_a_decompression_bomb_is_refused(tmp_path, side):
    bomb(tmp_path / "a.png", side, side)
    assert "limit" in error_of(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".gif", ".bmp", ".webp"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_image_is_refused(tmp_path, suffix, share):
    noise = np.random.default_rng(0).integers(0, 255, (40, 60), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / f"a{suffix}")
    data = (tmp_path / f"a{suffix}").read_bytes()
    (tmp_path / f"a{suffix}").write_bytes(data[: int(len(data) * share)])
    error_of(tmp_path / f"a{suffix}")


def test_a_text_called_png_is_refused(tmp_path):
    (tmp_path / "a.png").write_text("not an image")
    assert "not an image" in error_of(tmp_path / "a.png")


def test_postscript_which_would_start_a_program_is_refused(tmp_path):
    (tmp_path / "a.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
    error_of(tmp_path / "a.png")


def test_an_image_of_two_pages_is_refused(tmp_path):
    first, second = Image.fromarray(GREY), Image.fromarray(GREY[::-1].copy())
    first.save(tmp_path / "a.tif", save_all=True, append_images=[second])
    assert "2 images" in error_of(tmp_path / "a.tif")


@pytest.mark.parametrize("what", ["empty", "missing", "folder"])
def test_what_is_no_file_with_bytes_is_refused(tmp_path, what):
    path = tmp_path / "a.png"
    if what == "empty":
        path.touch()
    elif what == "folder":
        path.mkdir()
    error_of(path)


def test_an_unknown_suffix_is_not_written(tmp_path):
    with pytest.raises(FormatError, match="unknown suffix"):
        write_line_image(tmp_path / "a.xyz", LineImage(GREY))


def test_a_page_of_poilus_is_dark_ink_on_light_paper(corpora):
    pixels = read(corpora / "poilus/TestamentsDePoilus_will_AD78_0002-0.jpg")
    assert pixels.ndim == 2 and np.median(pixels) > 120
