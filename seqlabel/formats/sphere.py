"""NIST SPHERE headers (TIMIT, TIDIGITS, AN4): libsndfile reads the samples, but not all that is wrong with a file."""

import re
from pathlib import Path
from typing import BinaryIO

from seqlabel.errors import FormatError

SPHERE_MAGIC = b"NIST_1A"
_MAX_HEADER_BYTES = 1 << 16


def check_sphere(path: Path, file: BinaryIO, size: int) -> None:
    """Refuses what libsndfile would call unimplemented, or read in part without a word.

    Args:
        path: for the messages.
        file: open, anywhere.
        size: of the file, in bytes.

    Raises:
        FormatError: compressed (shorten and the like), truncated, or a header without an end.
    """
    file.seek(0)
    first = file.read(16).split(b"\n")
    length = int(first[1]) if len(first) > 1 and first[1].strip().isdigit() else 0
    if not 16 < length <= min(size, _MAX_HEADER_BYTES):
        raise FormatError(
            f"{path}: its SPHERE header does not tell its own length, or is cut off; expected 'NIST_1A', then 1024"
        )
    fields = _fields(file.read(length - 16))
    coding = fields.get("sample_coding", "pcm")
    if "," in coding:
        raise FormatError(
            f"{path}: its samples are compressed ({coding.partition(',')[2]}), which is not read here; expected pcm or "
            f"ulaw. Unpack it: sph2pipe -f wav {path.name} {path.stem}.wav"
        )
    counts = [fields.get(name, "") for name in ("sample_count", "sample_n_bytes")]
    if not all(count.isdigit() for count in counts):
        raise FormatError(f"{path}: its SPHERE header lacks sample_count or sample_n_bytes")
    channels = fields.get("channel_count", "1")
    promised = int(counts[0]) * int(counts[1]) * (int(channels) if channels.isdigit() else 1)
    if length + promised > size:
        raise FormatError(f"{path}: is truncated: {promised} bytes of audio promised, {size - length} there")


def _fields(header: bytes) -> dict[str, str]:
    """Name -> value of lines such as `sample_rate -i 16000`, up to `end_head`."""
    lines = re.split(r"\r?\n", header.decode("latin-1"))
    found = {}
    for line in lines:
        if line.strip() == "end_head":
            break
        name, _, value = [*line.split(None, 2), "", "", ""][:3]
        found[name] = value.strip()
    return found
