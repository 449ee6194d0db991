"""What the tests of hostile files share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from seqlabel.errors import FormatError, SeqlabelError


def refusal(read: Callable[[], object], kind: type[SeqlabelError] = FormatError) -> str:
    with pytest.raises(kind) as caught:
        read()
    return str(caught.value)


def written(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path
