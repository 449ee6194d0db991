"""Fixtures that all tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of the real corpora: `$SEQLABEL_DATA`, or `../shared/data` beside the repository."""
    root = Path(__file__).resolve().parents[1]
    folder = Path(os.environ.get("SEQLABEL_DATA") or root.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real corpora at {folder}; set SEQLABEL_DATA to their folder")
    return folder
