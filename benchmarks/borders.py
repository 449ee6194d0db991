"""How far borders of words lie from the true ones: `python -m benchmarks.borders TRUE.ctm FOUND.ctm`.

Both are CTM files; `data_prep.fsdd` writes the true ones, `seqlabel align --format ctm` finds some. Words are compared
one by one in their order. Prints the median and the 90th percentile of the distances of beginnings, ends and both, and
by how much they are late.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

Borders = dict[str, list[tuple[str, float, float]]]


def read_ctm(path: Path) -> Borders:
    """Returns the words of each recording with their beginnings and ends in seconds."""
    found: Borders = defaultdict(list)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fields = line.split()
        if len(fields) < 5:
            raise SystemExit(f"{path}:{number}: expected recording, channel, start, duration, word")
        start, duration = float(fields[2]), float(fields[3])
        found[fields[0]].append((fields[4], start, start + duration))
    return found


def differences(true: Borders, found: Borders) -> np.ndarray:
    """Returns (words, 2): by how many seconds each beginning and each end is late."""
    rows = []
    for name, words in true.items():
        others = found.get(name)
        if others is None or [word for word, *_ in words] != [word for word, *_ in others]:
            raise SystemExit(f"{name}: other words in the two files, or none")
        rows += [(other[1] - word[1], other[2] - word[2]) for word, other in zip(words, others, strict=True)]
    return np.array(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.borders", description=__doc__)
    parser.add_argument("true", type=Path)
    parser.add_argument("found", type=Path)
    given = parser.parse_args(arguments)
    late = 1000 * differences(read_ctm(given.true), read_ctm(given.found))
    print(f"{len(late):,} words, milliseconds")
    print(f"{'':10} {'median':>7} {'90 %':>7} {'late by':>8}")
    for name, values in (("beginnings", late[:, :1]), ("ends", late[:, 1:]), ("both", late)):
        far = np.abs(values)
        print(f"{name:10} {np.median(far):7.1f} {np.quantile(far, 0.9):7.1f} {np.median(values):8.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
