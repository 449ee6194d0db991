import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from seqlabel.errors import FormatError
from seqlabel.formats import AUDIO_SUFFIXES, audio_part, audio_seconds, read_audio, write_wav
from seqlabel.records import Waveform


def tone(rate=16000, seconds=1.0, hertz=440.0):
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def error_of(path, **options):
    with pytest.raises(FormatError) as caught:
        read_audio(path, sample_rate=None, **options)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message
    return message


@pytest.mark.parametrize(
    ("name", "options", "tolerance"),
    [
        ("a.wav", {"subtype": "PCM_16"}, 1e-4),
        ("a.wav", {"subtype": "FLOAT"}, 0.0),
        ("a.flac", {}, 1e-4),
        ("a.ogg", {"subtype": "VORBIS"}, 0.05),
        ("a.opus", {"format": "OGG", "subtype": "OPUS"}, 0.05),
        ("a.mp3", {}, 0.05),
    ],
)
def test_every_kind_gives_back_the_samples_that_soundfile_wrote(tmp_path, name, options, tolerance):
    soundfile.write(tmp_path / name, tone(), 16000, **options)
    waveform = read_audio(tmp_path / name, sample_rate=None)
    assert waveform.sample_rate == 16000
    assert waveform.samples.dtype == np.float32
    middle = slice(4000, 12000)  # lossy coders smear the edges
    assert np.abs(waveform.samples[middle] - tone()[middle]).max() <= tolerance


def test_channels_are_mixed_by_their_mean(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.stack([tone(), np.zeros(16000)], 1), 16000, subtype="FLOAT")
    assert np.allclose(read_audio(tmp_path / "a.wav", sample_rate=None).samples, tone() / 2, atol=1e-6)


def test_resampling_keeps_the_tone_and_the_length(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(8000), 8000, subtype="FLOAT")
    waveform = read_audio(tmp_path / "a.wav", sample_rate=16000)
    assert waveform.sample_rate == 16000 and len(waveform.samples) == 16000
    assert np.abs(waveform.samples[2000:-2000] - tone(16000)[2000:-2000]).max() < 1e-3


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
def test_a_part_equals_the_slice_of_the_whole(tmp_path, name):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 32000).astype(np.float32)
    soundfile.write(tmp_path / name, noise, 16000)
    whole = read_audio(tmp_path / name, sample_rate=None).samples
    part = read_audio(tmp_path / name, sample_rate=None, start_seconds=0.5, end_seconds=1.25).samples
    assert len(part) == 12000
    assert np.allclose(part, whole[8000:20000], atol=1e-3)


@pytest.mark.parametrize(
    ("start", "end"), [(-0.1, 0.5), (0.5, 0.5), (0.6, 0.5), (0.0, 1.2), (2.0, None), (1.0, None)]
)
def test_a_part_outside_of_the_file_is_refused(tmp_path, start, end):
    write_wav(tmp_path / "a.wav", Waveform(tone(), 16000))
    assert "1.000 s long" in error_of(tmp_path / "a.wav", start_seconds=start, end_seconds=end)


def test_a_part_that_is_not_a_number_is_refused(tmp_path):
    write_wav(tmp_path / "a.wav", Waveform(tone(), 16000))
    error_of(tmp_path / "a.wav", start_seconds=float("nan"))


def test_an_end_that_was_rounded_up_is_the_end_of_the_file(tmp_path):
    write_wav(tmp_path / "a.wav", Waveform(tone(), 16000))
    assert len(read_audio(tmp_path / "a.wav", sample_rate=None, end_seconds=1.04).samples) == 16000


def test_writing_clips_instead_of_wrapping_round(tmp_path):
    write_wav(tmp_path / "a.wav", Waveform(np.array([2.0, -2.0, 0.5], np.float32), 8000))
    assert np.allclose(read_audio(tmp_path / "a.wav", sample_rate=None).samples, [1, -1, 0.5], atol=1e-4)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.aiff", "a.au", "a.caf", "a.w64"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_truncated_file_is_refused(tmp_path, name, share):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 32000)
    soundfile.write(tmp_path / name, noise, 16000)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: int(len(data) * share)])
    error_of(tmp_path / name)


