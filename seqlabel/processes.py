"""Several processes that train one model together, as `torchrun` starts them.

Each has a copy of the model and computes the gradient of its part of every batch; PyTorch's DistributedDataParallel
adds them up (Li et al., "PyTorch distributed", VLDB 2020). A process on its own is a group of one, and nothing is
exchanged.
"""

import datetime
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, distributed
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from seqlabel.errors import ConfigError

T = TypeVar("T")

TIMEOUT = datetime.timedelta(minutes=30)
"""How long one waits for another: reading a large corpus takes the slowest of them its time."""


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among those that train together.

    Attributes:
        rank: its number, from 0.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether it is the one that writes files and speaks."""
        return self.rank == 0

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """Returns this process's part of the items: neighbours in length go to different processes."""
        return items[self.rank :: self.size]

    def sum(self, numbers: Sequence[float], device: torch.device) -> list[float]:
        """Returns the sums over all processes, the same to the last bit in each of them."""
        if self.size == 1:
            return list(numbers)
        total = torch.tensor(numbers, dtype=torch.float64, device=device)
        distributed.all_reduce(total)
        found: list[float] = total.tolist()
        return found

    def from_first(self, value: T) -> T:
        """Returns what the first process has."""
        if self.size == 1:
            return value
        held = [value]
        distributed.broadcast_object_list(held, src=0)
        return held[0]

    def gathered(self, value: T) -> list[T]:
        """Returns what each process has, in the order of their ranks."""
        if self.size == 1:
            return [value]
        found: list[T] = [value] * self.size
        distributed.all_gather_object(found, value)
        return found

    def copy_from_first(self, tensors: Sequence[Tensor]) -> None:
        """Makes the tensors those of the first process."""
        if self.size > 1:
            for tensor in tensors:
                distributed.broadcast(tensor, src=0)


@contextmanager
def joined_processes(device: torch.device) -> Iterator[Processes]:
    """Gives this process's place among those that `torchrun` has started; one alone where it was not.

    Raises:
        ConfigError: the others cannot be reached, or the variables of `torchrun` make no sense.
    """
    told = os.environ.get("WORLD_SIZE", "1")
    if not told.isdecimal():
        raise ConfigError(
            f"WORLD_SIZE={told}: expected a number of processes; start them with torchrun, as docs/many_machines.md "
            "says, or unset it"
        )
    if int(told) <= 1:
        yield Processes()
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    try:
        store, rank, size = next(rendezvous("env://", timeout=TIMEOUT))
        distributed.init_process_group(
            "nccl" if device.type == "cuda" else "gloo",
            store=unused_part(store, rank, size),
            rank=rank,
            world_size=size,
            timeout=TIMEOUT,
        )
    except (ValueError, RuntimeError) as error:
        raise ConfigError(
            f"the {os.environ['WORLD_SIZE']} processes of this training do not find each other "
            f"({str(error).splitlines()[0]}); start them with torchrun, as docs/many_machines.md says"
        ) from error
    try:
        yield Processes(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()


def unused_part(store: Store, rank: int, size: int) -> Store:
    """Returns a part of the store that all processes of this attempt share, and that no earlier attempt has used.

    After the loss of a process `torchrun` starts all of them again with the same store, in which Gloo would then find
    the addresses of those that are gone and wait for them (PyTorch 2.14). So the first process gives the attempt a
    name and hands it to everybody who asks with a number of its own, until all have said that they have it.

    Raises:
        ConfigError: somebody does not come within `TIMEOUT`.
    """
    if rank > 0:
        number = uuid.uuid4().hex
        store.set(f"seqlabel/asks/{rank}", number)
        attempt = store.get(f"seqlabel/told/{number}").decode()
        store.set(f"seqlabel/has/{attempt}/{rank}", "")
        return PrefixStore(attempt, store)
    attempt = uuid.uuid4().hex
    told: set[str] = set()
    end = time.monotonic() + TIMEOUT.total_seconds()
    while not store.check([f"seqlabel/has/{attempt}/{other}" for other in range(1, size)]):
        for question in (f"seqlabel/asks/{other}" for other in range(1, size)):
            if store.check([question]) and (number := store.get(question).decode()) not in told:
                store.set(f"seqlabel/told/{number}", attempt)
                told.add(number)
        if time.monotonic() > end:
            raise ConfigError(
                f"not all {size} processes of this training have come within {TIMEOUT}; start them again"
            )
        time.sleep(0.02)
    return PrefixStore(attempt, store)


def is_first_process() -> bool:
    """Returns whether this process speaks for all that `torchrun` has started."""
    return os.environ.get("RANK", "0") == "0"


def own_device(name: str) -> str:
    """Returns the name of this process's own device: `auto` and `cuda` are the GPU of its number on this machine."""
    if "LOCAL_RANK" in os.environ and name in ("auto", "cuda") and torch.cuda.is_available():
        return f"cuda:{int(os.environ['LOCAL_RANK']) % torch.cuda.device_count()}"
    return name
