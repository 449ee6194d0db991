from collections.abc import Callable
from pathlib import Path

import pytest

from data_prep.splitting import set_apart
from seqlabel.errors import ManifestError
from seqlabel.records import Example


def examples(num: int, group_of: Callable[[int], str | None]) -> list[Example]:
    return [Example(id=f"{i:03d}", source=Path(f"{i}.png"), text="a", group=group_of(i)) for i in range(num)]


def test_groups_stay_whole_and_each_split_gets_its_share() -> None:
    splits = set_apart(examples(100, lambda i: f"writer{i % 10}"), {"dev": 0.15, "test": 0.1})
    assert {name: len(found) for name, found in splits.items()} == {"train": 70, "dev": 20, "test": 10}
    groups = [{example.group for example in found} for found in splits.values()]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 10


def test_the_choice_depends_on_the_names_alone() -> None:
    found = examples(30, lambda i: f"writer{i % 5}")
    assert set_apart(found, {"dev": 0.2}) == set_apart(found[::-1], {"dev": 0.2})


def test_examples_without_a_group_are_groups_of_their_own() -> None:
    splits = set_apart(examples(40, lambda _: None), {"dev": 0.1})
    assert [len(found) for found in splits.values()] == [36, 4]


def test_a_single_group_is_train() -> None:
    splits = set_apart(examples(4, lambda _: "one"), {"dev": 0.1})
    assert [len(found) for found in splits.values()] == [4, 0]


def test_a_share_of_nothing_makes_no_split() -> None:
    assert list(set_apart(examples(10, lambda _: None), {"dev": 0.1, "test": 0})) == ["train", "dev"]


@pytest.mark.parametrize("shares", [{"dev": -0.1}, {"dev": 0.5, "test": 0.5}])
def test_shares_that_leave_nothing_for_train_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ManifestError, match="expected 0 or more, together below 1"):
        set_apart(examples(10, lambda _: None), shares)
