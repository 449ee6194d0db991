from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from seqlabel.checks.contents import Content, read_content
from seqlabel.checks.findings import (
    BLANK,
    CLIPPED,
    INVERTED,
    NEARLY_EMPTY,
    SIDEWAYS,
    SILENT,
    Kind,
)
from seqlabel.checks.sources import kind_of_source
from seqlabel.records import Example
from tests.checks.made_up import RATE, ink, line, speech, write_audio, write_image, write_ink

TEXT = "some text here"


def content_of(path: Path, text: str = TEXT, **part: Any) -> Content:
    return read_content(Example(id="x", source=path, text=text, **part), kind_of_source(path))


def kinds(content: Content) -> list[Kind]:
    return [kind for kind, _ in content.oddities]


def audio(folder: Path, samples: np.ndarray) -> Content:
    return content_of(write_audio(folder / "a.wav", samples))


def image(folder: Path, pixels: np.ndarray, text: str = TEXT) -> Content:
    return content_of(write_image(folder / "a.png", pixels), text)


# --- audio ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.002, 0.1, 0.2])
def test_speech_has_nothing_odd_about_it_however_loud(tmp_path: Path, level: float) -> None:
    content = audio(tmp_path, speech(2.0, level=level))
    assert content.oddities == []
    assert content.lengths == {"seconds": 2.0}


@pytest.mark.parametrize("offset", [0.0, 0.3])
def test_audio_without_any_sound_is_silent(tmp_path: Path, offset: float) -> None:
    assert kinds(audio(tmp_path, np.full(RATE, offset, np.float32))) == [SILENT]


