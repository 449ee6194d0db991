"""What all lists of examples have in common: lines of UTF-8, and paths that begin at the list's folder."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from seqlabel.errors import ManifestError
from seqlabel.input_files import MAX_LIST_BYTES, open_input, read_input, refuse_larger

KINDS = (
    "a .jsonl manifest, a Kaldi data folder (wav.scp or feats.scp), a folder of line images with "
    "X.gt.txt files, a folder with metadata.csv or metadata.jsonl, or pages (ALTO or PAGE XML)"
)


def read_text(path: Path) -> str:
    """Returns the whole of a list.

    Raises:
        ManifestError: it cannot be read, or is not UTF-8.
    """
    try:
        data = read_input(path, MAX_LIST_BYTES)
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        raise ManifestError(
            f"{path}:{number}: byte 0x{data[error.start]:02x} is not UTF-8; save the file in UTF-8"
        ) from error


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yields the lines that are not blank, each with its `file:line`.

    Raises:
        ManifestError: as `read_text`.
    """
    # Only a line feed ends a line: texts may hold the other characters that str.splitlines() splits at.
    try:
        file = open_input(path)
    except OSError as error:
        raise unreadable(path, error) from error
    with file:
        try:
            refuse_larger(path, os.fstat(file.fileno()).st_size, MAX_LIST_BYTES)
        except OSError as error:
            raise unreadable(path, error) from error
        for number, data in enumerate(file, 1):
            try:
                line = data.decode("utf-8-sig" if number == 1 else "utf-8").removesuffix("\n")
            except UnicodeDecodeError as error:
                raise ManifestError(
                    f"{path}:{number}: byte 0x{data[error.start]:02x} is not UTF-8; save the file in UTF-8"
                ) from error
            if line.strip():
                yield f"{path}:{number}", line.rstrip("\r")


def resolve(folder: Path, source: str) -> Path:
    """Returns the place of a source that a list in a folder names."""
    if source.startswith(".."):
        # Shortened by hand, against the real folder: behind a link, `folder/..` is somewhere else.
        return Path(os.path.normpath(os.path.join(os.path.realpath(folder), source)))
    return folder / source


def not_empty(where: str, key: str, value: str) -> str:
    """Returns a path of a list, which has to be one.

    Raises:
        ManifestError: it is empty.
    """
    if not value:
        raise ManifestError(f"{where}: {key} is empty; expected a path")
    return value


def is_file(path: Path) -> bool:
    """Tells whether there is such a file; a number behind a colon may be a place in it."""
    return path.is_file() or Path(re.sub(r":[0-9]+$", "", str(path))).is_file()


def unreadable(path: Path, error: OSError) -> ManifestError:
    """Returns the error for a list that cannot be read."""
    where = str(path) if "\0" not in str(path) else repr(str(path))
    return ManifestError(f"{where}: cannot be read ({error.strerror or error}); expected {KINDS}")
