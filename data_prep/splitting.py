"""Splits for corpora that were published without: whole groups are set apart, in an order that only names decide."""

from collections.abc import Iterable, Mapping

from data_prep.corpus_source import ranked_by_hash
from seqlabel.records import Example


def set_apart(examples: Iterable[Example], shares: Mapping[str, float]) -> dict[str, list[Example]]:
    """Returns train and a split for each of `shares`, disjoint in groups; each in the order of its ids.

    The groups come in the order of the MD5 of their names, and each goes to the first split that has less than its
    share of all examples; the rest, and in any case the last group, is train. An example without a group is one of
    its own.

    Args:
        examples: all of the corpus.
        shares: split -> how much of all examples it has at least (0 to 1), the first served first.

    Example:
        >>> from pathlib import Path
        >>> lines = [Example(id=f"{i}", source=Path("x.png"), text="a", group=f"g{i % 4}") for i in range(8)]
        >>> {name: len(found) for name, found in set_apart(lines, {"dev": 0.1}).items()}
        {'train': 6, 'dev': 2}
    """
    by_group: dict[str, list[Example]] = {}
    for example in examples:
        by_group.setdefault(example.group or example.id, []).append(example)
    num_examples = sum(map(len, by_group.values()))
    splits: dict[str, list[Example]] = {"train": [], **{name: [] for name in shares}}
    num_apart = 0
    for group in ranked_by_hash(by_group):
        own = by_group[group]
        short = [name for name, share in shares.items() if len(splits[name]) < share * num_examples]
        if short and num_apart + len(own) < num_examples:
            splits[short[0]] += own
            num_apart += len(own)
        else:
            splits["train"] += own
    for found in splits.values():
        found.sort(key=lambda example: example.id)
    return splits
