import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from seqlabel.errors import FormatError
from seqlabel.formats import image_size, num_images, read_line_image, write_line_image
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


def test_16_bit_netpbm_keeps_its_range(tmp_path):
    (tmp_path / "a.pgm").write_bytes(b"P5 3 1 1000 " + struct.pack(">3H", 0, 500, 1000))
    assert read(tmp_path / "a.pgm").tolist() == [[0, 128, 255]]


def tiff(values, bits, photometric, form, byte_order="<"):
    """A TIFF of one row of grey values, without compression, as scanners write it and Pillow does not."""
    if bits == 12:
        pairs = np.array(values).reshape(-1, 2)
        data = bytes(b for x, y in pairs for b in (x >> 4, (x & 15) << 4 | y >> 8, y & 255))
    elif bits == 1:
        data = bytes([int("".join(map(str, values)).ljust(8, "0"), 2)])
    else:
        data = struct.pack(f"{byte_order}{len(values)}{'Hh'[form - 1]}", *values)
    tags = {
        256: len(values), 257: 1, 258: bits, 259: 1, 262: photometric, 273: 8, 277: 1, 278: 1, 279: len(data), 339: form
    }  # fmt: skip
    order = b"II" if byte_order == "<" else b"MM"
    entries = b"".join(
        struct.pack(f"{byte_order}HHIHxx", tag, 3, 1, value) for tag, value in sorted(tags.items())
    )
    place = 8 + len(data)
    head = order + struct.pack(f"{byte_order}HI", 42, place)
    return head + data + struct.pack(f"{byte_order}H", len(tags)) + entries + bytes(4)


@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_both_polarities_of_16_bit_tiff_are_read(tmp_path, byte_order):
    values = [0, 257 * 100, 65535]
    (tmp_path / "a.tif").write_bytes(tiff(values, 16, 1, 1, byte_order))
    assert read(tmp_path / "a.tif").tolist() == [[0, 100, 255]]
    (tmp_path / "b.tif").write_bytes(tiff(values, 16, 0, 1, "<"))
    assert read(tmp_path / "b.tif").tolist() == [[255, 155, 0]]


def test_both_polarities_of_bilevel_tiff_are_read(tmp_path):
    for photometric, expected in ((1, [0, 255, 255, 0]), (0, [255, 0, 0, 255])):
        (tmp_path / "a.tif").write_bytes(tiff([0, 1, 1, 0], 1, photometric, 1))
        assert read(tmp_path / "a.tif").tolist() == [expected]


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_lzw", "packbits"])
@pytest.mark.parametrize("photometric", [0, 1])
def test_compressed_bilevel_tiff_is_black_and_white(tmp_path, compression, photometric):
    bits = np.random.default_rng(1).integers(0, 2, (9, 21)).astype(bool)
    Image.fromarray(bits).save(tmp_path / "a.tif", compression=compression, tiffinfo={262: photometric})
    assert np.array_equal(read(tmp_path / "a.tif"), 255 * bits)


@pytest.mark.parametrize("photometric", [0, 1])
def test_grey_tiff_of_either_polarity_keeps_its_values(tmp_path, photometric):
    Image.fromarray(GREY).save(tmp_path / "a.tif", tiffinfo={262: photometric})
    assert np.array_equal(read(tmp_path / "a.tif"), GREY)


def test_the_12_bits_of_a_scanner_fill_the_range(tmp_path):
    (tmp_path / "a.tif").write_bytes(tiff([0, 2048, 4095, 1024], 12, 1, 1))
    assert read(tmp_path / "a.tif").tolist() == [[0, 128, 255, 64]]


def test_signed_pixels_are_refused(tmp_path):
    (tmp_path / "a.tif").write_bytes(tiff([0, 200, 300], 16, 1, 2))
    assert "signed" in error_of(tmp_path / "a.tif")


def test_values_beyond_16_bits_are_refused(tmp_path):
    Image.fromarray(np.array([[0, 70000]], np.int32)).save(tmp_path / "a.tif")
    assert "32-bit" in error_of(tmp_path / "a.tif")


COLOURS = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30]]], np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".ppm", ".webp"])
def test_colours_become_as_grey_as_they_are_bright(tmp_path, suffix):
    Image.fromarray(COLOURS).save(
        tmp_path / f"a{suffix}", **({"lossless": True} if suffix == ".webp" else {})
    )
    expected = COLOURS @ np.array([0.299, 0.587, 0.114])  # ITU-R 601-2 luma
    assert np.abs(read(tmp_path / f"a{suffix}") - expected).max() <= 1


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_is_ink_on_paper(tmp_path, suffix):
    pixels = np.zeros((16, 32, 4), np.uint8)
    pixels[:, :16, 3] = 255  # black
    pixels[:, 16:24, :3] = 255  # all three inks
    Image.fromarray(pixels, "CMYK").save(tmp_path / f"a{suffix}")
    grey = read(tmp_path / f"a{suffix}").astype(int)
    assert grey[:, :14].max() < 12 and grey[:, 17:22].max() < 12 and grey[:, 26:].min() > 243


