"""Tiny images for made-up corpora."""

from pathlib import Path

import numpy as np

from seqlabel.formats import write_line_image
from seqlabel.records import LineImage


def draw(path: Path, height: int = 4, width: int = 6) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_line_image(path, LineImage(np.full((height, width), 255, np.uint8)))
    return path
