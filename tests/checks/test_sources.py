import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from seqlabel.checks.sources import file_of_source, kind_of_source, read_header
from seqlabel.errors import FormatError
from seqlabel.records import Example
from tests.checks.made_up import ink, line, speech, write_audio, write_image, write_ink
from tests.pages import draw_page


def header_of(source: Path, **part: float):
    return read_header(Example(id="x", source=source, text="text", **part))


def test_every_kind_of_source_is_known_by_its_name(tmp_path: Path) -> None:
    page = draw_page(tmp_path, "page", ["ab", "ba"])
    names = {
        "a.flac": "audio",
        "a": "audio",
        "a.PNG": "line image",
        "a.tif:2": "line image",
        "a.inkml": "ink",
        "a.json:1": "ink",
        "a.npy": "matrix",
        "a.ark:17": "matrix",
        "a.txt:3": "symbols",
    }
    assert {name: kind_of_source(tmp_path / name) for name in names} == names
    assert kind_of_source(page.with_name("page.xml:1")) == "line of a page"


def test_the_file_of_an_address_is_known(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", speech(0.1)).rename(tmp_path / "a:1")
    assert file_of_source(tmp_path / "page.xml:7") == tmp_path / "page.xml"
    assert file_of_source(tmp_path / "a:1") == tmp_path / "a:1"


def test_audio_tells_length_and_rate_also_of_a_part(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", speech(1.5))
    whole, part = header_of(path), header_of(path, start_seconds=0.25, end_seconds=1.0)
    assert (whole.seconds, whole.sample_rate, whole.num_bytes) == (1.5, 8000, path.stat().st_size)
    assert part.seconds == 0.75
    assert whole.file == part.file and whole.identity != part.identity


def test_images_tell_their_size_upright(tmp_path: Path) -> None:
    image = Image.fromarray(line(14))
    exif = Image.Exif()
    exif[274] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    assert header_of(tmp_path / "a.jpg").size == (60, 300)
    assert header_of(write_image(tmp_path / "b.png", line(14))).size == (300, 60)


@pytest.mark.parametrize("unit", [1.0, 4.0])
def test_a_line_of_a_page_tells_the_size_of_its_box_in_pixels(tmp_path: Path, unit: float) -> None:
    page = draw_page(tmp_path, "page", ["ab", "abcabc"], unit=unit)
    size = header_of(page.with_name("page.xml:1")).size
    assert size == pytest.approx((38, 7), abs=1)


def test_a_line_that_runs_up_the_page_is_as_long_as_its_box_is_high(tmp_path: Path) -> None:
    page = draw_page(tmp_path, "page", ["ab", "abcabc"])
    text = page.read_text()
    page.write_text(text.replace('<TextLine ID="l1">', '<TextLine ID="l1" BASELINE="12 60 10 20">'))
    assert header_of(page.with_name("page.xml:1")).size == pytest.approx((7, 38), abs=1)


def test_matrices_and_symbols_tell_their_frames(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((7, 3), np.float32))
    (tmp_path / "a.mfc").write_bytes(np.int32(26).tobytes() + np.zeros(26, "<f4").tobytes())
    (tmp_path / "a.txt").write_text("a b c\n")
    assert [header_of(tmp_path / name).num_frames for name in ("a.npy", "a.mfc", "a.txt")] == [7, 2, 3]


def test_two_paths_to_one_file_have_one_identity(tmp_path: Path) -> None:
    path = write_ink(tmp_path / "a.json", ink(3))
    os.link(path, tmp_path / "b.json")
    (tmp_path / "c.json").symlink_to(path)
    found = {header_of(tmp_path / f"{name}.json").identity for name in "abc"}
    assert len(found) == 1


def test_the_channels_of_a_recording_have_identities_of_their_own(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((800, 2)), 8000)
    examples = [Example(id="x", source=tmp_path / "a.wav", channel=channel) for channel in (None, 0, 1)]
    assert len({read_header(example).identity for example in examples}) == 3


def test_a_missing_file_is_another_thing_than_a_broken_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.wav: no such file"):
        header_of(tmp_path / "gone.wav")
    for name in ("empty.wav", "empty.png", "empty.json"):
        (tmp_path / name).touch()
        with pytest.raises(FormatError, match=f"{name}: is empty"):
            header_of(tmp_path / name)


@pytest.mark.parametrize("name", ["a.wav", "a.png", "a.npy", "a.mfc"])
def test_a_header_that_is_none_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"this is no such file at all")
    with pytest.raises(FormatError, match=name):
        header_of(tmp_path / name)


def test_a_part_outside_of_a_recording_is_told(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", speech(1.0))
    with pytest.raises(FormatError, match=r"from 0\.5 s to 3 s"):
        header_of(path, start_seconds=0.5, end_seconds=3.0)
