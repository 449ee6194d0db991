"""How files that others wrote are opened: regular files only, never more of them than their kind can have.

A device such as /dev/zero never ends, and a named pipe may never begin. What is refused here is an OSError, like a file
that is missing: each reader tells of both in its own words. The limits are far above what real files have; they keep a
wrong or hostile one from filling the memory. SECURITY.md lists them.
"""

import errno
import gzip
import os
import stat
from pathlib import Path
from typing import BinaryIO

MAX_DOCUMENT_BYTES = 1 << 26
"""Pages, pen ink, symbols. A page of a newspaper with an outline for each letter has some 20 MB, and in memory more."""
MAX_INK_BYTES = 1 << 24
"""Pen ink, whose numbers become objects on their way: a day of writing has some 10 MB."""
MAX_LIST_BYTES = 1 << 32
"""Manifests, transcripts, lexica, rules: ten million lines have about 2 GB."""
MAX_ARPA_BYTES = 1 << 36
"""The largest n-gram models that are handed round have some 20 GB, unpacked."""
MAX_RATIO = 200
"""How many times its size a gzipped file may become. Text becomes ten times as large, zeros a thousand times."""
ALWAYS_UNPACKED = 1 << 26
"""So many bytes may come of the smallest of gzipped files."""
_PIECE = 1 << 24


def open_input(path: Path, *, is_pipe_allowed: bool = False) -> BinaryIO:
    """Opens a regular file for reading.

    Args:
        path: the file; a link is followed.
        is_pipe_allowed: a pipe may stand in its place, as `<(command)` of a shell makes it.

    Raises:
        OSError: it cannot be read, or is a folder, a device, a pipe or a socket; `strerror` says which.
    """

    def opener(name: str, flags: int) -> int:
        # Without the flag, opening a pipe that nobody writes to would never return.
        more = 0 if is_pipe_allowed else getattr(os, "O_NONBLOCK", 0)
        return os.open(name, flags | more | getattr(os, "O_NOCTTY", 0))

    try:
        file = open(path, "rb", opener=opener)  # noqa: SIM115 - the caller closes it
    except ValueError as error:  # a NUL in the name
        raise OSError(errno.EINVAL, str(error), str(path)) from error
    mode = os.fstat(file.fileno()).st_mode
    if stat.S_ISREG(mode) or (is_pipe_allowed and stat.S_ISFIFO(mode)):
        return file
    file.close()
    kind = "a pipe" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"
    raise OSError(errno.EINVAL, f"is {kind}; only regular files are read here", str(path))


def read_input(path: Path, most_bytes: int, *, is_pipe_allowed: bool = False) -> bytes:
    """Returns the whole of a file.

    Raises:
        OSError: as `open_input`, or the file has more than `most_bytes`.
    """
    with open_input(path, is_pipe_allowed=is_pipe_allowed) as file:
        found = os.fstat(file.fileno())
        refuse_larger(path, found.st_size, most_bytes)
        return file.read() if stat.S_ISREG(found.st_mode) else _read_pipe(path, file, most_bytes)


def read_gzipped(path: Path, most_bytes: int) -> bytearray:
    """Returns what a gzipped file holds.

    Raises:
        OSError: as `read_input`; also where it becomes `MAX_RATIO` times as large as it is, as bombs do.
        EOFError, zlib.error: the file is damaged.
    """
    data = bytearray()
    with open_input(path) as packed, gzip.open(packed) as file:
        size = os.fstat(packed.fileno()).st_size
        most_bytes = min(most_bytes, max(ALWAYS_UNPACKED, MAX_RATIO * size))
        while piece := file.read(_PIECE):
            data += piece
            refuse_larger(path, len(data), most_bytes)
    return data


def _read_pipe(path: Path, file: BinaryIO, most_bytes: int) -> bytes:
    data = bytearray()
    while piece := file.read(_PIECE):
        data += piece
        refuse_larger(path, len(data), most_bytes)
    return bytes(data)


def refuse_larger(path: Path, num_bytes: int, most_bytes: int) -> None:
    """Does nothing where a file is not too large.

    Raises:
        OSError: it is.
    """
    if num_bytes > most_bytes:
        raise OSError(
            errno.EFBIG, f"has more than the {most_bytes:,} bytes that are read of its kind", str(path)
        )
