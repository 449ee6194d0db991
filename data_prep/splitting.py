"""Splits for corpora that were published without: whole groups are set apart, in an order that only names decide."""

from collections.abc import Iterable, Mapping

from data_prep.corpus_source import Flags, ranked_by_hash
from seqlabel.errors import ManifestError
from seqlabel.records import Example

SHARE_FLAGS: Flags = {
    "--dev-share": {"type": float, "default": 0.05, "help": "of all examples, for dev (default: 0.05)"},
    "--test-share": {"type": float, "default": 0.05, "help": "of all examples, for test (default: 0.05)"},
}


def set_apart(examples: Iterable[Example], shares: Mapping[str, float]) -> dict[str, list[Example]]:
    """Returns train and a split for each of `shares`, disjoint in groups; each in the order of its ids.

    The groups come in the order of the MD5 of their names, and each goes to the first split that has less than its
    share of all examples; the rest, and in any case the last group, is train. An example without a group is one of
    its own.

    Args:
        examples: all of the corpus.
        shares: split -> how much of all examples it has at least, the first served first; none is made for 0.

    Raises:
        ManifestError: shares below 0, or that leave nothing for train.

    Example:
        >>> from pathlib import Path
        >>> lines = [Example(id=f"{i}", source=Path("x.png"), text="a", group=f"g{i % 4}") for i in range(8)]
        >>> {name: len(found) for name, found in set_apart(lines, {"dev": 0.1}).items()}
        {'train': 6, 'dev': 2}
    """
    if min(shares.values()) < 0 or sum(shares.values()) >= 1:
        told = ", ".join(f"{share:g} for {name}" for name, share in shares.items())
        raise ManifestError(f"shares: {told}; expected 0 or more, together below 1.")
    shares = {name: share for name, share in shares.items() if share}
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
