"""An example looked at several times while it is read: test-time augmentation, the same for everybody.

A network that is unsure of a line often reads it well when its writing is a little larger; which of the readings is
right, their probabilities tell (`decoders.ensemble`). Those of images and ink were chosen on the dev sets of poilus and
imadoc (LOG.md, 2026-11-27). Training does not know of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from seqlabel.augmentations.speed import resample_rows
from seqlabel.errors import ConfigError
from seqlabel.features import Columns
from seqlabel.features.symbols import SymbolFeature
from seqlabel.frontend import Frontend
from seqlabel.records import LineImage, Matrix, Signal, Strokes, Waveform

IMAGES = (1.25, 0.87, 1.4, 1.12)
"""How many times as large the writing of a line image is looked at."""
INK = ((1.0, 0.2), (1.0, -0.2), (1.18, 0.0), (0.85, 0.0))
"""How many times as wide pen ink is looked at, and sheared by which tangent."""
SOUND = (1.07, 0.93, 1.15, 0.87)
"""How many times as long sound and matrices are looked at."""
MOST_VIEWS = 1 + min(len(IMAGES), len(INK), len(SOUND))
"""The signal as it is and those above, in this order."""
WIDEST_BAND = 0.9
"""Share of the height beyond which no view enlarges small letters."""


@dataclass(frozen=True, slots=True)
class View:
    """A front end, and how a signal that it has read is changed before its frames are computed."""

    frontend: Frontend
    change: Callable[[Signal], Signal] | None = None

    def changed(self, signal: Signal) -> Signal:
        """Returns a signal as it is looked at."""
        return signal if self.change is None else self.change(signal)

    def __call__(self, signal: Signal, group: str | None = None) -> Float32[np.ndarray, "T F"]:
        """Returns the frames of a signal that the front end has read."""
        return self.frontend(self.changed(signal), group)


def views_of(frontend: Frontend, num_views: int) -> list[View]:
    """Returns the first views of a front end; the first of all is the signal as it is.

    Writing is cut out anew from its file at each size, where the front end brings it to one (`ColumnConfig.band`); a
    line image without is only made wider.

    Raises:
        ConfigError: more views than there are, or none; or what is read is neither sound, nor writing, nor a matrix.
    """
    if not 1 <= num_views <= MOST_VIEWS:
        raise ConfigError(f"{num_views} views: expected 1 to {MOST_VIEWS}")
    if num_views > 1 and isinstance(frontend.feature, SymbolFeature):
        raise ConfigError(f"{num_views} views: what this model reads has one only; expected 1")
    return [View(frontend), *(_view(frontend, index) for index in range(num_views - 1))]


def _view(frontend: Frontend, index: int) -> View:
    feature = frontend.feature
    if isinstance(feature, Columns) and feature.config.band is not None:
        size = min(IMAGES[index], max(1.0, WIDEST_BAND / feature.config.band))
        other = Frontend(frontend.config)
        other.feature = Columns(feature.config, size)
        other.feature.measured = feature.measured  # what is measured later, too
        # The statistics of the corpus are those that the network has learnt with.
        other.normalizer = frontend.normalizer
        return View(other)

    def change(signal: Signal) -> Signal:
        match signal:
            case LineImage(pixels):
                wider = resample_rows(pixels.T.astype(np.float32), 1 / IMAGES[index]).T
                return LineImage(np.ascontiguousarray(wider.round().astype(np.uint8)))
            case Strokes(strokes, times, pressures):
                width, slant = INK[index]
                to = np.array([[width, 0.0], [slant, 1.0]], np.float32)
                return Strokes(tuple(stroke @ to for stroke in strokes), times, pressures)
            case Waveform(samples, sample_rate):
                longer = resample_rows(samples[:, None], 1 / SOUND[index])[:, 0]
                return Waveform(longer, sample_rate)
            case Matrix(values):
                return Matrix(resample_rows(values, 1 / SOUND[index]))
            case _:
                return signal

    return View(frontend, change)
