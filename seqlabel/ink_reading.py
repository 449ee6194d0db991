"""Pen ink read with a trained model: each trace group of a file, and each row of a group whose text wraps."""

from pathlib import Path

from seqlabel.formats import INK_SUFFIXES, read_ink_groups, split_rows
from seqlabel.recognizer import Recognizer
from seqlabel.records import Hypothesis


def reads_ink(recognizer: Recognizer) -> bool:
    """Tells whether a model reads pen ink."""
    return recognizer.suffixes >= INK_SUFFIXES


def read_ink_with(recognizer: Recognizer, path: Path, *, rows: bool = False) -> list[list[Hypothesis]]:
    """Returns the best hypothesis of each row of each trace group of an ink file.

    Args:
        recognizer: a model that reads ink.
        path: the file; one without trace groups, or of another kind than InkML, is one group.
        rows: whether a group is split into rows; else it is one.

    Raises:
        FormatError: the file cannot be read.
    """
    groups = read_ink_groups(path)
    parts = [split_rows(ink) if rows else [ink] for ink in groups]
    frames = [recognizer.ensemble.frames_of_ink(ink) for group in parts for ink in group]
    best = (recognizer.calibrated(hypotheses[0]) for hypotheses in recognizer.read_frames(frames))
    return [[next(best) for _ in group] for group in parts]
