"""Another hand for the same ink: slant, rotation, width, smooth deformation and trembling of each stroke."""

from collections.abc import Sequence

import numpy as np

from seqlabel.config import Config, FromZero
from seqlabel.records import Signal, Strokes


class PenWarpConfig(Config, frozen=True, tag="pen_warp"):
    """Random affine map of the whole line and a smooth random displacement.

    Attributes:
        slant: standard deviation of the horizontal shear, as a tangent.
        rotation_degrees: standard deviation of the line's rotation.
        stretch: standard deviation of the logarithm of the width-to-height ratio.
        shift: standard deviation of each stroke's own displacement, in heights of the ink.
        wave: amplitude of the smooth vertical and horizontal displacement along the line, in heights of the ink.
        drop_points: largest share of points left out, which changes the sampling of curves.
    """

    slant: FromZero = 0.2
    rotation_degrees: FromZero = 2.0
    stretch: FromZero = 0.12
    shift: FromZero = 0.0
    wave: FromZero = 0.04
    drop_points: FromZero = 0.0

    def build(self) -> "PenWarp":
        """Returns the augmentation."""
        return PenWarp(self)


class PenWarp:
    """Deforms strokes; leaves other signals alone."""

    def __init__(self, config: PenWarpConfig) -> None:
        self.config = config

    def __call__(self, signal: Signal, rng: np.random.Generator) -> Signal:
        """Returns the ink as another hand might have written it, drawn from `rng`."""
        if not isinstance(signal, Strokes) or not any(len(stroke) for stroke in signal.strokes):
            return signal
        points = np.concatenate(signal.strokes).astype(np.float64)
        ends = np.cumsum([len(stroke) for stroke in signal.strokes])[:-1]
        centre = (points.min(axis=0) + points.max(axis=0)) / 2
        height = max(float(np.ptp(points[:, 1])), 1e-6)
        x, y = ((points - centre) / height).T
        config = self.config
        angle = np.deg2rad(rng.normal(0, config.rotation_degrees))
        stretch = np.exp(rng.normal(0, config.stretch))
        shear = rng.normal(0, config.slant)
        x, y = x * stretch + shear * y, y
        x, y = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
        # Two slow sines along the line for each axis: local changes of size, spacing and base line.
        frequency = rng.uniform(0.5, 3.0, size=4)
        phase = rng.uniform(0, 2 * np.pi, size=4)
        amplitude = rng.normal(0, config.wave, size=4)
        swing = amplitude[:, None] * np.sin(frequency[:, None] * x + phase[:, None])
        x, y = x + swing[0] + swing[1], y + swing[2] * (1 + y) + swing[3]
        moved = np.stack([x, y], axis=1) * height + centre
        strokes = np.split(moved.astype(np.float32), ends)
        if config.shift:
            offsets = rng.normal(0, config.shift * height, size=(len(strokes), 2)).astype(np.float32)
            strokes = [stroke + offset for stroke, offset in zip(strokes, offsets, strict=True)]
        if not config.drop_points:
            return Strokes(tuple(strokes), signal.times, signal.pressures)
        share = rng.uniform(0, config.drop_points)
        kept = [keep_mask(len(stroke), share, rng) for stroke in strokes]
        times, pressures = (values and _chosen(values, kept) for values in (signal.times, signal.pressures))
        return Strokes(_chosen(strokes, kept), times, pressures)


def _chosen(columns: Sequence[np.ndarray], kept: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    return tuple(column[mask] for column, mask in zip(columns, kept, strict=True))


def keep_mask(num_points: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Returns which points stay when about `share` of them go; the two ends of a stroke always stay."""
    keep = rng.random(num_points) >= share
    keep[:1] = True
    keep[-1:] = True
    return keep
