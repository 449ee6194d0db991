"""`seqlabel merge`: one model out of several that have their tokens at the same frames."""

import argparse
import datetime
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seqlabel.errors import ConfigError
from seqlabel.terminal import DONE, bars_on_terminal, complain, percent, print_table, refuse_unwritable

if TYPE_CHECKING:
    from seqlabel.evaluation import Evaluation
    from seqlabel.model_file import LoadedModel


def add_merge_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `merge` takes."""
    parser.add_argument(
        "models",
        metavar="MODEL",
        type=Path,
        nargs="+",
        help="two models or more of one recipe and one training set; decoder and language models are the first one's",
    )
    parser.add_argument(
        "--dev",
        metavar="MANIFEST",
        type=Path,
        required=True,
        help="a dev set, on which each is read beside what becomes of them, and confidences are learnt",
    )
    parser.add_argument("-o", "--out", metavar="FILE", type=Path, required=True, help="the merged model")


def merge(arguments: argparse.Namespace) -> int:
    """Writes one model that says what several say in the mean, and returns the exit code."""
    paths: list[Path] = arguments.models
    out, dev = arguments.out, arguments.dev
    refuse_unwritable(out)
    if len(paths) < 2:
        raise ConfigError(f"{paths[0]}: one model alone is merged with nothing; name two or more")
    if out.exists() and not out.is_file():
        raise ConfigError(f"{out}: is no file that could hold a model; name one")
    if any(out.exists() and path.exists() and out.samefile(path) for path in (*paths, dev)):
        raise ConfigError(f"{out}: is one of the files that are read; name another one")
    from msgspec.structs import replace

    from seqlabel.calibration import calibrate, judge
    from seqlabel.devices import choose_device, prepare_arithmetic
    from seqlabel.frame_fusion import merge
    from seqlabel.model_file import LoadedModel, load_model, save_model
    from seqlabel.recognizer import Recognizer

    prepare_arithmetic(None)
    device = choose_device(arguments.device)
    loaded = [load_model(path, device) for path in paths]
    first = loaded[0]
    encoder, model = merge(loaded, list(map(str, paths)))
    experiment = replace(first.header.experiment, encoder=encoder)
    header = replace(
        first.header,
        experiment=experiment,
        num_parameters=sum(parameter.numel() for parameter in model.parameters()),
        calibration=None,
        merged_from=tuple(map(_origin, paths, loaded)),
    )

    def read(one: LoadedModel) -> "Evaluation":
        return Recognizer(one, arguments.device, experiment.decoder, first.language).evaluate(
            dev, bars_on_terminal()
        )

    found = read(LoadedModel(header, first.frontend, model, first.language))
    if not (found.rates.characters.reference_length and found.rates.words.reference_length):
        raise ConfigError(f"{dev}: there is no text in its examples; give a dev set with texts")
    alone = [read(one) for one in loaded]
    verdict = judge(first.header.tokens, zip(found.references, found.hypotheses, strict=True))
    summary = replace(
        header.summary,
        num_steps=sum(one.header.summary.num_steps for one in loaded),
        minutes=sum(one.header.summary.minutes for one in loaded),
        num_dev_examples=len(found.ids),
        dev_cer=found.rates.cer,
        dev_wer=found.rates.wer,
        dev_ser=found.rates.ser,
        finished_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
    header = replace(header, summary=summary, calibration=calibrate(verdict))
    weights = model.state_dict()
    save_model(Path(os.path.realpath(out)), header, weights, first.frontend, language=first.language)
    print_table(
        [
            *((str(path), _rates(one)) for path, one in zip(paths, alone, strict=True)),
            ("merged", _rates(found)),
            ("written", f"{out}, {header.num_parameters:,} weights"),
        ]
    )
    mean = sum(one.rates.characters.errors for one in alone) / len(alone)
    is_worse = found.rates.characters.errors > mean + 2 * math.sqrt(mean)
    if is_worse or not _have_one_guide(loaded):
        why = f"reads {dev} much worse than its models" if is_worse else "has not learnt with one guide"
        complain(
            f"{out}: {why}; models have their tokens at the same frames where all but one have learnt with that one, "
            "or all with another, as --training.guide; others read together by `evaluate --with`"
        )
    return DONE


def _have_one_guide(models: Sequence["LoadedModel"]) -> bool:
    guides = [one.header.experiment.training.guide for one in models]
    return guides.count(None) <= 1 and len(set(guides) - {None}) == 1


def _origin(path: Path, loaded: "LoadedModel") -> str:
    """What a header says of a model; names of files may be any bytes, JSON is text."""
    name = os.fsencode(path).decode("utf-8", "replace")
    return f"{name}, seed {loaded.header.experiment.training.seed}"


def _rates(found: "Evaluation") -> str:
    rates = found.rates
    return f"CER {percent(rates.cer)}, WER {percent(rates.wer)}, {len(found.ids):,} examples"
