"""Examples checked and held ready, and the batches made of them."""

import itertools
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor

from seqlabel.augmentations.joining import joined
from seqlabel.engine.frames import rounded_up
from seqlabel.errors import ManifestError, SeqlabelError
from seqlabel.frontend import Frontend
from seqlabel.loaded import Loaded, Obstacle, frames_of, groups_of, learnable, scorable
from seqlabel.reading_order import runs_from_right
from seqlabel.records import Example, Signal
from seqlabel.texts import TextConfig
from seqlabel.tokens import TokenTable, TokenUnit

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Batch:
    """Right-padded examples: features (N, T, F), feature_lengths (N,), targets (N, S), target_lengths (N,), ids."""

    features: Float[Tensor, "N T F"]
    feature_lengths: Int[Tensor, " N"]
    targets: Int[Tensor, "N S"]
    target_lengths: Int[Tensor, " N"]
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offender:
    """An example that cannot be used, and why, in one line."""

    id: str
    reason: str


def read_signals(
    examples: Sequence[Example], frontend: Frontend, on_read: Callable[[], object] | None = None
) -> tuple[list[tuple[Example, Signal]], list[Offender]]:
    """Returns the examples whose files can be read, with their signals, and those whose files cannot.

    Where statistics are taken over several examples, a signal without frames is told here, by its name.
    """
    found: list[tuple[Example, Signal]] = []
    offenders: list[Offender] = []
    frontend.measure(examples)
    for example in examples:
        try:
            signal = frontend.read(example)
            if frontend.is_fitted:
                frontend.feature(signal)
            found.append((example, signal))
        except SeqlabelError as error:
            offenders.append(Offender(example.id, str(error)))
        if on_read is not None:
            on_read()
    return found, offenders


def check_targets(
    found: Iterable[tuple[Example, Signal]],
    frontend: Frontend,
    tokens: TokenTable,
    obstacle: Obstacle,
    *,
    reads_labels: bool = False,
) -> tuple[list[Loaded], list[Offender]]:
    """Returns the examples that a model can learn from, and the others with the reason.

    What a target needs of the frames, the model says (`Model.obstacle`). With `reads_labels` it learns from the labels.
    """
    loaded: list[Loaded] = []
    offenders: list[Offender] = []
    for example, signal in found:
        try:
            num_frames = len(frontend(signal, example.group)) if example.text else 0
            loaded.append(learnable(example, signal, num_frames, tokens, obstacle, reads_labels=reads_labels))
        except SeqlabelError as error:
            offenders.append(Offender(example.id, str(error)))
    return loaded, offenders


def keep_for_scoring(
    found: Iterable[tuple[Example, Signal]],
    frontend: Frontend,
    tokens: TokenTable,
    *,
    reads_labels: bool = False,
) -> list[Loaded]:
    """Returns every example for decoding; a text outside of the token table stays and counts as errors.

    Raises:
        ManifestError: examples without text or without frames, which must not flatter by their absence.
    """
    loaded: list[Loaded] = []
    offenders: list[Offender] = []
    for example, signal in found:
        if example.text is None:
            offenders.append(Offender(example.id, "has no text; add its transcript"))
            continue
        try:
            num_frames = len(frontend(signal, example.group))
            loaded.append(scorable(example, signal, num_frames, tokens, reads_labels=reads_labels))
        except SeqlabelError as error:
            offenders.append(Offender(example.id, str(error)))
    if offenders:
        raise ManifestError(describe_offenders(offenders, len(loaded) + len(offenders)))
    return loaded


def with_text(example: Example, token_unit: TokenUnit) -> Example:
    """Returns the example with what its labels say, equal neighbours once, where it has labels and no text."""
    if example.text is not None or example.labels is None:
        return example
    names = [label for label, _ in itertools.groupby(label for label, _ in example.labels)]
    return replace(example, text=(" " if token_unit == "word" else "").join(names))


def with_prepared_text(example: Example, texts: TextConfig, token_unit: TokenUnit) -> Example:
    """Returns the example with its text and its labels as they are learnt; see `with_text` for one without a text."""
    if example.labels is not None:
        labels = tuple((texts.prepare(label), length) for label, length in example.labels)
        example = replace(example, labels=labels)
    if example.text is not None:
        return replace(example, text=texts.prepare(example.text))
    return with_text(example, token_unit)


