"""TIDIGITS (LDC93S10): strings of up to seven English digits by 326 speakers, 20 kHz. Licence of the LDC.

    python -m data_prep.tidigits SOURCE OUT [--speakers adults|children]

The tree on disk, in lower case or in upper case; the LDC's release has adults and children in folders of their own:

    tidigits/
      data/adults/train/man/ae/1a.wav        the first time (a) that ae says one; b is the second
      data/adults/train/man/ae/3z82oa.wav    three zero eight two oh
      data/adults/test/woman/...
      data/children/train/boy/..., girl/...

Writes train, dev and test, referencing the audio where it lies: test is the published one (disjoint speakers); a tenth
of train, whole speakers in the order of the MD5 of their names, is dev. The text is the words: z is zero, o is oh.
Adults and children together, or those of `--speakers`.

The LDC's files are NIST SPHERE compressed with shorten, which is not read here: the message says so, and `sph2pipe -f
wav` unpacks them (into the same tree, with the same names).
"""

import re
import sys
from pathlib import Path

from data_prep.corpus_source import Flags, Prepared, Published, run
from data_prep.splitting import set_apart
from seqlabel.errors import ManifestError
from seqlabel.records import Example

PUBLISHED = Published(name="tidigits", page="https://catalog.ldc.upenn.edu/LDC93S10", address=None)
WORDS = {
    "1": "one", "2": "two", "3": "three", "4": "four", "5": "five", "6": "six", "7": "seven", "8": "eight",
    "9": "nine", "z": "zero", "o": "oh",
}  # fmt: skip
ADULTS, CHILDREN = ("man", "woman"), ("boy", "girl")
DEV_SHARE = 0.1
FLAGS: Flags = {
    "--speakers": {"choices": ("adults", "children"), "default": None, "help": "only these (default: all)"}
}


def prepare(source: Path, out: Path, speakers: str | None = None) -> Prepared:
    """Returns the splits; `source` holds train and test, at any depth."""
    prepared = Prepared(unit="strings", group_unit="speakers")
    wanted = {"adults": ADULTS, "children": CHILDREN, None: ADULTS + CHILDREN}[speakers]
    parts: dict[str, list[Example]] = {"train": [], "test": []}
    for path in sorted(source.rglob("*")):
        if path.suffix.lower() not in (".wav", ".flac"):
            continue
        folders = [folder.lower() for folder in path.relative_to(source.parent).parts[-4:-1]]
        if len(folders) < 3 or folders[0] not in parts or folders[1] not in ADULTS + CHILDREN:
            prepared.leave_out(
                "not in train or test, man, woman, boy or girl", path.relative_to(source).as_posix()
            )
            continue
        part, kind, speaker = folders
        match = re.fullmatch(r"([1-9zo]{1,7})([ab])", path.stem.lower())
        if kind not in wanted:
            prepared.leave_out(f"not of the {speakers}", f"{kind}-{speaker}-{path.stem.lower()}")
        elif match is None:
            prepared.leave_out("not named of digits and a or b", path.relative_to(source).as_posix())
        else:
            parts[part].append(
                Example(
                    id=f"{kind}-{speaker}-{path.stem.lower()}",
                    source=path,
                    text=" ".join(WORDS[digit] for digit in match[1]),
                    group=f"{kind}-{speaker}",
                )
            )
    if not all(parts.values()):
        raise ManifestError(
            f"{source}: no audio of train or of test. Expected train/man/ae/1a.wav and test/..."
        )
    prepared.splits = set_apart(parts["train"], {"dev": DEV_SHARE}) | {"test": parts["test"]}
    prepared.measure()
    return prepared


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments, flags=FLAGS)


if __name__ == "__main__":
    sys.exit(main())
