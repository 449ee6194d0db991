"""Deltas: how fast features change, by linear regression over a few frames on either side."""

import numpy as np
from jaxtyping import Float, Float32


def deltas(features: Float[np.ndarray, "T F"], window: int = 2) -> Float32[np.ndarray, "T F"]:
    """The slope of each feature at each frame, in units per frame.

    The regression formula of the HTK Book (version 3.4, section 5.9, equation 5.16):
    d[t] = sum_n n (c[t+n] - c[t-n]) / (2 sum_n n^2), n = 1 .. window, where frames before the first
    and after the last are copies of the first and the last.

    Args:
        features: (T, F), T >= 1.
        window: frames looked at on each side, at least 1.

    Returns:
        (T, F), the same T.
    """
    num_frames = len(features)
    padded = np.concatenate([features[:1].repeat(window, 0), features, features[-1:].repeat(window, 0)])
    slope = np.zeros(features.shape, dtype=np.float32)
    for n in range(1, window + 1):
        slope += n * (padded[window + n :][:num_frames] - padded[window - n :][:num_frames])
    return slope / np.float32(2 * sum(n * n for n in range(1, window + 1)))


def append_deltas(
    features: Float[np.ndarray, "T F"], window: int = 2, order: int = 2
) -> Float32[np.ndarray, "T F_out"]:
    """The features with their deltas beside them, the deltas of those, and so on `order` times.

    Args:
        features: (T, F), T >= 1.
        window: see `deltas`.
        order: 0 for the features alone, 1 with deltas, 2 with delta-deltas too.

    Returns:
        (T, F * (order + 1)): all features first, then all deltas, then all delta-deltas.
    """
    blocks = [features.astype(np.float32, copy=False)]
    for _ in range(order):
        blocks.append(deltas(blocks[-1], window))
    return np.concatenate(blocks, axis=1)
