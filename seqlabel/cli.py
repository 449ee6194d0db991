"""The program `seqlabel`: check, augment, train, evaluate, transcribe, align, adapt, merge, score, lm, info.

Exit codes: 0, or 2 with one line on standard error for anything the user can put right; 1 where `check --strict` has
found something; 130 where the user has interrupted it. PyTorch is imported inside the commands, so that `--help`
answers at once.
"""

import argparse
import difflib
import os
import shlex
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from seqlabel.line_scores import Line
    from seqlabel.recognizer import Recognizer

from seqlabel.adapting import adapt, add_adapt_options
from seqlabel.aligning import add_align_options, align
from seqlabel.augment_command import add_augment_options, augment
from seqlabel.calibrating import add_calibrate_options, calibrate
from seqlabel.check_command import add_check_options, check
from seqlabel.errors import ConfigError, SeqlabelError
from seqlabel.lm_commands import add_language_options, add_lm_commands, decoding, say_left_out
from seqlabel.merging import add_merge_options, merge
from seqlabel.scoring import add_scoring_options, check_scoring_options, tell_scores
from seqlabel.terminal import (
    DONE,
    INTERRUPTED,
    USER_ERROR,
    as_json_text,
    bars_on_terminal,
    complain,
    finite,
    percent,
    print_table,
    refuse_unwritable,
    write_lines,
)
from seqlabel.transcribing import add_transcribe_options, check_transcribe_options, transcribe
from seqlabel.version import __version__


def program() -> NoReturn:
    """Is what `seqlabel` starts: `main`, without the warnings that libraries have for programmers."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    sys.exit(main())


def main(argv: list[str] | None = None) -> int:
    """Runs one command and returns its exit code; nothing is raised for what a user did wrong."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Texts are written as they are whatever the locale, and paths as the bytes that they were.
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")
    given = sys.argv[1:] if argv is None else argv
    try:
        arguments, rest = _parser().parse_known_args(given)
        if rest and arguments.run not in (check, augment, _train, _evaluate, _transcribe):
            raise ConfigError(f"unexpected argument {rest[0]!r}; see `seqlabel {arguments.command} --help`")
        arguments.given, arguments.overrides = given, rest
        run: Callable[[argparse.Namespace], int] = arguments.run
        code = run(arguments)
        if sys.stdout is not None:  # closed by `>&-`
            sys.stdout.flush()
        return code
    except SystemExit as stop:  # argparse, after --help or a usage error
        return stop.code if isinstance(stop.code, int) else USER_ERROR
    except SeqlabelError as error:
        return complain(error)
    except BrokenPipeError:
        # The reader (`| head`) has had enough. What is buffered must not fail once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return complain(f"{where}{error.strerror or error}")
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED


# --- the commands -----------------------------------------------------------------------------------------


