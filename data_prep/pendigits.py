"""UCI pendigits: the original pen trajectories of handwritten digits by 44 writers. CC BY 4.0.

    python -m data_prep.pendigits [SOURCE] OUT

The tree on disk (UNIPEN text, 500 x 500 tablet, y upwards; `.COMMENT digit writer index` in writing order):

    pendigits/
      pendigits-orig.train      or as published: pendigits-orig.tra.Z, pendigits-orig.tra
      pendigits-orig.test       or pendigits-orig.tes.Z, pendigits-orig.tes

Writes below OUT, all as JSON strokes:

- single_train, single_dev, single_test: the digits one by one;
- train, dev, test: strings of 3 to 7 digits by one writer, side by side in writing order. A digit is only
  moved, never scaled: on a common base line with a little jitter, after a gap drawn at random. Train and dev
  digits stand in several strings cut at different places; each test digit stands in exactly one.

Test are the 14 writers of the test file, dev the 5 of the 30 train writers with the smallest MD5 of their
names. Each file numbers its writers from 1, so they are called train01 ..., test01 ... The seed is fixed.
"""

import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_prep.corpus_source import Prepared, Published, ranked_by_hash, run
from data_prep.unix_compress import read_compressed
from seqlabel.errors import ManifestError
from seqlabel.formats import read_unipen_segments, write_strokes
from seqlabel.records import Example, Strokes

PUBLISHED = Published(
    name="pendigits",
    page="https://archive.ics.uci.edu/dataset/81/pen+based+recognition+of+handwritten+digits",
    address="https://archive.ics.uci.edu/static/public/81/pen+based+recognition+of+handwritten+digits.zip",
    sha256="1e02bea023613c2b11c9492f6f34caf975420455934f3527d270cee9a1f03b64",
    num_signals=7494 + 3498,
)
SEED = 1998
NUM_DEV_WRITERS = 5
MIN_DIGITS, MAX_DIGITS = 3, 7
NUM_PASSES = {"train": 5, "dev": 2, "test": 1}
# Tablet units; a digit is about 200 high. The gaps run from nearly touching to clearly apart.
MIN_GAP, MAX_GAP = 10.0, 120.0
BASELINE_JITTER = 12.0  # standard deviation
FILE_NAMES = {
    "train": ("pendigits-orig.train", "pendigits-orig.tra", "pendigits-orig.tra.Z"),
    "test": ("pendigits-orig.test", "pendigits-orig.tes", "pendigits-orig.tes.Z"),
}


@dataclass(frozen=True)
class Digit:
    """One written digit: its label, its writer, its place in the writing order, its ink."""

    label: str
    writer: str
    index: int
    ink: Strokes


