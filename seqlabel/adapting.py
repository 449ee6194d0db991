"""`seqlabel adapt`: a model for one voice or one hand, out of recordings or lines whose texts nobody knows."""

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seqlabel.errors import ConfigError, ManifestError
from seqlabel.terminal import (
    DONE,
    bars_on_terminal,
    complain,
    files_below,
    print_table,
    refuse_unwritable,
)

if TYPE_CHECKING:
    from seqlabel.adaptation import Adaptation
    from seqlabel.records import Example
    from seqlabel.tokens import TokenTable

NUM_SHOWN = 5
LEAST_SPREAD, MOST_SPREAD = 0.01, 100.0
FEW = 5
"""Times that each token is expected to have been heard on average; with less the biases are worth little."""


def add_adapt_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `adapt` takes beside a model."""
    parser.add_argument(
        "paths",
        metavar="PATH",
        type=Path,
        nargs="+",
        help="files of the one voice or hand, folders of them, manifests",
    )
    parser.add_argument(
        "--texts",
        metavar="TEXT",
        type=Path,
        nargs="+",
        required=True,
        help="text files and manifests in which tokens come up as often as in what is to be read, such as those "
        "of the training",
    )
    parser.add_argument("-o", "--out", metavar="FILE", type=Path, required=True, help="the adapted model")
    parser.add_argument(
        "--spread",
        metavar="NATS",
        type=float,
        help="how far biases are thought to lie from 0: less changes less (default: 1)",
    )


def adapt(arguments: argparse.Namespace) -> int:
    """Writes a model that reads one voice or hand better, and returns the exit code."""
    out: Path = arguments.out
    refuse_unwritable(out)
    if out.exists() and not out.is_file():
        raise ConfigError(f"{out}: is no file that could hold a model; name one")
    if out.exists() and arguments.model.exists() and out.samefile(arguments.model):
        raise ConfigError(
            f"{out}: is the model for everybody; name another file for that of one voice or hand"
        )
    from seqlabel import adaptation
    from seqlabel.data import describe_offenders
    from seqlabel.model_file import add_biases
    from seqlabel.recognizer import Recognizer
    from seqlabel.transcripts import texts_of

    spread = adaptation.SPREAD if arguments.spread is None else arguments.spread
    if not LEAST_SPREAD <= spread <= MOST_SPREAD:
        raise ConfigError(f"--spread {arguments.spread}: expected {LEAST_SPREAD:g} to {MOST_SPREAD:g}")
    recognizer = Recognizer.load(arguments.model, arguments.device)
    tokens, rules = recognizer.header.tokens, recognizer.header.experiment.texts
    lines = (line for text in texts_of(arguments.texts) for line in text.splitlines())
    shares = adaptation.token_shares(map(rules.prepare, lines), tokens)
    if not shares.any():
        names = ", ".join(map(str, arguments.texts))
        raise ConfigError(f"--texts {names}: none of the model's {len(tokens) - 1} tokens stands there")
    examples = _examples(arguments.paths, recognizer.suffixes)
    emissions, offenders = recognizer.heard(examples, bars_on_terminal())
    if not emissions:
        raise ConfigError(f"nothing to adapt to: {describe_offenders(offenders, len(examples))}")
    code = DONE
    for offender in offenders:
        is_told = offender.id in offender.reason
        code = complain(offender.reason if is_told else f"{offender.id}: {offender.reason}")
    found = adaptation.adapt(emissions, shares, spread)
    num_heard, num_known = found.before.sum(), int((shares > 0).sum())
    if num_heard < FEW * num_known:
        complain(
            f"{num_heard:,.0f} tokens were heard, which is little for {num_known} different ones; more recordings of "
            "the same voice or hand say more"
        )
    heard = f"{len(emissions):,} examples, {num_heard:,.0f} tokens"
    add_biases(arguments.model, Path(os.path.realpath(out)), found.bias, heard)
    print_table(
        [
            ("heard", heard),
            *_moved(found, tokens),
            ("written", str(out)),
        ]
    )
    return code


def _examples(paths: Sequence[Path], suffixes: frozenset[str]) -> list["Example"]:
    """Returns the examples of manifests, and of files as they are.

    Raises:
        ManifestError: a manifest that cannot be read, or a folder that is none and has no file that the model reads.
    """
    from seqlabel.manifest import NoDataFolderError, read_manifest
    from seqlabel.records import Example

    found: list[Example] = []
    for path in paths:
        files = [path] if path.suffix.lower() in suffixes else []
        if not files:
            try:
                found += read_manifest(path)
            except NoDataFolderError as error:
                files = list(files_below(path, suffixes))
                if not files:
                    names = " ".join(sorted(suffixes))
                    raise ManifestError(
                        f"{path}: no file in it that ends in {names}, and {error.what}"
                    ) from error
        found += [Example(id=str(file), source=file) for file in files]
    return found


def _moved(found: "Adaptation", tokens: "TokenTable") -> Iterator[tuple[str, str]]:
    """Yields what is said of the tokens whose counts changed most."""
    changes = abs(found.after - found.before)
    order = sorted(range(1, len(tokens)), key=lambda token: -changes[token])[:NUM_SHOWN]
    for number, token in enumerate(order):
        yield (
            "" if number else "moved",
            f"{tokens.tokens[token]!r} from {found.before[token]:.1f} to {found.after[token]:.1f} times, "
            f"{found.wanted[token]:.1f} by the texts: bias {found.bias[token]:+.2f}",
        )