def _train(arguments: argparse.Namespace) -> int:
    recipe: Path = arguments.recipe
    if recipe.suffix != ".py":
        raise ConfigError(
            f"{recipe}: found this where the recipe should be, expected a Python file, such as recipes/an4/an4.py; "
            "settings come after it"
        )
    for word in arguments.overrides:
        if meant := difflib.get_close_matches(
            word, ("--run-dir", "--data-dir", "--device", "--init-from", "--tracker"), 1, 0.8
        ):
            raise ConfigError(f"{word}: no such option; did you mean {meant[0]}?")
    from seqlabel.experiment import data_folder, load_recipe

    init_from = ["--training.init-from", str(arguments.init_from)] if arguments.init_from else []
    config = load_recipe(recipe, [*arguments.overrides, *init_from])
    run_dir: Path = arguments.run_dir or Path("runs") / config.name
    if not (run_dir / "checkpoint.safetensors").exists():
        # What is no model, or none of use, is told before the data are read.
        from seqlabel.model_file import read_header

        if config.training.init_from is not None:
            read_header(Path(config.training.init_from))
        if config.training.guide is not None:
            from seqlabel.frame_fusion import difference_of_settings, unlike_guide

            guide = read_header(Path(config.training.guide))
            if (why := difference_of_settings(config.frontend, guide)) is not None:
                raise unlike_guide(config.training.guide, why)
    # The data are looked for before PyTorch's trainer is loaded: the commonest mistake is answered at once.
    data_dir = data_folder(recipe, config, arguments.data_dir)
    import torch

    from seqlabel.processes import is_first_process
    from seqlabel.training import TrainingStopped, train

    command = shlex.join(["seqlabel", *arguments.given])
    try:
        result = train(config, run_dir, data_dir, arguments.device, arguments.tracker)
    except TrainingStopped as stop:
        if is_first_process():
            complain(f"{stop}: {command}")
        return INTERRUPTED
    except torch.OutOfMemoryError as error:
        raise ConfigError(
            f"{config.name}: the memory of the GPU is full; set a --data.batch-frames below "
            f"{config.data.batch_frames}, or --device cpu"
        ) from error
    except KeyboardInterrupt:
        is_kept = (run_dir / "checkpoint.safetensors").exists()
        complain(
            f"interrupted; the last checkpoint is kept, the same command goes on from it: {command}"
            if is_kept
            else "interrupted before the first checkpoint; the same command starts again"
        )
        return INTERRUPTED
    if not is_first_process():
        return DONE
    summary = result.summary
    rows = [
        (
            "best",
            f"epoch {summary.epoch}, dev CER {percent(summary.dev_cer)}, WER {percent(summary.dev_wer)}",
        ),
        ("model", str(result.best_model)),
    ]
    test = data_dir / "test.jsonl"
    if test.exists():
        rows.append(("next", shlex.join(["seqlabel", "evaluate", str(result.best_model), str(test)])))
    print_table(rows)
    return DONE


def _evaluate(arguments: argparse.Namespace) -> int:
    from seqlabel.line_scores import Line

    out: Path | None = arguments.out
    if out is not None:
        refuse_unwritable(out)
    check_scoring_options(arguments)
    folding = _folding(arguments)
    recognizer = _recognizer(arguments)
    are_labels = recognizer.header.experiment.objective.build().measure == "ser"
    if are_labels and arguments.normalise is not None:
        raise ConfigError(
            "--normalise: this model names whole examples; say with --fold which names count as one"
        )
    evaluation = recognizer.evaluate(arguments.manifest, bars_on_terminal(), arguments.unit)
    if evaluation.changes is not None:
        complain(f"{arguments.manifest}: {evaluation.changes}")
    if evaluation.num_untold:
        complain(
            f"{arguments.manifest}: {evaluation.num_untold:,} of "
            f"{evaluation.num_untold + len(evaluation.ids):,} lines have no text or no outline and are not scored"
        )
    found = [hypothesis.text for hypothesis in evaluation.hypotheses]
    rows = list(zip(evaluation.ids, evaluation.references, found, evaluation.groups, strict=True))
    if out is not None:
        scores = (finite(hypothesis.score) for hypothesis in evaluation.hypotheses)
        lines = [
            as_json_text(
                {
                    "id": id_,
                    "reference": reference,
                    "hypothesis": text,
                    "score": score,
                    **({} if group is None else {"group": group}),
                }
            )
            for (id_, reference, text, group), score in zip(rows, scores, strict=True)
        ]
        write_lines(out, lines)
    tell_scores(
        arguments,
        f"{arguments.manifest} read by {_readers(arguments)}",
        _folded([Line(*row) for row in rows], folding),
        evaluation.rates.frames,
        are_labels=are_labels,
        reliability=recognizer.reliability(evaluation),
    )
    return DONE


def _readers(arguments: argparse.Namespace) -> str:
    names = " and ".join(map(str, (arguments.model, *arguments.others)))
    return names if arguments.views == 1 else f"{names} at {arguments.views} views"


def _folding(arguments: argparse.Namespace) -> dict[str, str | None] | None:
    from seqlabel.transcripts import read_folding

    return None if arguments.fold is None else read_folding(arguments.fold)


