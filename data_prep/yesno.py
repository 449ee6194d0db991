"""Yesno (OpenSLR 1): one man says yes and no in Hebrew, eight times a recording, 8 kHz wav.

    python -m data_prep.yesno [SOURCE] OUT

The tree on disk:

    yesno/
      waves_yesno/0_0_1_0_1_0_1_1.wav       1 is yes (ken), 0 is no (lo)

Writes train, dev and test, referencing the audio where it lies. There is no published split: as usual the first half of
the recordings by name is for training and the second for test (30 recordings, 240 words); a tenth of the first half is
set apart as dev, in the order of the MD5 of their names. The text is `no no yes no ...`.
"""

import re
import sys
from pathlib import Path

from data_prep.corpus_source import Prepared, Published, find_file, run
from data_prep.splitting import set_apart
from seqlabel.records import Example

PUBLISHED = Published(
    name="yesno",
    page="https://www.openslr.org/1",
    address="https://www.openslr.org/resources/1/waves_yesno.tar.gz",
    sha256="30301975fd8c5cac4040c261c0852f57cfa8adbbad2ce78e77e4986957445f27",
    num_signals=60,
)
WORDS = {"0": "no", "1": "yes"}
DEV_SHARE = 0.1


def prepare(source: Path, out: Path) -> Prepared:
    """Returns the splits; `source` holds the recordings, or the folder that does."""
    folder = find_file(source, ["[01]_*.wav"], "waves_yesno/0_0_1_0_1_0_1_1.wav and the like").parent
    prepared = Prepared(unit="recordings", group_unit="speakers")
    examples = []
    for path in sorted(folder.glob("*.wav")):
        if re.fullmatch(r"[01](_[01])*", path.stem):
            text = " ".join(WORDS[digit] for digit in path.stem.split("_"))
            examples.append(Example(id=path.stem, source=path, text=text))
        else:
            prepared.leave_out("not named of 0 and 1", path.name)
    half = len(examples) // 2
    prepared.splits = set_apart(examples[:half], {"dev": DEV_SHARE}) | {"test": examples[half:]}
    prepared.measure()
    return prepared


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())
