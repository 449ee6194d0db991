"""Speech Commands (Warden 2018, arXiv 1804.03209): single English words by many people, 16 kHz wav. CC BY 4.0.

    python -m data_prep.speech_commands [SOURCE] OUT

The tree on disk, of version 0.01 (30 words) or 0.02 (35 words), which is fetched without SOURCE:

    speech_commands/
      bed/00176480_nohash_0.wav          the speaker, and which time
      validation_list.txt                bed/026290a7_nohash_0.wav
      testing_list.txt
      _background_noise_/                left out

Writes train, dev and test as in the two lists, referencing the audio where it lies; the text is the word, the group the
speaker. Where neither list is there, the rule by which they were made decides: the SHA-1 of the speaker's name, 10 per
cent each for dev and test (section 6.2 of the paper, `which_set`), so that nobody is in two splits.
"""

import hashlib
import re
import sys
from pathlib import Path

from data_prep.corpus_source import Prepared, Published, find_root, read_lines, run
from seqlabel.errors import ManifestError
from seqlabel.formats import audio_seconds
from seqlabel.records import Example

PUBLISHED = Published(
    name="speech_commands",
    page="https://arxiv.org/abs/1804.03209",
    address="http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
    num_signals=105_829,
)
LISTS = {"dev": "validation_list.txt", "test": "testing_list.txt"}
DEV_PER_CENT = TEST_PER_CENT = 10
_MOST_A_WORD = 2**27 - 1


def prepare(source: Path, out: Path) -> Prepared:
    """Returns the splits; `source` is the folder of the words, or holds it."""
    root = find_root(
        source, "*/*_nohash_*.wav", "a folder for each word, with 00176480_nohash_0.wav and the like"
    )
    listed = _read_lists(root)
    prepared = Prepared(unit="words", group_unit="speakers", splits={"train": [], "dev": [], "test": []})
    found = set()
    for path in sorted(root.glob("*/*.wav")):
        name = f"{path.parent.name}/{path.name}"
        found.add(name)
        if path.parent.name.startswith("_"):
            prepared.leave_out("background noise", name)
        elif "_nohash_" not in path.name:
            prepared.leave_out("not named SPEAKER_nohash_N.wav", name)
        else:
            split = which_set(path.name) if listed is None else listed.get(name, "train")
            speaker = path.name.partition("_nohash_")[0]
            example = Example(id=name.removesuffix(".wav"), source=path, text=path.parent.name, group=speaker)
            prepared.add(split, example, audio_seconds(path))
    for name in sorted(set(listed or {}) - found):
        prepared.leave_out("in a list, but not there", name)
    return prepared


def which_set(name: str) -> str:
    """Returns the split of a file, by its speaker alone.

    >>> which_set("004ae714_nohash_0.wav") == which_set("004ae714_nohash_1.wav")
    True
    """
    speaker = re.sub(r"_nohash_.*$", "", name)
    number = int(hashlib.sha1(speaker.encode(), usedforsecurity=False).hexdigest(), 16)
    per_cent = number % (_MOST_A_WORD + 1) * (100.0 / _MOST_A_WORD)
    if per_cent < DEV_PER_CENT:
        return "dev"
    return "test" if per_cent < DEV_PER_CENT + TEST_PER_CENT else "train"


def _read_lists(root: Path) -> dict[str, str] | None:
    there = [name for name in LISTS.values() if (root / name).is_file()]
    if not there:
        return None
    if len(there) < len(LISTS):
        missing = next(name for name in LISTS.values() if name not in there)
        raise ManifestError(f"{root / missing}: missing, but {there[0]} is there. Expected both, or neither.")
    return {
        line.strip(): split
        for split, name in LISTS.items()
        for line in read_lines(root / name)
        if line.strip()
    }


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())
