"""`seqlabel calibrate`: confidences that come true."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from seqlabel.terminal import DONE, bars_on_terminal, percent, print_table, refuse_unwritable

if TYPE_CHECKING:
    from seqlabel.calibration import Judged, Scale


def add_calibrate_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `calibrate` takes beside a model."""
    parser.add_argument(
        "manifest", metavar="MANIFEST", type=Path, help="a dev set: examples with their texts"
    )
    parser.add_argument("--dry-run", action="store_true", help="leave the model file as it is")


def calibrate(arguments: argparse.Namespace) -> int:
    """Sets the confidences of a model against a dev set, and writes into its file how far they are to be trusted."""
    if not arguments.dry_run:
        refuse_unwritable(arguments.model)
    from seqlabel.calibration import calibrate
    from seqlabel.model_file import set_calibration
    from seqlabel.recognizer import Recognizer

    recognizer = Recognizer.load(arguments.model, arguments.device)
    verdict = recognizer.verdict(arguments.manifest, bars_on_terminal())
    found = calibrate(verdict)
    print_table(
        [
            ("tokens", _told(verdict.tokens, found.tokens)),
            ("words", _told(verdict.words, found.words)),
            ("errors", f"{found.errors_per_doubt:.2f} for each token of doubt"),
        ]
    )
    if not arguments.dry_run:
        set_calibration(arguments.model, found)
        print_table([("written", str(arguments.model))])
    return DONE


def _told(judged: "Judged", scale: "Scale") -> str:
    from seqlabel.calibration import calibration_error, reliability

    before, after = (calibration_error(reliability(those)) for those in (judged, judged.scaled(scale)))
    count = len(judged.is_right)
    share = percent(judged.is_right.mean()) if count else "none"
    return (
        f"{count:,}, {share} right; temperature {scale.temperature:.2f}, bias {scale.bias:+.2f}: "
        f"calibration error {percent(before)} before, {percent(after)} after"
    )
