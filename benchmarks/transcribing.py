"""`seqlabel transcribe` as a user runs it: how many times faster than the recordings were said.

    python -m benchmarks.transcribing MODEL FILE [FILE ...] [--rounds 5]

Each round is a process of its own, from its start (Python, PyTorch, the model) to its last line; the median counts.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from seqlabel.formats import audio_seconds


def main() -> None:
    """Prints a line for each round, and the median with its ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    audio = sum(audio_seconds(path) for path in arguments.files)
    command = [
        sys.executable,
        "-m",
        "seqlabel",
        "transcribe",
        str(arguments.model),
        *map(str, arguments.files),
    ]
    times = []
    for number in range(1, arguments.rounds + 1):
        start = time.monotonic()
        num_lines = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.count(b"\n")
        times.append(time.monotonic() - start)
        print(f"round {number}   {times[-1]:6.2f} s   {num_lines} lines")
    median = statistics.median(times)
    print(
        f"median    {median:6.2f} s for {audio:,.0f} s of sound: {audio / median:,.0f} x as fast as real time"
    )


if __name__ == "__main__":
    main()
