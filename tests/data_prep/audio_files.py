"""A moment of noise in a file, for made-up corpora."""

from pathlib import Path

import numpy as np
import soundfile

SAMPLE_RATE = 16000
SECONDS = 0.1


def make_audio(path: Path) -> Path:
    """A tenth of a second at 16 kHz; the suffix says in which format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(1).normal(scale=0.1, size=round(SECONDS * SAMPLE_RATE))
    soundfile.write(path, samples.astype(np.float32), SAMPLE_RATE)
    return path
