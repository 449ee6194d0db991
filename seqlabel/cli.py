"""The program `seqlabel`: train, evaluate, transcribe, score, info.

Exit codes: 0, or 2 with one line on standard error for anything the user can put right; 130 where the
user has interrupted it. PyTorch is imported inside the commands, so that `--help` answers at once.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from seqlabel import __version__
from seqlabel.errors import ConfigError, SeqlabelError

if TYPE_CHECKING:
    from seqlabel.metrics import ErrorRates
    from seqlabel.model_file import Header

DONE, USER_ERROR, INTERRUPTED = 0, 2, 130


def main(argv: list[str] | None = None) -> int:
    """Runs one command and returns its exit code; nothing is raised for what a user did wrong."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Texts are written as they are whatever the locale, and paths as the bytes that they were.
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")
    try:
        arguments, rest = _parser().parse_known_args(argv)
        if rest and arguments.run is not _train:
            raise ConfigError(f"unexpected argument {rest[0]!r}; see `seqlabel {arguments.command} --help`")
        arguments.overrides = rest
        run: Callable[[argparse.Namespace], int] = arguments.run
        code = run(arguments)
        sys.stdout.flush()
        return code
    except SystemExit as stop:  # argparse, after --help or a usage error
        return stop.code if isinstance(stop.code, int) else USER_ERROR
    except SeqlabelError as error:
        return _complain(error)
    except BrokenPipeError:
        # The reader (`| head`) has had enough. What is buffered must not fail once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _complain(f"{where}{error.strerror or error}")
    except KeyboardInterrupt:
        print("seqlabel: interrupted", file=sys.stderr)
        return INTERRUPTED


def _train(arguments: argparse.Namespace) -> int:
    recipe: Path = arguments.recipe
    if recipe.suffix != ".py":
        raise ConfigError(
            f"{recipe}: found this where the recipe should be, expected a Python file, such as recipes/an4/an4.py; "
            "settings come after it"
        )
    from seqlabel.experiment import load_recipe

    config = load_recipe(recipe, arguments.overrides)
    # The data are looked for before PyTorch's trainer is loaded: the commonest mistake is answered at once.
    data_dir: Path = arguments.data_dir or Path(config.data.directory)
    if not data_dir.is_dir():
        raise ConfigError(
            f"{data_dir}: no such data folder; prepare the corpus as the recipe's README says, or give --data-dir"
        )
    run_dir: Path = arguments.run_dir or Path("runs") / config.name

    from seqlabel.training import TrainingStopped, train

    try:
        result = train(config, run_dir, data_dir, arguments.device)
    except TrainingStopped as stop:
        print(f"seqlabel: {stop}", file=sys.stderr)
        return INTERRUPTED
    summary = result.summary
    print(
        f"best model: {result.best_model}  (epoch {summary.epoch}, dev CER {100 * summary.dev_cer:.2f} %  "
        f"WER {100 * summary.dev_wer:.2f} %, {result.minutes:.1f} minutes)"
    )
    return DONE


def _evaluate(arguments: argparse.Namespace) -> int:
    out: Path | None = arguments.out
    if out is not None and not out.parent.is_dir():
        raise ConfigError(f"{out}: its folder does not exist; make {out.parent} first")
    from seqlabel.recognizer import Recognizer

    evaluation = Recognizer.load(arguments.model, arguments.device).evaluate(arguments.manifest)
    if out is not None:
        rows = zip(evaluation.ids, evaluation.references, evaluation.hypotheses, strict=True)
        with out.open("w", encoding="utf-8") as file:
            for id_, reference, hypothesis in rows:
                line = {
                    "id": id_,
                    "reference": reference,
                    "hypothesis": hypothesis.text,
                    "score": hypothesis.score,
                }
                file.write(_json(line) + "\n")
    _print_rates(evaluation.rates, as_json=arguments.json)
    return DONE


def _transcribe(arguments: argparse.Namespace) -> int:
    from seqlabel.recognizer import Recognizer

    recognizer = Recognizer.load(arguments.model, arguments.device)
    code = DONE
    paths: list[Path] = []
    for path in arguments.paths:
        found = list(_walk(path, recognizer.suffixes)) if path.is_dir() else [path]
        if not found:
            kinds = " ".join(sorted(recognizer.suffixes))
            code = _complain(
                f"{path}: found no file in this folder that the model reads, expected one of {kinds}"
            )
        paths.extend(found)
    for path, result in recognizer.transcribe_files(paths):
        if isinstance(result, SeqlabelError):
            code = _complain(result)
        elif arguments.json:
            print(_json({"path": str(path), "text": result.text, "score": result.score}))
        else:
            print(f"{path}\t{result.text}")
    return code


def _score(arguments: argparse.Namespace) -> int:
    from seqlabel.metrics import score
    from seqlabel.transcripts import read_pairs

    _print_rates(score(read_pairs(arguments.reference, arguments.hypothesis)), as_json=arguments.json)
    return DONE


def _info(arguments: argparse.Namespace) -> int:
    from seqlabel.model_file import read_header

    for name, value in _describe(arguments.model, read_header(arguments.model)):
        print(f"{name:<10}{value}")
    return DONE


