"""Other speakers by the length of their vocal tract: formants move, pitch and tempo stay.

Source: the warp of the frequency axis of Jaitly and Hinton, "Vocal tract length perturbation (VTLP) improves speech
recognition", ICML workshop 2013. It is done to the spectral envelope (the first quefrencies of the cepstrum) and not
to a filter bank, so that any feature follows and the result can be heard.
"""

import numpy as np
from jaxtyping import Complex64, Float32
from scipy import fft

from seqlabel.augmentations.loudness import as_loud_as
from seqlabel.augmentations.ranges import check_range
from seqlabel.config import Config, Positive
from seqlabel.records import Signal, Waveform

FRAME_SECONDS = 0.032
"""Frames overlap by half."""
QUEFRENCY_SECONDS = 0.004
"""What lies above in the cepstrum is the pitch of a voice below 250 Hz; of the upper half less and less is taken."""
BORDER_SHARE = 0.875
"""Up to this share of half the sample rate frequencies are scaled; from there to the end a straight line makes up."""
MOST_DB = 30.0
"""No frequency is made louder or fainter by more."""
FRAMES_AT_ONCE = 4096


class VocalTractConfig(Config, frozen=True, tag="vocal_tract"):
    """Formants at frequencies that are scaled by a factor drawn uniformly from [lowest, highest].

    Adults lie some 20 % apart, children higher; `SpeedConfig` scales the pitch as well.
    """

    lowest: Positive = 0.85
    highest: Positive = 1.2

    def build(self) -> "VocalTract":
        """Returns the augmentation; raises ConfigError where the range is upside down."""
        check_range("vocal_tract", ("lowest", self.lowest), ("highest", self.highest))
        return VocalTract(self)


class VocalTract:
    """Moves the formants of a waveform; leaves other signals alone.

    There is no delay, and the mean power of the waveform stays.
    """

    def __init__(self, config: VocalTractConfig) -> None:
        self.config = config

    def __call__(self, signal: Signal, rng: np.random.Generator) -> Signal:
        """Returns the waveform with formants scaled by a factor drawn from `rng`."""
        if not isinstance(signal, Waveform):
            return signal
        factor = rng.uniform(self.config.lowest, self.config.highest)
        return Waveform(with_formants_at(signal.samples, signal.sample_rate, factor), signal.sample_rate)


def with_formants_at(
    samples: Float32[np.ndarray, " num_samples"], sample_rate: int, factor: float
) -> Float32[np.ndarray, " num_samples"]:
    """Returns the samples, at a rate in Hz, with the frequencies of their spectral envelope scaled by `factor`."""
    if factor == 1 or not len(samples):
        return samples.copy()
    hop = max(1, round(FRAME_SECONDS * sample_rate / 2))
    # The square of the window adds up to 1 with that of the frame before.
    window = np.sin(np.pi * (np.arange(2 * hop) + 0.5) / (2 * hop)).astype(np.float32)
    num_frames = -(-len(samples) // hop) + 1
    padded = np.zeros((num_frames + 1) * hop, np.float32)
    padded[hop : hop + len(samples)] = samples
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2 * hop)[::hop]
    place = warped_bins(hop + 1, factor)
    new = np.zeros((num_frames + 1, hop), np.float32)
    for start in range(0, num_frames, FRAMES_AT_ONCE):
        spectrum = fft.rfft(frames[start : start + FRAMES_AT_ONCE] * window)
        spectrum *= gains(spectrum, place, max(1, round(QUEFRENCY_SECONDS * sample_rate)))
        pieces = fft.irfft(spectrum, 2 * hop) * window
        new[start : start + len(pieces)] += pieces[:, :hop]
        new[start + 1 : start + 1 + len(pieces)] += pieces[:, hop:]
    return as_loud_as(samples, new.reshape(-1)[hop : hop + len(samples)])


def warped_bins(num_bins: int, factor: float) -> Float32[np.ndarray, " num_bins"]:
    """Returns where in the old envelope each bin of the new one lies: a line to the border, and one on to the end.

    Source: Jaitly and Hinton 2013, section 3; `mel_filters` bends the corners of filters with Kaldi's three lines.
    """
    last = num_bins - 1
    border = BORDER_SHARE * last * min(1.0, factor)
    bins = np.arange(num_bins)
    place: Float32[np.ndarray, " num_bins"] = np.interp(
        bins, [0.0, border, max(last, 1)], [0.0, border / factor, max(last, 1)]
    ).astype(np.float32)
    return place


def gains(
    spectrum: Complex64[np.ndarray, "frames num_bins"],
    place: Float32[np.ndarray, " num_bins"],
    quefrencies: int,
) -> Float32[np.ndarray, "frames num_bins"]:
    """Returns what the bins of each frame are multiplied with, so that its envelope lies elsewhere.

    Args:
        spectrum: of windowed frames.
        place: of each bin, in the envelope as it is (`warped_bins`).
        quefrencies: samples of the cepstrum that are its envelope.
    """
    power = spectrum.real**2 + spectrum.imag**2
    # A floor 80 dB below the loudest bin of a frame: the envelope of silence is flat.
    power += 1e-8 * power.max(axis=1, keepdims=True) + np.float32(1e-20)
    size = 2 * (spectrum.shape[1] - 1)
    cepstrum = fft.irfft(0.5 * np.log(power), size)
    lifter = np.zeros(size, np.float32)
    kept = min(quefrencies, size // 2)
    # Half a cosine over the upper half of what is kept.
    lifter[: kept + 1] = 0.5 + 0.5 * np.cos(np.pi * np.clip(np.arange(kept + 1) / max(kept, 1) * 2 - 1, 0, 1))
    lifter[size - kept :] = lifter[kept:0:-1] if kept else lifter[:0]
    envelope = fft.rfft(cepstrum * lifter).real
    below = np.minimum(place.astype(np.int64), spectrum.shape[1] - 2)
    share = place - below
    moved = envelope[:, below] * (1 - share) + envelope[:, below + 1] * share
    most = MOST_DB / 20 * np.log(10)
    found: Float32[np.ndarray, "frames num_bins"] = np.exp(np.clip(moved - envelope, -most, most)).astype(
        np.float32
    )
    return found
