"""The same ink written another way: strokes begun at their other end, broken in two, or in another order.

Writers differ in how they make a shape more than in the shape: an 8 begun at its foot, a bar before the stem that it
crosses. A training set of few writers does not have every way in it.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float32

from seqlabel.config import Config, Probability
from seqlabel.records import Signal, Strokes


class PenPathConfig(Config, frozen=True, tag="pen_path"):
    """Random changes of the pen's way through ink that stays as it is.

    Attributes:
        share: of the examples that are changed; in the others a network sees what the usual way of the pen tells.
        lift: probability with which a stroke is broken in two at one of its points, which both pieces keep. Features
            that look for delayed strokes can take the upper piece for one.
        reverse: probability with which a stroke, or a piece of one, is written from its end to its beginning.
        swap: probability with which a stroke changes places with the next one where they lie above each other: where
            half of the narrower one's width is shared with the other. Pairs are asked one after the other, so that a
            stroke can move on by several places.
    """

    share: Probability = 0.5
    lift: Probability = 0.3
    reverse: Probability = 0.3
    swap: Probability = 0.3

    def build(self) -> "PenPath":
        """Returns the augmentation."""
        return PenPath(self)


class PenPath:
    """Writes strokes another way; leaves other signals alone."""

    def __init__(self, config: PenPathConfig) -> None:
        self.config = config

    def __call__(self, signal: Signal, rng: np.random.Generator) -> Signal:
        """Returns the ink with its strokes written another way, drawn from `rng`.

        Each piece takes the time that it took, and the pen waits between two pieces as long as it did at this place;
        not at all where it was lifted.
        """
        if not isinstance(signal, Strokes) or rng.random() >= self.config.share:
            return signal
        pieces = [piece for stroke in _pieces(signal) for piece in self._lifted(stroke, rng)]
        pauses = [after.begins - before.ends for before, after in pairwise(pieces)]
        begins = pieces[0].begins if pieces else 0.0
        pieces = [piece.reversed() if rng.random() < self.config.reverse else piece for piece in pieces]
        for second in range(1, len(pieces)):
            if rng.random() < self.config.swap and _are_above_each_other(*pieces[second - 1 : second + 1]):
                pieces[second - 1 : second + 1] = reversed(pieces[second - 1 : second + 1])
        return Strokes(
            tuple(piece.points for piece in pieces),
            signal.times and _in_turn(pieces, pauses, begins),
            signal.pressures and tuple(piece.pressures for piece in pieces),
        )

    def _lifted(self, stroke: "_Piece", rng: np.random.Generator) -> list["_Piece"]:
        if rng.random() >= self.config.lift or len(stroke.points) < 3:
            return [stroke]
        place = int(rng.integers(1, len(stroke.points) - 1))
        return [stroke.part(slice(0, place + 1)), stroke.part(slice(place, None))]


@dataclass(frozen=True)
class _Piece:
    """A stroke or a part of one: (num_points, 2) points, their times and pressures, zero where none were told."""

    points: Float32[np.ndarray, "_num_points 2"]
    times: Float32[np.ndarray, " _num_points"]
    pressures: Float32[np.ndarray, " _num_points"]

    @property
    def begins(self) -> float:
        return float(self.times[0]) if len(self.times) else 0.0

    @property
    def ends(self) -> float:
        return float(self.times[-1]) if len(self.times) else 0.0

    def part(self, points: slice) -> "_Piece":
        return _Piece(self.points[points], self.times[points], self.pressures[points])

    def reversed(self) -> "_Piece":
        times = self.begins + self.ends - self.times[::-1]
        return _Piece(self.points[::-1], times, self.pressures[::-1])


def _pieces(ink: Strokes) -> list[_Piece]:
    none = tuple(np.zeros(len(stroke), np.float32) for stroke in ink.strokes)
    parts = zip(ink.strokes, ink.times or none, ink.pressures or none, strict=True)
    return [_Piece(*part) for part in parts]


def _are_above_each_other(first: _Piece, second: _Piece) -> bool:
    if not (len(first.points) and len(second.points)):
        return False
    lows = [float(piece.points[:, 0].min()) for piece in (first, second)]
    highs = [float(piece.points[:, 0].max()) for piece in (first, second)]
    narrower = min(high - low for low, high in zip(lows, highs, strict=True))
    return min(highs) - max(lows) >= narrower / 2


def _in_turn(pieces: list[_Piece], pauses: list[float], begins: float) -> tuple[np.ndarray, ...]:
    """Times of the pieces one after the other, the first from when the ink begins."""
    now, times = begins, []
    for piece, pause in zip(pieces, [0.0, *pauses], strict=True):
        times.append((piece.times - piece.begins + now + pause).astype(np.float32))
        now += pause + piece.ends - piece.begins
    return tuple(times)
