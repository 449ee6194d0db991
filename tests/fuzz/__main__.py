"""Reads files that were damaged on purpose: `python -m tests.fuzz READER ... --count 100000 --seed 1`, or `all`.

Prints for each reader how many inputs were read and how many refused, the slowest, the most memory, and what was
wrong; exits with 1 where anything was.
"""

import argparse
import json
import sys
from pathlib import Path


def main() -> int:
    """Runs the readers that are named."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("readers", nargs="+", metavar="READER", help="names, or all")
    parser.add_argument(
        "--count", type=int, default=100_000, help="damaged inputs for each reader (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="another one makes other inputs (%(default)s)")
    parser.add_argument("--start", type=int, default=0, help="number of the first input (%(default)s)")
    parser.add_argument("--keep", type=Path, help="a folder for the inputs that something was wrong with")
    parser.add_argument("--json", action="store_true", help="one JSON object for each reader")
    arguments = parser.parse_args()
    from tests.fuzz.processes import run
    from tests.fuzz.readers import READERS

    names = list(READERS) if arguments.readers == ["all"] else arguments.readers
    if unknown := [name for name in names if name not in READERS]:
        parser.error(f"no reader {unknown[0]!r}; there are {', '.join(READERS)}")
    num_wrong = 0
    for name in names:
        found = run(READERS[name], arguments.count, arguments.seed, arguments.keep, arguments.start)
        num_wrong += len(found.findings)
        if arguments.json:
            wrong = [vars(finding) for finding in found.findings.values()]
            print(json.dumps(vars(found) | {"findings": wrong}), flush=True)
            continue
        print(
            f"{name:<14} {found.count:>7,} inputs in {found.seconds:6.1f} s: {found.num_read:,} read, "
            f"{found.num_refused:,} refused; slowest {found.slowest:.2f} s, memory +{found.most_bytes >> 20} MB, "
            f"{len(found.findings)} kinds of findings",
            flush=True,
        )
        for finding in found.findings.values():
            print(
                f"    {finding.count:>6} x {finding.kind} at input {finding.index}: {finding.where} {finding.what}",
                flush=True,
            )
    return 1 if num_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
