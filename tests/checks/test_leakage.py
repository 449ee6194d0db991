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
from seqlabel.checks.leakage import check_contents_alike, check_splits_apart
from seqlabel.checks.splits import Split
from seqlabel.records import Example

A, B, C = Place("train", "a"), Place("train", "b"), Place("dev", "c")


def split(name: str, *rows: tuple[str, str, str | None]) -> Split:
    examples = tuple(Example(id=i, source=Path(f"{i}.wav"), text=t, group=g) for i, t, g in rows)
    return Split(name, f"{name}.jsonl", examples)


TRAIN = split("train", ("a", "one", None), ("b", "one", None))
DEV = split("dev", ("c", "one", None))


def alike(keys: dict[Place, object], texts: dict[Place, str | None]) -> list[Finding]:
    return list(check_contents_alike(keys, texts, [DEV, TRAIN]))


def apart(*splits: Split, files: dict[Place, object] | None = None) -> list[Finding]:
    texts = {Place(s.name, e.id): e.text for s in splits for e in s.examples}
    return list(check_splits_apart(splits, texts, files or {}))


def test_different_contents_are_nothing_to_tell() -> None:
    assert alike({A: 1, B: 2, C: 3}, dict.fromkeys((A, B, C), "one")) == []


def test_equal_content_with_one_text_is_repeated_and_the_first_is_kept() -> None:
    [finding] = alike({A: 1, B: 1, C: 3}, dict.fromkeys((A, B, C), "one"))
    assert (finding.kind, finding.places, finding.left_out) == (REPEATED, (A, B), (B,))


def test_equal_content_with_two_texts_is_a_contradiction_and_none_is_kept() -> None:
    [finding] = alike({A: 1, B: 1, C: 3}, {A: "one", B: "two", C: "one"})
    assert (finding.kind, finding.left_out) == (CONTRADICTION, (A, B))
    assert "'one' and 'two'" in finding.reason


def test_content_in_two_splits_is_left_out_of_the_one_that_is_learnt_from() -> None:
    [finding] = alike({A: 1, B: 2, C: 1}, dict.fromkeys((A, B, C), "one"))
    assert (finding.kind, finding.places, finding.left_out) == (SHARED_CONTENT, (A, C), (A,))


def test_groups_in_two_splits_are_counted_and_named() -> None:
    train = split("train", ("a", "x", "anna"), ("b", "y", "ben"))
    dev = split("dev", ("c", "z", "anna"), ("d", "w", "anna"), ("e", "v", "cleo"), ("f", "u", None))
    [finding] = apart(dev, train)
    assert finding.kind == SHARED_GROUP
    assert finding.reason == "1 group of dev, 2 of its 4 examples, stand in train too: anna"
    assert finding.places == (Place("dev", "c"), Place("dev", "d"))


def test_what_dev_and_test_share_is_told_only_where_nothing_is_learnt_from() -> None:
    dev, test = split("dev", ("c", "z", "anna")), split("test", ("d", "w", "anna"))
    assert apart(split("train", ("a", "x", "ben")), dev, test) == []
    assert [finding.kind for finding in apart(dev, test)] == [SHARED_GROUP]


def test_parts_of_one_recording_in_two_splits_are_found() -> None:
    [finding] = apart(TRAIN, DEV, files={A: "tape 1", B: "tape 2", C: "tape 2"})
    assert (finding.kind, finding.places) == (SHARED_RECORDING, (C,))


def test_long_texts_in_two_splits_are_a_note() -> None:
    train = split("train", ("a", "a whole sentence", None), ("b", "yes", None))
    dev = split("dev", ("c", "a whole sentence", None), ("d", "yes", None))
    [finding] = apart(train, dev)
    assert (finding.kind, finding.places) == (SHARED_TEXTS, (C,))
    assert "1 of 2 texts of dev" in finding.reason


def test_ids_in_two_splits_are_a_note() -> None:
    [finding] = apart(split("train", ("a", "x", None)), split("dev", ("a", "y", None)))
    assert (finding.kind, finding.kind.level) == (SHARED_IDS, "note")
