import base64
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from seqlabel.errors import FormatError
from seqlabel.formats import audio_blocks, read_audio


def written(path: Path, num_channels: int = 1, rate: int = 8000, subtype: str = "PCM_16") -> Path:
    samples = np.random.default_rng(1).normal(size=(5 * rate, num_channels)) / 9
    soundfile.write(path, samples.astype(np.float32), rate, subtype=subtype)
    return path


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setattr(sys.modules["seqlabel.formats.audio_blocks"], "BLOCK_SAMPLES", 3001)


@pytest.mark.parametrize("num_channels", [1, 2, 5])
@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_blocks_are_the_samples_of_the_whole(name: str, num_channels: int, tmp_path: Path) -> None:
    path = written(tmp_path / name, num_channels)
    parts = list(audio_blocks(path, 8000))
    assert len(parts) > 10
    np.testing.assert_array_equal(np.concatenate(parts), read_audio(path, sample_rate=None).samples)


@pytest.mark.parametrize(("rate", "wanted"), [(8000, 16000), (44100, 16000), (16000, 11025)])
def test_resampled_blocks_are_the_resampled_whole(rate: int, wanted: int, tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav", 2, rate)
    found = np.concatenate(list(audio_blocks(path, wanted)))
    expected = read_audio(path, sample_rate=wanted).samples
    assert abs(len(found) - len(expected)) <= 1
    length = min(len(found), len(expected))
    np.testing.assert_allclose(found[:length], expected[:length], atol=1e-4)


def test_what_is_cut_off_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "a.flac")
    path.write_bytes(path.read_bytes()[:30_000])
    with pytest.raises(FormatError, match=r"a\.flac: (ends|cannot be decoded)"):
        list(audio_blocks(path, 8000))
    wav = written(tmp_path / "a.wav")
    wav.write_bytes(wav.read_bytes()[:30_000])
    with pytest.raises(FormatError, match=r"a\.wav: is truncated"):
        list(audio_blocks(wav, 8000))


def test_an_empty_file_and_another_kind_of_file_are_refused(tmp_path: Path) -> None:
    empty = tmp_path / "a.wav"
    soundfile.write(empty, np.zeros(0, np.float32), 8000)
    with pytest.raises(FormatError, match=r"a\.wav"):
        list(audio_blocks(empty, 8000))
    (tmp_path / "b.wav").write_text("no sound")
    with pytest.raises(FormatError, match=r"b\.wav: cannot be decoded"):
        list(audio_blocks(tmp_path / "b.wav", 8000))


BEYOND_ITS_END = (
    "eNrzT08PZmBigIIj02SCGRgZGJb5/trFKOxfUFrskZqYwshoweggD1bgD1LOgKwcqJphB3/9Tpb///9LgXSEJKYXcwMFczKT8oFc"
    "BUM9E4ZRMApGMADnGpYZXIhcA8px+8t37WN2srCbUZtwU+12pPCtb/kLDzsuPs04cZJrU6BmH2/sgjjWU1kaxRM1NvFN49iyZ6mw"
    "XKH+lDVaspd+Kk6R4OCNVGRoSWOQUOGcYMILRFDLVPyZTQJZTPxZoHzPzwy+Xxh8RRhhrjG43n5aI9ts5vnHcdLH82a8PqRgtqY2"
    "cMpWmaOvXotpZRmbpHOY/r22ZhtbRP/cI987l29VjnRk5RKMeDMtwvrqwnsT/H4+tDNfOeMrc9nOxI/Orz8cFmJy8WV7bxIr8zJZ"
    "zMTTTubd2S6tlaq5Lh1/JzTWzi0XiNi89OVfi5ubOHkEPTIP6So7m68EAOW+fws="
)
"""An Opus file out of the fuzzer (zlib, base64): libsndfile is at sample 1,148 once it has read all 400."""


def test_no_more_is_read_than_the_header_tells(tmp_path: Path) -> None:
    path = tmp_path / "a.ogg"
    path.write_bytes(zlib.decompress(base64.b64decode(BEYOND_ITS_END)))
    found = np.concatenate(list(audio_blocks(path, 8000)))
    assert len(found) == 400
    np.testing.assert_array_equal(found, read_audio(path, sample_rate=None).samples)
