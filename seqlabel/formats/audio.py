"""Audio files: read through soundfile (libsndfile), one channel or their mean, any part, at any sample rate."""

import io
import re
import struct
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from jaxtyping import Float32

from seqlabel.errors import FormatError
from seqlabel.formats.files import open_file, write_bytes
from seqlabel.formats.sphere import SPHERE_MAGIC, check_sphere
from seqlabel.records import Waveform

# What libsndfile reads; the others go to librosa, which asks ffmpeg or the system for them.
_SOUNDFILE_SUFFIXES = frozenset(
    {
        ".wav",
        ".flac",
        ".ogg",
        ".oga",
        ".opus",
        ".mp3",
        ".aif",
        ".aiff",
        ".aifc",
        ".au",
        ".snd",
        ".caf",
        ".sph",
        ".w64",
    }
)
AUDIO_SUFFIXES = _SOUNDFILE_SUFFIXES | {".m4a", ".aac", ".wma", ".webm"}

# Times in manifests are rounded, at worst to a tenth of a second: so little past the end is the end.
_END_TOLERANCE_SECONDS = 0.05
_BLOCK_VALUES = 1 << 20
MAX_SAMPLES = 1 << 27
"""Samples of an example, resampled ones too: 2.3 hours at 16 kHz. A byte of FLAC can be thousands of them."""
LEAST_RATE, HIGHEST_RATE = 1000, 1_000_000
"""Sample rates in Hz: a rate of 1 Hz would become thousands of samples for each one when it is resampled."""
LOUDEST = float(2**31)
"""Files of floats may hold integers of up to 32 bits; beyond them, energies overflow."""
_MAX_CHUNKS = 10_000
# What m4a, aac, wma and webm begin with. ffmpeg goes by the content: a list of other files in their place, such as
# `#EXTM3U`, would have it read those.
_MAGIC = re.compile(
    rb"....ftyp|\x1a\x45\xdf\xa3|\x30\x26\xb2\x75\x8e\x66\xcf\x11|\xff[\xf0-\xff]|ADIF|ID3", re.DOTALL
)
EXPECTED = "an audio file (wav, flac, ogg, opus, mp3, ...)"


def read_audio(
    path: Path,
    *,
    sample_rate: int | None,
    start_seconds: float | None = None,
    end_seconds: float | None = None,
    channel: int | None = None,
) -> Waveform:
    """The samples of one channel of an audio file or of a part of it, or of all channels mixed into one.

    Args:
        path: the file.
        sample_rate: in Hz; the audio is resampled to it (librosa, soxr_hq). None keeps the file's own.
        start_seconds: where the part begins; None for the file's beginning. Only the part is decoded.
        end_seconds: where the part ends; None for the file's end. An end up to 0.05 s past the file counts as
            the file's end.
        channel: counted from 0; None for the mean of all channels.

    Raises:
        FormatError: not audio, damaged or truncated, without samples, or a part or a channel that it does not have.
    """
    with open_file(path, EXPECTED) as (file, size):
        head = file.read(12)
        refuse_truncated(path, file, head, size)
    import soundfile

    if path.suffix.lower() == ".raw":  # soundfile would have to be told the rate
        raise FormatError(f"{path}: bare samples without a header; expected {EXPECTED}")
    try:
        samples, file_rate = _read_with_soundfile(path, start_seconds, end_seconds, channel)
    except soundfile.LibsndfileError as error:
        if path.suffix.lower() in _SOUNDFILE_SUFFIXES:
            raise undecodable(path, error) from error
        if _MAGIC.match(head) is None:
            raise FormatError(f"{path}: is no audio that is read here; expected {EXPECTED}") from error
        samples, file_rate = _read_with_librosa(path, start_seconds, end_seconds, channel)
    # One comparison finds NaN as well.
    if not (samples.max(initial=0.0) <= LOUDEST and samples.min(initial=0.0) >= -LOUDEST):
        raise FormatError(
            f"{path}: holds samples that are NaN, infinite or beyond {LOUDEST:g}; expected finite ones within [-1, 1]"
        )
    if sample_rate is not None and sample_rate != file_rate:
        _refuse_long(path, round(len(samples) * sample_rate / file_rate), sample_rate)
        import librosa

        samples = librosa.resample(samples, orig_sr=file_rate, target_sr=sample_rate, res_type="soxr_hq")
        file_rate = sample_rate
    return Waveform(np.ascontiguousarray(samples, dtype=np.float32), file_rate)


