"""Independent pieces of work at the same time, each in a thread of its own.

The matrices of one step of a recurrent layer are too small to be shared out: two threads on one product spend their
time waiting for each other, above all where other programs run. Two directions on a thread each do not wait.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

import torch

R = TypeVar("R")


def all_at_once(run: Callable[[int], R], num_pieces: int) -> list[R]:
    """Returns `run(0)`, `run(1)` and so on, computed in threads that share the processor out.

    Neither gradients are recorded in them nor does autocast choose their types.
    """

    def run_alone(index: int) -> R:
        with torch.no_grad(), torch.autocast("cpu", enabled=False):  # which other threads would not share
            return run(index)

    num_threads = torch.get_num_threads()
    if num_threads == 1 or num_pieces == 1:
        return [run_alone(index) for index in range(num_pieces)]
    return list(_pool(num_threads, num_pieces, os.getpid()).map(run_alone, range(num_pieces)))


@lru_cache(maxsize=8)
def _pool(num_threads: int, num_pieces: int, process: int) -> ThreadPoolExecutor:
    """Returns threads for the pieces; a forked process gets its own."""

    def prepare() -> None:
        torch.set_num_threads(max(1, num_threads // num_pieces))
        torch.set_flush_denormal(True)  # like devices.prepare_arithmetic; it holds for one thread

    size = min(num_threads, num_pieces)
    pool = ThreadPoolExecutor(size, "seqlabel", prepare)
    all_there = threading.Barrier(size)
    list(pool.map(lambda _: all_there.wait(), range(size)))
    # PyTorch gives new threads the number that was set last, in whatever thread.
    torch.set_num_threads(num_threads)
    return pool
