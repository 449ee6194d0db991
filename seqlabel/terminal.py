"""What the commands share: files that are written whole or not at all, tables, and complaints of one line."""

import argparse
import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from seqlabel.errors import ConfigError, one_line
from seqlabel.whole_files import whole_file

if TYPE_CHECKING:
    from seqlabel.bars import BarOf
    from seqlabel.confidence import Interval
    from seqlabel.line_scores import RateIntervals
    from seqlabel.metrics import ErrorRates
    from seqlabel.records import Hypothesis

DONE, USER_ERROR, INTERRUPTED = 0, 2, 130
"""Exit codes."""
SOUND, PEAKS = "sound", "peaks"
"""Where words end in times: by what their tokens sound like, or half way between the peaks of CTC."""
MOST_LABELS = 20
"""A table of confusions has as many rows at most; beyond that the most frequent ones are listed."""


def refuse_unwritable(out: Path) -> None:
    """Says before the work, and not after it, that its result has no place."""
    if out.is_dir():
        raise ConfigError(f"{out}: is a folder; name a file")
    if not out.parent.is_dir():
        raise ConfigError(f"{out}: its folder does not exist; make {out.parent} first")
    if not os.access(out if out.exists() else out.parent, os.W_OK):
        raise ConfigError(f"{out}: cannot be written here; name a file elsewhere")


def files_below(folder: Path, suffixes: Iterable[str]) -> Iterator[Path]:
    """The files below a folder that end like `suffixes`, in the order of their names; hidden ones are not for us."""
    endings = tuple(suffixes)

    def refuse(error: OSError) -> NoReturn:
        raise error

    for where, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(endings) and not name.startswith("."):
                yield Path(where, name)


def add_borders_option(parser: argparse.ArgumentParser) -> None:
    """Adds the option of commands that write times of words."""
    parser.add_argument(
        "--borders",
        choices=(SOUND, PEAKS),
        help="where words begin and end in times: by what their tokens sound like (the default), or "
        "half way between the frames where the model is surest",
    )


def write_lines(path: Path, lines: Sequence[str]) -> None:
    """Writes a whole file or none; devices and pipes as they are."""
    text = "".join(f"{line}\n" for line in lines)
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
            return
        with whole_file(path.resolve(), is_synced=False) as temporary:  # a link stays one
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be written ({error.strerror or error}); name another file"
        ) from error


def print_rates(rates: "ErrorRates", intervals: "RateIntervals", unit: str = "words") -> None:
    """Prints error rates for people, with their intervals in per cent and their counts.

    `unit` is what the words are called: of `phones` the rate is PER.
    """
    word_rate = "PER" if unit == "phones" else "WER"
    rows = [
        (f"{rates.unit}s", "CER", rates.cer, rates.characters, intervals.cer),
        (unit, word_rate, rates.wer, rates.words, intervals.wer),
    ]
    width = max(len(f"{counts.errors:,}") for _, _, _, counts, _ in rows)
    length = max(len(f"{counts.reference_length:,}") for _, _, _, counts, _ in rows)
    wide = max(len(_with_space(found)) for found in (intervals.cer, intervals.wer, intervals.ser))
    for named, name, rate, counts, found in rows:
        errors = f"{counts.errors:{width},} {'error ' if counts.errors == 1 else 'errors'}"
        kinds = f"{counts.substitutions:,} substituted, {counts.deletions:,} deleted, {counts.insertions:,} inserted"
        print(
            f"{name} {percent(rate):>9}{_with_space(found):<{wide}}  {errors} in "
            f"{counts.reference_length:{length},} {named:<10}  {kinds}"
        )
    if rates.frames is not None:
        frames = rates.frames
        right = frames.reference_length - frames.errors
        print(f"frames {percent(1 - rates.fer)} right, {right:,} of {frames.reference_length:,}")
    wrong = f"{rates.num_wrong:{width},} wrong  of {rates.num_examples:{length},} examples"
    print(f"SER {percent(rates.ser):>9}{_with_space(intervals.ser):<{wide}}  {wrong}")