def _folded(lines: "list[Line]", folding: dict[str, str | None] | None) -> "list[Line]":
    from seqlabel.metrics import fold

    return lines if folding is None else [line.changed(lambda text: fold(text, folding)) for line in lines]


def _recognizer(arguments: argparse.Namespace) -> "Recognizer":
    """Loads a model to read as its file says, or as the command line does."""
    from seqlabel.devices import choose_device, prepare_arithmetic
    from seqlabel.model_file import load_model
    from seqlabel.recognizer import Recognizer

    prepare_arithmetic(None)
    device = choose_device(arguments.device)
    loaded, *others = (load_model(path, device) for path in (arguments.model, *arguments.others))
    decoder, language = decoding(loaded.header, loaded.language, arguments)
    recognizer = Recognizer(
        loaded, arguments.device, decoder, language, arguments.precision, others, arguments.views
    )
    say_left_out(recognizer.decoder)
    return recognizer


def _transcribe(arguments: argparse.Namespace) -> int:
    check_transcribe_options(arguments)
    return transcribe(_recognizer(arguments), arguments)


def _score(arguments: argparse.Namespace) -> int:
    from seqlabel.transcripts import read_pairs

    check_scoring_options(arguments)
    folding = _folding(arguments)
    lines = read_pairs(arguments.reference, arguments.hypothesis)
    other: Path | None = arguments.compare
    others = None if other is None else read_pairs(arguments.reference, other)
    if arguments.model is not None:
        from seqlabel.model_file import read_header
        from seqlabel.texts import changes

        texts = read_header(arguments.model).experiment.texts
        if (changed := changes(texts, ((line.id, line.reference) for line in lines))) is not None:
            complain(f"{arguments.reference}: {changed}")
        lines = [replace(line, reference=texts.prepare(line.reference)) for line in lines]
        others = others and [replace(line, reference=texts.prepare(line.reference)) for line in others]
    tell_scores(
        arguments,
        f"{arguments.hypothesis} against {arguments.reference}",
        _folded(lines, folding),
        other=None if others is None else _folded(others, folding),
    )
    return DONE


def _info(arguments: argparse.Namespace) -> int:
    from seqlabel.model_file import read_header

    header = read_header(arguments.model)
    if arguments.json:
        import msgspec

        print(msgspec.json.encode(header).decode())
    else:
        from seqlabel.model_description import describe

        print_table(describe(arguments.model, header))
    return DONE


# --- the command line -------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """argparse with its usage errors in one line."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_Formatter, **settings)

    def error(self, message: str) -> NoReturn:
        message = message.removeprefix("argument COMMAND: ").removeprefix("argument ")
        self.exit(USER_ERROR, f"seqlabel: {message}; see `{self.prog} --help`\n")


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)

    def add_argument(self, action: argparse.Action) -> None:
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):
            self._action_max_length += 2  # argparse forgets that commands are indented


class _TrainHelp(argparse.Action):
    """`train --help`, and `train RECIPE.py --help` with the settings that the recipe has."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, *_: object
    ) -> NoReturn:
        parser.print_help()
        recipe: Path | None = getattr(namespace, "recipe", None)
        if recipe is not None:
            from seqlabel.experiment import load_recipe
            from seqlabel.overrides import settings

            rows = list(settings(load_recipe(recipe)))
            width = max(len(name) for name, _ in rows)
            print(f"\nsettings of {recipe}:")
            for name, value in rows:
                print(f"  {name:<{width}}  {value}")
        parser.exit()


_EXAMPLES = """\
examples:
  python -m data_prep.digits data/digits
  seqlabel train recipes/digits/digits.py
  seqlabel evaluate runs/digits/best.safetensors data/digits/test.jsonl
  seqlabel transcribe runs/digits/best.safetensors line.png folder/