def test_the_last_bits_of_a_converter_are_silence(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(-4, 5, 2 * RATE) / 32768
    assert kinds(audio(tmp_path, samples.astype(np.float32))) == [SILENT]


def test_a_hum_is_no_speech(tmp_path: Path) -> None:
    hum = 0.1 * np.sin(2 * np.pi * 50 * np.arange(2 * RATE) / RATE)
    assert kinds(audio(tmp_path, hum.astype(np.float32))) == [NEARLY_EMPTY]


def test_a_click_in_silence_is_no_speech(tmp_path: Path) -> None:
    samples = np.zeros(2 * RATE, np.float32)
    samples[RATE : RATE + 20] = 0.5
    assert NEARLY_EMPTY in kinds(audio(tmp_path, samples))


@pytest.mark.parametrize("top", [1.0, 0.6])
def test_peaks_that_are_cut_off_are_clipped_at_whatever_height(tmp_path: Path, top: float) -> None:
    samples = np.clip(8 * speech(2.0), -top, top * (32767 / 32768))
    assert kinds(audio(tmp_path, samples)) == [CLIPPED]


def test_a_loud_tone_that_is_whole_is_not_clipped(tmp_path: Path) -> None:
    time = np.arange(2 * RATE) / RATE
    tone = 0.99 * np.sin(2 * np.pi * 441.3 * time) * np.sin(2 * np.pi * time)
    assert CLIPPED not in kinds(audio(tmp_path, tone.astype(np.float32)))


def test_a_part_of_a_recording_is_looked_at_alone(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", np.concatenate([speech(1.0), np.zeros(RATE, np.float32)]))
    assert kinds(content_of(path, start_seconds=0.0, end_seconds=1.0)) == []
    assert kinds(content_of(path, start_seconds=1.2, end_seconds=2.0)) == [SILENT]


def test_each_channel_of_a_call_is_looked_at_alone(tmp_path: Path) -> None:
    both = np.stack([speech(1.0), np.zeros(len(speech(1.0)), np.float32)], axis=1)
    soundfile.write(tmp_path / "call.wav", both, RATE)
    assert kinds(content_of(tmp_path / "call.wav", channel=0)) == []
    assert kinds(content_of(tmp_path / "call.wav", channel=1)) == [SILENT]


# --- line images ------------------------------------------------------------------------------------------


def test_a_line_of_writing_has_nothing_odd_about_it(tmp_path: Path) -> None:
    content = image(tmp_path, line(14))
    assert content.oddities == []
    assert content.lengths == {"pixels": 300.0, "heights": 5.0}


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_an_image_of_one_grey_is_blank(tmp_path: Path, grey: int) -> None:
    assert kinds(image(tmp_path, np.full((60, 300), grey))) == [BLANK]


def test_paper_with_its_grain_is_blank(tmp_path: Path) -> None:
    assert kinds(image(tmp_path, np.random.default_rng(0).normal(220, 2, (60, 300)))) == [BLANK]


def test_a_speck_is_nearly_nothing_for_a_text_but_a_full_stop_for_one(tmp_path: Path) -> None:
    pixels = np.full((100, 800), 240)
    pixels[50:58, 100:107] = 20
    assert kinds(image(tmp_path, pixels)) == [NEARLY_EMPTY]
    assert kinds(image(tmp_path, pixels, ".")) == []


def test_light_writing_on_a_dark_ground_is_inverted(tmp_path: Path) -> None:
    assert kinds(image(tmp_path, 255 - line(14))) == [INVERTED]


def test_grey_paper_on_a_white_table_is_not_inverted(tmp_path: Path) -> None:
    pixels = np.minimum(line(14), 180)
    pixels[45:] = 250
    assert kinds(image(tmp_path, pixels)) == []


def test_a_line_that_lies_on_its_side_is_found(tmp_path: Path) -> None:
    assert kinds(image(tmp_path, line(14).T)) == [SIDEWAYS]
    assert kinds(image(tmp_path, line(14).T, "l")) == []


def test_equal_pixels_have_one_digest_whatever_the_file(tmp_path: Path) -> None:
    first = content_of(write_image(tmp_path / "a.png", line(14)))
    second = content_of(write_image(tmp_path / "b.bmp", line(14)))
    third = content_of(write_image(tmp_path / "c.png", line(14, seed=1)))
    assert first.digest == second.digest != third.digest


# --- ink, matrices, symbols -------------------------------------------------------------------------------


def test_ink_has_nothing_odd_about_it_in_whatever_units(tmp_path: Path) -> None:
    small, large = (
        content_of(write_ink(tmp_path / f"{scale}.json", ink(14, scale))) for scale in (1.0, 200.0)
    )
    assert small.oddities == large.oddities == []
    assert small.lengths == pytest.approx(large.lengths)
    assert small.height == pytest.approx(large.height / 200)


def test_ink_at_one_place_is_blank(tmp_path: Path) -> None:
    assert kinds(content_of(write_ink(tmp_path / "a.json", [[(3, 4), (3, 4)], [(3, 4)]]))) == [BLANK]


def test_a_stroke_is_nearly_nothing_for_a_text(tmp_path: Path) -> None:
    path = write_ink(tmp_path / "a.json", [[(0, 0), (9, 9)]])
    assert kinds(content_of(path)) == [NEARLY_EMPTY]
    assert kinds(content_of(path, "l")) == []


def test_a_matrix_of_equal_frames_is_blank(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.tile(np.arange(5, dtype=np.float32), (20, 1)))
    np.save(tmp_path / "b.npy", np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32))
    assert kinds(content_of(tmp_path / "a.npy")) == [BLANK]
    assert kinds(content_of(tmp_path / "b.npy")) == []
    assert content_of(tmp_path / "b.npy").lengths == {"frames": 20.0}


def test_a_sphinx_file_of_any_width_is_read(tmp_path: Path) -> None:
    for width in (13, 40):
        values = np.random.default_rng(0).normal(size=(26, width)).astype("<f4")
        (tmp_path / "a.mfc").write_bytes(np.int32(values.size).tobytes() + values.tobytes())
        assert content_of(tmp_path / "a.mfc").lengths == {"frames": 2 * width}


def test_symbols_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("HH AH L OW\nW ER L D\n")
    assert content_of(tmp_path / "a.txt:2").lengths == {"symbols": 4.0}
