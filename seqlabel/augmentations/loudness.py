"""What filters leave of a waveform, brought to the power that it had."""

import numpy as np
from jaxtyping import Float, Float32


def as_loud_as(
    samples: Float32[np.ndarray, " num_samples"], changed: Float[np.ndarray, " num_samples"]
) -> Float32[np.ndarray, " num_samples"]:
    """Returns the changed samples with the mean power of the samples, or these where nothing is left of them."""
    dry, wet = samples.astype(np.float64), changed.astype(np.float64)
    before, after = float(dry @ dry), float(wet @ wet)
    if not before or not after:
        return samples
    scaled: Float32[np.ndarray, " num_samples"] = (wet * np.sqrt(before / after)).astype(np.float32)
    return scaled
