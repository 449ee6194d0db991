"""The same content, texts, groups or recordings where they should stand once: within a split, and in two of them."""

import itertools
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path

from seqlabel.checks.findings import (
    CONTRADICTION,
    REPEATED,
    SHARED_CONTENT,
    SHARED_GROUP,
    SHARED_IDS,
    SHARED_RECORDING,
    SHARED_TEXTS,
    Finding,
    Place,
)
from seqlabel.checks.splits import Split

LONG_TEXT = 10
"""Characters from which on a text that stands in two splits says something: commands and numbers recur by nature."""
MOST_NAMED = 5


def check_contents_alike(
    keys: Mapping[Place, Hashable], texts: Mapping[Place, str | None], splits: Sequence[Split]
) -> Iterator[Finding]:
    """Yields what stands several times.

    Args:
        keys: of each example that could be read, something that is equal for equal content only.
        texts: of each example, as it is learnt.
        splits: the splits, those that are learnt from before those that are measured on.
    """
    alike: dict[Hashable, list[Place]] = defaultdict(list)
    for place, key in keys.items():
        alike[key].append(place)
    rank = {split.name: number for number, split in enumerate(_in_order(splits))}
    for places in alike.values():
        if len(places) < 2:
            continue
        found = {text for place in places if (text := texts[place])}
        if len(found) > 1:
            shown = " and ".join(repr(text) for text in sorted(found)[:3])
            yield Finding(CONTRADICTION, f"one content, {len(found)} texts: {shown}", tuple(places))
        by_split: dict[str, list[Place]] = defaultdict(list)
        for place in places:
            by_split[place.split].append(place)
        if len(found) <= 1:
            for here in by_split.values():
                if len(here) > 1:
                    yield Finding(
                        REPEATED, f"{len(here)} times: {_named(here)}", tuple(here), offenders=tuple(here[1:])
                    )
        if len(by_split) > 1:
            # What is measured on keeps its examples: the later split has them.
            last = max(by_split, key=lambda name: rank[name])
            earlier = tuple(place for place in places if place.split != last)
            where = " and ".join(f"{name} ({_named(here)})" for name, here in by_split.items())
            yield Finding(SHARED_CONTENT, f"in {where}", tuple(places), offenders=earlier)


def check_splits_apart(
    splits: Sequence[Split], texts: Mapping[Place, str | None], files: Mapping[Place, Hashable]
) -> Iterator[Finding]:
    """Yields which groups, recordings, texts and ids stand in two splits, of which one is learnt from if any is.

    Args:
        splits: the splits.
        texts: of each example, as it is learnt.
        files: of examples that are a part of a recording, which file that is.
    """
    is_learnt = any(split.is_training for split in splits)
    for first, second in itertools.combinations(_in_order(splits), 2):
        if is_learnt and not first.is_training:
            continue  # what dev and test share flatters nobody that has learnt from neither
        yield from _shared_groups(first, second)
        yield from _shared_recordings(first, second, files)
        yield from _shared_texts(first, second, texts)
        ids = {example.id for example in first.examples}
        shared = [example.id for example in second.examples if example.id in ids]
        if shared:
            yield Finding(
                SHARED_IDS,
                f"{first.name} and {second.name} have {len(shared):,} ids in common",
                tuple(Place(second.name, id_) for id_ in shared),
            )


def _in_order(splits: Sequence[Split]) -> list[Split]:
    return sorted(splits, key=lambda split: not split.is_training)


def _shared_groups(first: Split, second: Split) -> Iterator[Finding]:
    groups = {example.group for example in first.examples} - {None}
    shared = [example for example in second.examples if example.group in groups]
    if not shared:
        return
    names = sorted({example.group for example in shared if example.group is not None})
    named = ", ".join(names[:MOST_NAMED])
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    yield Finding(
        SHARED_GROUP,
        f"{len(names)} {'group' if len(names) == 1 else 'groups'} of {second.name}, {len(shared):,} of its "
        f"{len(second.examples):,} examples, stand in {first.name} too: {named}{more}",
        tuple(Place(second.name, example.id) for example in shared),
    )


def _shared_recordings(first: Split, second: Split, files: Mapping[Place, Hashable]) -> Iterator[Finding]:
    known = {files[place] for e in first.examples if (place := Place(first.name, e.id)) in files}
    shared = [e for e in second.examples if files.get(Place(second.name, e.id)) in known]
    if known and shared:
        sources: dict[Path, None] = dict.fromkeys(example.source for example in shared)
        yield Finding(
            SHARED_RECORDING,
            f"{len(shared):,} of {len(second.examples):,} examples of {second.name} are parts of files of which parts "
            f"stand in {first.name} too, such as {next(iter(sources))}",
            tuple(Place(second.name, example.id) for example in shared),
        )


def _shared_texts(first: Split, second: Split, texts: Mapping[Place, str | None]) -> Iterator[Finding]:
    known = {texts[Place(first.name, example.id)] for example in first.examples}
    shared = [
        Place(second.name, example.id)
        for example in second.examples
        if (text := texts[Place(second.name, example.id)]) in known and len(text or "") >= LONG_TEXT
    ]
    if shared:
        yield Finding(
            SHARED_TEXTS,
            f"{len(shared):,} of {len(second.examples):,} texts of {second.name} stand in {first.name} word for word "
            f"(of {LONG_TEXT} characters and more): no network has to read them to know them",
            tuple(shared),
        )


def _named(places: Sequence[Place]) -> str:
    more = f" and {len(places) - MOST_NAMED} more" if len(places) > MOST_NAMED else ""
    return ", ".join(repr(place.id) for place in places[:MOST_NAMED]) + more
