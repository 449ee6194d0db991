"""`seqlabel align`: where the tokens of known texts stand, as labels for a training or as times for people.

What is heavy is imported inside the functions, so that `--help` answers at once.
"""

import argparse
import os
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from seqlabel.errors import ConfigError
from seqlabel.terminal import (
    DONE,
    PEAKS,
    USER_ERROR,
    add_borders_option,
    bars_on_terminal,
    complain,
    refuse_unwritable,
    write_lines,
)

if TYPE_CHECKING:
    from seqlabel.data import Offender
    from seqlabel.recognizer import Recognizer

FORMATS = ("labels", "ctm", "textgrid", "srt", "vtt", "audacity")
IN_ONE_FILE = ("labels", "ctm")
MOST_BYTES = 200
"""Of a file's name without its suffix; most file systems take 255."""


def add_align_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `align` takes beside a model."""
    parser.add_argument("manifest", metavar="MANIFEST", type=Path, help="examples with their texts")
    parser.add_argument(
        "out",
        metavar="OUT",
        type=Path,
        help="the file that is written; a folder for textgrid, srt, vtt, audacity",
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="labels",
        help="labels: the manifest with labels, for framewise training (the default); the others have the times of "
        "words: ctm in one file, textgrid, srt, vtt and audacity in a file for each recording",
    )
    add_borders_option(parser)
    parser.add_argument(
        "--label-prior",
        metavar="W",
        type=float,
        default=0.0,
        help="share of the tokens' mean probabilities that is taken off, so that blanks give way (default: 0)",
    )


def align(arguments: argparse.Namespace) -> int:
    """Runs the command and returns its exit code."""
    if not 0 <= arguments.label_prior <= 10:
        raise ConfigError(f"--label-prior {arguments.label_prior:g}: expected a number from 0 to 10")
    if arguments.borders is not None and arguments.format == "labels":
        raise ConfigError("--borders: for times, which --format ctm or textgrid write")
    if arguments.format in IN_ONE_FILE:
        refuse_unwritable(arguments.out)
        if (
            arguments.out.exists()
            and arguments.manifest.exists()
            and arguments.out.samefile(arguments.manifest)
        ):
            raise ConfigError(f"{arguments.out}: is the manifest, and would be lost; name another file")
    elif arguments.out.exists() and not arguments.out.is_dir():
        raise ConfigError(
            f"{arguments.out}: is a file; name a folder for the files of --format {arguments.format}"
        )
    elif not os.access(arguments.out if arguments.out.exists() else arguments.out.parent, os.W_OK):
        raise ConfigError(f"{arguments.out}: cannot be written here; name a folder elsewhere")
    from seqlabel.recognizer import Recognizer

    recognizer = Recognizer.load(arguments.model, arguments.device)
    if arguments.format == "labels":
        return _write_labels(recognizer, arguments)
    return _write_times(recognizer, arguments)


def _write_labels(recognizer: "Recognizer", arguments: argparse.Namespace) -> int:
    from seqlabel.manifest import write_manifest

    out: Path = arguments.out
    found, offenders = recognizer.align(arguments.manifest, bars_on_terminal(), arguments.label_prior)
    if found:
        write_manifest(out, found)
    print(f"{out}: {len(found):,} of {len(found) + len(offenders):,} examples with labels")
    return _told(arguments.manifest, offenders)


def _write_times(recognizer: "Recognizer", arguments: argparse.Namespace) -> int:
    from seqlabel.formats import WRITERS, ctm_name
    from seqlabel.manifest import read_manifest
    from seqlabel.timed_alignment import align_timed
    from seqlabel.timed_reading import tells_times

    out: Path = arguments.out
    if not tells_times(recognizer):
        raise ConfigError(
            f"--format {arguments.format} is for recordings, and the model reads "
            f"{' '.join(sorted(recognizer.suffixes))}; take one that reads audio, or --format labels"
        )
    suffix, lines_of = WRITERS[arguments.format]
    examples = read_manifest(arguments.manifest)
    ids = [example.id for example in examples]
    if arguments.format in IN_ONE_FILE:
        _refuse_equal(list(map(ctm_name, ids)), ids, "a name without white space")
    else:
        _refuse_equal([str(out / (file_name(id_) + suffix)) for id_ in ids], ids, "--format ctm")
    found, offenders = align_timed(
        recognizer,
        examples,
        bars_on_terminal(),
        arguments.label_prior,
        by_sound=arguments.borders != PEAKS,
    )
    if arguments.format in IN_ONE_FILE:
        if found:
            write_lines(out, [line for _, reading in found for line in lines_of(reading)])
    else:
        if found:
            out.mkdir(exist_ok=True)
        for example, reading in found:
            write_lines(out / (file_name(example.id) + suffix), lines_of(reading))
    print(f"{out}: {len(found):,} of {len(found) + len(offenders):,} examples with times")
    return _told(arguments.manifest, offenders)


def file_name(id_: str) -> str:
    """Returns a name for the file of an example; what no file system or shell takes well becomes `_`.

    Long ones end in a checksum of what is left out.
    """
    name = re.sub(r"[^\w.+=@,-]", "_", id_)
    if len(encoded := name.encode()) > MOST_BYTES:
        name = f"{encoded[:MOST_BYTES].decode(errors='ignore')}-{zlib.crc32(id_.encode(errors='surrogateescape')):08x}"
    return f"_{name[1:]}" if name.startswith((".", "-")) else name


def _refuse_equal(names: list[str], ids: list[str], other_way: str) -> None:
    owners: dict[str, str] = {}
    for name, id_ in zip(names, ids, strict=True):
        if (other := owners.setdefault(name, id_)) != id_:
            raise ConfigError(
                f"{name}: would be that of {other!r} and of {id_!r}; rename one of them, or take {other_way}"
            )


def _told(manifest: Path, offenders: "list[Offender]") -> int:
    for offender in offenders:
        complain(f"{manifest}: '{offender.id}': {offender.reason}")
    return USER_ERROR if offenders else DONE
