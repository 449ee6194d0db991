"""Examples whose files have been read, with what is to be learnt from them; those that fit keep their signals."""

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import overload

import numpy as np

from seqlabel.errors import ManifestError, TokenError
from seqlabel.example_table import ExampleTable
from seqlabel.frontend import Frontend
from seqlabel.objectives import frame_labels
from seqlabel.records import Example, LineImage, Matrix, Signal, Strokes, Symbols, Waveform
from seqlabel.tokens import TokenTable

DIGEST_BYTES = 16

Obstacle = Callable[[Sequence[int], int], str | None]
"""Says why a target cannot be learnt from that many frames of features, or None where it can."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """An example whose file has been read.

    Attributes:
        example: where it came from.
        signal: what the file holds; None where it is read when it is wanted, or is not.
        num_frames: frames of the front end without augmentation.
        target: token ids of its text; empty where there is none to learn.
        runs: token ids of its labels with their lengths; empty where it has none, or others.
    """

    example: Example
    signal: Signal | None
    num_frames: int
    target: tuple[int, ...]
    runs: tuple[tuple[int, float], ...] = ()

    @property
    def known_signal(self) -> Signal:
        """The signal of an example that has it with it."""
        if self.signal is None:
            raise ValueError(f"example {self.example.id!r} was loaded without its signal")
        return self.signal

    def goal(self, num_frames: int) -> Sequence[int]:
        """Returns what is to be said of that many frames of emissions: a label of each, or the text in order."""
        return frame_labels(self.runs, num_frames) if self.runs else self.target


def learnable(
    example: Example,
    signal: Signal | None,
    num_frames: int,
    tokens: TokenTable,
    obstacle: Obstacle,
    *,
    reads_labels: bool = False,
) -> Loaded:
    """Returns an example, of so many frames, with what is to be learnt from it.

    Raises:
        ManifestError: it has no text, or does not fit its frames.
        TokenError: its text or its labels are not made of tokens of the table.
    """
    if not example.text:
        raise ManifestError("has no text; add its transcript, or leave it out")
    target, runs = target_of(example, tokens, reads_labels=reads_labels)
    if not target:  # white space where words are the tokens
        raise ManifestError("has no words; add its transcript, or leave it out")
    reason = obstacle(target, num_frames)
    if reason is not None:
        raise ManifestError(reason)
    return Loaded(example, signal, num_frames, target, runs)


def target_of(
    example: Example, tokens: TokenTable, *, reads_labels: bool = False
) -> tuple[tuple[int, ...], tuple[tuple[int, float], ...]]:
    """Returns the token ids of an example's text, or those of its labels and these with their lengths.

    Raises:
        ManifestError: its labels are wanted, and it has none.
        TokenError: its text or its labels are not made of tokens of the table.
    """
    if reads_labels:
        runs = label_runs(example, tokens)
        return tuple(token for token, _ in runs), runs
    return tuple(tokens.encode(example.text or "")), ()


def scorable(
    example: Example,
    signal: Signal | None,
    num_frames: int,
    tokens: TokenTable,
    *,
    reads_labels: bool = False,
) -> Loaded:
    """Returns an example, of so many frames, to be scored; a text outside of the token table has no target.

    Raises:
        ManifestError: it has no labels, which are wanted.
        TokenError: its labels are no tokens.
    """
    try:
        target = tuple(tokens.encode(example.text or ""))
    except TokenError:
        target = ()
    return Loaded(example, signal, num_frames, target, label_runs(example, tokens) if reads_labels else ())


def label_runs(example: Example, tokens: TokenTable) -> tuple[tuple[int, float], ...]:
    """Returns the labels of an example as token ids with their lengths.

    Raises:
        ManifestError: it has no labels.
        TokenError: one of them is no single token of the table.
    """
    if example.labels is None:
        raise ManifestError("has no labels; `seqlabel align` makes them with a model that reads texts")
    runs = []
    for label, length in example.labels:
        ids = tokens.encode(label)
        if len(ids) != 1:
            raise TokenError(f"label {label!r} has {len(ids)} tokens; expected one")
        runs.append((ids[0], length))
    return tuple(runs)


class SignalStore:
    """The signals of examples: as many as there is room for stay in memory, the others are read when they are wanted.

    Attributes:
        kept: signals by the number of their example.
        room: bytes that are left.
    """

    def __init__(self, frontend: Frontend, examples: ExampleTable, room: float) -> None:
        self.frontend = frontend
        self.examples = examples
        self.room = room
        self.kept: dict[int, Signal] = {}

    def signal(self, index: int) -> Signal:
        """Returns the signal of an example.

        Raises:
            FormatError: its file cannot be read.
        """
        found = self.kept.get(index)
        return self._read(index) if found is None else found

    def forget(self, index: int) -> None:
        """Drops the signal of an example that is not used."""
        if (found := self.kept.pop(index, None)) is not None:
            self.room += num_bytes(found)

    def _read(self, index: int) -> Signal:
        signal = self.frontend.read(self.examples[index])
        size = num_bytes(signal)
        if size <= self.room:
            self.room -= size
            self.kept[index] = signal
        return signal


def num_bytes(signal: Signal) -> int:
    """Returns about how much memory a signal takes."""
    return sum(_size(getattr(signal, field.name)) for field in fields(signal)) + sys.getsizeof(signal)


def _size(value: object) -> int:
    if isinstance(value, np.ndarray):
        whole = (
            value.base if isinstance(value.base, np.ndarray) else value
        )  # a view holds all that it looks at
        return whole.nbytes + sys.getsizeof(value) - (0 if value.base is not None else value.nbytes)
    if isinstance(value, tuple):
        return sys.getsizeof(value) + sum(map(_size, value))
    return sys.getsizeof(value)


class LoadedExamples(Sequence[Loaded]):
    """Examples of a table that are made when they are wanted: their targets are encoded, their signals read then.

    Attributes:
        examples: the table.
        num_frames: of each.
        numbers: the place of each in the signal store.
    """

    def __init__(
        self,
        examples: ExampleTable,
        num_frames: np.ndarray,
        numbers: np.ndarray,
        make: Callable[[Example, Signal | None, int], Loaded],
        store: SignalStore | None,
    ) -> None:
        self.examples = examples
        self.num_frames = num_frames
        self.numbers = numbers
        self.make = make
        self.store = store

    def __len__(self) -> int:
        return len(self.num_frames)

    @overload
    def __getitem__(self, index: int) -> Loaded: ...
    @overload
    def __getitem__(self, index: slice) -> "LoadedExamples": ...
    def __getitem__(self, index: int | slice) -> "Loaded | LoadedExamples":
        if isinstance(index, slice):
            return LoadedExamples(
                self.examples[index], self.num_frames[index], self.numbers[index], self.make, self.store
            )
        signal = None if self.store is None else self.store.signal(int(self.numbers[index]))
        return self.make(self.examples[index], signal, int(self.num_frames[index]))

    def identities(self) -> Iterator[tuple[object, ...]]:
        """Yields what tells each example from others: id, text, labels and frames."""
        for identity, num_frames in zip(self.examples.identities(), self.num_frames.tolist(), strict=True):
            yield *identity, num_frames


class FeaturesOnDemand(Sequence[np.ndarray]):
    """The features of examples in their order, of which those are kept that there is room for.

    Attributes:
        lengths: frames of each.
    """

    def __init__(
        self, compute: Callable[[int], np.ndarray], lengths: np.ndarray, kept: dict[int, np.ndarray]
    ) -> None:
        self.compute = compute
        self.lengths = lengths
        self.kept = kept
        self.numbers = np.arange(len(lengths))

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> "FeaturesOnDemand": ...
    def __getitem__(self, index: int | slice) -> "np.ndarray | FeaturesOnDemand":
        if isinstance(index, slice):
            part = FeaturesOnDemand(self.compute, self.lengths[index], self.kept)
            part.numbers = self.numbers[index]
            return part
        number = int(self.numbers[index])
        found = self.kept.get(number)
        return self.compute(number) if found is None else found


def frames_of(loaded: Sequence[Loaded]) -> np.ndarray:
    """Returns how many frames each example has; those whose signals are read when wanted are not read for it."""
    if isinstance(loaded, LoadedExamples):
        return loaded.num_frames.astype(np.int64)
    return np.array([item.num_frames for item in loaded], np.int64)


def groups_of(loaded: Sequence[Loaded]) -> np.ndarray:
    """Returns a number for each example that it shares with the others of its group."""
    if isinstance(loaded, LoadedExamples):
        return loaded.examples.group_codes()
    known: dict[str | None, int] = {}
    return np.array([known.setdefault(item.example.group, len(known)) for item in loaded], np.int64)


def content_digest(signal: Signal) -> bytes:
    """Returns 16 bytes that are the same for the same samples, pixels, points or values, whatever file has them."""
    match signal:
        case Waveform(samples, sample_rate):
            return _digest(str(sample_rate).encode(), samples.tobytes())
        case LineImage(pixels):
            return _digest(f"{pixels.shape[0]} x {pixels.shape[1]}".encode(), pixels.tobytes())
        case Strokes(strokes):
            return _digest(*(stroke.tobytes() for stroke in strokes))
        case Matrix(values):
            return _digest(str(values.shape).encode(), values.tobytes())
        case Symbols(names):
            return _digest("\n".join(names).encode())


def _digest(*parts: bytes) -> bytes:
    found = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.digest()
