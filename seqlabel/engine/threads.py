"""Independent pieces of work at the same time, each in a thread of its own.

The matrices of one step of a recurrent layer are too small to be shared out: two threads on one product spend their
time waiting for each other, above all where other programs run. Two directions on a thread each do not wait.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

import torch

R = TypeVar("R")


def all_at_once(run: Callable[[int], R], num_pieces: int) -> list[R]:
    """Returns `run(0)`, `run(1)` and so on, computed without gradients in threads that share the processor out."""
    num_threads = torch.get_num_threads()
    if num_threads == 1 or num_pieces == 1:
        with torch.no_grad():
            return [run(index) for index in range(num_pieces)]
    return list(_pool(num_threads, num_pieces, os.getpid()).map(torch.no_grad()(run), range(num_pieces)))


@lru_cache(maxsize=8)
def _pool(num_threads: int, num_pieces: int, process: int) -> ThreadPoolExecutor:
    """Returns threads for the pieces; a forked process gets its own."""

    def prepare() -> None:
        torch.set_num_threads(max(1, num_threads // num_pieces))
        torch.set_flush_denormal(True)  # like devices.prepare_arithmetic; it holds for one thread

    return ThreadPoolExecutor(min(num_threads, num_pieces), "seqlabel", prepare)
