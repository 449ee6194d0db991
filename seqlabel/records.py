"""The plain records that travel between the parts: examples, signals and hypotheses."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One text line or utterance: where its signal lies and what it says.

    Attributes:
        id: unique within a manifest.
        source: the file; matrices inside a Kaldi archive are `archive.ark:byte_offset`, lines of symbols
            `file.txt:line`, and, counted from 0, lines of pages `page.xml:7`, rows of ink `page.inkml:2` and images of
            a TIFF `scan.tif:3`.
        text: the reference; None where nobody has transcribed it.
        start_seconds, end_seconds: the part of the file that is meant; None for the whole.
        group: speaker or writer; None where unknown.
        labels: what each stretch of the example is, from its beginning to its end, with lengths in any one unit
            (frames, samples, seconds), which share out the whole; None where nobody has aligned it.
        channel: of audio, the one that is meant, counted from 0; None for the mean of all channels.
    """

    id: str
    source: Path
    text: str | None = None
    start_seconds: float | None = None
    end_seconds: float | None = None
    group: str | None = None
    labels: tuple[tuple[str, float], ...] | None = None
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class Waveform:
    """One channel of audio. `samples` lie in [-1, 1]; `sample_rate` is in Hz."""

    samples: Float32[np.ndarray, " num_samples"]
    sample_rate: int


@dataclass(frozen=True, slots=True)
class LineImage:
    """A grey image of one text line: 0 is black (ink), 255 is white (paper)."""

    pixels: UInt8[np.ndarray, "height width"]


@dataclass(frozen=True, slots=True)
class Strokes:
    """Pen ink.

    Attributes:
        strokes: one (num_points, 2) array of x (to the right) and y (DOWNWARDS) for each stroke, in tablet units.
        times: seconds from the first point of the ink, one array for each stroke; None where the tablet told none.
        pressures: of the pen, in any one unit, one array for each stroke; None where the tablet told none.
    """

    strokes: tuple[Float32[np.ndarray, "_num_points 2"], ...]
    times: tuple[Float32[np.ndarray, " _num_points"], ...] | None = None
    pressures: tuple[Float32[np.ndarray, " _num_points"], ...] | None = None


@dataclass(frozen=True, slots=True)
class Matrix:
    """Frames somebody else has computed: one row for each frame."""

    values: Float32[np.ndarray, "T F"]


@dataclass(frozen=True, slots=True)
class Symbols:
    """Discrete input: the names of its symbols in their order."""

    names: tuple[str, ...]


Signal = Waveform | LineImage | Strokes | Matrix | Symbols


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Where a token or a word stands: frames of emissions, the end not included.

    Attributes:
        text: the token, or the word.
        start_frame, end_frame: on the most probable path of the labelling.
        confidence: the highest probability that the model gives the token there; of a word, the least of its tokens'.
    """

    text: str
    start_frame: int
    end_frame: int
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """What a decoder reads in one example.

    Attributes:
        text: the tokens joined.
        token_ids: the labelling.
        score: natural logarithm of its probability, as the decoder counts it.
        acoustic_score: the part of the score that comes from the emissions; None where the score has no other.
        language_score: the part of it that comes from language models and bonuses.
        spans: where each token stands, in the order of the frames; empty where the decoder does not tell.
        words: where each word stands, in the order in which they are read.
    """

    text: str
    token_ids: tuple[int, ...]
    score: float
    acoustic_score: float | None = None
    language_score: float = 0.0
    spans: tuple[Span, ...] = ()
    words: tuple[Span, ...] = ()