`seqlabel COMMAND --help` says more of each.
"""


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="seqlabel",
        description="Trains recurrent networks with CTC to read speech, pen ink and line images, and reads with them.",
        epilog=_EXAMPLES,
    )
    parser.add_argument("--version", action="version", version=f"seqlabel {__version__}")
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", title="commands", required=True, parser_class=_Parser
    )

    def command(
        run: Callable[[argparse.Namespace], int],
        name: str,
        summary: str,
        more: str = "",
        add_help: bool = True,
    ) -> argparse.ArgumentParser:
        description = f"{summary[0].upper()}{summary[1:]}.{more}"
        added = commands.add_parser(name, help=summary, description=description, add_help=add_help)
        added.set_defaults(run=run)
        return added

    checking = command(
        check,
        "check",
        "look for what is wrong with a corpus, before or after training",
        "\n\nA recipe is checked with the data that it learns from, its own settings and overrides included; several\n"
        "manifests are the splits of one corpus, named after their files. With --model, transcripts are ranked\n"
        "by how likely they are wrong.",
    )
    add_check_options(checking)

    augmenting = command(
        augment,
        "augment",
        "write files as the training of a recipe hears or sees them",
        "\n\nEach file is read as the recipe's feature reads it, then its signal augmentations change it: speech is\n"
        "written as WAV, line images and ink as PNG. What is done to features afterwards (masks, noise, warp) is not\n"
        "heard. A file that cannot be read is one line on standard error, and the exit code is 2.",
    )
    add_augment_options(augmenting)

    train = command(
        _train,
        "train",
        "train a recipe, or go on with its run",
        "\n\nAny setting of the recipe can be overridden after it, for trying: --training.num-epochs 3\n"
        "`seqlabel train RECIPE.py --help` lists the settings. Ctrl-C stops after the step under way,\n"
        "and the same command goes on from there.",
        add_help=False,
    )
    train.usage = (
        "seqlabel train RECIPE.py [--run-dir DIR] [--data-dir DIR] [--device D] "
        "[--tracker T] [--any.setting value ...]"
    )
    train.add_argument(
        "-h",
        "--help",
        nargs=0,
        action=_TrainHelp,
        help="show this, and the settings of RECIPE.py if it is given",
    )
    train.add_argument("recipe", metavar="RECIPE.py", type=Path, help="a Python file that binds `config`")
    train.add_argument(
        "--run-dir", metavar="DIR", type=Path, help="where the run is kept (default: runs/NAME)"
    )
    train.add_argument(
        "--data-dir", metavar="DIR", type=Path, help="where the manifests are (default: the recipe's own)"
    )
    train.add_argument(
        "--init-from",
        metavar="MODEL",
        type=Path,
        help="begin with the weights of a trained model, as far as they fit",
    )
    train.add_argument(
        "--tracker",
        choices=("none", "tensorboard"),
        default="none",
        help="keep the figures of each epoch for TensorBoard as well, in DIR/tensorboard (default: none)",
    )

    evaluate = command(_evaluate, "evaluate", "measure a model's errors on a manifest")
    _add_model(evaluate)
    evaluate.add_argument(
        "manifest", metavar="MANIFEST", type=Path, help="JSON Lines, or a folder of another toolkit"
    )
    evaluate.add_argument("--out", metavar="FILE", type=Path, help="keep the hypotheses here, as JSON Lines")

    reading = command(
        _transcribe,
        "transcribe",
        "read files with a model",
        "\n\nOne line a file: path, tab, text; for each line of a page (ALTO, PAGE) page.xml#line, tab, text; with\n"
        "--rows for each row of pen ink ink.inkml:row, tab, text, counted from 0. Folders are walked. What cannot\n"
        "be read is one line on standard error, the rest is still read, and the exit code is 2.",
    )
    _add_model(reading)
    add_transcribe_options(reading)

    aligning = command(
        align,
        "align",
        "find where each token of the texts stands",
        "\n\nWrites the manifest again, with the labels of each example and the frames that they take up, for\n"
        "framewise training; with --format the times of words and tokens for Praat, subtitles or scoring tools.\n"
        "An example that cannot be aligned is one line on standard error, and the exit code is 2.",
    )
    _add_model(aligning)
    add_align_options(aligning)

    adapting = command(
        adapt,
        "adapt",
        "make of a model one for a voice or a hand, without its texts",
        "\n\nA network mistakes a voice that it does not know in a systematic manner. From recordings of it, whose\n"
        "texts nobody has to know, each token gets a bias with which it comes up as often as in other texts of\n"
        "the kind. The adapted model is a file like any other. What cannot be read is one line on standard error.",
    )
    _add_model(adapting)
    add_adapt_options(adapting)

    score = command(
        _score,
        "score",
        "measure the errors of hypotheses, no model needed",
        "\n\nTwo manifests are compared by id (hypotheses: JSON Lines with `id` and `hypothesis` or `text`),\n"
        "two text files line by line. The brackets hold 95 % intervals, by bootstrap over the groups (speakers,\n"
        "writers) of the references, or over lines where there are none.",
    )
    score.add_argument("reference", metavar="REFERENCE", type=Path, help="the right texts")
    score.add_argument("hypothesis", metavar="HYPOTHESIS", type=Path, help="what was read")

    score.add_argument(
        "--model",
        metavar="MODEL",
        type=Path,
        help="apply the Unicode form and the rules of this model file to the references first",
    )
    score.add_argument(
        "--compare",
        metavar="OTHER",
        type=Path,
        help="hypotheses of another system: say which is better, by how much and how surely",
    )
    for added in (evaluate, score):
        add_scoring_options(added)
        added.add_argument(
            "--unit",
            choices=("character", "grapheme"),
            default="character",
            help="what CER counts: code points, or characters with their marks (default: character)",
        )
        added.add_argument(
            "--fold",
            metavar="FILE",
            type=Path,
            help="count words as other words: lines of `ix ih`, or of a word that is not counted at all",
        )

    add_lm_commands(commands, _Parser)

    calibrating = command(
        calibrate,
        "calibrate",
        "learn from a dev set how far a model's confidences can be trusted",
        "\n\nTraining and `lm tune` do so by themselves; this is for models of other makes of seqlabel, for another\n"
        "dev set, and after the decoder was changed. What was found is written into the model file.",
    )
    _add_model(calibrating)
    add_calibrate_options(calibrating)

    merging = command(
        merge,
        "merge",
        "make one model of several that have learnt with --training.guide",
        "\n\nThe new model says in each frame what the others say in the mean: fewer errors than each has, in one\n"
        "file that reads like any other. All but the first have learnt with the first as their --training.guide,\n"
        "or all with one guide; others have their tokens at other frames, and read together by `evaluate --with`.",
    )
    add_merge_options(merging)

    info = command(_info, "info", "say what a model reads and writes, and how it was trained")
    _add_model(info)

    for added in (evaluate, reading):
        add_language_options(added)
        added.add_argument(
            "--with",
            dest="others",
            metavar="MODEL",
            type=Path,
            action="append",
            default=[],
            help="another model with the same tokens that reads along, such as one of another seed; can be repeated",
        )
        added.add_argument(
            "--views",
            metavar="N",
            type=int,
            default=1,
            help="look at each file N times, larger and smaller or faster and slower, up to 5: often fewer errors, in "
            "about N times the time; try it on a dev set (default: 1)",
        )
        added.add_argument(
            "--precision",
            choices=("float32", "bfloat16"),
            default="float32",
            help="of the arithmetic; bfloat16 is faster on processors that have it (default: float32)",
        )
        added.epilog = "Any setting of the decoder can be given, such as --decoder.beam-width 128"

    for added in (checking, train, evaluate, reading, aligning, adapting, calibrating, merging):
        added.add_argument(
            "--device",
            choices=("auto", "cpu", "cuda"),
            default="auto",
            help="where to compute (default: auto, a GPU if there is one)",
        )
    for added, what in (
        (checking, ", with all that was found"),
        (evaluate, ""),
        (score, ""),
        (reading, " a file"),
        (info, ", all settings included"),
    ):
        added.add_argument("--json", action="store_true", help=f"print one JSON object{what}")
    return parser


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", metavar="MODEL", type=Path, help="a model file, such as runs/an4/best.safetensors"
    )


if __name__ == "__main__":
    program()