def test_flac_written_to_a_pipe_has_no_length_and_is_told_of(tmp_path):
    soundfile.write(tmp_path / "a.flac", tone(), 16000)
    data = bytearray((tmp_path / "a.flac").read_bytes())
    data[21] &= 0xF0  # STREAMINFO: 36 bits of total samples, 0 for unknown (RFC 9639, section 8.2)
    data[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(data)
    assert "does not say how long it is" in error_of(tmp_path / "a.flac")
    with pytest.raises(FormatError, match="does not say how long it is"):
        audio_seconds(tmp_path / "a.flac")


def test_a_wav_written_to_a_pipe_is_read_to_its_end(tmp_path):
    write_wav(tmp_path / "a.wav", Waveform(tone(), 16000))
    data = bytearray((tmp_path / "a.wav").read_bytes())
    assert data[36:40] == b"data"
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    (tmp_path / "a.wav").write_bytes(data)
    assert len(read_audio(tmp_path / "a.wav", sample_rate=None).samples) == 16000


@pytest.mark.parametrize("suffix", sorted(AUDIO_SUFFIXES))
def test_a_file_that_is_not_audio_is_refused_whatever_its_suffix(tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_bytes(b"This is a letter, not a sound.\n" * 40)
    error_of(tmp_path / f"a{suffix}")


def test_an_empty_file_is_refused_by_name(tmp_path):
    (tmp_path / "a.wav").touch()
    assert "empty" in error_of(tmp_path / "a.wav")


def test_a_missing_file_is_refused_by_name(tmp_path):
    assert "no such file" in error_of(tmp_path / "a.wav")


def test_a_folder_is_refused_by_name(tmp_path):
    assert "folder" in error_of(tmp_path)


def test_a_wav_without_samples_is_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(0), 16000)
    assert "no samples" in error_of(tmp_path / "a.wav")


def test_samples_that_are_not_numbers_are_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.array([0.0, np.nan], np.float32), 16000, subtype="FLOAT")
    assert "NaN" in error_of(tmp_path / "a.wav")


def test_a_flac_that_claims_hours_is_refused_without_allocating_them(tmp_path):
    soundfile.write(tmp_path / "a.flac", tone(), 16000)
    data = bytearray((tmp_path / "a.flac").read_bytes())
    data[21] |= 0x0F  # the upper bits of the number of samples in STREAMINFO: 2**36
    (tmp_path / "a.flac").write_bytes(data)
    error_of(tmp_path / "a.flac")


def test_writing_into_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(FormatError, match="cannot be written"):
        write_wav(tmp_path / "missing" / "a.wav", Waveform(tone(), 16000))


def test_nothing_but_the_file_is_left_after_writing(tmp_path):
    write_wav(tmp_path / "a.wav", Waveform(tone(), 16000))
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_a_recording_of_fsdd_is_8_khz_speech(corpora):
    waveform = read_audio(corpora / "fsdd/recordings/7_jackson_0.wav", sample_rate=None)
    assert waveform.sample_rate == 8000
    assert 0.2 < len(waveform.samples) / 8000 < 1.5 and np.abs(waveform.samples).max() > 0.01


def test_an_opus_file_of_speechocean_is_read_at_16_khz(corpora):
    path = min((corpora / "speechocean/audio").rglob("*.ogg"))
    waveform = read_audio(path, sample_rate=16000)
    assert waveform.sample_rate == 16000 and len(waveform.samples) > 16000


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
def test_the_length_is_that_of_what_is_read(tmp_path, name):
    soundfile.write(tmp_path / name, tone(seconds=0.7), 16000)
    length = len(read_audio(tmp_path / name, sample_rate=None).samples) / 16000
    assert audio_seconds(tmp_path / name) == pytest.approx(length, abs=0.3 if name == "a.mp3" else 1e-9)


