"""Made-up speech, and the cepstra that CMU Sphinx computes from speech."""

import numpy as np


def speechlike(num_seconds: float = 1.0) -> np.ndarray:
    """A gliding voice with two moving resonances in a little noise, 16 kHz."""
    rng = np.random.default_rng(0)
    seconds = np.arange(int(16000 * num_seconds)) / 16000
    phase = 2 * np.pi * np.cumsum(120 + 40 * np.sin(2 * np.pi * seconds)) / 16000
    voice = np.zeros(len(seconds))
    for harmonic in range(1, 50):
        hz = harmonic * 120
        first, second = 500 + 300 * np.sin(9 * seconds), 1800 + 700 * np.cos(7 * seconds)
        gain = 1 / (1 + ((hz - first) / 150) ** 2) + 0.5 / (1 + ((hz - second) / 200) ** 2)
        voice += gain * np.sin(harmonic * phase)
    loudness = 0.55 + 0.45 * np.sin(2 * np.pi * 3 * seconds)
    return (0.1 * voice * loudness + rng.normal(0, 0.003, len(seconds))).astype(np.float32)


def sphinx_mfcc(samples: np.ndarray, *, with_quirks: bool) -> np.ndarray:
    """The front end of CMU Sphinx written out, -wlen 0.025625 -nfilt 40 -lowerf 130 -upperf 6800.

    Its quirks are filter edges rounded to whole bins and a transform that halves the first filter.
    """
    num_filters, fft_size, window = 40, 512, 410
    edges = np.linspace(*(2595 * np.log10(1 + np.array([130, 6800]) / 700)), num_filters + 2)
    bins = 700 * (10 ** (edges / 2595) - 1) / 16000 * fft_size
    bins = np.round(bins) if with_quirks else bins
    at = np.arange(fft_size // 2 + 1)
    weights = np.zeros((len(at), num_filters))
    for index, (left, middle, right) in enumerate(zip(bins, bins[1:], bins[2:], strict=False)):
        triangle = np.minimum((at - left) / (middle - left), (right - at) / (right - middle))
        weights[:, index] = np.maximum(triangle, 0) * 2 / (right - left)  # unit area
    emphasised = np.append(samples[0], samples[1:] - 0.97 * samples[:-1]) * 32768
    starts = range(0, len(samples) - window + 1, 160)
    frames = np.stack([emphasised[start : start + window] for start in starts]) * np.hamming(window)
    log_mel = np.log(np.abs(np.fft.rfft(frames, fft_size)) ** 2 @ weights)
    cosines = np.cos(np.pi / num_filters * np.outer(np.arange(num_filters) + 0.5, np.arange(13)))
    cosines[0] *= 0.5 if with_quirks else 1
    return log_mel @ cosines / num_filters