def prepare(source: Path, out: Path) -> Prepared:
    """Returns the splits after the ink stands in `out/single` and `out/strings`."""
    prepared = Prepared(unit="examples", group_unit="writers")
    train = _read_digits(source, "train", out, prepared)
    test = _read_digits(source, "test", out, prepared)
    writers = ranked_by_hash(digit.writer for digit in train)
    dev_writers = set(writers[: min(NUM_DEV_WRITERS, len(writers) // 2)])
    parts = {
        "train": [digit for digit in train if digit.writer not in dev_writers],
        "dev": [digit for digit in train if digit.writer in dev_writers],
        "test": test,
    }
    for split, digits in parts.items():
        prepared.splits[f"single_{split}"] = _write_singles(digits, out)
    for split, digits in parts.items():
        prepared.splits[split] = _write_strings(digits, split, out, prepared)
    return prepared


def cut_points(num_digits: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Returns (start, end) of consecutive strings of 3 to 7 digits that use each digit exactly once.

    Fewer than 3 digits give nothing. Lengths are drawn at random as long as what remains can still be cut.
    """
    cuts = []
    start = 0
    while num_digits - start >= MIN_DIGITS:
        remaining = num_digits - start
        lengths = [
            length
            for length in range(MIN_DIGITS, MAX_DIGITS + 1)
            if length == remaining or remaining - length >= MIN_DIGITS
        ]
        length = int(rng.choice(lengths))
        cuts.append((start, start + length))
        start += length
    return cuts


def set_side_by_side(digits: list[Digit], rng: np.random.Generator) -> Strokes:
    """Returns the digits as one piece of ink: each behind the one before, its lowest point near y = 0."""
    strokes = []
    right_edge = 0.0
    for number, digit in enumerate(digits):
        points = np.concatenate(digit.ink.strokes)
        left, right = float(points[:, 0].min()), float(points[:, 0].max())
        lowest = float(points[:, 1].max())  # y grows downwards
        gap = rng.uniform(MIN_GAP, MAX_GAP) if number else 0.0
        # Whole tablet units, as the tablet gives them.
        shift = np.rint([right_edge + gap - left, rng.normal(0.0, BASELINE_JITTER) - lowest]).astype(
            np.float32
        )
        strokes += [stroke + shift for stroke in digit.ink.strokes]
        right_edge = right + float(shift[0])
    return Strokes(tuple(strokes))


def _read_digits(source: Path, split: str, out: Path, prepared: Prepared) -> list[Digit]:
    path = next(
        (path for name in FILE_NAMES[split] for path in sorted(source.rglob(name)) if path.is_file()), None
    )
    if path is None:
        raise ManifestError(
            f"{source}: none of {', '.join(FILE_NAMES[split])} in it. Expected the original trajectories."
        )
    if path.suffix == ".Z":
        unpacked = out / path.stem
        out.mkdir(parents=True, exist_ok=True)
        unpacked.write_bytes(read_compressed(path))
        path = unpacked
    digits = []
    for number, segment in enumerate(read_unipen_segments(path)):
        fields = segment.comment.split()
        if len(fields) != 3 or not all(field.isdecimal() for field in fields) or fields[0] != segment.label:
            raise ManifestError(
                f"{path}: segment {number} has the label {segment.label!r}, the comment {segment.comment!r}; "
                "expected 'digit writer index'."
            )
        writer = f"{split}{int(fields[1]):02d}"
        if sum(len(stroke) for stroke in segment.strokes.strokes) == 0:
            prepared.leave_out("no ink", f"{writer}-{fields[2]}")
            continue
        digits.append(Digit(segment.label, writer, int(fields[2]), segment.strokes))
    return sorted(digits, key=lambda digit: (digit.writer, digit.index))


def _write_singles(digits: list[Digit], out: Path) -> list[Example]:
    examples = []
    for digit in digits:
        example_id = f"{digit.writer}-{digit.index:03d}"
        target = out / "single" / digit.writer / f"{example_id}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        write_strokes(target, digit.ink)
        examples.append(Example(id=example_id, source=target, text=digit.label, group=digit.writer))
    return examples


def _write_strings(digits: list[Digit], split: str, out: Path, prepared: Prepared) -> list[Example]:
    by_writer: dict[str, list[Digit]] = defaultdict(list)
    for digit in digits:
        by_writer[digit.writer].append(digit)
    examples = []
    for writer, written in sorted(by_writer.items()):
        # A seed for each writer: another writer more or less changes nobody else's strings.
        rng = np.random.default_rng([SEED, *writer.encode()])
        if len(written) < MIN_DIGITS:
            prepared.leave_out(f"writers with fewer than {MIN_DIGITS} digits", writer)
        for pass_number in range(NUM_PASSES[split]):
            for start, end in cut_points(len(written), rng):
                chosen = written[start:end]
                example_id = f"{writer}-pass{pass_number}-{chosen[0].index:03d}-{chosen[-1].index:03d}"
                target = out / "strings" / writer / f"{example_id}.json"
                target.parent.mkdir(parents=True, exist_ok=True)
                write_strokes(target, set_side_by_side(chosen, rng))
                text = "".join(digit.label for digit in chosen)
                examples.append(Example(id=example_id, source=target, text=text, group=writer))
    return examples


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())
