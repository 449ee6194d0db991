"""Another hand for the same ink: slant, rotation, size, width, deformation, bends, trembling, speed, lost points."""

from collections.abc import Sequence

import numpy as np

from seqlabel.config import Config, FromZero, Positive
from seqlabel.records import Signal, Strokes


class PenWarpConfig(Config, frozen=True, tag="pen_warp"):
    """Random affine map of the whole line, a smooth random displacement, and another way of the pen along the ink.

    Features that scale the writing to one size do not see `scale`, those that resample it do not see `time_warp`
    where the tablet told no times; `drop_points` is seen where it cuts corners.

    Attributes:
        slant: standard deviation of the horizontal shear, as a tangent.
        rotation_degrees: standard deviation of the line's rotation.
        stretch: standard deviation of the logarithm of the width-to-height ratio.
        shift: standard deviation of each stroke's own displacement, in heights of the ink.
        wave: amplitude of the smooth vertical and horizontal displacement along the line, in heights of the ink.
        drop_points: largest share of points left out, which changes the sampling of curves.
        scale: standard deviation of the logarithm of the size.
        squeeze: standard deviation of the logarithm of the local width, which changes slowly along the line: here
            letters stand closer, there wider.
        jitter: standard deviation of the trembling of the pen, in heights of the ink.
        jitter_points: points over which the trembling is smoothed, as the standard deviation of a Gaussian window.
        time_warp: standard deviation of the logarithm of the pen's speed, which changes slowly along the ink. Times are
            changed where the tablet told them; where it told none, points are its clock, and new ones are taken on the
            same way at other distances.
        bend: standard deviation of the change of the pen's direction, in radians, and of the logarithm of its step.
            Both change slowly along each stroke, whose middle stays where it was: loops open, stems grow, bars sink.
            Too much of it makes another letter.
        bend_length: way of the pen after which these changes are new, in heights of the ink.
    """

    slant: FromZero = 0.2
    rotation_degrees: FromZero = 2.0
    stretch: FromZero = 0.12
    shift: FromZero = 0.0
    wave: FromZero = 0.04
    drop_points: FromZero = 0.0
    scale: FromZero = 0.0
    squeeze: FromZero = 0.0
    jitter: FromZero = 0.0
    jitter_points: FromZero = 2.0
    time_warp: FromZero = 0.0
    bend: FromZero = 0.0
    bend_length: Positive = 0.5

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
        warped = Strokes(tuple(strokes), signal.times, signal.pressures)
        # What is off draws nothing, so that a seed goes on meaning what it meant before these came.
        if config.scale or config.squeeze:
            warped = _resized(warped, height, config, rng)
        if config.bend:
            warped = _bent(warped, height, config, rng)
        if config.jitter:
            warped = _trembling(warped, height, config, rng)
        if config.time_warp:
            warped = _at_another_speed(warped, config.time_warp, rng)
        return _thinned(warped, config.drop_points, rng) if config.drop_points else warped


def _thinned(ink: Strokes, most: float, rng: np.random.Generator) -> Strokes:
    share = rng.uniform(0, most)
    kept = [keep_mask(len(stroke), share, rng) for stroke in ink.strokes]
    times, pressures = (values and _chosen(values, kept) for values in (ink.times, ink.pressures))
    return Strokes(_chosen(ink.strokes, kept), times, pressures)


def _resized(ink: Strokes, height: float, config: PenWarpConfig, rng: np.random.Generator) -> Strokes:
    points = np.concatenate(ink.strokes).astype(np.float64)
    left, right = points[:, 0].min(), points[:, 0].max()
    # A level dash has no height to count its width in.
    height = max(height, float(right - left) / MOST_HEIGHTS, 1e-6)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    size = np.exp(rng.normal(0, config.scale))
    # The place of each column after squeezing is the sum of the widths of those before it.
    columns = np.linspace(left, right, max(2, int(np.ceil(8 * (right - left) / height)) + 1))
    width = np.exp(config.squeeze * smooth_noise((columns - left) / (SLOW * height), rng))
    place = np.concatenate([[0.0], np.cumsum((width[1:] + width[:-1]) / 2 * np.diff(columns))])
    place += middle[0] - place[-1] / 2
    moved = np.stack([np.interp(points[:, 0], columns, place), points[:, 1]], axis=1)
    return _with_points(ink, (moved - middle) * size + middle)


