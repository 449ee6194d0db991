"""`seqlabel lm`: build a language model, measure it, and tune how a model reads with it.

PyTorch is imported inside the commands, so that `--help` answers at once.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqlabel.errors import ConfigError, FormatError
from seqlabel.terminal import (
    DONE,
    as_json_text,
    bars_on_terminal,
    complain,
    percent,
    print_table,
    refuse_unwritable,
)

if TYPE_CHECKING:
    from seqlabel.config import Config
    from seqlabel.decoders import Decoder, DecoderConfig
    from seqlabel.language_model import LanguageModels, NgramModel, Unit
    from seqlabel.model_file import Header
    from seqlabel.tokens import TokenTable
    from seqlabel.tuning import Tuning

AddCommand = Callable[..., argparse.ArgumentParser]


def add_lm_commands(
    commands: "argparse._SubParsersAction[Any]", parser_class: type[argparse.ArgumentParser]
) -> None:
    """Adds `lm` and what stands below it."""
    summary = "build, measure and tune language models"
    lm = commands.add_parser("lm", help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    below = lm.add_subparsers(
        dest="lm_command", metavar="COMMAND", title="commands", required=True, parser_class=parser_class
    )

    def command(
        run: Callable[[argparse.Namespace], int], name: str, summary: str, more: str
    ) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = below.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.\n\n{more}"
        )
        added.set_defaults(run=run)
        return added

    build = command(
        _build,
        "build",
        "make an n-gram model of texts",
        "Interpolated modified Kneser-Ney; Witten-Bell for an order whose counts are too few, which is said.\n"
        "TEXT is a text file, a sentence a line, or a manifest, whose texts are taken.",
    )
    build.add_argument("texts", metavar="TEXT", type=Path, nargs="+", help="text files and manifests")
    build.add_argument(
        "-o", "--out", metavar="MODEL.arpa", type=Path, required=True, help="the model; .arpa.gz is zipped"
    )
    build.add_argument("--order", type=int, default=6, help="length of the longest n-grams (default: 6)")
    build.add_argument(
        "--unit",
        choices=("char", "grapheme", "word"),
        help="what a model counts (default: char, or with --model its own tokens)",
    )
    build.add_argument(
        "--cutoffs",
        metavar="N",
        type=int,
        nargs="+",
        default=[0],
        help="counts up to which n-grams of orders 1, 2, ... are left out (default: 0)",
    )
    build.add_argument(
        "--without",
        metavar="TEXT",
        type=Path,
        nargs="+",
        default=[],
        help="leave out sentences that stand in these word for word, such as a test set",
    )
    build.add_argument(
        "--prune",
        metavar="SHARE",
        type=float,
        help="leave out n-grams that change the perplexity by less, such as 1e-7",
    )
    measure = command(
        _perplexity,
        "perplexity",
        "measure how well a model foretells texts",
        "With and without unknown words.",
    )
    measure.add_argument("arpa", metavar="MODEL.arpa", type=Path, help="an ARPA file, gzipped or not")
    measure.add_argument("texts", metavar="TEXT", type=Path, nargs="+", help="text files and manifests")
    measure.add_argument(
        "--unit",
        choices=("char", "grapheme", "word"),
        help="what the model counts (default: seen by its words)",
    )
    for added in (build, measure):
        added.add_argument(
            "--model",
            metavar="MODEL",
            type=Path,
            help="bring the texts into the form, the rules and the reading order of this model file",
        )
    measure.add_argument("--json", action="store_true", help="print one JSON object")
    tune = command(
        _tune,
        "tune",
        "find the weights with which a dev set is read best",
        "Computes the emissions once, tries weights and bonuses on them, and writes the best of them and the\n"
        "language models into MODEL, so that `evaluate` and `transcribe` just use them.",
    )
    tune.add_argument(
        "model", metavar="MODEL", type=Path, help="a model file, such as runs/an4/best.safetensors"
    )
    tune.add_argument("manifest", metavar="MANIFEST", type=Path, help="the dev set")
    add_language_options(tune)
    tune.add_argument(
        "--measure", choices=("cer", "wer"), default="cer", help="what is to be least (default: cer)"
    )
    tune.add_argument(
        "--beam-width", metavar="N", type=int, default=64, help="prefixes that are kept (default: 64)"
    )
    tune.add_argument("--dry-run", action="store_true", help="print the surface, and leave MODEL as it is")
    tune.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="where to compute (default: auto, a GPU if there is one)",
    )


def add_language_options(parser: argparse.ArgumentParser) -> None:
    """Adds the files that tell a decoder of the language."""
    parser.add_argument(
        "--lm",
        metavar="FILE.arpa",
        type=Path,
        help="language model over the model's tokens (characters, phones)",
    )
    parser.add_argument("--word-lm", metavar="FILE.arpa", type=Path, help="language model over words")
    parser.add_argument(
        "--lexicon",
        metavar="FILE",
        type=Path,
        help="the words that may be read, one a line, alone or with their phones",
    )


def decoding(
    header: "Header", language: "LanguageModels", arguments: argparse.Namespace
) -> tuple["DecoderConfig", "LanguageModels"]:
    """Returns how a model is to read: what its file says, and in its place what the command line says.

    Raises:
        ConfigError, FormatError: an unknown setting, or a file that cannot be read.
    """
    from seqlabel.config import Config
    from seqlabel.decoders import BeamConfig, DecoderConfig, GreedyConfig
    from seqlabel.overrides import override

    class Decoding(Config, frozen=True):
        decoder: DecoderConfig

    given = read_language(arguments, language)
    overrides: Sequence[str] = arguments.overrides
    decoder = header.experiment.decoder
    reads_together = arguments.views > 1 or len(arguments.others) > 0
    names = {word.partition("=")[0].replace("-", "_") for word in overrides if word.startswith("--decoder")}
    is_beam = given is not language or reads_together or bool(names - {"__decoder.blank_penalty"})
    if "__decoder" not in names and is_beam and isinstance(decoder, GreedyConfig):
        decoder = BeamConfig()
    is_greedy = "__decoder" in names or isinstance(decoder, GreedyConfig)
    if "__decoder.blank_penalty" in names and not is_greedy:
        raise ConfigError(
            "--decoder.blank-penalty: is for the best path, and the model file, a language model, a setting of the "
            "beam, --views or --with asks for another decoder; leave one out, or add --decoder greedy"
        )
    decoder = override(Decoding(decoder=decoder), overrides).decoder
    if given is not language and not isinstance(decoder, BeamConfig):
        raise ConfigError("a language model or a lexicon is for --decoder beam alone; leave one of them out")
    return decoder, given


def say_left_out(decoder: "Decoder") -> None:
    """Says how many words of a lexicon cannot be read."""
    from seqlabel.decoders import Beam

    if isinstance(decoder, Beam) and decoder.lexicon.left_out:
        left_out = decoder.lexicon.left_out
        complain(
            f"the lexicon has {len(left_out):,} words that cannot be read and are left out, first {left_out[0]!r}: "
            "the model's tokens do not spell them, or the language model does not know them"
        )


def read_language(arguments: argparse.Namespace, language: "LanguageModels") -> "LanguageModels":
    """Returns the language models that are named on the command line; those of `language` for the others.

    Raises:
        FormatError: a file cannot be read.
    """
    from dataclasses import replace

    from seqlabel.language_model import read_arpa, read_lexicon

    changes: dict[str, Any] = {}
    if arguments.lm is not None:
        changes["tokens"] = read_arpa(arguments.lm)
    if arguments.word_lm is not None:
        changes["words"] = read_arpa(arguments.word_lm)
    if arguments.lexicon is not None:
        changes["lexicon"] = read_lexicon(arguments.lexicon)
    return replace(language, **changes) if changes else language


def _build(arguments: argparse.Namespace) -> int:
    out: Path = arguments.out
    refuse_unwritable(out)
    if arguments.prune is not None and not arguments.prune > 0:
        raise ConfigError(f"--prune {arguments.prune}: expected a share above 0, such as 1e-7")
    from seqlabel.language_model import corpus, estimate, prune, write_arpa
    from seqlabel.transcripts import texts_of

    header, unit = _of_model(arguments.model, arguments.unit)
    texts = texts_of(arguments.texts)
    if header is not None:
        texts = _prepared(texts, header, f"{arguments.texts[0]}: ")
    if arguments.without:
        texts = [line for text in texts for line in text.splitlines() if line.strip()]
        without = texts_of(arguments.without)
        others = {_plain(line) for text in without for line in text.splitlines()}
        if header is not None:
            others = {_plain(line) for text in _prepared(without, header) for line in text.splitlines()}
        kept = [line for line in texts if _plain(line) not in others]
        print(f"left out  {len(texts) - len(kept):,} of {len(texts):,} sentences, which stand in --without")
        if not kept:
            raise ConfigError("--without has every sentence of the text; leave it out, or give more text")
        texts = kept
    if header is not None and header.tokens.reading_order == "visual":
        texts = [_as_emitted(line, header.tokens, unit) for text in texts for line in text.splitlines()]
    text = corpus(texts, unit, "NFC" if header is None else header.tokens.unicode_form)
    found = estimate(text, arguments.order, arguments.cutoffs)
    model = found.model if arguments.prune is None else prune(found.model, arguments.prune)
    write_arpa(out, model)
    num_sentences = int((text.left == 1).sum())
    rows = [
        ("text", f"{num_sentences:,} sentences, {len(text.ids) - 2 * num_sentences:,} {unit}s"),
        ("words", f"{len(text.words) - 3:,} different"),
    ]
    for order, (ngrams, discounts) in enumerate(zip(model.orders, found.discounts, strict=False), 1):
        how = "Witten-Bell, since its counts are too few for Kneser-Ney discounts"
        if discounts is not None:
            how = "discounts " + " ".join(f"{value:.3f}" for value in discounts)
        rows.append((f"{order}-grams", f"{len(ngrams):,}, {how}"))
    rows.append(("model", f"{out}, {out.stat().st_size / 1e6:.1f} MB"))
    print_table(rows)
    return DONE


def _perplexity(arguments: argparse.Namespace) -> int:
    from seqlabel.language_model import read_arpa, units
    from seqlabel.transcripts import texts_of

    model = read_arpa(arguments.arpa)
    unit = arguments.unit or _unit_of(model)
    header, _ = _of_model(arguments.model, unit)
    texts = texts_of(arguments.texts)
    if header is not None:
        texts = _prepared(texts, header, f"{arguments.texts[0]}: ")
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    if not lines:
        raise FormatError(f"{arguments.texts[0]}: has no text")
    if header is not None and header.tokens.reading_order == "visual":
        lines = [_as_emitted(line, header.tokens, unit) for line in lines]
    form = "NFC" if header is None else header.tokens.unicode_form
    found = model.perplexity(units(line, unit, form) for line in lines)
    if arguments.json:
        print(
            as_json_text(
                {
                    "perplexity": found.including_unknown,
                    "perplexity_without_unknown": found.excluding_unknown
                    if found.num_words > found.num_unknown
                    else None,
                    "log_prob": found.log_prob,
                    "num_words": found.num_words,
                    "num_unknown": found.num_unknown,
                    "num_sentences": found.num_sentences,
                }
            )
        )
        return DONE
    print_table(
        [
            ("sentences", f"{found.num_sentences:,}"),
            (f"{unit}s", f"{found.num_words:,} with the ends of sentences, {found.num_unknown:,} unknown"),
            (
                "perplexity",
                f"{found.including_unknown:.4f}, without the unknown {found.excluding_unknown:.4f}",
            ),
        ]
    )
    return DONE


def _tune(arguments: argparse.Namespace) -> int:
    if not arguments.dry_run:
        refuse_unwritable(arguments.model)
    import numpy as np

    from seqlabel.calibration import calibrate, judge
    from seqlabel.decoders import BeamConfig
    from seqlabel.language_model import LanguageModels
    from seqlabel.model_file import set_decoding
    from seqlabel.recognizer import Recognizer
    from seqlabel.tuning import MOST_TRIALS, tune

    recognizer = Recognizer.load(arguments.model, arguments.device)
    language = read_language(arguments, recognizer.loaded.language)
    if language == LanguageModels():
        raise ConfigError("there is no language model to tune; name one with --lm or --word-lm")
    start = BeamConfig(beam_width=arguments.beam_width)
    say_left_out(start.build(recognizer.header.tokens, language))  # refuses what does not go together
    bars = bars_on_terminal()
    references, emissions, greedy = recognizer.emissions(arguments.manifest, bars)
    _warn_of_order(references, recognizer.header.tokens, language)
    found = None
    if bars is None:
        found = tune(emissions, references, recognizer.header.tokens, language, start, arguments.measure)
    else:
        with bars("tuning", MOST_TRIALS) as on_trial:
            found = tune(
                emissions, references, recognizer.header.tokens, language, start, arguments.measure, on_trial
            )
    _print_surface(found, arguments.measure)
    best = found.best
    print_table(
        [
            ("greedy", f"CER {percent(greedy.cer)}  WER {percent(greedy.wer)}"),
            ("tuned", f"CER {percent(best.rates.cer)}  WER {percent(best.rates.wer)}"),
            ("setting", "  ".join(f"--decoder.{name} {value}" for name, value in _shown(best.decoder))),
        ]
    )
    if not arguments.dry_run:
        beam = best.decoder.build(recognizer.header.tokens, language)
        found_again = [beam.read(np.ascontiguousarray(rows, np.float64))[0] for rows in emissions]
        verdict = judge(recognizer.header.tokens, zip(references, found_again, strict=True))
        set_decoding(arguments.model, best.decoder, language, calibrate(verdict))
        print_table([("written", str(arguments.model))])
    return DONE


def _print_surface(found: "Tuning", measure: str) -> None:
    """Prints the dev error over weight and bonus."""
    settings = [(getattr(t.decoder, found.rows), getattr(t.decoder, found.columns)) for t in found.surface]
    rates = {at: getattr(t.rates, measure) for at, t in zip(settings, found.surface, strict=True)}
    rows, columns = (sorted({at[axis] for at in settings}) for axis in (0, 1))
    least = min(rates.values())
    print(f"dev {measure.upper()} in %, over {found.rows} (down) and {found.columns} (across)")
    print("      " + "".join(f"{column:>9}" for column in columns))
    for row in rows:
        cells = (
            f"{100 * rates[row, column]:8.2f}{'*' if rates[row, column] == least else ' '}"
            for column in columns
        )
        print(f"{row:>6}" + "".join(cells))


def _shown(config: "Config") -> Iterator[tuple[str, str]]:
    """The settings that are not what they are by default."""
    from seqlabel.overrides import settings

    default = dict(settings(type(config)()))
    for name, value in settings(config):
        if value != default[name]:
            yield name.removeprefix("--"), value if len(value) < 60 else "..."


def _of_model(path: Path | None, unit: "Unit | None") -> tuple["Header | None", "Unit"]:
    """Returns what a model file says of itself, and what an n-gram model for it counts where that is not said.

    Raises:
        ModelFileError: the file is no model.
    """
    if path is None:
        return None, unit or "char"
    from seqlabel.model_file import read_header

    header = read_header(path)
    own: Unit = "char" if header.tokens.unit == "character" else header.tokens.unit
    return header, unit or own


def _prepared(texts: Sequence[str], header: "Header", where: str | None = None) -> list[str]:
    """Returns texts as a model learns them, line by line; with `where` it says what the model's rules have changed."""
    from seqlabel.texts import changes

    settings = header.experiment.texts
    lines = [line for text in texts for line in text.splitlines()]
    if where is not None:
        changed = changes(settings, ((f"line {number}", line) for number, line in enumerate(lines, 1)))
        if changed is not None:
            complain(f"{where}{changed}")
    return [settings.prepare(line) for line in lines]


