"""Many examples in little memory: columns of bytes and numbers, out of which an example is made when it is wanted.

A list of a million `Example` objects with their paths and texts takes more than a gigabyte; here they take as many
bytes as their characters, and about 64 more each.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from math import isnan, nan
from pathlib import Path
from typing import overload

import msgspec
import numpy as np

from seqlabel.records import Example

NO_GROUP = -1
"""The number of the group of an example without one."""
ALL_CHANNELS = -1
"""The channel of an example that is the mean of all of them."""


class Strings:
    """Texts, or None, one behind the other in one buffer; any text that Python has comes back as it was."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.ends = array("q")
        self.is_none = bytearray()

    def append(self, text: str | None) -> None:
        """Adds one at the end."""
        if text is not None:
            self.data += text.encode("utf-8", "surrogatepass")
        self.ends.append(len(self.data))
        self.is_none.append(text is None)

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, row: int) -> str | None:
        if self.is_none[row]:
            return None
        start = self.ends[row - 1] if row else 0
        return self.data[start : self.ends[row]].decode("utf-8", "surrogatepass")

    def is_same(self, other: "Strings") -> bool:
        """Returns whether both hold the same texts."""
        return (self.ends, self.is_none, self.data) == (other.ends, other.is_none, other.data)


class ExampleTable(Sequence[Example]):
    """A sequence of examples that is added to at its end; parts of it (`select`) share its columns."""

    def __init__(self) -> None:
        self.ids, self.names, self.texts, self.labels = Strings(), Strings(), Strings(), Strings()
        self.folders: dict[str, int] = {}
        self.groups: dict[str, int] = {}
        self.folder_numbers, self.group_numbers = array("i"), array("i")
        self.starts, self.ends = array("d"), array("d")
        self.channels = array("i")
        self.rows: np.ndarray | None = None
        self._group_names: list[str] = []
        self._folder_names: list[str] = []

    def append(self, example: Example) -> None:
        """Adds an example; not to a part of a table."""
        if self.rows is not None:
            raise ValueError("a part of a table cannot be added to")
        # As pathlib writes it, cut before its last name: most examples lie in few folders.
        folder, slash, name = str(example.source).rpartition("/")
        self.ids.append(example.id)
        self.names.append(name)
        self.folder_numbers.append(self.folders.setdefault(folder + slash, len(self.folders)))
        self.texts.append(example.text)
        self.labels.append(None if example.labels is None else msgspec.json.encode(example.labels).decode())
        self.starts.append(nan if example.start_seconds is None else example.start_seconds)
        self.ends.append(nan if example.end_seconds is None else example.end_seconds)
        self.channels.append(ALL_CHANNELS if example.channel is None else example.channel)
        group = example.group
        self.group_numbers.append(
            NO_GROUP if group is None else self.groups.setdefault(group, len(self.groups))
        )

    def __len__(self) -> int:
        return len(self.ids) if self.rows is None else len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> "ExampleTable": ...
    def __getitem__(self, index: int | slice) -> "Example | ExampleTable":
        if isinstance(index, slice):
            return self.select(np.arange(len(self))[index])
        if not -len(self) <= index < len(self):
            raise IndexError(f"example {index} of {len(self)}")
        return self._example(self._row(index))

    def __iter__(self) -> Iterator[Example]:
        return (self[index] for index in range(len(self)))

    def _row(self, index: int) -> int:
        index = index + len(self) if index < 0 else index
        return index if self.rows is None else int(self.rows[index])

    def _example(self, row: int) -> Example:
        start, end = self.starts[row], self.ends[row]
        group = self.group_numbers[row]
        if len(self._group_names) != len(self.groups) or len(self._folder_names) != len(self.folders):
            self._group_names, self._folder_names = list(self.groups), list(self.folders)
        return Example(
            id=self.ids[row] or "",
            source=Path(self._folder_names[self.folder_numbers[row]] + (self.names[row] or "")),
            text=self.texts[row],
            start_seconds=None if isnan(start) else start,
            end_seconds=None if isnan(end) else end,
            group=None if group == NO_GROUP else self._group_names[group],
            labels=_labels(self.labels[row]),
            channel=None if self.channels[row] == ALL_CHANNELS else self.channels[row],
        )

    def select(self, indices: np.ndarray) -> "ExampleTable":
        """Returns those of these examples, in that order, without copying them."""
        rows = np.asarray(indices, np.int32)
        return self._sharing(rows=rows if self.rows is None else self.rows[rows])

    def _sharing(self, **changes: object) -> "ExampleTable":
        part = ExampleTable()
        part.__dict__.update(self.__dict__ | changes)
        return part

    def group_codes(self) -> np.ndarray:
        """Returns the number of each example's group, by which they can be told apart, `NO_GROUP` for none."""
        codes = np.frombuffer(self.group_numbers, np.int32) if len(self.ids) else np.zeros(0, np.int32)
        return codes.copy() if self.rows is None else codes[self.rows]

    def texts_by_id(self) -> Iterator[tuple[str, str]]:
        """Yields the id and the text of each example that has a text which is not empty."""
        for index in range(len(self)):
            row = self._row(index)
            if text := self.texts[row]:
                yield self.ids[row] or "", text

    def identities(self) -> Iterator[tuple[str, str | None, tuple[tuple[str, float], ...] | None]]:
        """Yields the id, the text and the labels of each example."""
        for index in range(len(self)):
            row = self._row(index)
            yield self.ids[row] or "", self.texts[row], _labels(self.labels[row])

    def changed(
        self, change: Callable[[Example], Example], change_text: Callable[[str], str]
    ) -> "ExampleTable":
        """Returns the same examples with other texts and labels, those that are not changed shared.

        Args:
            change: gives an example its text and its labels.
            change_text: does the same for the text of an example that has no labels, which is quicker.
        """
        texts, labels = Strings(), Strings()
        for row in range(len(self.ids)):
            text = self.texts[row]
            if self.labels.is_none[row]:
                texts.append(None if text is None else change_text(text))
                labels.append(None)
            else:
                found = change(self._example(row))
                texts.append(found.text)
                labels.append(msgspec.json.encode(found.labels).decode())
        return self._sharing(
            texts=self.texts if texts.is_same(self.texts) else texts,
            labels=self.labels if labels.is_same(self.labels) else labels,
        )


def _labels(encoded: str | None) -> tuple[tuple[str, float], ...] | None:
    return None if encoded is None else msgspec.json.decode(encoded, type=tuple[tuple[str, float], ...])
