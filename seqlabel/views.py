"""An example looked at several times while it is read: larger and smaller, slanted, faster and slower.

A network that is unsure of a line often reads it well when its writing is a little larger; which of the readings is
right, their probabilities tell (`decoders.together`). Nothing here is random, and training does not know of it.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32

from seqlabel.augmentations.speed import resample_rows
from seqlabel.config import Config
from seqlabel.errors import ConfigError
from seqlabel.features import Columns
from seqlabel.features.symbols import SymbolFeature
from seqlabel.frontend import Frontend
from seqlabel.records import Example, LineImage, Matrix, Signal, Strokes, Waveform


class ViewConfig(Config, frozen=True):
    """How a signal is changed before it is read.

    Attributes:
        size: of the writing in a line image, the width of pen ink, the duration of sound and of matrices.
        slant: horizontal shear of pen ink, as a tangent.
    """

    size: float = 1.0
    slant: float = 0.0


IMAGES = tuple(ViewConfig(size=size) for size in (1.25, 0.87, 1.4, 1.12))
INK = (
    ViewConfig(slant=0.2),
    ViewConfig(slant=-0.2),
    ViewConfig(size=1.18),
    ViewConfig(size=0.85),
)
SOUND = tuple(ViewConfig(size=size) for size in (1.07, 0.93, 1.15, 0.87))
MOST_VIEWS = 1 + min(len(IMAGES), len(INK), len(SOUND))
"""The signal as it is and those above, in this order."""
WIDEST_BAND = 0.9
"""Share of the height beyond which no look enlarges small letters."""


class View:
    """Reads examples and computes their frames, as a `Frontend` does, after a change of the signal."""

    def __init__(self, frontend: Frontend, change: Callable[[Signal], Signal] | None = None) -> None:
        self.frontend = frontend
        self.change = change

    def read(self, example: Example) -> Signal:
        """Returns the signal of an example from its file, as it is looked at.

        Raises:
            FormatError: the file cannot be read as what the feature needs.
        """
        return self.changed(self.frontend.read(example))

    def changed(self, signal: Signal) -> Signal:
        """Returns a signal as it is looked at."""
        return signal if self.change is None else self.change(signal)

    def __call__(self, signal: Signal, group: str | None = None) -> Float32[np.ndarray, "T F"]:
        """Returns the frames of a signal that `read` or `changed` gave."""
        return self.frontend(signal, group)


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
        size = min(IMAGES[index].size, max(1.0, WIDEST_BAND / feature.config.band))
        other = Frontend(frontend.config)
        other.feature = Columns(feature.config, size)
        # The statistics of the corpus are those that the network has learnt with.
        other.normalizer = frontend.normalizer
        return View(other)

    def change(signal: Signal) -> Signal:
        match signal:
            case LineImage(pixels):
                wider = resample_rows(pixels.T.astype(np.float32), 1 / IMAGES[index].size).T
                return LineImage(np.ascontiguousarray(wider.round().astype(np.uint8)))
            case Strokes(strokes, times, pressures):
                size, slant = INK[index].size, INK[index].slant
                to = np.array([[size, 0.0], [slant, 1.0]], np.float32)
                return Strokes(tuple(stroke @ to for stroke in strokes), times, pressures)
            case Waveform(samples, sample_rate):
                longer = resample_rows(samples[:, None], 1 / SOUND[index].size)[:, 0]
                return Waveform(longer, sample_rate)
            case Matrix(values):
                return Matrix(resample_rows(values, 1 / SOUND[index].size))
            case _:
                return signal

    return View(frontend, change)