def print_labels(
    rates: "ErrorRates", pairs: list[tuple[str, str]], intervals: "RateIntervals", *, as_json: bool
) -> None:
    """Prints what a classification is judged by: accuracy and the table of confusions."""
    from seqlabel.confidence import Interval
    from seqlabel.metrics import confusions

    counts = confusions(pairs)
    if as_json:
        named = [{"reference": r, "hypothesis": h, "count": count} for (r, h), count in counts.items()]
        found = {**rates.as_json(), "intervals": intervals.as_json(), "confusions": named}
        print(as_json_text({"accuracy": 1 - rates.ser, **found}))
        return
    ser = intervals.ser
    right = None if ser is None else Interval(1 - ser.high, 1 - ser.low)
    print(
        f"accuracy {percent(1 - rates.ser)}{_with_space(right)}  "
        f"{rates.num_wrong:,} wrong of {rates.num_examples:,} examples"
    )
    labels = sorted({label for pair in counts for label in pair})
    if len(labels) > MOST_LABELS:
        wrong = [(pair, count) for pair, count in counts.items() if pair[0] != pair[1]]
        for (reference, hypothesis), count in wrong[:MOST_LABELS]:
            print(f"{count:6,}  {reference} read as {hypothesis}")
        return
    width = max(len(label) for label in labels)
    cell = max(width, max(len(f"{count:,}") for count in counts.values())) + 1
    print(" " * width + "".join(f"{label:>{cell}}" for label in labels) + "   read as")
    for reference in labels:
        row = (counts.get((reference, hypothesis), 0) for hypothesis in labels)
        print(f"{reference:<{width}}" + "".join(f"{count or '.':>{cell}}" for count in row))


def print_table(rows: Iterable[tuple[str, str]]) -> None:
    """Prints names and what there is to say of each."""
    shown = list(rows)
    width = max(10, *(len(name) + 1 for name, _ in shown))
    for name, value in shown:
        print(f"{name:<{width}}{value}".rstrip())


def percent(rate: float) -> str:
    """Returns a fraction as per cent."""
    return f"{100 * rate:.2f} %"


def _with_space(interval: "Interval | None") -> str:
    return "" if interval is None else f" {interval}"


def hypothesis_as_json(found: "Hypothesis") -> dict[str, Any]:
    """Returns a hypothesis with its scores and, where the decoder tells, the frames of its words and tokens."""
    row: dict[str, Any] = {"text": found.text, "score": finite(found.score)}
    if found.acoustic_score is not None:
        row["acoustic_score"] = finite(found.acoustic_score)
        row["language_score"] = found.language_score
    for name, spans in (("words", found.words), ("tokens", found.spans)):
        if spans:
            row[name] = [
                {
                    "text": span.text,
                    "start_frame": span.start_frame,
                    "end_frame": span.end_frame,
                    "confidence": span.confidence,
                }
                for span in spans
            ]
    return row


def finite(number: float) -> float | None:
    """Returns the number, or None for what JSON has no number for."""
    return number if math.isfinite(number) else None


def as_json_text(value: object) -> str:
    """Returns a value as JSON of one line."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    # A path that is not UTF-8 can stand in JSON by escapes only.
    return text if text.isprintable() else json.dumps(value, allow_nan=False)


def bars_on_terminal() -> "BarOf | None":
    """Progress bars on a terminal; nothing where nobody looks."""
    if not sys.stderr.isatty():
        return None
    from functools import partial

    from rich.console import Console

    from seqlabel.run_log import bar_of

    return partial(bar_of, Console(file=sys.stderr))


def complain(error: object) -> int:
    """Says what is wrong in one line and returns the exit code for it."""
    said = " ".join(line.strip() for line in str(error).splitlines())
    print(f"seqlabel: {one_line(said)}", file=sys.stderr)
    return USER_ERROR
