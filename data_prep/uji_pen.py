"""UJI Pen Characters, versions 1 and 2: isolated characters on a tablet PC. CC BY 4.0 (UCI).

    python -m data_prep.uji_pen SOURCE OUT

The tree on disk, version 1 (11 writers, letters and digits, 1,364 characters; UNIPEN, but y grows downwards):

    uji_pen/
      UJIpenchars-w01 ... UJIpenchars-w11     .SEGMENT CHARACTER 0-1 ? "a", then .PEN_DOWN, x y, .PEN_UP

or version 2 (60 writers, Spanish letters and signs too, 11,640 characters):

    uji_pen/
      ujipenchars2.txt                        WORD a trn_UJI_W01-01, NUMSTROKES 2, POINTS 3 # x y x y x y

Writes train, dev and test, with the characters as JSON strokes below OUT/characters; a group is a writer. Version 2:
test are the 20 writers marked tst, dev the 6 of the 40 trn writers with the smallest MD5 of their names. Version 1,
whose task is to leave each writer out once: test are 2 writers, dev 1, by the MD5 of their names.

Source: Llorens, Prat, Marzal, Vilar et al., "The UJIpenchars database: a pen-based database of isolated handwritten
characters", LREC 2008.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_prep.corpus_source import Prepared, Published, ranked_by_hash, run
from seqlabel.errors import ManifestError
from seqlabel.formats import read_unipen_segments, write_strokes
from seqlabel.records import Example, Strokes

PUBLISHED = Published(
    name="uji_pen", page="https://archive.ics.uci.edu/dataset/160/uji+pen+characters", address=None
)
VERSION_2 = "ujipenchars2.txt"
NUM_DEV_WRITERS = {1: 1, 2: 6}
NUM_TEST_WRITERS = 2
_WORD = re.compile(r"WORD\s+(\S+)\s+(trn|tst)_(\w+)-(\d+)")


@dataclass(frozen=True)
class Character:
    """One written character: what it is, who wrote it, its part in version 2 (trn, tst; "" in version 1), its ink."""

    label: str
    writer: str
    part: str
    ink: Strokes


def prepare(source: Path, out: Path) -> Prepared:
    """Returns the splits after the ink stands in `out/characters`."""
    prepared = Prepared(unit="characters", group_unit="writers", splits={"train": [], "dev": [], "test": []})
    second = next(iter(sorted(source.rglob(VERSION_2))), None)
    first = sorted(path for path in source.rglob("UJIpenchars-w*") if path.is_file())
    if second is not None:
        found = list(read_version_2(second, prepared))
    elif first:
        found = [character for path in first for character in read_version_1(path)]
    else:
        raise ManifestError(
            f"{source}: neither {VERSION_2} nor UJIpenchars-w01 in it. Expected one of the two versions."
        )
    split_of = _splits(found, 1 if second is None else 2)
    numbers: dict[str, int] = {}
    for character in found:
        number = numbers[character.writer] = numbers.get(character.writer, 0) + 1
        example_id = f"{character.writer}-{number:03d}"
        target = out / "characters" / character.writer / f"{example_id}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        write_strokes(target, character.ink)
        prepared.splits[split_of[character.writer]].append(
            Example(id=example_id, source=target, text=character.label, group=character.writer)
        )
    return prepared


def read_version_1(path: Path) -> list[Character]:
    """Returns the characters of one writer's file.

    Raises:
        ManifestError: a segment has no label.
    """
    writer = f"UJI_W{path.name.removeprefix('UJIpenchars-w')[:2]}"
    characters = []
    for number, segment in enumerate(read_unipen_segments(path)):
        if not segment.label:
            raise ManifestError(
                f"{path}: segment {number} has no label. Expected a character in quotation marks."
            )
        # The reader has turned y round, as UNIPEN's grows upwards.
        ink = Strokes(
            tuple(stroke * np.array([1, -1], dtype=np.float32) for stroke in segment.strokes.strokes)
        )
        characters.append(Character(segment.label, writer, "", ink))
    return characters


def read_version_2(path: Path, prepared: Prepared) -> Iterator[Character]:
    """Yields the characters of the file of version 2; those without ink are counted.

    Raises:
        ManifestError: a line that is not as it must be.
    """
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("iso-8859-15")  # which has the euro sign
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    # Remarks of the file; the fraction bar is not among its characters.
    rows = iter([(number, line) for number, line in lines if line and not line.startswith("//")])
    for number, line in rows:
        word = _WORD.fullmatch(line)
        if word is None:
            raise ManifestError(
                f"{path}:{number}: {line[:40]!r}. Expected something like WORD a trn_UJI_W01-01."
            )
        number, line = next(rows, (number, "the end of the file"))
        count = re.fullmatch(r"NUMSTROKES\s+(\d+)", line)
        if count is None:
            raise ManifestError(f"{path}:{number}: {line[:40]!r}. Expected NUMSTROKES and a number.")
        strokes = [_stroke(path, *next(rows, (number, "the end of the file"))) for _ in range(int(count[1]))]
        strokes = [stroke for stroke in strokes if len(stroke)]
        if not strokes:
            prepared.leave_out("character without ink", f"{word[3]}-{word[1]}-{word[4]}")
            continue
        yield Character(word[1], word[3], word[2], Strokes(tuple(strokes)))


def _stroke(path: Path, number: int, line: str) -> np.ndarray:
    match = re.fullmatch(r"POINTS\s+(\d+)\s*#((?:\s+-?\d{1,9})*)", line)
    values = [] if match is None else match[2].split()
    if match is None or len(values) != 2 * int(match[1]):
        raise ManifestError(
            f"{path}:{number}: {line[:40]!r} with {len(values)} numbers. Expected POINTS, how many, #, and x y of each."
        )
    return np.array(values, dtype=np.float32).reshape(-1, 2)


def _splits(characters: list[Character], version: int) -> dict[str, str]:
    """Returns the split of each writer."""
    test = {character.writer for character in characters if character.part == "tst"}
    others = ranked_by_hash(character.writer for character in characters if character.part != "tst")
    if version == 1:
        test = set(others[: min(NUM_TEST_WRITERS, len(others) // 3)])
        others = others[len(test) :]
    dev = set(others[: min(NUM_DEV_WRITERS[version], len(others) // 2)])
    return {writer: "dev" if writer in dev else "train" for writer in others} | dict.fromkeys(test, "test")


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())