@pytest.mark.parametrize(
    "content", [b"", b"holiday notes", b"RIFF\x24\x10\x00\x00WAVEdata\x00\x10\x00\x00abcd"]
)
def test_what_has_no_length_is_refused_by_name(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(FormatError, match=r"a\.wav: "):
        audio_seconds(tmp_path / "a.wav")


def test_a_wav_without_samples_has_no_length(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(0, np.float32), 16000)
    with pytest.raises(FormatError, match="holds no samples"):
        audio_seconds(tmp_path / "a.wav")


def test_bare_samples_have_no_length(tmp_path):
    (tmp_path / "a.au").write_bytes(b"\x01\x02" * 100)
    with pytest.raises(FormatError, match="has no header"):
        audio_seconds(tmp_path / "a.au")


@pytest.mark.parametrize(("start", "end"), [(None, None), (0.25, None), (0.25, 0.75), (0.5, 1.04)])
def test_the_length_of_a_part_is_that_of_what_is_read(tmp_path, start, end):
    write_wav(tmp_path / "a.wav", Waveform(tone(), 16000))
    read = read_audio(tmp_path / "a.wav", sample_rate=None, start_seconds=start, end_seconds=end)
    assert audio_part(tmp_path / "a.wav", start, end) == (len(read.samples) / 16000, 16000)


def test_a_part_outside_of_the_file_is_told_by_its_header(tmp_path):
    write_wav(tmp_path / "a.wav", Waveform(tone(), 16000))
    with pytest.raises(FormatError, match="not inside of the file"):
        audio_part(tmp_path / "a.wav", 0.5, 2.0)


def test_what_only_decoding_tells_has_no_length_in_its_header(tmp_path):
    (tmp_path / "a.m4a").write_bytes(b"something that libsndfile does not know")
    assert audio_part(tmp_path / "a.m4a", None, None) is None
    (tmp_path / "a.wav").write_bytes(b"something that libsndfile does not know")
    with pytest.raises(FormatError, match="cannot be decoded"):
        audio_part(tmp_path / "a.wav", None, None)


# --- rates, depths, channels, containers ------------------------------------------------------------------

DEPTHS = [
    ("wav", "PCM_U8", 2.0**-7),
    ("wav", "PCM_16", 2.0**-15),
    ("wav", "PCM_24", 2.0**-23),
    ("wav", "PCM_32", 2.0**-23),  # single precision holds 24 bits
    ("wav", "FLOAT", 0.0),
    ("wav", "DOUBLE", 0.0),
    ("wav", "ULAW", 2.0**-5),
    ("wav", "ALAW", 2.0**-5),
    ("flac", "PCM_S8", 2.0**-7),
    ("flac", "PCM_16", 2.0**-15),
    ("flac", "PCM_24", 2.0**-23),
    ("aiff", "PCM_16", 2.0**-15),
    ("aiff", "PCM_24", 2.0**-23),
    ("caf", "PCM_32", 2.0**-23),
    ("au", "PCM_16", 2.0**-15),
    ("w64", "FLOAT", 0.0),
]


@pytest.mark.parametrize("num_channels", [1, 2, 5])
@pytest.mark.parametrize("rate", [8000, 11025, 44100, 96000])
@pytest.mark.parametrize(("suffix", "subtype", "step"), DEPTHS, ids=lambda value: str(value))
def test_a_signal_is_read_to_within_a_step_of_its_depth(tmp_path, suffix, subtype, step, rate, num_channels):
    rng = np.random.default_rng(0)
    channels = rng.uniform(-0.9, 0.9, (500, num_channels)).astype(np.float32)
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, channels, rate, subtype=subtype)
    mixed = read_audio(path, sample_rate=None)
    assert mixed.sample_rate == rate
    np.testing.assert_allclose(mixed.samples, channels.mean(axis=1), atol=step + 1e-6)
    last = read_audio(path, sample_rate=None, channel=num_channels - 1)
    np.testing.assert_allclose(last.samples, channels[:, -1], atol=step + 1e-6)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.ogg", {"subtype": "VORBIS"}),
        ("a.opus", {"format": "OGG", "subtype": "OPUS"}),
        ("a.mp3", {}),
        ("a.flac", {}),
    ],
)
def test_each_channel_of_a_call_is_read_from_every_container(tmp_path, name, options):
    both = np.stack([tone(hertz=300), tone(hertz=1000)], 1)
    soundfile.write(tmp_path / name, both, 16000, **options)
    for channel in (0, 1):
        part = read_audio(
            tmp_path / name, sample_rate=None, channel=channel, start_seconds=0.25, end_seconds=0.75
        )
        loudest = np.abs(np.fft.rfft(part.samples * np.hanning(len(part.samples)))).argmax() * 2
        assert loudest == (300, 1000)[channel]


@pytest.mark.parametrize("channel", [1, -1, 99])
def test_a_channel_that_the_file_does_not_have_is_refused(tmp_path, channel):
    soundfile.write(tmp_path / "a.wav", tone(), 16000)
    assert "only channel 0" in error_of(tmp_path / "a.wav", channel=channel)
    with pytest.raises(FormatError, match="only channel 0"):
        audio_part(tmp_path / "a.wav", None, None, channel)
    soundfile.write(tmp_path / "b.wav", np.stack([tone(), tone()], 1), 16000)
    if channel != 1:
        assert "channels 0 to 1" in error_of(tmp_path / "b.wav", channel=channel)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.ogg", "a.opus", "a.m4a"])
