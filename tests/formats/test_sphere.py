from pathlib import Path

import numpy as np
import pytest

from seqlabel.errors import FormatError
from seqlabel.formats import audio_seconds, read_audio
from tests.sphere import write_sphere

SAMPLES = (np.arange(1600) * 37 % 3001 - 1500).astype(np.int16)


@pytest.mark.parametrize("order", ["01", "10"])
def test_both_byte_orders_give_the_same_samples(order: str, tmp_path: Path) -> None:
    path = write_sphere(tmp_path / "SA1.WAV", SAMPLES, byte_order=order)
    waveform = read_audio(path, sample_rate=None)
    assert waveform.sample_rate == 16000
    np.testing.assert_array_equal(waveform.samples * 32768, SAMPLES)


def test_ulaw_is_read(tmp_path: Path) -> None:
    # ITU-T G.711: 0x00 and 0x80 are the loudest, -32124 and 32124; 0x7f and 0xff are silence.
    codes = np.array([0x00, 0x80, 0x7F, 0xFF], np.uint8)
    path = write_sphere(tmp_path / "a.sph", codes, coding="ulaw")
    np.testing.assert_array_equal(read_audio(path, sample_rate=None).samples * 32768, [-32124, 32124, 0, 0])


def test_shorten_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = write_sphere(tmp_path / "1A.WAV", SAMPLES, coding="pcm,embedded-shorten-v1.09")
    for read in (lambda: read_audio(path, sample_rate=None), lambda: audio_seconds(path)):
        with pytest.raises(
            FormatError, match=r"1A\.WAV: its samples are compressed \(embedded-shorten.*sph2pipe"
        ):
            read()


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = write_sphere(tmp_path / "SA1.WAV", SAMPLES)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(FormatError, match="3200 bytes of audio promised, 3100 there"):
        read_audio(path, sample_rate=None)


@pytest.mark.parametrize(
    "header", [b"NIST_1A\n   1024\n", b"NIST_1A\nhello world, hello\n", b"NIST_1A\n      8\n" * 9]
)
def test_a_header_that_is_cut_off_or_senseless_is_refused(header: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.sph").write_bytes(header)
    with pytest.raises(FormatError, match="SPHERE header"):
        read_audio(tmp_path / "a.sph", sample_rate=None)


def test_a_header_without_a_count_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.sph").write_bytes(b"NIST_1A\n   1024\nsample_rate -i 16000\nend_head\n".ljust(2048))
    with pytest.raises(FormatError, match="lacks sample_count"):
        read_audio(tmp_path / "a.sph", sample_rate=None)


def test_the_length_needs_no_decoding(tmp_path: Path) -> None:
    assert audio_seconds(write_sphere(tmp_path / "a.sph", SAMPLES)) == pytest.approx(0.1)