def test_lab_is_read_by_its_lightness(tmp_path):
    Image.frombytes("LAB", (2, 1), bytes([30, 128, 128, 220, 90, 70])).save(tmp_path / "a.tif")
    assert read(tmp_path / "a.tif").tolist() == [[30, 220]]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_half_transparent_ink_lets_the_paper_through(tmp_path, mode):
    image = Image.fromarray(np.array([[[0, 0, 0, 255], [0, 0, 0, 128], [0, 0, 0, 0]]], np.uint8))
    suffix = ".tif" if mode == "PA" else ".png"
    image.convert(mode).save(tmp_path / f"a{suffix}")
    assert read(tmp_path / f"a{suffix}").tolist() == [[0, 127, 255]]


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_other_kinds_than_jpeg_are_turned_as_well(tmp_path, suffix, mode):
    exif = Image.Exif()
    exif[0x0112] = 8
    options = {"lossless": True} if suffix == ".webp" else {}
    Image.fromarray(GREY).convert(mode).save(tmp_path / f"a{suffix}", exif=exif, **options)
    assert np.array_equal(read(tmp_path / f"a{suffix}"), np.rot90(GREY))


def test_16_bit_images_are_turned_as_well(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(GREY.astype(np.uint16) * 257).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read(tmp_path / "a.png"), GREY[::-1, ::-1])


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


def many_images(path, count=3, **options):
    """Writes a file of several images, the grey of each is its number times ten."""
    first, *others = [Image.fromarray(np.full((4, 6 + i), 10 * i, np.uint8)) for i in range(count)]
    first.save(path, save_all=True, append_images=others, **options)
    return path


@pytest.mark.parametrize("name", ["a.tif", "a.TIFF", "odd:name.tif"])
def test_one_of_several_images_is_read_by_its_number_from_nought(tmp_path, name):
    path = many_images(tmp_path / name)
    for index in range(3):
        pixels = read(path.with_name(f"{name}:{index}"))
        assert pixels.shape == (4, 6 + index)
        assert (pixels == 10 * index).all()


def test_each_of_several_images_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = many_images(tmp_path / "a.tif", exif=exif)
    assert [read(tmp_path / f"{path.name}:{index}").shape for index in range(3)] == [(6, 4), (7, 4), (8, 4)]


def test_a_file_of_several_images_is_refused_without_a_number(tmp_path):
    assert "holds 3 images; expected one, name one of them, a.tif:0 to a.tif:2" in error_of(
        many_images(tmp_path / "a.tif")
    )
    assert "holds 3 images; expected one, split it" in error_of(many_images(tmp_path / "a.gif"))


def test_a_number_beyond_the_images_is_refused(tmp_path):
    many_images(tmp_path / "a.tif")
    assert "holds 3 images, counted from 0" in error_of(tmp_path / "a.tif:3")
    Image.fromarray(GREY).save(tmp_path / "b.tif")
    assert np.array_equal(read(tmp_path / "b.tif:0"), GREY)
    assert "holds 1 images, counted from 0" in error_of(tmp_path / "b.tif:1")


def test_the_number_of_an_image_in_no_file_names_the_file(tmp_path):
    with pytest.raises(FormatError, match=r"a\.tif: no such file"):
        read(tmp_path / "a.tif:2")


def test_images_are_counted(tmp_path):
    assert num_images(many_images(tmp_path / "a.tif", 4)) == 4
    Image.fromarray(GREY).save(tmp_path / "a.png")
    assert num_images(tmp_path / "a.png") == 1


def test_the_previews_of_a_phone_are_no_further_images(tmp_path):
    first, preview = (Image.fromarray(np.full((16, size), 90, np.uint8)) for size in (32, 8))
    first.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[preview])
    assert num_images(tmp_path / "a.jpg") == 1
    assert read(tmp_path / "a.jpg").shape == (16, 32)


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


def test_a_tiff_that_breaks_off_is_told_of_in_one_line_without_warnings(tmp_path):
    image = Image.fromarray(np.full((40, 200), 255, np.uint8))
    image.save(tmp_path / "a.tif", save_all=True, append_images=[image])
    data = (tmp_path / "a.tif").read_bytes()
    for length in range(9, len(data), len(data) // 40):
        (tmp_path / "cut.tif").write_bytes(data[:length])
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            assert "image" in error_of(tmp_path / "cut.tif")
        assert [str(warning.message) for warning in told] == []


def test_the_size_is_told_without_decoding_upright_and_of_each_image(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.png")
    exif = Image.Exif()
    exif[274] = 8
    Image.fromarray(GREY).save(tmp_path / "b.jpg", exif=exif)
    pages = [Image.fromarray(GREY), Image.fromarray(GREY[:2])]
    pages[0].save(tmp_path / "c.tif", save_all=True, append_images=pages[1:])
    for name in ("a.png", "b.jpg", "c.tif:0", "c.tif:1"):
        height, width = read(tmp_path / name).shape
        assert image_size(tmp_path / name) == (width, height)
    for name in ("c.tif", "c.tif:2"):
        with pytest.raises(FormatError, match="2 images"):
            image_size(tmp_path / name)
