"""`seqlabel merge`: one model out of several that have their tokens at the same frames."""

import argparse
import datetime
import os
from pathlib import Path
from typing import TYPE_CHECKING

from seqlabel.errors import ConfigError
from seqlabel.terminal import DONE, bars_on_terminal, complain, percent, print_table, refuse_unwritable

if TYPE_CHECKING:
    from seqlabel.evaluation import Evaluation


def add_merge_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `merge` takes."""
    parser.add_argument(
        "models",
        metavar="MODEL",
        type=Path,
        nargs="+",
        help="two models or more of one recipe and one training set",
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
    out: Path = arguments.out
    refuse_unwritable(out)
    if len(paths) < 2:
        raise ConfigError(f"{paths[0]}: one model alone is merged with nothing; name two or more")
    if out.exists() and not out.is_file():
        raise ConfigError(f"{out}: is no file that could hold a model; name one")
    if any(out.exists() and path.exists() and out.samefile(path) for path in paths):
        raise ConfigError(f"{out}: is one of the models that are merged; name another file")
    from msgspec.structs import replace

    from seqlabel.calibration import calibrate, judge
    from seqlabel.devices import choose_device
    from seqlabel.frame_fusion import merge
    from seqlabel.model import Model
    from seqlabel.model_file import LoadedModel, load_model, save_model, set_decoding
    from seqlabel.recognizer import Recognizer

    device = choose_device(arguments.device)
    loaded = [load_model(path, device) for path in paths]
    first = loaded[0]
    encoder, weights = merge(loaded)
    experiment = replace(first.header.experiment, encoder=encoder)
    model = Model(encoder, first.frontend.dim, len(first.header.tokens), experiment.objective)
    model.load_state_dict(weights)
    header = replace(
        first.header,
        experiment=experiment,
        num_parameters=sum(parameter.numel() for parameter in model.parameters()),
        calibration=None,
        merged_from=tuple(
            f"{path}, seed {one.header.experiment.training.seed}"
            for path, one in zip(paths, loaded, strict=True)
        ),
    )
    alone = [Recognizer(one, arguments.device).evaluate(arguments.dev, bars_on_terminal()) for one in loaded]
    made = LoadedModel(header, first.frontend, model.to(device).eval(), first.language)
    found = Recognizer(made, arguments.device).evaluate(arguments.dev, bars_on_terminal())
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
    verdict = judge(first.header.tokens, zip(found.references, found.hypotheses, strict=True))
    header = replace(header, summary=summary, calibration=calibrate(verdict))
    where = Path(os.path.realpath(out))
    save_model(where, header, weights, first.frontend)
    language = first.language
    if language.tokens is not None or language.words is not None or language.lexicon is not None:
        set_decoding(where, experiment.decoder, language, header.calibration)
    print_table(
        [
            *((str(path), _rates(one)) for path, one in zip(paths, alone, strict=True)),
            ("merged", _rates(found)),
            ("written", f"{out}, {header.num_parameters:,} weights"),
        ]
    )
    if found.rates.cer > sum(one.rates.cer for one in alone) / len(alone):
        complain(
            f"{out}: reads {arguments.dev} worse than the models in it do; those that have not learnt with one "
            "--training.guide have their tokens at other frames, and read together by `evaluate --with`"
        )
    return DONE


def _rates(found: "Evaluation") -> str:
    rates = found.rates
    return f"CER {percent(rates.cer)}, WER {percent(rates.wer)}, {len(found.ids):,} examples"