def describe_offenders(offenders: Sequence[Offender], num_examples: int) -> str:
    """Returns one line that counts the offenders and gives the reasons of the first."""
    first = "; ".join(f"'{offender.id}': {offender.reason}" for offender in offenders[:3])
    more = f"; and {len(offenders) - 3} more" if len(offenders) > 3 else ""
    return f"{len(offenders)} of {num_examples} examples cannot be used: {first}{more}"


def bucketed_batches(
    lengths: Sequence[int], batch_size: int, batch_frames: int, rng: np.random.Generator | None
) -> list[list[int]]:
    """Returns the indices of each batch: neighbours in length together, at most `batch_frames` frames with padding.

    With a generator, lengths are jittered by a tenth, so that every epoch has other neighbours, and the order of
    the batches is drawn; without one the longest come first.
    """
    keys = np.asarray(lengths, dtype=np.float64)
    if rng is not None:
        keys = keys * rng.uniform(0.9, 1.1, size=len(keys))
    batches: list[list[int]] = []
    longest = 0
    for index in np.argsort(-keys, kind="stable").tolist():
        longest = max(longest, lengths[index])
        if not batches or len(batches[-1]) == batch_size or longest * (len(batches[-1]) + 1) > batch_frames:
            batches.append([])
            longest = lengths[index]
        batches[-1].append(index)
    if rng is not None:
        batches = [batches[i] for i in rng.permutation(len(batches))]
    return batches


def collate(items: Sequence[tuple[str, np.ndarray, Sequence[int]]]) -> Batch:
    """Returns the batch of (id, features (T, F), target) items, right-padded with zeros."""
    lengths = torch.tensor([len(features) for _, features, _ in items])
    target_lengths = torch.tensor([len(target) for _, _, target in items])
    num_frames = rounded_up(int(lengths.max()))
    features = torch.zeros(len(items), num_frames, items[0][1].shape[1])
    targets = torch.zeros(len(items), max(1, int(target_lengths.max())), dtype=torch.long)
    for i, (_, frames, target) in enumerate(items):
        features[i, : len(frames)] = torch.from_numpy(frames)
        targets[i, : len(target)] = torch.tensor(target, dtype=torch.long)
    return Batch(features, lengths, targets, target_lengths, tuple(id_ for id_, _, _ in items))