def audio_seconds(path: Path) -> float:
    """The length of an audio file in seconds, as its header gives it; nothing is decoded.

    Raises:
        FormatError: not audio that libsndfile reads, without samples, or a WAV, Ogg or SPHERE file that is truncated.
    """
    import soundfile

    try:
        num_frames, rate = _length_and_rate(path)
    except soundfile.LibsndfileError as error:
        raise undecodable(path, error) from error
    if num_frames <= 0:
        raise FormatError(f"{path}: holds no samples; expected at least one")
    return num_frames / rate


def audio_part(
    path: Path, start_seconds: float | None, end_seconds: float | None, channel: int | None = None
) -> tuple[float, int] | None:
    """The length in seconds of a part of an audio file, and its sample rate in Hz, out of the header.

    Args:
        path: the file.
        start_seconds, end_seconds, channel: as for `read_audio`.

    Returns:
        None for a kind of file that libsndfile does not read, whose length nothing but decoding tells.

    Raises:
        FormatError: as `audio_seconds`, or a part or a channel that the file does not have.
    """
    import soundfile

    try:
        num_frames, rate = _length_and_rate(path, channel)
    except soundfile.LibsndfileError as error:
        if path.suffix.lower() in _SOUNDFILE_SUFFIXES or path.suffix.lower() not in AUDIO_SUFFIXES:
            raise undecodable(path, error) from error
        return None
    first, last = _frame_range(path, num_frames, rate, start_seconds, end_seconds)
    return (last - first) / rate, rate


def _length_and_rate(path: Path, channel: int | None = None) -> tuple[int, int]:
    import soundfile

    with open_file(path, EXPECTED) as (file, size):
        refuse_truncated(path, file, file.read(12), size)
    # soundfile.info takes twice the time, to describe the format.
    with soundfile.SoundFile(str(path)) as found:
        if found.format == "RAW":
            raise FormatError(f"{path}: has no header; expected {EXPECTED}")
        refuse_odd_rate(path, found.samplerate)
        _refuse_missing_channel(path, channel, found.channels)
        _refuse_unknown_length(path, found.frames)
        return int(found.frames), int(found.samplerate)


def undecodable(path: Path, error: Any) -> FormatError:
    """What to tell of a file that libsndfile does not decode, with its own reason."""
    reason = str(error.error_string).rstrip(".")
    return FormatError(f"{path}: cannot be decoded ({reason}); expected {EXPECTED}")


def write_wav(path: Path, waveform: Waveform) -> None:
    """Write a 16-bit WAV file; samples outside of [-1, 1] are clipped.

    Raises:
        FormatError: the file cannot be written.
    """
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, waveform.samples, waveform.sample_rate, format="WAV", subtype="PCM_16")
    write_bytes(path, buffer.getvalue())


