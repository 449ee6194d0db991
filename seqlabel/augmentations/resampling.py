"""Samples at another rate, through soxr."""

import numpy as np
from jaxtyping import Float32


def resampled(
    samples: Float32[np.ndarray, " _num_before"], ratio: float, num_samples: int
) -> Float32[np.ndarray, " num_samples"]:
    """Returns `ratio` times as many samples of the same sound, with a flat band and no aliases (soxr, high quality).

    Args:
        samples: at the old rate.
        ratio: of the new rate to the old one.
        num_samples: that are wanted; soxr's own number differs by one or two, which are cut off, or zeros at the end.
    """
    import soxr

    found = soxr.resample(samples, 1.0, ratio, quality="HQ")
    if len(found) >= num_samples:
        return np.ascontiguousarray(found[:num_samples])
    new = np.zeros(num_samples, np.float32)
    new[: len(found)] = found
    return new
