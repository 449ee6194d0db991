"""LJ Speech 1.1 (Keith Ito): one woman reads from seven English books, 24 hours, 22.05 kHz wav. Public domain.

    python -m data_prep.ljspeech [SOURCE] OUT [--dev-share 0.05] [--test-share 0.05]

The tree on disk:

    ljspeech/
      metadata.csv                LJ001-0001|as printed, with 1865 and Dr.|as read, with numbers and titles spelt out
      wavs/LJ001-0001.wav

Writes train, dev and test, referencing the audio where it lies; the text is the third column, as read. There is no
published split and one reader only, so the 50 chapters (LJ001 to LJ050) are the groups, and whole chapters are set
apart in the order of the MD5 of their names: sentences that follow each other stay together. Rows without their audio
or a text are counted and left out.
"""

import sys
from pathlib import Path

from data_prep.corpus_source import Prepared, Published, find_root, read_lines, run
from data_prep.splitting import SHARE_FLAGS, set_apart
from seqlabel.errors import ManifestError
from seqlabel.records import Example

PUBLISHED = Published(
    name="ljspeech",
    page="https://keithito.com/LJ-Speech-Dataset/",
    address="https://data.keithito.com/data/speech/LJSpeech-1.1.tar.bz2",
    num_signals=13_100,
)


def prepare(source: Path, out: Path, dev_share: float = 0.05, test_share: float = 0.05) -> Prepared:
    """Returns the splits; `source` is the folder of metadata.csv, or holds it."""
    root = find_root(source, "metadata.csv", "metadata.csv beside wavs/")
    prepared = Prepared(unit="sentences", group_unit="chapters")
    examples = []
    for number, line in enumerate(read_lines(root / "metadata.csv"), start=1):
        fields = line.rstrip("\r").split("|")
        if len(fields) != 3:
            raise ManifestError(
                f"{root / 'metadata.csv'}:{number}: {line[:60]!r}; expected id|as printed|as read."
            )
        name, text = fields[0].strip(), " ".join(fields[2].split())
        audio = root / "wavs" / f"{name}.wav"
        if not audio.is_file():
            prepared.leave_out("no audio", name)
        elif not text:
            prepared.leave_out("no text as read", name)
        else:
            examples.append(Example(id=name, source=audio, text=text, group=name.partition("-")[0]))
    prepared.splits = set_apart(examples, {"dev": dev_share, "test": test_share})
    prepared.measure()
    return prepared


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments, flags=SHARE_FLAGS)


if __name__ == "__main__":
    sys.exit(main())
