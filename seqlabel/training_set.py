"""The data of a run, read and checked before the first step."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from seqlabel.data import (
    Loaded,
    Offender,
    check_targets,
    describe_offenders,
    keep_for_scoring,
    read_signals,
    with_prepared_text,
)
from seqlabel.errors import ConfigError, ManifestError
from seqlabel.experiment import DataConfig, ExperimentConfig
from seqlabel.formats import split_page_address
from seqlabel.frontend import Frontend
from seqlabel.manifest import read_manifest, read_manifests, without_untold_lines
from seqlabel.model import Model
from seqlabel.records import Example
from seqlabel.run_log import RunLog
from seqlabel.text_warnings import rare_tokens, unknown_tokens, warnings_of_texts
from seqlabel.texts import changes
from seqlabel.tokens import TokenTable


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Everything that a run learns from and is judged by."""

    frontend: Frontend
    tokens: TokenTable
    model: Model
    train: Sequence[Loaded]
    dev: Sequence[Loaded]
    dev_features: Sequence[np.ndarray]

    def digest(self) -> str:
        """Returns a hash that tells these tokens and examples, in their order, from any others."""
        examples = [
            (item.example.id, item.example.text, item.example.labels, item.num_frames)
            for part in (self.train, self.dev)
            for item in part
        ]
        # By `repr`, which also takes ids made of file names that are not UTF-8. Form and order of the tokens are
        # settings, which a checkpoint has beside this.
        table = f"TokenTable(tokens={self.tokens.tokens!r}, unit={self.tokens.unit!r})"
        return hashlib.sha256(f"({table}, {len(self.train)}, {examples!r})".encode()).hexdigest()


def prepare(config: ExperimentConfig, data_dir: Path, log: RunLog) -> TrainingSet:
    """Reads and checks every example, and builds the front end, the token table and the untrained model.

    Raises:
        ManifestError: there are examples that cannot be used, and the recipe does not leave them out.
    """
    raw_train, raw_dev = read_examples(config.data, data_dir, log.line)
    train_examples, dev_examples = (
        [with_prepared_text(example, config.texts, config.data.token_unit) for example in part]
        for part in (raw_train, raw_dev)
    )
    dev_place = data_dir / (config.data.dev or ", ".join(config.data.train))
    if not any(example.text for example in dev_examples):
        # Over nothing an error rate has no value, and there would be no best model to keep.
        raise ManifestError(f"{dev_place}: no example has a text; add the transcripts")
    frontend = Frontend(config.frontend)
    with log.bar_of("reading", len(train_examples) + len(dev_examples)) as advance:
        train_signals, unreadable = read_signals(train_examples, frontend, advance)
        dev_signals, dev_unreadable = read_signals(dev_examples, frontend, advance)
    if dev_unreadable:
        # A dev error over part of the dev set would flatter, so there is no leaving out here.
        raise ManifestError(offenders_line(dev_place, dev_unreadable, len(dev_examples)))
    frontend.fit((signal, example.group) for example, signal in train_signals)
    reads_labels = config.objective.build().reads_labels
    tokens = TokenTable.from_texts(
        (text for example, _ in train_signals for text in learnt_texts(example, reads_labels=reads_labels)),
        config.data.token_unit,
        config.texts.unicode_form,
        config.texts.reading_order,
        config.texts.base_direction,
    )
    model = Model(config.encoder, frontend.dim, len(tokens), config.objective)
    train, offenders = check_targets(
        train_signals, frontend, tokens, model.obstacle, reads_labels=reads_labels
    )
    offenders = unreadable + offenders
    if offenders:
        line = offenders_line(data_dir / ", ".join(config.data.train), offenders, len(train_examples))
        if config.data.offenders == "refuse" or not train:
            raise ManifestError(f"{line}; correct them, or set --data.offenders leave_out")
        log.line(f"left out: {line}")
        for offender in offenders:
            log.write(f"  {offender.id}: {offender.reason}")
    for line in _text_lines(config, (raw_train, raw_dev), (train_examples, dev_examples), tokens):
        log.line(line)
    # A front end of its own: a speaker of both sets is normalised by each set's own signals, as in `evaluate`.
    dev_frontend = Frontend(config.frontend)
    dev_frontend.set_statistics(frontend.statistics())
    dev_frontend.fit_groups((signal, example.group) for example, signal in dev_signals)
    try:
        dev = keep_for_scoring(dev_signals, dev_frontend, tokens, reads_labels=reads_labels)
    except ManifestError as error:
        raise ManifestError(f"{dev_place}: {error}") from error
    dev_features = [dev_frontend(item.signal, item.example.group) for item in dev]
    return TrainingSet(frontend, tokens, model, train, dev, dev_features)


