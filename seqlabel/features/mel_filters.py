"""Mel filter banks: the triangles of HTK, of Slaney's Auditory Toolbox (librosa) and of Kaldi."""

import math
import warnings
from typing import Literal

import numpy as np
from jaxtyping import Float32, Float64

from seqlabel.config import Config
from seqlabel.errors import ConfigError

MelScale = Literal["htk", "slaney", "kaldi"]
MAX_WEIGHTS = 1 << 25
"""Of a filter bank, twice."""


class VocalTractWarp(Config, frozen=True):
    """Kaldi's piecewise linear warp of the frequency axis (`feat/mel-computations.cc`, `VtlnWarpFreq`).

    Between `low_hz` and `high_hz` the filters stand at 1 / factor of their frequencies, and outside of them they go
    back linearly to the ends of the filter bank, which stay where they are.
    """

    factor: float
    low_hz: float
    high_hz: float


def fit_filters(
    sample_rate: int,
    window_samples: int,
    num_filters: int,
    low_hz: float,
    high_hz: float,
    *,
    mel_scale: MelScale = "htk",
    unit_area: bool = False,
    fft_size: int | None = None,
    warp: VocalTractWarp | None = None,
) -> Float32[np.ndarray, "num_bins num_filters"]:
    """Triangular mel filters over the bins of the shortest sufficient Fourier transform.

    The transform is the smallest power of two that holds the window and leaves no filter without a
    bin: at 16 kHz, 80 filters need 512 points, but 128 need 1024.

    Args:
        sample_rate: in Hz.
        window_samples: length of a frame.
        num_filters: triangles, whose corners lie at equal distances on the mel scale.
        low_hz, high_hz: the lowest and the highest corner.
        mel_scale: `htk` and `slaney` have sides that are straight over Hz, `kaldi` over mel (HTK's mel).
        unit_area: each triangle has an area of 1 over Hz (Slaney) in place of a height of 1.
        fft_size: points of the transform; None to look for them.
        warp: of the corners.

    Returns:
        the weights; the transform has `2 * (num_bins - 1)` points.

    Raises:
        ConfigError: the filters are too narrow for any sensible transform, or for the one that was asked for.
    """
    size = 1 << (window_samples - 1).bit_length() if fft_size is None else fft_size
    # One bin a hertz is more than any filter bank for speech asks for.
    while size <= max(sample_rate, 2 * window_samples, fft_size or 0) and size * num_filters <= MAX_WEIGHTS:
        if mel_scale == "htk" and not unit_area and warp is None:
            weights = _htk_filters(sample_rate, size, num_filters, low_hz, high_hz)
        else:
            corners = _corners(num_filters, low_hz, high_hz, mel_scale, warp)
            weights = _triangles(np.arange(size // 2 + 1) * (sample_rate / size), corners, mel_scale)
            if unit_area:
                weights *= 2.0 / (corners[2:] - corners[:-2])
        if (weights.max(axis=0) > 0).all():
            return weights.astype(np.float32)
        if fft_size is not None:
            break
        size *= 2
    points = "" if fft_size is None else f" and {fft_size} points"
    raise ConfigError(
        f"{num_filters} mel filters between {low_hz:g} and {high_hz:g} Hz at {sample_rate} Hz{points} are too narrow;"
        f" set a smaller num_mel_filters or a wider band"
    )


def _htk_filters(
    sample_rate: int, fft_size: int, num_filters: int, low_hz: float, high_hz: float
) -> Float32[np.ndarray, "num_bins num_filters"]:
    """Models have been trained with torchaudio's weights, which differ from exact ones by its single precision."""
    import torchaudio

    with warnings.catch_warnings():
        # torchaudio warns of an empty filter, which the caller looks for.
        warnings.simplefilter("ignore")
        filters = torchaudio.functional.melscale_fbanks(
            fft_size // 2 + 1, low_hz, high_hz, num_filters, sample_rate, norm=None, mel_scale="htk"
        )
    weights: Float32[np.ndarray, "num_bins num_filters"] = filters.numpy()
    return weights


def _corners(
    num_filters: int, low_hz: float, high_hz: float, mel_scale: MelScale, warp: VocalTractWarp | None
) -> Float64[np.ndarray, " num_corners"]:
    ends = _mel_of(np.array([low_hz, high_hz], np.float64), mel_scale)
    corners = _hz_of(np.linspace(ends[0], ends[1], num_filters + 2), mel_scale)
    if warp is None:
        return corners
    low, high = warp.low_hz * max(1.0, warp.factor), warp.high_hz * min(1.0, warp.factor)
    warped: Float64[np.ndarray, " num_corners"] = np.interp(
        corners, [low_hz, low, high, high_hz], [low_hz, low / warp.factor, high / warp.factor, high_hz]
    )
    return warped


def _triangles(
    bins_hz: Float64[np.ndarray, " num_bins"],
    corners: Float64[np.ndarray, " num_corners"],
    mel_scale: MelScale,
) -> Float64[np.ndarray, "num_bins num_filters"]:
    at, points = bins_hz, corners
    if mel_scale == "kaldi":
        at, points = _mel_of(bins_hz, mel_scale), _mel_of(corners, mel_scale)
    left, middle, right = points[:-2], points[1:-1], points[2:]
    rising, falling = (at[:, None] - left) / (middle - left), (right - at[:, None]) / (right - middle)
    weights: Float64[np.ndarray, "num_bins num_filters"] = np.maximum(np.minimum(rising, falling), 0.0)
    if mel_scale == "kaldi":
        weights[-1] = 0.0  # Kaldi's power spectra end before half the sample rate.
    return weights


# Slaney's scale (Auditory Toolbox, 1998): linear up to 1000 Hz, logarithmic above, 15 mel at 1000 Hz.
_SLANEY_HZ_A_MEL, _SLANEY_BREAK_HZ, _SLANEY_STEP = 200.0 / 3, 1000.0, math.log(6.4) / 27


def _mel_of(hz: Float64[np.ndarray, " K"], mel_scale: MelScale) -> Float64[np.ndarray, " K"]:
    if mel_scale != "slaney":
        natural: Float64[np.ndarray, " K"] = 1127.0 * np.log1p(hz / 700.0)
        return natural
    above = np.log(np.maximum(hz, _SLANEY_BREAK_HZ) / _SLANEY_BREAK_HZ) / _SLANEY_STEP
    mel: Float64[np.ndarray, " K"] = np.minimum(hz, _SLANEY_BREAK_HZ) / _SLANEY_HZ_A_MEL + above
    return mel


def _hz_of(mel: Float64[np.ndarray, " K"], mel_scale: MelScale) -> Float64[np.ndarray, " K"]:
    if mel_scale != "slaney":
        natural: Float64[np.ndarray, " K"] = 700.0 * np.expm1(mel / 1127.0)
        return natural
    break_mel = _SLANEY_BREAK_HZ / _SLANEY_HZ_A_MEL
    above = np.exp(np.maximum(mel - break_mel, 0.0) * _SLANEY_STEP)
    hz: Float64[np.ndarray, " K"] = np.minimum(mel, break_mel) * _SLANEY_HZ_A_MEL * above
    return hz