def _as_emitted(line: str, tokens: "TokenTable", unit: "Unit") -> str:
    """Returns a line with its characters, or its words, in the order in which a network emits them.

    A word itself stays as it is written, since a lexicon is.
    """
    from seqlabel.decoders import words_of

    emitted = tokens.split(" ".join(line.split()))
    if unit != "word":
        return tokens.joined(emitted)
    words = [(min(place for _, place in word), word) for word in words_of(emitted, tokens)]
    return " ".join("".join(part for part, _ in word) for _, word in sorted(words))


def _warn_of_order(references: Sequence[str], tokens: "TokenTable", language: "LanguageModels") -> None:
    """Says of a language model for a model in visual order that it foretells the texts better as they are read."""
    from seqlabel.language_model import units

    if tokens.reading_order == "logical":
        return
    for name, model in (("--lm", language.tokens), ("--word-lm", language.words)):
        if model is None or model.order == 1:
            continue
        unit: Unit = "word" if name == "--word-lm" else _unit_of(model)
        emitted, as_read = (
            model.perplexity(units(line, unit, tokens.unicode_form) for line in lines).including_unknown
            for lines in ([_as_emitted(line, tokens, unit) for line in references], references)
        )
        if as_read < emitted:
            complain(
                f"{name}: foretells the texts better in the order of reading (perplexity {as_read:.1f}) than from "
                f"left to right ({emitted:.1f}), as this model reads; build it with `seqlabel lm build --model`"
            )


def _plain(line: str) -> str:
    import unicodedata

    return " ".join(unicodedata.normalize("NFC", line).split())


def _unit_of(model: "NgramModel") -> "Unit":
    from seqlabel.characters import graphemes
    from seqlabel.language_model import RESERVED, SPACE

    words = [word for word in model.words if word not in (*RESERVED, SPACE)]
    if all(len(word) == 1 for word in words):
        return "char"
    # A word of one grapheme is no proof, but the space has a name in no model of words.
    return "grapheme" if SPACE in model.ids and all(len(graphemes(word)) == 1 for word in words) else "word"
