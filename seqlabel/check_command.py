"""`seqlabel check`: what is wrong with a corpus, as a table or as JSON, and manifests without it.

What is heavy is imported inside the functions, so that `--help` answers at once.
"""

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqlabel.errors import ConfigError
from seqlabel.terminal import (
    DONE,
    as_json_text,
    bars_on_terminal,
    complain,
    finite,
    print_table,
    refuse_unwritable,
)

if TYPE_CHECKING:
    from seqlabel.checks import CorpusReport, Finding, Kind, LeftOut, Place, Span, Split, Summary
    from seqlabel.experiment import ExperimentConfig

FOUND = 1
"""Exit code of `--strict` where errors or warnings were found."""
MOST_SHOWN = 5
"""Findings of a kind, and examples of a finding, that the table shows without `--all`."""
MOST_CHARACTERS = 120
"""Characters of the alphabet that the table shows without `--all`."""


def add_check_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `check` takes."""
    parser.usage = (
        "seqlabel check RECIPE.py [--data-dir DIR] [--any.setting value ...] [options]\n"
        "       seqlabel check MANIFEST... [options]\n"
        "       seqlabel check --model MODEL MANIFEST... [--most N] [--json] [--device D]"
    )
    parser.add_argument(
        "paths",
        metavar="RECIPE.py|MANIFEST|FOLDER",
        type=Path,
        nargs="+",
        help="a recipe, or manifests of any kind that `train` reads; a folder stands for its train, dev and test.jsonl",
    )
    parser.add_argument(
        "--data-dir", metavar="DIR", type=Path, help="where the recipe's manifests are (default: its own)"
    )
    parser.add_argument(
        "--headers-only",
        action="store_true",
        help="read texts and the headers of files, decode nothing: what is silent, blank or cut off is not found",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="exit with 1 if there are errors or warnings; notes do not count",
    )
    parser.add_argument(
        "--cleaned",
        metavar="OUT",
        type=Path,
        help="write the manifest without the examples with errors; of several splits, OUT is a folder",
    )
    parser.add_argument(
        "--leave-out",
        metavar="KINDS",
        default="errors",
        help="what --cleaned leaves out: kinds of finding with commas between them, `errors` or `warnings` for all of "
        "these (default: errors)",
    )
    parser.add_argument("--all", action="store_true", help="show all findings and all their examples")
    parser.add_argument(
        "--workers",
        metavar="N",
        type=int,
        help="threads that read files (default: as many as there are cores)",
    )
    parser.add_argument(
        "--model",
        metavar="MODEL",
        type=Path,
        help="rank the transcripts instead by how likely this model finds them wrong",
    )
    parser.add_argument(
        "--most",
        metavar="N",
        type=int,
        default=50,
        help="with --model, transcripts that the table shows; JSON has all (default: 50)",
    )


def check(arguments: argparse.Namespace) -> int:
    """Runs the command and returns its exit code."""
    paths = _paths(arguments)
    if arguments.workers is not None and arguments.workers < 1:
        raise ConfigError(f"--workers {arguments.workers}: expected at least 1")
    if arguments.most < 1:
        raise ConfigError(f"--most {arguments.most}: expected at least 1")
    if arguments.model is not None:
        return _rank(arguments, paths)
    kinds = _kinds(arguments.leave_out)
    import torch

    from seqlabel.checks import check_corpus

    splits, config, remarks = _splits(arguments, paths)
    out: Path | None = arguments.cleaned
    if out is not None:
        _refuse_place(out, splits)
    report = check_corpus(
        splits,
        config,
        headers_only=arguments.headers_only,
        num_workers=arguments.workers or torch.get_num_threads(),
        bar_of=bars_on_terminal(),
    )
    written: list[tuple[Path, int]] = []
    left_out: list[LeftOut] = []
    if out is not None:
        from seqlabel.checks import write_cleaned

        if len(splits) > 1:
            out.mkdir(exist_ok=True)
        written, left_out = write_cleaned(splits, report.findings, kinds, out)
    if arguments.json:
        print(as_json_text(_as_json(report, remarks, written, left_out, has_cleaned=out is not None)))
    else:
        _print_report(report, remarks, show_all=arguments.all)
        if out is not None:
            _print_cleaned(splits, written, left_out, show_all=arguments.all)
    is_found = any(finding.kind.level != "note" for finding in report.findings)
    return FOUND if arguments.strict and is_found else DONE


# --- what is checked --------------------------------------------------------------------------------------


def _paths(arguments: argparse.Namespace) -> list[Path]:
    """Returns the paths that are named, those between options included.

    Raises:
        ConfigError: settings without a recipe, a recipe among manifests, or options that do not go together.
    """
    paths: list[Path] = list(arguments.paths)
    is_recipe = [path.suffix == ".py" for path in paths]
    if any(is_recipe):
        if len(paths) > 1:
            raise ConfigError(
                f"{paths[is_recipe.index(True)]}: a recipe names its own manifests; give it alone, or manifests alone"
            )
        if arguments.model is not None:
            raise ConfigError(f"{paths[0]}: with --model, give manifests; the model has its recipe in it")
        return paths
    # argparse takes the paths before the first option for all of them.
    for word in arguments.overrides:
        if word.startswith("-"):
            raise ConfigError(f"unexpected argument {word!r}; see `seqlabel check --help`")
        paths.append(Path(word))
    if arguments.data_dir is not None:
        raise ConfigError("--data-dir: for a recipe; manifests are named with their folders")
    if arguments.model is not None:
        given = {
            "--cleaned": arguments.cleaned is not None,
            "--headers-only": arguments.headers_only,
            "--strict": arguments.strict,
        }
        for name in (name for name, is_given in given.items() if is_given):
            raise ConfigError(
                f"{name}: does not go with --model, which ranks transcripts and checks nothing else; leave it out"
            )
    return paths


def _kinds(words: str) -> "set[Kind]":
    from seqlabel.checks import KINDS

    names = {kind.name: {kind} for kind in KINDS}
    for level in ("error", "warning"):
        names[f"{level}s"] = {kind for kind in KINDS if kind.level == level}
    chosen: set[Kind] = set()
    for word in words.split(","):
        if word.strip() not in names:
            raise ConfigError(
                f"--leave-out {word.strip()!r}: no such kind of finding; expected some of {', '.join(names)}"
            )
        chosen |= names[word.strip()]
    return chosen


def _splits(
    arguments: argparse.Namespace, paths: list[Path]
) -> "tuple[list[Split], ExperimentConfig | None, list[str]]":
    """Returns the splits, the recipe if there is one, and what there is to say about where they come from."""
    from seqlabel.checks import read_splits, splits_of_recipe

    remarks: list[str] = []
    if paths[0].suffix != ".py":
        splits, passed = read_splits(paths)
        if passed:
            remarks.append(f"not looked at: {', '.join(passed)}; name them to have them checked")
        return splits, None, remarks
    from seqlabel.experiment import data_folder, load_recipe

    config = load_recipe(paths[0], arguments.overrides)
    data_dir = data_folder(paths[0], config, arguments.data_dir)
    return splits_of_recipe(config, data_dir, remarks.append), config, remarks


def _refuse_place(out: Path, splits: "Sequence[Split]") -> None:
    """Says before the work that a cleaned manifest has no place, or would take the place of what is checked."""
    if len(splits) == 1:
        refuse_unwritable(out)
        if out.suffix.lower() != ".jsonl":
            raise ConfigError(f"{out}: expected a name that ends in .jsonl for the cleaned manifest")
        places = [out]
    else:
        names = ", ".join(split.name for split in splits)
        if out.suffix.lower() == ".jsonl" or (out.exists() and not out.is_dir()):
            raise ConfigError(
                f"{out}: there are {len(splits)} splits ({names}); name a folder for their manifests"
            )
        if not out.exists() and not out.parent.is_dir():
            raise ConfigError(f"{out}: its folder does not exist; make {out.parent} first")
        places = [out / f"{split.name}.jsonl" for split in splits]
        if not os.access(out if out.exists() else out.parent, os.W_OK):
            raise ConfigError(f"{out}: cannot be written here; name a folder elsewhere")
    read = {Path(path).resolve() for split in splits for path in split.path.split(", ")}
    for place in places:
        if place.resolve() in read:
            raise ConfigError(f"{place}: is one of the manifests that are checked; name another place")


# --- the report -------------------------------------------------------------------------------------------


def _print_report(report: "CorpusReport", remarks: Sequence[str], *, show_all: bool) -> None:
    print_table((summary.name, _summary_line(summary)) for summary in report.summaries)
    for remark in remarks:
        print(remark)
    print(_alphabet_line(report, show_all=show_all))
    for line in report.unchecked:
        print(f"not checked: {line}")
    print()
    for line in _finding_lines(report.findings, show_all=show_all):
        print(line)
    print(_count_line(report.findings))


def _summary_line(summary: "Summary") -> str:
    parts = [f"{summary.num_examples:,} examples"]
    if summary.num_groups:
        parts[0] += f" of {summary.num_groups:,} groups"
    if summary.seconds is not None:
        hours, seconds = summary.seconds.total / 3600, summary.seconds.total
        total = f"{hours:.2f} h" if hours >= 1 else f"{seconds / 60:.1f} min"
        parts.append(f"{total} of audio ({_span(summary.seconds, 's', 2)})")
    if summary.widths is not None and summary.heights is not None:
        parts.append(
            f"images {_span(summary.widths, 'pixels', 0)} wide and {_span(summary.heights, 'pixels', 0)} high"
        )
    if summary.frames is not None:
        parts.append(f"{summary.frames.total:,.0f} frames ({_span(summary.frames, '', 0)})")
    parts.append(f"{summary.num_characters:,} characters in {summary.num_texts:,} different texts")
    parts.append(f"{summary.num_bytes / 1e6:,.1f} MB")
    return ", ".join(parts)


def _span(span: "Span", unit: str, digits: int) -> str:
    least, middle, most = (f"{value:,.{digits}f}" for value in (span.least, span.median, span.most))
    return f"{least} to {most} {unit}".rstrip() + f", median {middle}"


def _alphabet_line(report: "CorpusReport", *, show_all: bool) -> str:
    totals = report.alphabet.totals
    shown = list(totals.items()) if show_all else list(totals.items())[:MOST_CHARACTERS]
    more = f" and {len(totals) - len(shown):,} more" if len(shown) < len(totals) else ""
    listed = "  ".join(f"{_visible(token)} {count:,}" for token, count in shown)
    return f"{len(totals):,} {report.alphabet.unit}s: {listed}{more}"


def _visible(token: str) -> str:
    return token if token.isprintable() and not token.isspace() else repr(token)


def _finding_lines(findings: "Sequence[Finding]", *, show_all: bool) -> Iterator[str]:
    by_kind: dict[Kind, list[Finding]] = {}
    for finding in findings:
        by_kind.setdefault(finding.kind, []).append(finding)
    for kind, found in by_kind.items():
        num_examples = len({place for finding in found for place in finding.places})
        yield f"{kind.level}: {kind.name}, {_examples(num_examples)}: {kind.meaning}"
        shown = found if show_all else found[:MOST_SHOWN]
        for finding in shown:
            if len(finding.places) == 1:
                [place] = finding.places
                yield f"  {place.split} {place.id}: {finding.reason}"
            else:
                yield f"  {finding.reason}"
                yield f"      {_named(finding.places, show_all=show_all)}"
        if len(shown) < len(found):
            yield f"  and {len(found) - len(shown):,} more (--all shows them)"


def _examples(number: int) -> str:
    return "1 example" if number == 1 else f"{number:,} examples"


def _named(places: "Sequence[Place]", *, show_all: bool) -> str:
    shown = places if show_all else places[:MOST_SHOWN]
    by_split: dict[str, list[str]] = {}
    for place in shown:
        by_split.setdefault(place.split, []).append(place.id)
    more = f" and {len(places) - len(shown):,} more" if len(shown) < len(places) else ""
    return "; ".join(f"{split} {', '.join(ids)}" for split, ids in by_split.items()) + more


def _count_line(findings: "Sequence[Finding]") -> str:
    from seqlabel.checks import LEVELS

    if not findings:
        return "nothing was found"
    counts = {level: sum(finding.kind.level == level for finding in findings) for level in LEVELS}
    return "found: " + ", ".join(
        f"{count:,} {level if count == 1 else level + 's'}" for level, count in counts.items()
    )


def _print_cleaned(
    splits: "Sequence[Split]",
    written: Sequence[tuple[Path, int]],
    left_out: "Sequence[LeftOut]",
    *,
    show_all: bool,
) -> None:
    for split, (path, kept) in zip(splits, written, strict=True):
        print(f"{path}: {kept:,} of {len(split.examples):,} examples")
    shown = left_out if show_all else left_out[: 4 * MOST_SHOWN]
    for one in shown:
        reasons = "; ".join(f"{kind.name}: {reason}" for kind, reason in one.reasons)
        print(f"  left out {one.place.split} {one.place.id}: {reasons}")
    if len(shown) < len(left_out):
        print(f"  and {len(left_out) - len(shown):,} more (--all shows them)")


def _as_json(
    report: "CorpusReport",
    remarks: Sequence[str],
    written: Sequence[tuple[Path, int]],
    left_out: "Sequence[LeftOut]",
    *,
    has_cleaned: bool,
) -> dict[str, Any]:
    import msgspec

    found: dict[str, Any] = {
        "splits": [msgspec.to_builtins(summary) for summary in report.summaries],
        "remarks": list(remarks),
        "unchecked": list(report.unchecked),
        "alphabet": {"unit": report.alphabet.unit, "counts": report.alphabet.counts},
        "findings": [
            {
                "kind": finding.kind.name,
                "level": finding.kind.level,
                "reason": finding.reason,
                "examples": [_place_json(place) for place in finding.places],
            }
            for finding in report.findings
        ],
    }
    if has_cleaned:
        found["cleaned"] = {
            "manifests": [{"path": str(path), "num_examples": kept} for path, kept in written],
            "left_out": [
                {
                    **_place_json(one.place),
                    "reasons": [{"kind": kind.name, "reason": reason} for kind, reason in one.reasons],
                }
                for one in left_out
            ],
        }
    return found


def _place_json(place: "Place") -> dict[str, str]:
    return {"split": place.split, "id": place.id}


# --- transcripts ------------------------------------------------------------------------------------------


def _rank(arguments: argparse.Namespace, paths: list[Path]) -> int:
    from seqlabel.checks import Place, rank_transcripts, read_splits
    from seqlabel.devices import choose_device, prepare_arithmetic
    from seqlabel.model_file import load_model

    prepare_arithmetic(None)
    device = choose_device(arguments.device)
    loaded = load_model(arguments.model, device)
    splits, passed = read_splits(paths)
    examples = [(Place(split.name, example.id), example) for split in splits for example in split.examples]
    suspects, unranked = rank_transcripts(loaded, examples, device, bars_on_terminal())
    if arguments.json:
        ranked = [
            {
                "rank": rank,
                **_place_json(suspect.place),
                "score": finite(suspect.score),
                "loss": finite(suspect.loss),
                "text": suspect.text,
                "reading": suspect.reading,
            }
            for rank, suspect in enumerate(suspects, 1)
        ]
        others = [{**_place_json(one.place), "reason": one.reason} for one in unranked]
        print(as_json_text({"ranked": ranked, "unranked": others}))
        return DONE
    for name in passed:
        complain(f"{name}: is not looked at; name it to have it ranked")
    for one in unranked:
        complain(f"{one.place.split} {one.place.id}: not ranked: {one.reason}")
    shown = suspects[: arguments.most]
    width = max((len(f"{suspect.place.split} {suspect.place.id}") for suspect in shown), default=0)
    print(f"rank  score  {'example':<{width}}  transcript, and below it what the model reads")
    for rank, suspect in enumerate(shown, 1):
        name = f"{suspect.place.split} {suspect.place.id}"
        print(f"{rank:4}  {suspect.score:5.2f}  {name:<{width}}  {suspect.text}")
        print(f"{'':{13 + width}}  {suspect.reading}")
    print(
        f"the first {len(shown):,} of {len(suspects):,}; score: nats for each token by which the transcript is less "
        "probable than what the model reads"
    )
    return DONE
