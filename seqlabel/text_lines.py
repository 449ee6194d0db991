"""Text files line by line, so that a list of millions takes no memory."""

from collections.abc import Iterator
from pathlib import Path

from seqlabel.errors import ManifestError


def lines_of(path: Path, expected: str) -> Iterator[tuple[str, str]]:
    """The lines of a file that are not blank, each with its `file:line`; no more than one is held.

    Raises:
        ManifestError: the file cannot be read, or is not UTF-8; `expected` says what it should be.
    """
    # Only a line feed ends a line: texts may hold the other characters that str.splitlines() splits at.
    try:
        file = path.open("rb")
    except (OSError, ValueError) as error:
        where = str(path) if isinstance(error, OSError) else repr(str(path))
        reason = getattr(error, "strerror", None) or error
        raise ManifestError(f"{where}: cannot be read ({reason}); expected {expected}") from error
    with file:
        for number, data in enumerate(file, 1):
            try:
                line = data.decode("utf-8-sig" if number == 1 else "utf-8").removesuffix("\n")
            except UnicodeDecodeError as error:
                raise ManifestError(
                    f"{path}:{number}: byte 0x{data[error.start]:02x} is not UTF-8; save the file in UTF-8"
                ) from error
            if line.strip():
                yield f"{path}:{number}", line.rstrip("\r")
