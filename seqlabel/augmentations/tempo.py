"""Faster and slower speech at its own pitch: pieces of the waveform laid over each other at other distances.

Source: Verhelst and Roelands, "An overlap-add technique based on waveform similarity (WSOLA)", ICASSP 1993. A phase
vocoder takes several times as long and smears what is sudden, such as the release of a stop.
"""

from typing import Any, no_type_check

import numpy as np
from jaxtyping import Float32

from seqlabel.augmentations.ranges import check_range
from seqlabel.compiled import compiled
from seqlabel.config import Config, Positive
from seqlabel.records import Signal, Waveform

HOP_SECONDS = 0.015
"""Between pieces, which are twice as long."""
SEARCH_SECONDS = 0.008
"""A piece may be taken from so much earlier or later: both together are the period of a voice of 62 Hz."""
COARSE_HZ = 4000
"""The first search for a piece is done at about this sample rate."""


class TempoConfig(Config, frozen=True, tag="tempo"):
    """Tempo factor drawn uniformly from [slowest, fastest]; 1.1 is a tenth faster. The voice keeps its pitch.

    A change of speed makes other voices as well (`SpeedConfig`), and is cheaper; this one is for a voice's own haste.
    """

    slowest: Positive = 0.85
    fastest: Positive = 1.15

    def build(self) -> "Tempo":
        """Returns the augmentation; raises ConfigError where the range is upside down."""
        check_range("tempo", ("slowest", self.slowest), ("fastest", self.fastest))
        return Tempo(self)


class Tempo:
    """Changes the tempo of a waveform; leaves other signals alone (`Speed` moves nothing but the time of a matrix)."""

    def __init__(self, config: TempoConfig) -> None:
        self.config = config

    def __call__(self, signal: Signal, rng: np.random.Generator) -> Signal:
        """Returns the waveform, round(num_samples / tempo) long, at a tempo drawn from `rng`."""
        if not isinstance(signal, Waveform):
            return signal
        tempo = rng.uniform(self.config.slowest, self.config.fastest)
        return Waveform(at_tempo(signal.samples, signal.sample_rate, tempo), signal.sample_rate)


def at_tempo(
    samples: Float32[np.ndarray, " _num_before"], sample_rate: int, tempo: float
) -> Float32[np.ndarray, " num_samples"]:
    """Returns the samples `tempo` times as fast; never fewer than one, and as many as before where nothing changes."""
    if tempo == 1 or not len(samples):
        return samples.copy()
    num_samples = max(1, round(len(samples) / tempo))
    coarse = max(1, sample_rate // COARSE_HZ)
    hop = max(1, round(HOP_SECONDS * sample_rate))
    search = round(SEARCH_SECONDS * sample_rate / coarse) * coarse
    num_pieces = -(-num_samples // hop) + 1
    # Zeros before and behind, so that every piece that is looked at is there.
    before = hop + search
    behind = max(0, round((num_pieces - 1) * hop * tempo) + 3 * hop + 2 * search + coarse - len(samples))
    padded = np.concatenate([np.zeros(before, np.float32), samples, np.zeros(behind, np.float32)])
    whole = len(padded) // coarse
    small = padded[: whole * coarse].reshape(whole, coarse).mean(axis=1, dtype=np.float32)
    window = (np.sin(np.pi * np.arange(2 * hop) / (2 * hop)) ** 2).astype(np.float32)
    new = np.zeros((num_pieces + 1) * hop, np.float32)
    _overlap(new, padded, small, window, num_pieces, tempo, search, coarse)
    return new[hop : hop + num_samples].copy()


@compiled
@no_type_check
def _overlap(
    new: Any, padded: Any, small: Any, window: Any, num_pieces: int, tempo: float, search: int, coarse: int
) -> None:
    hop = len(window) // 2
    taken = search
    for piece in range(num_pieces):
        if piece > 0:
            # What came next in the old waveform is what the new piece should look like.
            goes_on = taken + hop
            wanted = search + int(np.rint(piece * hop * tempo))
            taken = wanted
            if coarse > 1:
                small_hop = max(1, hop // coarse)
                taken = coarse * _most_alike(
                    small, goes_on // coarse, wanted // coarse, search // coarse, small_hop
                )
                taken = min(max(taken, wanted - search), wanted + search)
                low, high = max(wanted - search, taken - coarse), min(wanted + search, taken + coarse)
                taken = _most_alike(padded, goes_on, (low + high) // 2, (high - low) // 2, hop)
            else:
                taken = _most_alike(padded, goes_on, wanted, search, hop)
        start = piece * hop
        for index in range(2 * hop):
            new[start + index] += window[index] * padded[taken + index]


@compiled
@no_type_check
def _most_alike(values: Any, model: int, middle: int, reach: int, size: int) -> int:
    """The place within `reach` of the middle where `size` values look most like those at `model`."""
    best, most = middle, -1e300
    for step in range(2 * reach + 1):
        # From the middle outwards: of places that are alike, silence say, the nearest is taken.
        offset = (step + 1) // 2 if step % 2 else -(step // 2)
        place = middle + offset
        if place < 0:
            continue
        a0 = a1 = a2 = a3 = 0.0
        b0 = b1 = b2 = b3 = 0.0
        for index in range(0, size - 3, 4):
            u0, v0 = values[model + index], values[place + index]
            u1, v1 = values[model + index + 1], values[place + index + 1]
            u2, v2 = values[model + index + 2], values[place + index + 2]
            u3, v3 = values[model + index + 3], values[place + index + 3]
            a0 += u0 * v0
            a1 += u1 * v1
            a2 += u2 * v2
            a3 += u3 * v3
            b0 += v0 * v0
            b1 += v1 * v1
            b2 += v2 * v2
            b3 += v3 * v3
        for index in range(size - size % 4, size):
            a0 += values[model + index] * values[place + index]
            b0 += values[place + index] * values[place + index]
        likeness = (a0 + a1 + a2 + a3) / np.sqrt(b0 + b1 + b2 + b3 + 1e-20)
        if likeness > most:
            best, most = place, likeness
    return best
