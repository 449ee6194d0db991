"""VCTK (CSTR Edinburgh): newspaper sentences read by 110 speakers of English accents, 48 kHz. CC BY 4.0 (0.92).

    python -m data_prep.vctk SOURCE OUT [--mic 1|2] [--dev-share 0.05] [--test-share 0.05]

The tree on disk, of version 0.92 or of an older one:

    vctk/
      txt/p225/p225_001.txt                                  one line
      wav48_silence_trimmed/p225/p225_001_mic1.flac          0.92: two microphones
      or wav48/p225/p225_001.wav

Writes train, dev and test, referencing the audio where it lies. There is no published split: whole speakers are set
apart, in the order of the MD5 of their names. All of them read the same 24 sentences (001 to 024, the rainbow passage
and the elicitation paragraph) and share some others, so texts of dev and test do occur in train: what a language model
of the training texts is worth cannot be measured here. p315 has no texts, and p280 and p315 no second microphone: such
recordings are counted and left out.
"""

import sys
from pathlib import Path

from data_prep.corpus_source import Flags, Prepared, Published, find_root, read_lines, run
from data_prep.splitting import SHARE_FLAGS, set_apart
from seqlabel.errors import ManifestError
from seqlabel.records import Example

PUBLISHED = Published(name="vctk", page="https://datashare.ed.ac.uk/handle/10283/3443", address=None)
FOLDERS = ("wav48_silence_trimmed", "wav48")
FLAGS: Flags = {
    "--mic": {"type": int, "choices": (1, 2), "default": 1, "help": "which microphone of 0.92 (default: 1)"},
    **SHARE_FLAGS,
}


def prepare(
    source: Path, out: Path, mic: int = 1, dev_share: float = 0.05, test_share: float = 0.05
) -> Prepared:
    """Returns the splits; `source` is the folder of txt/ and of the audio, or holds it."""
    root = find_root(source, "txt/*/*.txt", "txt/p225/p225_001.txt, and wav48_silence_trimmed/ or wav48/")
    folder = next((root / name for name in FOLDERS if (root / name).is_dir()), None)
    if folder is None:
        raise ManifestError(f"{root}: neither {' nor '.join(FOLDERS)} in it. Expected one with the audio.")
    ending = f"_mic{mic}.flac" if folder.name == FOLDERS[0] else ".wav"
    prepared = Prepared(unit="sentences", group_unit="speakers")
    audio = {path.name.removesuffix(ending): path for path in sorted(folder.glob(f"*/*{ending}"))}
    texts = {path.stem: path for path in sorted((root / "txt").glob("*/*.txt"))}
    examples = []
    for name, path in audio.items():
        text = " ".join(" ".join(read_lines(texts[name])).split()) if name in texts else ""
        if text:
            examples.append(Example(id=name, source=path, text=text, group=path.parent.name))
        else:
            prepared.leave_out("audio without a text", name)
    for name in texts:
        if name not in audio:
            prepared.leave_out(f"text without {name.split('_')[0]}/*{ending}", name)
    prepared.splits = set_apart(examples, {"dev": dev_share, "test": test_share})
    prepared.measure()
    return prepared


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments, flags=FLAGS)


if __name__ == "__main__":
    sys.exit(main())
