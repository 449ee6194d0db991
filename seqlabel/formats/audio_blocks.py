"""Audio files read block by block: recordings of any length in little memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from seqlabel.errors import FormatError
from seqlabel.formats.audio import (
    EXPECTED,
    LOUDEST,
    refuse_odd_rate,
    refuse_truncated,
    undecodable,
)
from seqlabel.formats.files import open_file

BLOCK_SAMPLES = 1 << 19
"""Of all channels together, that are decoded at once."""


def audio_blocks(path: Path, sample_rate: int) -> Iterator[Float32[np.ndarray, " _num_samples"]]:
    """Yields the samples of a recording from its beginning to its end, its channels mixed, at a sample rate.

    One behind the other they are what `read_audio` gives; of a resampled one to a rounding error.

    Args:
        path: a file that libsndfile reads.
        sample_rate: in Hz; the audio is resampled to it (soxr, HQ).

    Raises:
        FormatError: as `read_audio`, as soon as the damage is met.
    """
    with open_file(path, EXPECTED) as (file, size):
        refuse_truncated(path, file, file.read(12), size)
    import soundfile

    try:
        with soundfile.SoundFile(path) as sound:
            if sound.format == "RAW":
                raise FormatError(f"{path}: has no header; expected {EXPECTED}")
            refuse_odd_rate(path, sound.samplerate)
            if sound.samplerate == sample_rate:
                yield from _mixed(path, sound)
                return
            import soxr

            stream = soxr.ResampleStream(sound.samplerate, sample_rate, 1, dtype="float32", quality="HQ")
            for block in _mixed(path, sound):
                yield stream.resample_chunk(block)
            yield stream.resample_chunk(np.zeros(0, np.float32), last=True)
    except soundfile.LibsndfileError as error:
        raise undecodable(path, error) from error


def _mixed(path: Path, sound: Any) -> Iterator[Float32[np.ndarray, " _num_samples"]]:
    found = 0
    while found < sound.frames:  # damaged Ogg files can have more than they say
        wanted = min(max(1, BLOCK_SAMPLES // sound.channels), sound.frames - found)
        block = sound.read(wanted, dtype="float32", always_2d=True)
        if not len(block):
            break
        found += len(block)
        with np.errstate(over="ignore", invalid="ignore"):  # infinite samples are told of below
            mixed = block[:, 0] if sound.channels == 1 else block.mean(axis=1, dtype=np.float32)
        if not (mixed.max() <= LOUDEST and mixed.min() >= -LOUDEST):
            raise FormatError(
                f"{path}: holds samples that are NaN, infinite or beyond {LOUDEST:g}; expected finite ones within "
                "[-1, 1]"
            )
        yield np.ascontiguousarray(mixed, np.float32)
    missing = sound.frames - found
    if missing > (4 * 1152 if sound.format == "MP3" else 0) or not found:
        raise FormatError(
            f"{path}: ends {missing / sound.samplerate:.3f} s before the length that its header gives; "
            "it is truncated or damaged"
        )
