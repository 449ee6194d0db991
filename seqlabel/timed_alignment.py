"""Texts aligned with recordings: when each word and token of a known text is said."""

from collections.abc import Sequence
from pathlib import Path

from seqlabel.bars import BarOf
from seqlabel.ctc import collapse
from seqlabel.data import Offender
from seqlabel.decoders import word_spans
from seqlabel.formats import TimedReading
from seqlabel.recognizer import Recognizer
from seqlabel.records import Example, Waveform
from seqlabel.timed_reading import Said, timed_spans, times_of_all


def align_timed(
    recognizer: Recognizer,
    manifest: str | Path | Sequence[Example],
    bar_of: BarOf | None = None,
    label_prior: float = 0.0,
    *,
    by_sound: bool = True,
) -> tuple[list[tuple[Example, TimedReading]], list[Offender]]:
    """Returns the examples with the times of their texts, and those that cannot be aligned.

    Args:
        recognizer: a model that tells times (`tells_times`).
        manifest: recordings with their texts, whose sounds are learnt together: the more, the better.
        bar_of: as for `Recognizer.evaluate`.
        label_prior: as for `Recognizer.aligned`.
        by_sound: find the borders by what the tokens sound like (`borders`); else they lie half way between the
            peaks of CTC.

    Raises:
        ConfigError: the model has not learnt by CTC.
    """
    found, offenders = recognizer.aligned(manifest, bar_of, label_prior)
    tokens = recognizer.header.tokens
    said = []
    for one in found:
        assert isinstance(one.signal, Waveform)
        said.append(Said(one.signal, tuple(collapse(one.path)), one.spans))
    times = times_of_all(recognizer, said, by_sound=by_sound)
    return [
        (
            one.example,
            timed_spans(one.example.id, part.seconds, one.spans, word_spans(one.spans, tokens), own),
        )
        for one, part, own in zip(found, said, times, strict=True)
    ], offenders