def _read_with_soundfile(
    path: Path, start_seconds: float | None, end_seconds: float | None, channel: int | None
) -> tuple[Float32[np.ndarray, " num_samples"], int]:
    import soundfile

    with soundfile.SoundFile(path) as file:
        if file.format == "RAW":  # libsndfile takes anything called .au, .snd or .vox for bare samples
            raise FormatError(f"{path}: has no header; expected {EXPECTED}")
        refuse_odd_rate(path, file.samplerate)
        _refuse_missing_channel(path, channel, file.channels)
        _refuse_unknown_length(path, file.frames)
        start, end = _frame_range(path, file.frames, file.samplerate, start_seconds, end_seconds)
        _refuse_long(path, end - start, file.samplerate)
        if start:
            file.seek(start)
        # Memory that is never written to is never taken: the length in a damaged header costs nothing. Block by block
        # since some files have hundreds of channels.
        samples = np.empty(end - start, np.float32)
        found = 0
        most_frames = max(1, _BLOCK_VALUES // file.channels)
        while found < len(samples):
            wanted = min(len(samples) - found, most_frames)
            if file.channels == 1:
                num_read = len(file.read(out=samples[found : found + wanted]))
            else:
                block = file.read(wanted, dtype="float32", always_2d=True)
                num_read = len(block)
                if channel is not None:
                    samples[found : found + num_read] = block[:, channel]
                else:
                    with np.errstate(over="ignore", invalid="ignore"):  # infinite samples are told of later
                        block.mean(axis=1, dtype=np.float32, out=samples[found : found + num_read])
            if not num_read:
                break
            found += num_read
        # The length of an mp3 is an estimate to within a few frames of 1152 samples.
        missing = len(samples) - found
        if missing > (4 * 1152 if file.format == "MP3" else 0) or not found:
            raise FormatError(
                f"{path}: ends {missing / file.samplerate:.3f} s before the length that its header gives; "
                "it is truncated or damaged"
            )
        return samples[:found], int(file.samplerate)


def _refuse_missing_channel(path: Path, channel: int | None, num_channels: int) -> None:
    if channel is not None and not 0 <= channel < num_channels:
        there = "only channel 0" if num_channels == 1 else f"channels 0 to {num_channels - 1}"
        raise FormatError(f"{path}: has no channel {channel}; expected one of its own, {there}")


def _refuse_unknown_length(path: Path, num_frames: int) -> None:
    """Refuse FLAC whose writer could not go back to the header, of which libsndfile finds no end."""
    if num_frames >= 1 << 62:
        raise FormatError(
            f"{path}: does not say how long it is, as FLAC written to a pipe; write it again, as by "
            "`ffmpeg -i FILE NEW.flac`"
        )


def refuse_odd_rate(path: Path, rate: int) -> None:
    """Raises FormatError for a rate in Hz that no recording has."""
    if not LEAST_RATE <= rate <= HIGHEST_RATE:
        raise FormatError(f"{path}: {rate} Hz; expected a sample rate of {LEAST_RATE} to {HIGHEST_RATE:,} Hz")


def _refuse_long(path: Path, num_samples: int, rate: int) -> None:
    if num_samples > MAX_SAMPLES:
        raise FormatError(
            f"{path}: {num_samples / rate:,.0f} s at {rate} Hz are too long for one example; expected at most "
            f"{MAX_SAMPLES / rate:,.0f} s, split it or name a part of it"
        )


def _frame_range(
    path: Path, num_frames: int, rate: int, start_seconds: float | None, end_seconds: float | None
) -> tuple[int, int]:
    """The first frame and the one after the last, checked against the length of the file."""
    if num_frames <= 0:
        raise FormatError(f"{path}: holds no samples; expected at least one")
    duration = num_frames / rate
    start = 0.0 if start_seconds is None else start_seconds
    end = duration if end_seconds is None else end_seconds
    if not 0.0 <= start < end <= duration + _END_TOLERANCE_SECONDS:
        raise FormatError(
            f"{path}: the part from {start:g} s to {end:g} s is not inside of the file, "
            f"which is {duration:.3f} s long; expected 0 <= start < end <= length"
        )
    first, last = round(start * rate), min(round(end * rate), num_frames)
    if first >= last:
        raise FormatError(f"{path}: the part from {start:g} s to {end:g} s holds no sample at {rate} Hz")
    return first, last


def _read_with_librosa(
    path: Path, start_seconds: float | None, end_seconds: float | None, channel: int | None
) -> tuple[Float32[np.ndarray, " num_samples"], int]:
    import librosa

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # librosa says that this way of reading is going away
            # One second more than is taken, so that what is longer is seen.
            channels, rate = librosa.load(path, sr=None, mono=False, duration=MAX_SAMPLES / 48_000 + 1)
        if rate == 0:  # what ffmpeg says of the beginning of a file
            raise ValueError("no audio")
    except Exception as error:  # audioread's backends each have their own
        raise FormatError(
            f"{path}: neither libsndfile nor ffmpeg reads it; convert it to wav or flac, "
            "or install ffmpeg if it is sound"
        ) from error
    channels = np.atleast_2d(channels)
    refuse_odd_rate(path, int(rate))
    _refuse_missing_channel(path, channel, len(channels))
    samples = channels.mean(axis=0, dtype=np.float32) if channel is None else channels[channel]
    _refuse_long(path, round(len(samples) * 48_000 / rate), 48_000)
    start, end = _frame_range(path, len(samples), int(rate), start_seconds, end_seconds)
    return samples[start:end], int(rate)


def refuse_truncated(path: Path, file: BinaryIO, head: bytes, size: int) -> None:
    """Refuse WAV, AIFF, AU, W64, Ogg and SPHERE files whose end is missing: libsndfile takes what is there silently."""
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        _check_wav(path, file, size)
    elif head[:4] == b"OggS":
        _check_ogg(path, file, size)
    elif head.startswith(SPHERE_MAGIC):
        check_sphere(path, file, size)
    elif head.startswith((b"FORM", b".snd", b"riff\x2e\x91")):
        _check_length(path, file, size)


def _check_length(path: Path, file: BinaryIO, size: int) -> None:
    """Refuse AIFF, AU and W64 files that are shorter than their first bytes say."""
    file.seek(0)
    head = file.read(24)
    if len(head) < 24:
        return
    if head.startswith(b"FORM"):
        promised = 8 + int.from_bytes(head[4:8], "big")
    elif head.startswith(b".snd"):
        length = int.from_bytes(head[8:12], "big")
        promised = 0 if length == 0xFFFFFFFF else int.from_bytes(head[4:8], "big") + length
    else:
        promised = int.from_bytes(head[16:24], "little")
    # Programs that write to a pipe put the greatest length that there is, or none.
    if size < promised < 0x7FFFF000:
        raise FormatError(f"{path}: is truncated: {promised} bytes promised, {size} there")


def _check_wav(path: Path, file: BinaryIO, size: int) -> None:
    position = 12
    for _ in range(_MAX_CHUNKS):
        file.seek(position)
        header = file.read(8)
        if len(header) < 8:
            return
        name, length = struct.unpack("<4sI", header)
        if name == b"data":
            # Programs that write to a pipe do not know the length; they put 0, or about 2 or 4 GiB.
            is_unknown = length == 0 or length >= 0x7FFFF000
            if not is_unknown and position + 8 + length > size:
                raise FormatError(
                    f"{path}: is truncated: {length} bytes of audio promised, {size - position - 8} there"
                )
            return
        position += 8 + length + length % 2
    raise FormatError(f"{path}: has more than {_MAX_CHUNKS:,} chunks before its audio; expected a few")


def _check_ogg(path: Path, file: BinaryIO, size: int) -> None:
    # A page (RFC 3533, section 6) is at most 65 307 bytes, so the last one begins in the last 64 KiB.
    file.seek(max(0, size - 65_536))
    tail = file.read(65_536)
    page = tail[max(0, tail.rfind(b"OggS")) :]
    length = 27 + page[26] + sum(page[27 : 27 + page[26]]) if len(page) >= 27 else 27
    ends_stream = len(page) >= 27 and page[5] & 4
    # Bytes after a page that does not end the stream are the first of the next page's header.
    if len(page) < length or (len(page) > length and not ends_stream):
        raise FormatError(f"{path}: is truncated: its last Ogg page is not whole")
