"""What a training says of its corpus before it learns from it: some checks, in as much time as a training can spare.

Texts, headers, groups and files are looked at before anything is decoded; contents that stand there several times are
known once the training itself has read every file.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from seqlabel.bars import BarOf
from seqlabel.checks.corpus import check_corpus
from seqlabel.checks.findings import (
    KINDS,
    MISSING_FILE,
    MIXED_UNICODE,
    NO_TEXT,
    REPEATED,
    SHARED_CONTENT,
    TOO_FEW_FRAMES,
    UNKNOWN_CHARACTERS,
    UNLEARNABLE,
    UNREADABLE,
    Finding,
    Place,
)
from seqlabel.checks.leakage import check_contents_alike
from seqlabel.checks.splits import Split, recipe_splits
from seqlabel.experiment import ExperimentConfig
from seqlabel.training_set import TrainingSet, read_examples

MOST_EXAMPLES = 200_000
"""Of larger corpora the headers alone take a minute and more, and what was seen of them much memory."""
MOST_TOLD = 2
"""Findings of a kind that have a line of their own."""
READ_PARTS = {"train", "dev"}
TOLD_BY_READING = {
    MISSING_FILE,
    UNREADABLE,
    NO_TEXT,
    TOO_FEW_FRAMES,
    UNLEARNABLE,
    UNKNOWN_CHARACTERS,
    MIXED_UNICODE,
}
"""Kinds of which the training says itself what it finds in the parts that it reads."""
SAYING_IDS = {REPEATED, SHARED_CONTENT}
"""Kinds whose reasons have the ids in them."""
WHERE_TO_LOOK = "`seqlabel check` with this recipe shows everything"


def look_at_headers(
    config: ExperimentConfig, data_dir: Path, num_workers: int, bar_of: BarOf | None = None
) -> Iterator[str]:
    """Yields what texts and headers of a recipe's corpus tell, a line for each error or warning; nothing is decoded.

    Args:
        config: the recipe.
        data_dir: where its manifests are; of `test.jsonl`, where there is one, what it shares with training is told.
        num_workers: threads that read.
        bar_of: as for `check_corpus`.

    Raises:
        ManifestError, ConfigError: as training raises them.
    """
    train, dev, _ = read_examples(config.data, data_dir, lambda line: None)
    if len(train) + len(dev) > MOST_EXAMPLES:
        yield (
            f"check: not looked at beforehand, since there are more than {MOST_EXAMPLES:,} examples; "
            f"{WHERE_TO_LOOK}"
        )
        return
    splits = recipe_splits(config.data, data_dir, train, dev)
    del train, dev
    report = check_corpus(splits, config, headers_only=True, num_workers=num_workers, bar_of=bar_of)
    yield from _lines([finding for finding in report.findings if _is_news(finding)])


def look_at_contents(data: TrainingSet) -> Iterator[str]:
    """Yields which contents of training and dev stand there several times, a line for each kind of finding."""
    parts = (
        ("train", data.train.examples, data.train_contents),
        ("dev", data.dev.examples, data.dev_contents),
    )
    digests = np.concatenate([contents for _, _, contents in parts])
    rows = np.ascontiguousarray(digests).view(np.dtype((np.void, digests.shape[1])))[:, 0]
    _, inverse, counts = np.unique(rows, return_inverse=True, return_counts=True)
    is_repeated = (counts[inverse] > 1) & digests.any(axis=1)
    if (count := int(is_repeated.sum())) > MOST_EXAMPLES:
        yield f"check: the contents of {count:,} examples stand there several times; {WHERE_TO_LOOK}"
        return
    keys: dict[Place, int] = {}
    texts: dict[Place, str | None] = {}
    start = 0
    for name, examples, contents in parts:
        for number in np.flatnonzero(is_repeated[start : start + len(contents)]).tolist():
            example = examples[number]
            place = Place(name, example.id)
            keys[place], texts[place] = int(inverse[start + number]), example.text
        start += len(contents)
    splits = [Split(name, "", ()) for name, _, _ in parts]
    yield from _lines(list(check_contents_alike(keys, texts, splits)))


def _is_news(finding: Finding) -> bool:
    if finding.kind.level == "note":
        return False
    return not (finding.kind in TOLD_BY_READING and {place.split for place in finding.places} <= READ_PARTS)


def _lines(findings: Sequence[Finding]) -> Iterator[str]:
    for kind in KINDS:
        found = [finding for finding in findings if finding.kind is kind]
        for finding in found[:MOST_TOLD]:
            yield f"check: {kind.name}: {_told(finding)}"
        if len(found) > MOST_TOLD:
            yield f"check: {kind.name}: and {len(found) - MOST_TOLD:,} more; {WHERE_TO_LOOK}"


def _told(finding: Finding) -> str:
    if not finding.places or finding.kind in SAYING_IDS:
        return finding.reason
    first = finding.places[0]
    more = f" and {len(finding.places) - 1:,} more" if len(finding.places) > 1 else ""
    return f"{finding.reason} ({first.split} {first.id}{more})"