def _bent(ink: Strokes, height: float, config: PenWarpConfig, rng: np.random.Generator) -> Strokes:
    points = np.concatenate(ink.strokes).astype(np.float64)
    # A level dash has no height to count its way in.
    height = max(height, float(np.ptp(points[:, 0])) / MOST_HEIGHTS, 1e-6)
    counts = np.array([len(stroke) for stroke in ink.strokes if len(stroke)])
    starts = np.cumsum(counts) - counts
    steps = np.diff(points, axis=0, prepend=points[:1])
    steps[starts] = 0.0
    way = np.cumsum(np.hypot(*steps.T)) / (config.bend_length * height)
    # Where the first change is new is drawn, so that strokes do not all change at their beginnings.
    place = way - np.repeat(way[starts] - rng.random(len(counts)), counts)
    # Strokes stand one behind the other on the line of the noise: each has values of its own.
    num_values = np.floor(place[starts + counts - 1]) + 2
    place += np.repeat(np.cumsum(num_values) - num_values, counts)
    angle = config.bend * smooth_noise(place, rng)
    factor = np.exp(config.bend * smooth_noise(place, rng))
    cos, sin = factor * np.cos(angle), factor * np.sin(angle)
    x, y = steps.T
    bent = np.cumsum(np.stack([cos * x - sin * y, sin * x + cos * y], axis=1), axis=0)
    apart = np.add.reduceat(points - bent, starts, axis=0) / counts[:, None]
    return _with_points(ink, bent + np.repeat(apart, counts, axis=0))


def _trembling(ink: Strokes, height: float, config: PenWarpConfig, rng: np.random.Generator) -> Strokes:
    points = np.concatenate(ink.strokes).astype(np.float64)
    noise = rng.standard_normal(points.shape)
    if config.jitter_points:
        reach = int(np.ceil(3 * config.jitter_points))
        window = np.exp(-0.5 * np.square(np.arange(-reach, reach + 1) / config.jitter_points))
        # Noise is as strong after smoothing as before.
        window /= np.sqrt(np.square(window).sum())
        padded = np.pad(noise, ((reach, reach), (0, 0)), mode="reflect" if len(noise) > reach else "edge")
        noise = np.stack([np.convolve(column, window, "valid") for column in padded.T], axis=1)
    return _with_points(ink, points + config.jitter * height * noise)


def _at_another_speed(ink: Strokes, strength: float, rng: np.random.Generator) -> Strokes:
    num_points = sum(len(stroke) for stroke in ink.strokes)
    slowness = np.exp(strength * smooth_noise(np.arange(num_points) / SLOW_POINTS, rng))
    ends = np.cumsum([len(stroke) for stroke in ink.strokes])[:-1]
    if ink.times is not None:
        times = np.concatenate(ink.times).astype(np.float64)
        later = times[:1].sum() + np.cumsum(np.diff(times, prepend=times[:1]) * slowness)
        return Strokes(ink.strokes, tuple(np.split(later.astype(np.float32), ends)), ink.pressures)
    places = [_evenly_in_time(part) for part in np.split(slowness, ends)]
    strokes = tuple(_at_places(stroke, place) for stroke, place in zip(ink.strokes, places, strict=True))
    pressures = ink.pressures and tuple(
        _at_places(values[:, None], place)[:, 0] for values, place in zip(ink.pressures, places, strict=True)
    )
    return Strokes(strokes, None, pressures)


def _evenly_in_time(slowness: np.ndarray) -> np.ndarray:
    """Places between the points of a stroke, as numbers of points, that the pen is at when the clock ticks."""
    if len(slowness) < 2:
        return np.arange(float(len(slowness)))
    clock = np.concatenate([[0.0], np.cumsum((slowness[1:] + slowness[:-1]) / 2)])
    ticks = np.linspace(0, clock[-1], max(2, round(float(clock[-1])) + 1))
    places: np.ndarray = np.interp(ticks, clock, np.arange(float(len(slowness))))
    return places


def _at_places(columns: np.ndarray, places: np.ndarray) -> np.ndarray:
    whole = np.arange(float(len(columns)))
    values = [np.interp(places, whole, column) for column in columns.T] if len(columns) else [*columns.T]
    return np.stack(values, axis=1).astype(np.float32)


MOST_HEIGHTS = 400.0
"""Ink that is more times wider than high is a dash."""
SLOW = 3.0
"""Slow changes along the line have a new value every so many heights of the ink."""
SLOW_POINTS = 25.0
"""Slow changes along the way of the pen have a new value every so many points."""


def smooth_noise(place: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns standard normal values at every whole place from 0 on, and between them on a smooth curve."""
    values = rng.standard_normal(int(np.floor(place.max(initial=0.0))) + 2)
    whole = np.minimum(place.astype(np.int64), len(values) - 2)
    share = place - whole
    share = share * share * (3 - 2 * share)
    noise: np.ndarray = values[whole] * (1 - share) + values[whole + 1] * share
    return noise


def _with_points(ink: Strokes, points: np.ndarray) -> Strokes:
    ends = np.cumsum([len(stroke) for stroke in ink.strokes])[:-1]
    return Strokes(tuple(np.split(points.astype(np.float32), ends)), ink.times, ink.pressures)


def _chosen(columns: Sequence[np.ndarray], kept: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    return tuple(column[mask] for column, mask in zip(columns, kept, strict=True))


def keep_mask(num_points: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Returns which points stay when about `share` of them go; the two ends of a stroke always stay."""
    keep = rng.random(num_points) >= share
    keep[:1] = True
    keep[-1:] = True
    return keep