def read_examples(
    data: DataConfig, data_dir: Path, tell: Callable[[str], object]
) -> tuple[list[Example], list[Example]]:
    """Returns the training and the dev examples; of pages the lines that nobody has transcribed are told and left out.

    Args:
        data: which manifests.
        data_dir: where they are.
        tell: is given a line on what was left out, and on which groups were set apart for dev.

    Raises:
        ManifestError: a manifest cannot be read, or has too few groups to set some apart for dev.
    """

    def told(name: str, found: list[Example]) -> list[Example]:
        kept = without_untold_lines(found)
        if len(kept) < len(found):
            tell(
                f"{data_dir / name}: {len(found) - len(kept):,} of {len(found):,} lines have no text or no outline, "
                "left out"
            )
        return kept

    found = read_manifests([data_dir / name for name in data.train])
    train = [example for name, part in zip(data.train, found, strict=True) for example in told(name, part)]
    if data.group_pattern is not None:
        train = [_grouped(example, data.group_pattern) for example in train]
    if data.dev is not None:
        return train, told(data.dev, read_manifest(data_dir / data.dev))
    dev_groups = held_out_groups(train, data.dev_share)
    dev = [example for example in train if (example.group or example.id) in dev_groups]
    if len(dev) == len(train):
        raise ManifestError(
            f"{data_dir / ', '.join(data.train)}: all examples are of one group, so that none can be set apart for "
            "dev; name a dev set with --data.dev"
        )
    names = sorted(dev_groups)
    tell(
        f"dev: {len(dev):,} of {len(train):,} examples, groups {', '.join(names[:5])}"
        f"{f' and {len(names) - 5} more' if len(names) > 5 else ''}"
    )
    return [example for example in train if (example.group or example.id) not in dev_groups], dev


def _text_lines(
    config: ExperimentConfig,
    raw: tuple[list[Example], list[Example]],
    prepared: tuple[list[Example], list[Example]],
    tokens: TokenTable,
) -> Iterator[str]:
    """Yields what there is to say of the texts of training and dev, as they were and as they are learnt."""
    raw_train, raw_dev = map(_with_ids, raw)
    train, dev = map(_with_ids, prepared)
    for name, part in (("training", raw_train), ("dev", raw_dev)):
        changed = changes(config.texts, part)
        if changed is not None:
            yield f"{name}: {changed}"
    yield from warnings_of_texts(raw_train, raw_dev, config.texts, tokens.unit)
    for line in (rare_tokens(train, tokens, config.texts.rare_below), unknown_tokens(dev, tokens)):
        if line is not None:
            yield line


def _with_ids(examples: Sequence[Example]) -> list[tuple[str, str]]:
    return [(example.id, example.text) for example in examples if example.text]


def held_out_groups(examples: Sequence[Example], share: float) -> set[str]:
    """Returns the groups that are set apart: in the order of their names' MD5, until they have their share.

    Groups that are added later leave most others where they are. One that would make it more than twice the share is
    passed over; where all would, the smallest is taken.
    """
    sizes = Counter(example.group or example.id for example in examples)
    wanted = share * len(examples)
    chosen: set[str] = set()
    count = 0
    for group in sorted(sizes, key=_hash):
        if count < wanted and count + sizes[group] <= 2 * wanted:
            chosen.add(group)
            count += sizes[group]
    return chosen or {min(sizes, key=lambda group: (sizes[group], _hash(group)))}


def _hash(name: str) -> bytes:
    # File names need not be UTF-8.
    return hashlib.md5(name.encode(errors="surrogateescape"), usedforsecurity=False).digest()


def _grouped(example: Example, pattern: str) -> Example:
    is_of_page = split_page_address(example.source) is not None
    name = (example.group if is_of_page else None) or example.id
    try:
        match = re.search(pattern, name)
        group = match[1] if match else None
    except (re.error, IndexError) as error:
        raise ConfigError(
            f"data.group_pattern {pattern!r}: {error}; expected an expression with one group, such as '(.*)-'"
        ) from error
    if not group:
        raise ConfigError(
            f"data.group_pattern {pattern!r}: finds nothing in {name!r}; correct it or leave it out"
        )
    return replace(example, group=group)


def learnt_texts(example: Example, *, reads_labels: bool) -> list[str]:
    """Returns the texts whose tokens a model has to know: that of the example, or each of its labels."""
    if reads_labels:
        return [label for label, _ in example.labels or ()]
    return [example.text or ""]


def offenders_line(path: Path, offenders: Sequence[Offender], num_examples: int) -> str:
    """Returns one line that counts the offenders and gives the reasons of the first."""
    return f"{path}: {describe_offenders(offenders, num_examples)}"