def _describe(path: Path, header: "Header") -> Iterator[tuple[str, str]]:
    import msgspec

    from seqlabel.frontend import Frontend

    frontend = Frontend(header.experiment.frontend)
    tokens, summary = header.tokens, header.summary
    shown = tokens.decode(range(1, len(tokens)))
    kind = "characters" if tokens.unit == "character" else "words"
    yield "model", f"{path} ({path.stat().st_size / 1e6:.1f} MB, {header.num_parameters:,} weights)"
    yield "recipe", header.experiment.name
    yield "reads", f"{' '.join(sorted(frontend.suffixes))} as frames of {frontend.dim} features"
    yield "", _json(msgspec.to_builtins(header.experiment.frontend.feature))
    yield "writes", f"{len(tokens) - 1} {kind}: {shown if len(shown) <= 200 else shown[:200] + ' ...'}"
    yield "encoder", _json(msgspec.to_builtins(header.experiment.encoder))
    yield (
        "trained",
        f"epoch {summary.epoch}, {summary.num_steps} steps, {summary.minutes:.1f} minutes, "
        f"{summary.num_train_examples} examples, seed {header.experiment.training.seed}, {summary.finished_at}, "
        + ", ".join(f"{name} {version}" for name, version in sorted(summary.versions.items())),
    )
    yield (
        "dev error",
        f"CER {100 * summary.dev_cer:.2f} %  WER {100 * summary.dev_wer:.2f} %  SER {100 * summary.dev_ser:.2f} %  "
        f"({summary.num_dev_examples} lines)",
    )


def _walk(folder: Path, suffixes: Iterable[str]) -> Iterator[Path]:
    """The files below a folder that end like `suffixes`, in the order of their names; hidden ones are not for us."""
    endings = tuple(suffixes)
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(endings) and not name.startswith("."):
                yield Path(where, name)


def _print_rates(rates: "ErrorRates", *, as_json: bool) -> None:
    if as_json:
        print(_json(rates.as_json()))
        return
    for name, rate, counts in (("CER", rates.cer, rates.characters), ("WER", rates.wer, rates.words)):
        print(
            f"{name} {100 * rate:6.2f} %  {counts.errors} errors in {counts.reference_length}: "
            f"{counts.substitutions} substitutions, {counts.deletions} deletions, {counts.insertions} insertions"
        )
    print(f"SER {100 * rates.ser:6.2f} %  {rates.num_wrong} of {rates.num_examples} lines with an error")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _complain(error: object) -> int:
    """Says what is wrong in one line and returns the exit code for it."""
    print("seqlabel: " + " ".join(line.strip() for line in str(error).splitlines()), file=sys.stderr)
    return USER_ERROR


class _Parser(argparse.ArgumentParser):
    """argparse with its usage errors in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(USER_ERROR, f"seqlabel: {message}; see `{self.prog} --help`\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="seqlabel",
        description="Trains recurrent networks with CTC to read speech, pen ink and line images, and reads with them.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"seqlabel {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(run: Callable[[argparse.Namespace], int], name: str, summary: str, more: str = "") -> _Parser:
        added = commands.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}. {more}", allow_abbrev=False
        )
        added.set_defaults(run=run)
        return added

    train = command(
        _train,
        "train",
        "train a recipe, or go on with its run",
        "Any setting of the recipe can be overridden after it, for trying: --training.num-epochs 3. Ctrl-C stops "
        "after the step under way; the same command goes on.",
    )
    train.usage = (
        "seqlabel train RECIPE.py [--run-dir DIR] [--data-dir DIR] [--device D] [--any.setting value ...]"
    )
    train.add_argument("recipe", metavar="RECIPE.py", type=Path, help="a Python file that binds `config`")
    train.add_argument(
        "--run-dir", metavar="DIR", type=Path, help="where the run is kept (default: runs/NAME)"
    )
    train.add_argument(
        "--data-dir", metavar="DIR", type=Path, help="the manifests (default: the recipe's own)"
    )

    evaluate = command(_evaluate, "evaluate", "measure a model's errors on a manifest")
    evaluate.add_argument(
        "model", metavar="MODEL", type=Path, help="a model file, such as runs/an4/best.safetensors"
    )
    evaluate.add_argument("manifest", metavar="MANIFEST", type=Path, help="a manifest with references")
    evaluate.add_argument("--out", metavar="FILE", type=Path, help="keep the hypotheses here, as JSON Lines")

    transcribe = command(
        _transcribe,
        "transcribe",
        "read files with a model",
        "One line a file: path, tab, text. Folders are walked. A file that cannot be read is one line on standard "
        "error, the others are still read, and the exit code is 2.",
    )
    transcribe.add_argument("model", metavar="MODEL", type=Path, help="a model file")
    transcribe.add_argument("paths", metavar="PATH", type=Path, nargs="+", help="files and folders")

    score = command(
        _score,
        "score",
        "measure the errors of hypotheses, no model needed",
        "Two manifests are compared by id (hypotheses: JSON Lines with `id` and `hypothesis` or `text`), two text "
        "files line by line.",
    )
    score.add_argument("reference", metavar="REFERENCE", type=Path)
    score.add_argument("hypothesis", metavar="HYPOTHESIS", type=Path)

    info = command(_info, "info", "say what a model reads and writes, and how it was trained")
    info.add_argument("model", metavar="MODEL", type=Path, help="a model file")

    for added in (train, evaluate, transcribe):
        added.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    evaluate.add_argument("--json", action="store_true", help="print one JSON object: fractions and counts")
    score.add_argument("--json", action="store_true", help="print one JSON object: fractions and counts")
    transcribe.add_argument("--json", action="store_true", help="print one JSON object a file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
