"""LibriSpeech (OpenSLR 12): English audio books, 1000 hours by 2484 readers, 16 kHz FLAC. CC BY 4.0.

    python -m data_prep.librispeech SOURCE OUT [--train train-clean-100,train-clean-360]

The tree on disk, the archives that you want of it unpacked side by side:

    librispeech/
      train-clean-100/103/1240/103-1240-0000.flac      reader, chapter, utterance
      train-clean-100/103/1240/103-1240.trans.txt      103-1240-0000 CHAPTER ONE MISSUS RACHEL LYNDE
      train-clean-360/, train-other-500/, dev-clean/, dev-other/, test-clean/, test-other/
      SPEAKERS.TXT                                     not needed here: the reader is the group

Writes train (all the train folders there, or those named), dev (dev-clean), dev_other, test (test-clean) and
test_other, as far as their folders are there, referencing the audio where it lies. Utterances without audio are counted
and left out. There are several archives, so SOURCE has to be given: https://www.openslr.org/12.
"""

import sys
from pathlib import Path

from data_prep.corpus_source import Flags, Prepared, Published, find_root, read_lines, run
from seqlabel.errors import ManifestError
from seqlabel.formats import audio_seconds
from seqlabel.records import Example

PUBLISHED = Published(name="librispeech", page="https://www.openslr.org/12", address=None)
OTHERS = {"dev": "dev-clean", "dev_other": "dev-other", "test": "test-clean", "test_other": "test-other"}
FLAGS: Flags = {
    "--train": {"default": None, "metavar": "NAMES", "help": "train folders, with commas (default: all)"}
}


def prepare(source: Path, out: Path, train: str | None = None) -> Prepared:
    """Returns the splits; `source` is the folder of the subsets, or holds it."""
    expected = "subsets such as train-clean-100/103/1240/103-1240.trans.txt"
    root = find_root(source, "*/*/*/*.trans.txt", expected)
    there = sorted(folder.name for folder in root.iterdir() if folder.is_dir())
    wanted = train.split(",") if train else [name for name in there if name.startswith("train-")]
    if missing := [name for name in wanted if name not in there]:
        raise ManifestError(
            f"{root / missing[0]}: no such folder. Expected one of {', '.join(there)} for --train."
        )
    if not wanted:
        raise ManifestError(f"{root}: no train folder in it. Expected train-clean-100 or the like.")
    prepared = Prepared(unit="utterances", group_unit="readers", splits={"train": []})
    for name in wanted:
        _read_subset(root / name, "train", prepared)
    for split, name in OTHERS.items():
        if name in there:
            prepared.splits[split] = []
            _read_subset(root / name, split, prepared)
    return prepared


def _read_subset(folder: Path, split: str, prepared: Prepared) -> None:
    for path in sorted(folder.glob("*/*/*.trans.txt")):
        for number, line in enumerate(read_lines(path), start=1):
            utterance, _, text = line.strip().partition(" ")
            if not utterance:
                continue
            if not utterance.startswith(path.name.removesuffix(".trans.txt") + "-"):
                raise ManifestError(
                    f"{path}:{number}: {line[:60]!r}; expected an utterance of this chapter and its text."
                )
            audio = path.parent / f"{utterance}.flac"
            if not audio.is_file():
                prepared.leave_out("no audio", utterance)
            elif not text.strip():
                prepared.leave_out("no text", utterance)
            else:
                reader = path.parent.parent.name
                example = Example(id=utterance, source=audio, text=" ".join(text.split()), group=reader)
                prepared.add(split, example, audio_seconds(audio))


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments, flags=FLAGS)


if __name__ == "__main__":
    sys.exit(main())