@pytest.mark.parametrize("written", [".wav", ".flac", ".ogg", ".mp3"])
def test_sound_under_the_name_of_another_container_is_read_by_its_content(tmp_path, name, written):
    soundfile.write(tmp_path / f"right{written}", tone(), 16000)
    (tmp_path / name).write_bytes((tmp_path / f"right{written}").read_bytes())
    waveform = read_audio(tmp_path / name, sample_rate=None)
    assert np.abs(waveform.samples[4000:12000] - tone()[4000:12000]).max() < 0.05


@pytest.fixture
def ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The system's ffmpeg, or else that of a wheel under its name, where librosa finds it."""
    found = shutil.which("ffmpeg")
    if found is None:
        wheel = pytest.importorskip("imageio_ffmpeg", reason="neither ffmpeg nor imageio-ffmpeg is installed")
        (tmp_path / "bin").mkdir()
        found = str(tmp_path / "bin" / "ffmpeg")
        Path(found).symlink_to(wheel.get_ffmpeg_exe())
        monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    return found


@pytest.mark.parametrize("suffix", [".m4a", ".aac", ".wma", ".webm"])
def test_what_libsndfile_does_not_read_is_read_with_ffmpeg(tmp_path, ffmpeg, suffix):
    rate = 48000
    beep = tone(rate) * (np.arange(rate) >= 0.6 * rate)
    write_wav(tmp_path / "beep.wav", Waveform(beep.astype(np.float32), rate))
    command = [ffmpeg, "-loglevel", "error", "-i", tmp_path / "beep.wav", tmp_path / f"beep{suffix}"]
    subprocess.run(command, check=True)
    (tmp_path / "beep.wav").unlink()
    waveform = read_audio(tmp_path / f"beep{suffix}", sample_rate=16000)
    assert waveform.sample_rate == 16000
    assert len(waveform.samples) == pytest.approx(16000, abs=0.1 * 16000)  # whole blocks of the format
    assert np.abs(waveform.samples[:8000]).max() < 0.05
    loud = waveform.samples[12000:15000]
    assert np.abs(loud).max() == pytest.approx(np.abs(beep).max(), rel=0.1)
    part = read_audio(tmp_path / f"beep{suffix}", sample_rate=16000, start_seconds=0.2, end_seconds=0.5)
    assert len(part.samples) == 4800 and np.abs(part.samples).max() < 0.05
    assert "has no channel 1" in error_of(tmp_path / f"beep{suffix}", channel=1)
    whole = (tmp_path / f"beep{suffix}").read_bytes()
    (tmp_path / f"cut{suffix}").write_bytes(whole[:20])
    assert "neither libsndfile nor ffmpeg reads it" in error_of(tmp_path / f"cut{suffix}")


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.ogg"])
@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n" + bytes(500), b"%PDF-1.7\n" + bytes(500), b"PK\x03\x04" + bytes(500)]
)
def test_a_mislabelled_file_is_refused_by_name(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert "expected an audio file" in error_of(tmp_path / name)


@pytest.mark.parametrize("suffix", sorted(AUDIO_SUFFIXES))
def test_an_empty_file_of_every_kind_is_said_to_be_empty(tmp_path, suffix):
    (tmp_path / f"a{suffix}").touch()
    assert "empty" in error_of(tmp_path / f"a{suffix}")


def test_an_au_that_was_written_to_a_pipe_is_read_to_its_end(tmp_path):
    soundfile.write(tmp_path / "a.au", tone(), 16000)
    data = bytearray((tmp_path / "a.au").read_bytes())
    data[8:12] = b"\xff\xff\xff\xff"
    (tmp_path / "a.au").write_bytes(data)
    assert len(read_audio(tmp_path / "a.au", sample_rate=None).samples) == 16000


def test_an_mp3_without_its_last_second_is_refused(tmp_path):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 64000)  # its length is known to within 0.3 s
    soundfile.write(tmp_path / "a.mp3", noise, 16000)
    data = (tmp_path / "a.mp3").read_bytes()
    (tmp_path / "a.mp3").write_bytes(data[: int(len(data) * 0.75)])
    assert "truncated" in error_of(tmp_path / "a.mp3")
