"""The data of a run, read and checked before the first step."""

import hashlib
import itertools
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from seqlabel.data import Offender, describe_offenders, with_prepared_text
from seqlabel.errors import ConfigError, ManifestError, SeqlabelError
from seqlabel.example_table import ExampleTable
from seqlabel.experiment import DataConfig, ExperimentConfig
from seqlabel.formats import split_page_address
from seqlabel.frontend import Frontend
from seqlabel.loaded import (
    DIGEST_BYTES,
    FeaturesOnDemand,
    Loaded,
    LoadedExamples,
    SignalStore,
    content_digest,
    learnable,
    scorable,
)
from seqlabel.manifest import is_untold_line, scan_manifests
from seqlabel.model import Model
from seqlabel.records import Example, Signal, Symbols
from seqlabel.run_log import RunLog
from seqlabel.text_warnings import rare_tokens, unknown_tokens, warnings_of_texts
from seqlabel.texts import changes
from seqlabel.tokens import TokenTable

DEV_SHARE = 0.25
"""Of the memory for signals, that which the features of dev may take up."""


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Everything that a run learns from and is judged by.

    Attributes:
        frontend, tokens, model: how it reads, what it writes, and the untrained network between them.
        train, dev: the examples; at the end of `train` the auxiliary ones.
        num_own: of `train`, that are not auxiliary.
        dev_features: of dev, computed when they are wanted where there is no room for them.
        train_contents, dev_contents: digests of the contents, one row for each example; zeros for those that recur by
            nature (symbols).
    """

    frontend: Frontend
    tokens: TokenTable
    model: Model
    train: LoadedExamples
    num_own: int
    dev: LoadedExamples
    dev_features: FeaturesOnDemand
    train_contents: UInt8[np.ndarray, "_num_train bytes"]
    dev_contents: UInt8[np.ndarray, "_num_dev bytes"]

    def digest(self) -> str:
        """Returns a hash that tells these tokens and examples, in their order, from any others."""
        # By `repr`, which also takes ids made of file names that are not UTF-8. Form and order of the tokens are
        # settings, which a checkpoint has beside this.
        table = f"TokenTable(tokens={self.tokens.tokens!r}, unit={self.tokens.unit!r})"
        found = hashlib.sha256(f"({table}, {len(self.train)}, [".encode())
        for number, identity in enumerate(itertools.chain(self.train.identities(), self.dev.identities())):
            found.update(f"{', ' if number else ''}{identity!r}".encode())
        found.update(b"])")
        return found.hexdigest()


def prepare(config: ExperimentConfig, data_dir: Path, log: RunLog) -> TrainingSet:
    """Reads and checks every example, and builds the front end, the token table and the untrained model.

    Raises:
        ManifestError: there are examples that cannot be used, and the recipe does not leave them out.
        ConfigError, FormatError: the augmentations lack something, such as a folder of noise.
    """
    raw_train, raw_dev, num_auxiliary = read_examples(config.data, data_dir, log.line)
    train_examples, dev_examples = (
        part.changed(
            lambda example: with_prepared_text(example, config.texts, config.data.token_unit),
            config.texts.prepare,
        )
        for part in (raw_train, raw_dev)
    )
    dev_place = data_dir / (config.data.dev or ", ".join(config.data.train))
    if next(dev_examples.texts_by_id(), None) is None:
        # Over nothing an error rate has no value, and there would be no best model to keep.
        raise ManifestError(f"{dev_place}: no example has a text; add the transcripts")
    frontend = Frontend(config.frontend)
    frontend.augmentations()  # what they lack is told before the files are read
    room = 1e6 * config.data.kept_megabytes
    store = SignalStore(frontend, train_examples, (1 - DEV_SHARE) * room)
    # A front end of its own: a speaker of both sets is normalised by each set's own signals, as in `evaluate`.
    dev_frontend = Frontend(config.frontend)
    if frontend.measures_groups:
        with log.bar_of("measuring", len(train_examples) + len(dev_examples)) as advance:
            frontend.measure(train_examples, advance)
            dev_frontend.measure(dev_examples, advance)
    with log.bar_of("reading", len(train_examples) + len(dev_examples)) as advance:
        with frontend.fitting() as learn:
            read_train, train_contents, unreadable = _frames(store, advance, learn)
        dev_frontend.set_statistics(frontend.statistics())
        dev_store = SignalStore(dev_frontend, dev_examples, 0.0)
        with dev_frontend.fitting(of_groups=True) as learn:
            read_dev, dev_contents, dev_unreadable = _frames(dev_store, advance, learn)
    if dev_unreadable:
        # A dev error over part of the dev set would flatter, so there is no leaving out here.
        raise ManifestError(offenders_line(dev_place, dev_unreadable, len(dev_examples)))
    reads_labels = config.objective.build().reads_labels
    readable = train_examples.select(np.flatnonzero(read_train))
    tokens = TokenTable.from_texts(
        (text for example in readable for text in learnt_texts(example, reads_labels=reads_labels))
        if reads_labels
        else (text for _, text in readable.texts_by_id()),
        config.data.token_unit,
        config.texts.unicode_form,
        config.texts.reading_order,
        config.texts.base_direction,
    )
    model = Model(config.encoder, frontend.dim, len(tokens), config.objective)

    def learnt(example: Example, signal: Signal | None, num_frames: int) -> Loaded:
        return learnable(example, signal, num_frames, tokens, model.obstacle, reads_labels=reads_labels)

    def scored(example: Example, signal: Signal | None, num_frames: int) -> Loaded:
        return scorable(example, signal, num_frames, tokens, reads_labels=reads_labels)

    is_usable, offenders = _usable(train_examples, read_train, learnt)
    offenders = unreadable + offenders
    if offenders:
        names = ", ".join((*config.data.train, *config.data.auxiliary))
        line = offenders_line(data_dir / names, offenders, len(train_examples))
        if config.data.offenders == "refuse" or not is_usable[: len(train_examples) - num_auxiliary].any():
            raise ManifestError(f"{line}; correct them, or set --data.offenders leave_out")
        log.line(f"left out: {line}")
        for offender in offenders:
            log.write(f"  {offender.id}: {offender.reason}")
    for line in _text_lines(config, (raw_train, raw_dev), (train_examples, dev_examples), tokens):
        log.line(line)
    _, dev_offenders = _usable(dev_examples, read_dev, _with_text(scored))
    if dev_offenders:
        raise ManifestError(offenders_line(dev_place, dev_offenders, len(dev_examples)))
    numbers = np.flatnonzero(is_usable)
    train = LoadedExamples(train_examples.select(numbers), read_train[numbers], numbers, learnt, store)
    dev = LoadedExamples(dev_examples, read_dev, np.arange(len(dev_examples)), scored, None)
    dev_features = _dev_features(dev_store, read_dev, DEV_SHARE * room)
    num_own = int((numbers < len(train_examples) - num_auxiliary).sum())
    return TrainingSet(
        frontend, tokens, model, train, num_own, dev, dev_features, train_contents[numbers], dev_contents
    )


def _frames(
    store: SignalStore, on_read: Callable[[], object], learn: Callable[[np.ndarray, str | None], object]
) -> tuple[np.ndarray, np.ndarray, list[Offender]]:
    """Reads every example once; returns its number of frames and a digest of it, both 0 if it cannot be, and why not.

    The features of each are given to `learn`, for statistics over several of them.
    """
    found = np.zeros(len(store.examples), np.int32)
    contents = np.zeros((len(store.examples), DIGEST_BYTES), np.uint8)
    offenders: list[Offender] = []
    for number, example in enumerate(store.examples):
        try:
            signal = store.signal(number)
            features = store.frontend.feature(signal)
            learn(features, example.group)
            found[number] = store.frontend.num_stacked(len(features))
            if not isinstance(signal, Symbols):
                contents[number] = np.frombuffer(content_digest(signal), np.uint8)
        except SeqlabelError as error:
            store.forget(number)
            offenders.append(Offender(example.id, str(error)))
        on_read()
    return found, contents, offenders


def _usable(
    examples: ExampleTable, num_frames: np.ndarray, make: Callable[[Example, Signal | None, int], Loaded]
) -> tuple[np.ndarray, list[Offender]]:
    """Returns which of the examples that were read can be used, and the others with the reasons."""
    is_usable = num_frames > 0
    offenders: list[Offender] = []
    for number in np.flatnonzero(is_usable).tolist():
        example = examples[number]
        try:
            make(example, None, int(num_frames[number]))
        except SeqlabelError as error:
            is_usable[number] = False
            offenders.append(Offender(example.id, str(error)))
    return is_usable, offenders


def _with_text(
    make: Callable[[Example, Signal | None, int], Loaded],
) -> Callable[[Example, Signal | None, int], Loaded]:
    """Refuses examples without a text, which must not flatter by their absence."""

    def checked(example: Example, signal: Signal | None, num_frames: int) -> Loaded:
        if example.text is None:
            raise ManifestError("has no text; add its transcript")
        return make(example, signal, num_frames)

    return checked


def _dev_features(store: SignalStore, lengths: np.ndarray, room: float) -> FeaturesOnDemand:
    """Returns the features of dev, of which as many are kept as there is room for."""

    def compute(number: int) -> np.ndarray:
        return store.frontend(store.signal(number), store.examples[number].group)

    kept: dict[int, np.ndarray] = {}
    for number in range(len(lengths)):
        if room <= 0:
            break
        kept[number] = compute(number)
        room -= kept[number].nbytes + sys.getsizeof(kept[number])
    return FeaturesOnDemand(compute, lengths, kept)


def read_examples(
    data: DataConfig, data_dir: Path, tell: Callable[[str], object]
) -> tuple[ExampleTable, ExampleTable, int]:
    """Returns the training and the dev examples, and how many of the training ones, at their end, are auxiliary.

    Of pages the lines that nobody has transcribed are told and left out.

    Args:
        data: which manifests.
        data_dir: where they are.
        tell: is given a line on what was left out, and on which groups were set apart for dev.

    Raises:
        ManifestError: a manifest cannot be read, or has too few groups to set some apart for dev.
    """

    def add(table: ExampleTable, name: str, found: Iterator[Example], pattern: str | None) -> None:
        num_examples, before = 0, len(table)
        for example in found:
            num_examples += 1
            if not is_untold_line(example):
                table.append(example if pattern is None else _grouped(example, pattern))
        if (kept := len(table) - before) < num_examples:
            tell(
                f"{data_dir / name}: {num_examples - kept:,} of {num_examples:,} lines have no text or no outline, "
                "left out"
            )

    train, dev = ExampleTable(), ExampleTable()
    parts = iter(scan_manifests([data_dir / name for name in (*data.train, *data.auxiliary)]))
    for name in data.train:
        add(train, name, next(parts), data.group_pattern)
    num_own = len(train)
    for name in data.auxiliary:
        add(train, name, next(parts), None)
    num_auxiliary = len(train) - num_own
    if data.dev is not None:
        add(dev, data.dev, scan_manifests([data_dir / data.dev])[0], None)
        return train, dev, num_auxiliary
    own = train[:num_own]
    dev_groups = held_out_groups(own, data.dev_share)
    is_dev = np.zeros(len(train), bool)
    is_dev[:num_own] = [(example.group or example.id) in dev_groups for example in own]
    if is_dev[:num_own].all():
        raise ManifestError(
            f"{data_dir / ', '.join(data.train)}: all examples are of one group, so that none can be set apart for "
            "dev; name a dev set with --data.dev"
        )
    names = sorted(dev_groups)
    tell(
        f"dev: {is_dev.sum():,} of {num_own:,} examples, groups {', '.join(names[:5])}"
        f"{f' and {len(names) - 5} more' if len(names) > 5 else ''}"
    )
    return train.select(np.flatnonzero(~is_dev)), train.select(np.flatnonzero(is_dev)), num_auxiliary


def _text_lines(
    config: ExperimentConfig,
    raw: tuple[ExampleTable, ExampleTable],
    prepared: tuple[ExampleTable, ExampleTable],
    tokens: TokenTable,
) -> Iterator[str]:
    """Yields what there is to say of the texts of training and dev, as they were and as they are learnt."""
    raw_train, raw_dev = map(Texts, raw)
    train, dev = map(Texts, prepared)
    for name, part in (("training", raw_train), ("dev", raw_dev)):
        changed = changes(config.texts, part)
        if changed is not None:
            yield f"{name}: {changed}"
    yield from warnings_of_texts(raw_train, raw_dev, config.texts, tokens.unit)
    for line in (rare_tokens(train, tokens, config.texts.rare_below), unknown_tokens(dev, tokens)):
        if line is not None:
            yield line


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of examples with their ids; can be gone over any number of times."""

    examples: ExampleTable

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return self.examples.texts_by_id()


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
