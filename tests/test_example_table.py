from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from seqlabel.example_table import NO_GROUP, ExampleTable
from seqlabel.records import Example

EXAMPLES = [
    Example(id="a", source=Path("/data/x/1.wav"), text="one", start_seconds=0.0, end_seconds=1.25, group="s"),
    Example(id="é\udcff", source=Path("2.wav"), text=None),
    Example(id="c", source=Path("/3.wav"), text="", group="t"),
    Example(
        id="d", source=Path("data/page.xml:7"), text="\U0001f600 x\n\u2028", group="s", start_seconds=1e-9
    ),
    Example(id="e", source=Path("../y/5.npy"), labels=(("a", 0.1), ("é", 3.0)), group="u"),
    Example(id="f", source=Path("/data/x/\udc80.png"), text="\ud800"),
    Example(id="g", source=Path("/data/x/1.wav"), channel=0),
    Example(id="h", source=Path("/data/x/1.wav"), channel=65536),
]


@pytest.fixture
def table() -> ExampleTable:
    found = ExampleTable()
    for example in EXAMPLES:
        found.append(example)
    return found


def test_examples_come_back_as_they_were(table: ExampleTable) -> None:
    assert list(table) == EXAMPLES
    assert [table[-1], table[2]] == [EXAMPLES[-1], EXAMPLES[2]]
    with pytest.raises(IndexError):
        table[8]


def test_parts_of_parts_are_those_examples_in_that_order(table: ExampleTable) -> None:
    part = table.select(np.array([4, 0, 3]))
    assert list(part) == [EXAMPLES[4], EXAMPLES[0], EXAMPLES[3]]
    assert list(part.select(np.array([2, 1]))) == [EXAMPLES[3], EXAMPLES[0]]
    assert list(part[1:]) == [EXAMPLES[0], EXAMPLES[3]]
    assert list(table[1::2]) == EXAMPLES[1::2]
    with pytest.raises(ValueError, match="part of a table"):
        part.append(EXAMPLES[0])


def test_groups_have_numbers_that_tell_them_apart(table: ExampleTable) -> None:
    codes = table.group_codes().tolist()
    assert codes[0] == codes[3] and codes[1] == codes[5] == NO_GROUP
    assert len({codes[0], codes[1], codes[2], codes[4]}) == 4
    assert table.select(np.array([3, 1])).group_codes().tolist() == [codes[3], NO_GROUP]


def test_texts_that_are_not_empty_come_with_their_ids(table: ExampleTable) -> None:
    assert list(table.texts_by_id()) == [(example.id, example.text) for example in EXAMPLES if example.text]


def test_changed_texts_and_labels_leave_all_else_and_the_table_itself(table: ExampleTable) -> None:
    def change(example: Example) -> Example:
        return replace(example, text="aé", labels=(("b", 2.0),))

    changed = table.changed(change, str.upper)
    assert changed[0] == replace(EXAMPLES[0], text="ONE")
    assert changed[1] == EXAMPLES[1]
    assert changed[4] == replace(EXAMPLES[4], text="aé", labels=(("b", 2.0),))
    assert list(table) == EXAMPLES


def test_a_change_that_changes_nothing_takes_no_memory(table: ExampleTable) -> None:
    same = table.changed(lambda example: example, str)
    assert same.texts is table.texts and same.labels is table.labels


def test_what_tells_examples_apart_is_known_without_making_them(table: ExampleTable) -> None:
    assert list(table.identities()) == [(example.id, example.text, example.labels) for example in EXAMPLES]


def test_a_table_of_nothing_is_empty() -> None:
    assert (len(ExampleTable()), list(ExampleTable()), len(ExampleTable().group_codes())) == (0, [], 0)
