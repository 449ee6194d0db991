"""Files that are whole or not there: written under another name, synced to the disk, renamed, and the folder synced.

A process may die at any instruction, and a machine lose its power: what is found afterwards under the name of a file
is what was written last, or what was written before that.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where two runs in one folder are not noticed
    fcntl = None  # type: ignore[assignment]

from seqlabel.errors import ConfigError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says when a disk, or somebody's share of it, is full."""
_TEMPORARY = re.compile(r"\..+\.\d+\.tmp", re.DOTALL)


def no_room(path: Path, error: OSError) -> ConfigError:
    """Returns what to tell of a file, or of something in a folder, that a full disk did not take."""
    return ConfigError(
        f"{error.filename or path}: cannot be written ({error.strerror}), earlier files are kept; make room on the "
        "disk, and the same command goes on from the last checkpoint"
    )


def temporary_name(path: Path) -> Path:
    """Returns the name beside a file under which this process writes it; `remove_leftovers` knows it."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


@contextmanager
def whole_file(path: Path, previous: Path | None = None, *, is_synced: bool = True) -> Iterator[Path]:
    """Gives a name to write to; what lies there at the end of the context takes the place of `path`.

    Args:
        path: the file; it stays what it was where the context ends with an error.
        previous: takes over what `path` was until then, if it was anything.
        is_synced: whether it lies on the disk when the context ends; for thousands of small files that takes long.

    Raises:
        OSError: it cannot be written, renamed or synced.
    """
    temporary = temporary_name(path)
    try:
        yield temporary
        if is_synced:
            sync(temporary)
        if previous is not None and path.exists():
            _keep(path, previous)
        os.replace(temporary, path)
        if is_synced:
            sync_folder(path.parent)
    finally:
        with suppress(OSError, ValueError):  # a NUL in the name
            temporary.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all.

    Raises:
        OSError: it cannot be written; a file that was there stays.
    """
    with whole_file(path) as temporary:
        temporary.write_bytes(data)


def _keep(path: Path, previous: Path) -> None:
    """Gives a file a second name, so that there is no moment in which it has none."""
    second = temporary_name(previous)
    try:
        os.link(path, second)
    except OSError:  # a file system without hard links: what is written anew lies there whole already
        os.replace(path, previous)
    else:
        os.replace(second, previous)
    finally:
        # Where both are names of one file, after a process was killed right here, renaming leaves them as they are.
        second.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Waits until the content of a file is on the disk.

    Raises:
        OSError: the disk does not take it.
    """
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Waits until the names in a folder are on the disk, where the system can say so."""
    with suppress(OSError):  # Windows opens no folders, and some network file systems do not sync them
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_leftovers(folder: Path) -> list[str]:
    """Removes what processes that were killed had begun to write in a folder, and returns the names.

    Nobody else may be writing there (`held`).
    """
    found = [
        path
        for path in folder.iterdir()
        if _TEMPORARY.fullmatch(path.name) and not path.is_symlink() and path.is_file()
    ]
    for path in found:
        path.unlink(missing_ok=True)
    return sorted(path.name for path in found)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Holds a folder for this process alone; the system gives it free when the process ends, in whatever way.

    Raises:
        ConfigError: another process holds it.
    """
    descriptor = None
    try:
        if fcntl is not None:
            with suppress(OSError):
                descriptor = os.open(folder, os.O_RDONLY)
        if descriptor is not None:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ConfigError(
                    f"{folder}: another training is under way in this run folder; wait for it, or choose another "
                    "--run-dir"
                ) from error
            except OSError:  # some network file systems have no such locks
                pass
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)
