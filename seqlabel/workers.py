"""Several things done at once, in threads, with the results in the order of the things.

Threads and not processes: what takes time here (PyTorch, numba, Pillow) leaves Python's lock to the others, and a
process would load PyTorch and the model once more.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

WAITING = 3
"""Things for each worker that are begun before the first of them has been asked for: bounds the memory."""


class Stopped(Exception):
    """Nobody waits for this work any more."""


class Workers(Generic[T, R]):
    """Threads that do `work`; to be left with `with`, which ends what is still under way.

    Attributes:
        work: what is done with each thing. It calls `check` now and then, so that it can be stopped.
        num_workers: threads; with one, everything is done in the thread that asks for it.
        prepare: called once in each of the threads.
    """

    def __init__(self, work: Callable[[T], R], num_workers: int, prepare: Callable[[], object]) -> None:
        self.work, self.num_workers, self.prepare = work, num_workers, prepare
        self._stop = Event()
        self._pool = ThreadPoolExecutor(num_workers, "seqlabel", prepare) if num_workers > 1 else None

    def check(self) -> None:
        """Ends a piece of work whose result is not wanted any more.

        Raises:
            Stopped: it is not.
        """
        if self._stop.is_set():
            raise Stopped

    def in_order(self, things: Sequence[T]) -> Iterator[tuple[T, Callable[[], R]]]:
        """Yields each thing with a function that waits for its result, or raises what the work has raised."""
        if self._pool is None:
            for thing in things:
                yield thing, lambda thing=thing: self.work(thing)  # type: ignore[misc]
            return
        begun: deque[tuple[T, Future[R]]] = deque()
        for thing in things:
            begun.append((thing, self._pool.submit(self.work, thing)))
            if len(begun) > WAITING * self.num_workers:
                first, future = begun.popleft()
                yield first, future.result
        while begun:
            first, future = begun.popleft()
            yield first, future.result

    def __enter__(self) -> "Workers[T, R]":
        if self._pool is None:
            self.prepare()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
