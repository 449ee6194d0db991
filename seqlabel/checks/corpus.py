"""All checks over the splits of a corpus, in one pass over its files."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

import numpy as np

from seqlabel.bars import BarOf, progress
from seqlabel.checks.contents import Content, read_content
from seqlabel.checks.findings import (
    BLANK,
    KINDS,
    LONG_FOR_TEXT,
    MISSING_FILE,
    NO_TEXT,
    OTHER_UNITS,
    SAMPLE_RATE,
    SHORT_FOR_TEXT,
    SILENT,
    UNREADABLE,
    UNTOLD_LINES,
    UPSIDE_DOWN,
    Finding,
    Kind,
    Place,
)
from seqlabel.checks.leakage import check_contents_alike, check_splits_apart
from seqlabel.checks.lengths import length_outliers, measures_of
from seqlabel.checks.orientation import upside_down
from seqlabel.checks.sources import Header, read_header
from seqlabel.checks.splits import Split
from seqlabel.checks.targets import TargetCheck
from seqlabel.checks.text_checks import Alphabet, check_texts
from seqlabel.data import with_prepared_text
from seqlabel.errors import SeqlabelError
from seqlabel.experiment import ExperimentConfig
from seqlabel.formats import split_ink_address
from seqlabel.records import Example
from seqlabel.texts import TextConfig
from seqlabel.tokens import TokenUnit
from seqlabel.workers import Workers

CHUNK = 32
"""Examples that a thread looks at in a row: the lines of a page are mostly neighbours."""
LEAST_HEIGHTS, OTHER_SCALE = 20, 8.0
"""Ink so many times larger or smaller than that of so many others is in other units, not by another hand."""
UNITS = {
    "seconds": "s",
    "pixels": "pixels across",
    "heights": "heights of the line across",
    "path": "heights of the line in pen path",
    "points": "points",
    "frames": "frames",
    "symbols": "symbols",
}


@dataclass(frozen=True, slots=True)
class Span:
    """Sum, least, median and most of some numbers."""

    total: float
    least: float
    median: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Span | None":
        """Returns that of some values; None for none."""
        return cls(sum(values), min(values), median(values), max(values)) if values else None


@dataclass(frozen=True, slots=True)
class Summary:
    """What a split is made of.

    Attributes:
        name, path: of the split.
        num_examples, num_groups: how many, the groups as far as they are told.
        num_bytes: of all its files, each counted once.
        num_characters, num_texts: of its texts; texts that differ.
        sources: how many examples are audio, line images and so on.
        seconds: of audio.
        widths, heights: of line images, in pixels.
        frames: of matrices.
    """

    name: str
    path: str
    num_examples: int
    num_groups: int
    num_bytes: int
    num_characters: int
    num_texts: int
    sources: dict[str, int]
    seconds: Span | None = None
    widths: Span | None = None
    heights: Span | None = None
    frames: Span | None = None


@dataclass(frozen=True, slots=True)
class CorpusReport:
    """What a check has found.

    Attributes:
        summaries: of each split.
        alphabet: what the texts are written with.
        findings: the gravest first.
        unchecked: what was not looked at, and why, a line each.
    """

    summaries: tuple[Summary, ...]
    alphabet: Alphabet
    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...]


@dataclass(slots=True)
class _Look:
    """What was seen of one example."""

    header: Header | None = None
    content: Content | None = None
    problems: list[tuple[Kind, str]] = field(default_factory=list)


def check_corpus(
    splits: Sequence[Split],
    config: ExperimentConfig | None = None,
    *,
    headers_only: bool = False,
    num_workers: int = 1,
    bar_of: BarOf | None = None,
) -> CorpusReport:
    """Returns what was found in the splits of a corpus.

    Args:
        splits: the parts; those with `train` in their names are learnt from.
        config: a recipe, whose texts, tokens, features and model the examples have to go with.
        headers_only: whether files are left undecoded.
        num_workers: threads that read.
        bar_of: given what is done and for how many examples, shows that in a context.
    """
    texts_config = TextConfig() if config is None else config.texts
    unit: TokenUnit = "character" if config is None else config.data.token_unit
    prepared = [
        replace(
            split,
            examples=tuple(with_prepared_text(example, texts_config, unit) for example in split.examples),
        )
        for split in splits
    ]
    target_check = None
    if config is not None and not headers_only:
        told = [example for split in prepared for example in split.examples if (example.text or "").strip()]
        target_check = TargetCheck(config, told)
    places = [Place(split.name, example.id) for split in prepared for example in split.examples]
    examples = [example for split in prepared for example in split.examples]
    looks = _look_at_all(examples, target_check, headers_only, num_workers, bar_of)
    seen = dict(zip(places, looks, strict=True))
    texts = {place: example.text for place, example in zip(places, examples, strict=True)}

    findings = [
        Finding(kind, reason, (place,)) for place, look in seen.items() for kind, reason in look.problems
    ]
    for split in splits:
        if split.untold:
            reason = (
                f"{len(split.untold):,} of {len(split.untold) + len(split.examples):,} lines of {split.name}"
            )
            findings.append(
                Finding(UNTOLD_LINES, reason, tuple(Place(split.name, id_) for id_ in split.untold))
            )
    found, alphabet = check_texts(
        _texts_of(splits), _texts_of(prepared), _training(splits), texts_config, unit
    )
    findings += found
    findings += check_contents_alike(_keys(seen), texts, prepared)
    findings += check_splits_apart(prepared, texts, _recordings(places, examples, looks))
    findings += _sample_rates(seen)
    findings += _other_units(seen)
    unchecked = []
    if headers_only:
        unchecked.append(
            "files were not decoded: no silent, clipped, blank, nearly empty or turned inputs, no equal content under "
            "several names, no damage behind the headers"
        )
        if config is not None:
            unchecked.append("texts that do not fit their frames: leave out --headers-only")
    outliers, untold = _length_outliers(places, examples, looks)
    findings += outliers
    turned, undecided = _upside_down(places, examples, looks)
    findings += turned
    unchecked += [line for line in (untold, undecided) if line is not None]
    rank = {kind: number for number, kind in enumerate(KINDS)}
    findings.sort(key=lambda finding: rank[finding.kind])
    summaries = tuple(_summary(split, [seen[p] for p in _places(split)]) for split in prepared)
    return CorpusReport(summaries, alphabet, tuple(findings), tuple(unchecked))


def _places(split: Split) -> list[Place]:
    return [Place(split.name, example.id) for example in split.examples]


def _training(splits: Sequence[Split]) -> list[str]:
    return [split.name for split in splits if split.is_training]


def _texts_of(splits: Sequence[Split]) -> dict[str, list[tuple[str, str]]]:
    return {
        split.name: [(example.id, example.text) for example in split.examples if example.text]
        for split in splits
    }


# --- the pass over the files ------------------------------------------------------------------------------


def _look_at_all(
    examples: Sequence[Example],
    target_check: TargetCheck | None,
    headers_only: bool,
    num_workers: int,
    bar_of: BarOf | None,
) -> list[_Look]:
    def look(chunk: Sequence[Example]) -> list[_Look]:
        found = []
        for example in chunk:
            workers.check()
            found.append(_look_at(example, target_check, headers_only))
        return found

    chunks = [examples[start : start + CHUNK] for start in range(0, len(examples), CHUNK)]
    workers: Workers[Sequence[Example], list[_Look]] = Workers(look, num_workers, lambda: None)
    looks: list[_Look] = []
    with progress(bar_of, "reading", len(examples)) as advance, workers:
        for chunk, result in workers.in_order(chunks):
            looks += result()
            for _ in chunk:
                advance()
    return looks


def _look_at(example: Example, target_check: TargetCheck | None, headers_only: bool) -> _Look:
    look = _Look()
    if not (example.text or "").strip():
        look.problems.append((NO_TEXT, "no text" if not example.text else f"its text is {example.text!r}"))
    try:
        look.header = read_header(example)
        if headers_only:
            return look
        look.content = read_content(example, look.header.kind)
    except FileNotFoundError as error:
        look.problems.append((MISSING_FILE, str(error)))
        return look
    except SeqlabelError as error:
        look.problems.append((UNREADABLE, str(error)))
        return look
    look.problems += look.content.oddities
    if target_check is not None and (example.text or "").strip():
        problem = target_check(example)
        if problem is not None:
            look.problems.append(problem)
    return look


# --- what only all examples together tell -----------------------------------------------------------------


def _keys(seen: dict[Place, _Look]) -> dict[Place, Hashable]:
    """Returns what is equal for examples of equal content, for those in which there is something."""
    keys: dict[Place, Hashable] = {}
    for place, look in seen.items():
        if (
            look.header is None or look.header.kind == "symbols"
        ):  # words recur, and may be read in several ways
            continue
        if look.content is None:
            keys[place] = look.header.identity
        elif not any(kind in (SILENT, BLANK) for kind, _ in look.content.oddities):
            keys[place] = look.content.digest
    return keys


def _recordings(
    places: Sequence[Place], examples: Sequence[Example], looks: Sequence[_Look]
) -> dict[Place, Hashable]:
    """Returns the file of each example that is a part of a recording, or a row of a file of ink."""
    found: dict[Place, Hashable] = {}
    for place, example, look in zip(places, examples, looks, strict=True):
        if look.header is None:
            continue
        limits = (example.start_seconds, example.end_seconds, example.channel)
        is_part = any(limit is not None for limit in limits)
        if is_part or (look.header.kind == "ink" and split_ink_address(example.source) is not None):
            found[place] = look.header.file
    return found


def _sample_rates(seen: dict[Place, _Look]) -> Iterator[Finding]:
    by_rate: dict[int, list[Place]] = defaultdict(list)
    for place, look in seen.items():
        if look.header is not None and look.header.sample_rate is not None:
            by_rate[look.header.sample_rate].append(place)
    if len(by_rate) < 2:
        return
    usual = max(by_rate, key=lambda rate: len(by_rate[rate]))
    for rate, places in sorted(by_rate.items()):
        if rate != usual:
            yield Finding(
                SAMPLE_RATE,
                f"{rate:,} Hz, where {len(by_rate[usual]):,} examples have {usual:,} Hz",
                tuple(places),
            )


def _other_units(seen: dict[Place, _Look]) -> Iterator[Finding]:
    heights = {
        place: look.content.height
        for place, look in seen.items()
        if look.content is not None and look.content.height
    }
    if len(heights) < LEAST_HEIGHTS:
        return
    usual = median(heights.values())
    for place, height in heights.items():
        if not 1 / OTHER_SCALE < height / usual < OTHER_SCALE:
            reason = f"{_number(height)} units high, where {_number(usual)} are usual"
            yield Finding(OTHER_UNITS, reason, (place,))


def _lengths(look: _Look) -> dict[str, float] | None:
    if look.content is not None:
        return look.content.lengths
    if look.header is None:
        return None
    found = {}
    if look.header.seconds is not None:
        found["seconds"] = look.header.seconds
    if look.header.size is not None and min(look.header.size) > 0:
        width, height = look.header.size
        found |= {"pixels": width, "heights": width / height}
    if look.header.num_frames is not None:
        found["symbols" if look.header.kind == "symbols" else "frames"] = look.header.num_frames
    return found


def _length_outliers(
    places: Sequence[Place], examples: Sequence[Example], looks: Sequence[_Look]
) -> tuple[list[Finding], str | None]:
    """Returns the findings, and a line on why there can be none."""
    by_kind: dict[str, list[int]] = defaultdict(list)
    for index, (example, look) in enumerate(zip(examples, looks, strict=True)):
        if look.header is not None and (example.text or "").strip():
            by_kind[look.header.kind].append(index)
    findings = []
    num_judged = 0
    for indices in by_kind.values():
        rows = [None if _is_empty(looks[index]) else _lengths(looks[index]) for index in indices]
        num_characters = np.array([len(examples[index].text or "") for index in indices], np.int64)
        found = length_outliers(measures_of(rows), num_characters)
        if found is None:
            continue
        num_judged += len(indices)
        name, outliers = found
        for number, length, usual in outliers:
            kind = LONG_FOR_TEXT if length > usual else SHORT_FOR_TEXT
            text = examples[indices[number]].text or ""
            reason = (
                f"{_number(length)} {UNITS[name]} for {len(text)} characters, where {_number(usual)} are usual: "
                f"{text if len(text) <= 40 else text[:39] + '…'!r}"
            )
            findings.append(Finding(kind, reason, (places[indices[number]],)))
    num_texts = sum(map(len, by_kind.values()))
    if num_judged or not num_texts:
        return findings, None
    return (
        findings,
        f"lengths beside those of other examples: {num_texts:,} examples with known lengths are too few",
    )


def _is_empty(look: _Look) -> bool:
    return any(kind in (SILENT, BLANK) for kind, _ in look.problems)


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _upside_down(
    places: Sequence[Place], examples: Sequence[Example], looks: Sequence[_Look]
) -> tuple[list[Finding], str | None]:
    chosen = [
        index
        for index, look in enumerate(looks)
        if look.content is not None and look.content.turned is not None
    ]
    num_images = sum(
        look.content is not None
        and look.header is not None
        and look.content is not None
        and look.header.size is not None
        for look in looks
    )
    if not num_images:
        return [], None
    contents = [content for index in chosen if (content := looks[index].content) is not None]
    keys = [examples[index].group or examples[index].id for index in chosen]
    found = upside_down([content.turned for content in contents if content.turned is not None], keys)
    if found is None:
        return [], "lines upside down: too few long lines, or too unlike each other, to tell"
    reason = "its patterns are those of the other lines turned by half a turn"
    return [Finding(UPSIDE_DOWN, reason, (places[chosen[number]],)) for number in found], None


# --- summaries --------------------------------------------------------------------------------------------


def _summary(split: Split, looks: Sequence[_Look]) -> Summary:
    headers = [look.header for look in looks if look.header is not None]
    texts = [example.text for example in split.examples if example.text]
    sizes = [header.size for header in headers if header.size is not None]
    sizes_of_files: dict[tuple[int, int], int] = {header.file: header.num_bytes for header in headers}
    return Summary(
        name=split.name,
        path=split.path,
        num_examples=len(split.examples),
        num_groups=len({example.group for example in split.examples} - {None}),
        num_bytes=sum(sizes_of_files.values()),
        num_characters=sum(map(len, texts)),
        num_texts=len(set(texts)),
        sources=dict(Counter(header.kind for header in headers)),
        seconds=Span.of([header.seconds for header in headers if header.seconds is not None]),
        widths=Span.of([width for width, _ in sizes]),
        heights=Span.of([height for _, height in sizes]),
        frames=Span.of([header.num_frames for header in headers if header.num_frames is not None]),
    )
