"""Pages read with a trained model: the text of each line, and where its words and characters stand on the page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from seqlabel.calibration import Calibration, Scale
from seqlabel.ctc import Emissions
from seqlabel.decoders import token_spans, words_of
from seqlabel.ensemble import Frames
from seqlabel.errors import ConfigError, SeqlabelError
from seqlabel.features import Columns, GeometricColumns
from seqlabel.formats import (
    LinePlace,
    Page,
    PlacedText,
    load_page_image,
    page_address,
    read_page,
    read_page_line,
)
from seqlabel.recognizer import Recognizer
from seqlabel.records import Example, Hypothesis, LineImage, Span
from seqlabel.tokens import TokenTable

MOST_WIDTH = 1.5
"""The first and the last character of a line reach out by half of this many typical widths at most."""


@dataclass(frozen=True, slots=True)
class LineReading:
    """What was read of a line: the best hypotheses, and where the words of the first stand, in the file's own unit.

    There are no words where the line is empty or their places were not asked for.
    """

    hypotheses: tuple[Hypothesis, ...]
    words: tuple[PlacedText, ...]


@dataclass(frozen=True, slots=True)
class PageReading:
    """What was read of a page.

    Attributes:
        page: the page as its file describes it.
        lines: by their place in `page.lines`; those that could not be read are in `failed`.
        failed: by their place in `page.lines`, why a line could not be read.
    """

    page: Page
    lines: dict[int, LineReading]
    failed: dict[int, SeqlabelError]


def read_page_with(
    recognizer: Recognizer,
    path: Path,
    n_best: int = 1,
    *,
    places: bool = True,
    on_line: Callable[[], object] | None = None,
) -> PageReading:
    """Returns what a model reads on a page.

    Args:
        recognizer: the model.
        path: an ALTO or PAGE file.
        n_best: hypotheses of each line.
        places: whether to find out where the words stand, for which each line is cut out once more.
        on_line: called several times for each line; what it raises ends the reading.

    Raises:
        ConfigError: the model does not read line images.
        FormatError: the file is no page, or its image is not there or damaged.
    """
    feature = recognizer.loaded.frontend.feature
    if not isinstance(feature, Columns | GeometricColumns):
        raise ConfigError(f"{path}: is a page, and the model does not read line images; take one that does")
    page = read_page(path)
    load_page_image(path)
    failed: dict[int, SeqlabelError] = {}
    frames: dict[int, Frames] = {}
    on_line = on_line or (lambda: None)
    # The lines of a page are one group: of one hand as a rule, and in any case of one scan.
    examples = [
        Example(id=line.id, source=page_address(path, index), group=str(path))
        for index, line in enumerate(page.lines)
    ]
    recognizer.ensemble.measure(examples, on_line)
    for index in range(len(examples)):
        on_line()
        try:
            frames[index] = recognizer.ensemble.frames(examples[index])
        except SeqlabelError as error:
            failed[index] = error
    emitted: dict[int, np.ndarray] = {}

    def keep(indices: list[int], emissions: Emissions) -> None:
        log_probs = emissions.log_probs.float().cpu().numpy()
        for turn, rows, length in zip(indices, log_probs, emissions.lengths.tolist(), strict=True):
            emitted[turn] = rows[:length].copy()

    found = recognizer.read_frames(list(frames.values()), n_best, on_line, keep)
    lines: dict[int, LineReading] = {}
    for turn, (index, hypotheses) in enumerate(zip(frames, found, strict=True)):
        on_line()
        best = hypotheses[0]
        if not places:
            lines[index] = LineReading(tuple(map(recognizer.calibrated, hypotheses)), ())
            continue
        image, place = read_page_line(page_address(path, index), feature.config.cut)
        spans = best.spans or token_spans(emitted[turn], best.token_ids, recognizer.header.tokens)
        edges = feature.frame_edges(image, len(emitted[turn]), examples[index].group, place.scale)
        # The file may measure in another unit than the pixel of this image.
        unit = np.array(page.size or place.page_size) / place.page_size
        words = _words(
            spans,
            edges,
            image,
            place,
            unit,
            recognizer.header.tokens,
            recognizer.calibration or Calibration(),
        )
        lines[index] = LineReading(tuple(map(recognizer.calibrated, hypotheses)), words)
    return PageReading(page, lines, failed)


def _words(
    spans: Sequence[Span],
    edges: Float64[np.ndarray, " frames1"],
    image: LineImage,
    place: LinePlace,
    unit: Float64[np.ndarray, "2"],
    tokens: TokenTable,
    calibration: Calibration,
) -> tuple[PlacedText, ...]:
    """Returns the words of a line on its page; between two characters the border lies half way from peak to peak."""
    if not spans:
        return ()
    middle = [(span.start_frame + span.end_frame) / 2 for span in spans]
    typical = float(np.median(np.diff(middle))) if len(middle) > 1 else 2.0
    reach = max(1.0, MOST_WIDTH * typical) / 2
    borders = [max(0.0, middle[0] - reach)]
    borders += [(before + after) / 2 for before, after in pairwise(middle)]
    borders += [min(len(edges) - 1.0, middle[-1] + reach)]
    columns = np.interp(borders, np.arange(len(edges)), edges)
    height = float(image.pixels.shape[0])

    def placed(text: str, first: int, last: int, scale: Scale) -> PlacedText:
        left, right = columns[first], columns[last + 1]
        corners = np.array([(left, 0.0), (right, 0.0), (right, height), (left, height)])
        least = min(span.confidence for span in spans[first : last + 1])
        return PlacedText(text, place.on_page(corners) * unit, float(scale(np.array([least]))[0]))

    words: list[PlacedText] = []
    for parts in words_of([span.text for span in spans], tokens):
        places = [place for _, place in parts]
        text = "".join(part for part, _ in parts)
        characters = tuple(placed(part, place, place, calibration.tokens) for part, place in parts)
        word = placed(text, min(places), max(places), calibration.words)
        words.append(word if tokens.unit == "word" else replace(word, parts=characters))
    return tuple(words)