class BatchMaker:
    """Computes the batches of an epoch, each example augmented from a generator of its own.

    The generator of an example is seeded with (seed, epoch, index + 1), that of the order with (seed, epoch, 0), that
    of what is joined with (seed, epoch, 0, 1), that of the auxiliary examples with (seed, epoch, 0, 2), so that a run
    that goes on after a stop sees what the uninterrupted run would have seen.
    """

    def __init__(
        self,
        frontend: Frontend,
        loaded: Sequence[Loaded],
        obstacle: Obstacle,
        seed: int,
        output_lengths: Callable[[Tensor], Tensor] | None = None,
        num_views: int = 1,
        join_share: float = 0.0,
        separator: Sequence[int] = (),
        num_own: int | None = None,
        auxiliary_share: float = 1.0,
        auxiliary_epochs: int = 10,
    ) -> None:
        self.frontend = frontend
        self.loaded = loaded
        self.obstacle = obstacle
        self.output_lengths = output_lengths
        self.seed = seed
        self.num_views = num_views
        self.join_share = join_share
        self.separator = tuple(separator)
        self.num_own = len(loaded) if num_own is None else num_own
        self.auxiliary_share, self.auxiliary_epochs = auxiliary_share, auxiliary_epochs
        self.lengths = frames_of(loaded)
        # Auxiliary examples are of groups of their own, or they would be joined to others in every epoch.
        codes = 2 * groups_of(loaded).astype(np.int64) + (np.arange(len(loaded)) >= self.num_own)
        # Groups in the order in which they come up, the examples of each in theirs.
        _, first, codes = np.unique(codes, return_index=True, return_inverse=True)
        codes = np.argsort(np.argsort(first))[codes]
        sizes = np.bincount(codes)
        self.by_group = np.argsort(codes, kind="stable")
        # Where the group of an example begins in `by_group`, and how many it has.
        self.group_start = (np.cumsum(sizes) - sizes)[codes]
        self.group_size = sizes[codes]
        self.partners: tuple[int, list[int | None]] | None = None

    def order(
        self, epoch: int, batch_size: int, batch_frames: int, *, shortest_first: bool = False
    ) -> list[list[int]]:
        """Returns the indices of the batches of an epoch, in an order that is drawn or by length."""
        rng = np.random.default_rng((self.seed, epoch, 0))
        lengths: list[int] = self.lengths.tolist()
        if self.join_share:
            lengths = [
                length if partner is None else length + lengths[partner]
                for length, partner in zip(lengths, self._partners(epoch), strict=True)
            ]
        numbers = np.concatenate([np.arange(self.num_own), self.auxiliaries(epoch)])
        batches = bucketed_batches([lengths[number] for number in numbers], batch_size, batch_frames, rng)
        batches = [numbers[batch].tolist() for batch in batches]
        if shortest_first:
            batches.sort(key=lambda indices: max(lengths[index] for index in indices))
        return batches

    def auxiliaries(self, epoch: int) -> Int64[np.ndarray, " _num_examples"]:
        """Returns which of the auxiliary examples, those from `num_own` on, an epoch sees: fewer in each."""
        share = self.auxiliary_share * max(0.0, 1 - epoch / self.auxiliary_epochs)
        known = len(self.loaded) - self.num_own
        rng = np.random.default_rng((self.seed, epoch, 0, 2))
        drawn = rng.permutation(known)[: round(min(known, share * self.num_own))]
        return self.num_own + np.sort(drawn)

    def partner(self, epoch: int, index: int) -> int | None:
        """Returns the example of the same group that is joined to this one in this epoch, or None.

        Together they are no longer than the longest example, so that batches do not become larger than they were.
        """
        return self._partners(epoch)[index] if self.join_share else None

    def _partners(self, epoch: int) -> list[int | None]:
        """Returns the partners of all examples, drawn at once, since a generator for each takes its time."""
        if self.partners is not None and self.partners[0] == epoch:
            return self.partners[1]
        rng = np.random.default_rng((self.seed, epoch, 0, 1))
        count = len(self.lengths)
        is_joined = rng.random(count) < self.join_share
        others = self.by_group[self.group_start + (rng.random(count) * self.group_size).astype(np.int64)]
        fits = self.lengths + self.lengths[others] <= self.lengths[: self.num_own].max(initial=0)
        is_joined &= fits & (others != np.arange(count))
        found = [other if joins else None for other, joins in zip(others.tolist(), is_joined, strict=True)]
        self.partners = (epoch, found)
        return found

    def batch(self, epoch: int, indices: Sequence[int]) -> Batch:
        """Returns one augmented batch; where an augmented example no longer fits its target, it stays as it is.

        Two joined may not fit even so, since each has just as many frames as its target needs: then it stands alone.

        Of several views of each example all the first come first, then all the second.
        """
        items = [self._views(epoch, index) for index in indices]
        return collate([views[number] for number in range(self.num_views) for views in items])

    def _views(self, epoch: int, index: int) -> list[tuple[str, np.ndarray, Sequence[int]]]:
        attempts = itertools.product((self._joined(epoch, index), self.loaded[index]), (True, False))
        for item, is_augmented in attempts:
            rng = np.random.default_rng((self.seed, epoch, index + 1)) if is_augmented else None
            views = self.frontend.views(item.known_signal, item.example.group, rng, self.num_views)
            if self.obstacle(item.target, len(views[0])) is None:
                break
        num_frames = torch.tensor([len(views[0])])
        if self.output_lengths is not None:
            num_frames = self.output_lengths(num_frames)
        goal = item.goal(int(num_frames[0]))
        return [(item.example.id, features, goal) for features in views]

    def _joined(self, epoch: int, index: int) -> Loaded:
        item = self.loaded[index]
        partner = self.partner(epoch, index)
        if partner is None:
            return item
        other = self.loaded[partner]
        rng = np.random.default_rng((self.seed, epoch, index + 1, 2))
        signal = joined(
            item.known_signal, other.known_signal, rng, is_from_right=runs_from_right(item.example.text or "")
        )
        if signal is None:
            return item
        target = item.target + self.separator + other.target
        return Loaded(item.example, signal, item.num_frames + other.num_frames, target)


def ahead(function: Callable[[T], R], items: Sequence[T], num_ahead: int = 3) -> Generator[R, None, None]:
    """Yields `function(item)` for every item in order, computed in a thread that runs a few items ahead."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting: deque[Future[R]] = deque(pool.submit(function, item) for item in items[:num_ahead])
        for position in range(len(items)):
            if position + num_ahead < len(items):
                waiting.append(pool.submit(function, items[position + num_ahead]))
            yield waiting.popleft().result()
