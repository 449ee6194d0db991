"""Where and in what precision the arithmetic runs."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from seqlabel.errors import ConfigError

C = TypeVar("C")


def choose_device(name: str) -> torch.device:
    """Returns the device for `auto`, `cpu` or `cuda` (`cuda:1` for another GPU).

    Raises:
        ConfigError: an unknown name, or CUDA where there is none.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name != "cpu" and name.partition(":")[0] != "cuda":
        raise ConfigError(f"--device {name}: expected auto, cpu or cuda")
    if name != "cpu" and not torch.cuda.is_available():
        raise ConfigError(f"--device {name}: PyTorch finds no CUDA device here; use --device cpu or auto")
    return torch.device(name)


def has_fast_bfloat16(device: torch.device) -> bool:
    """Returns whether bfloat16 may be faster on the device: PyTorch has kernels for it there (AVX-512, AMX, a GPU)."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def fastest(
    step: Callable[[C], object], candidates: Sequence[C], device: torch.device, num_rounds: int = 3
) -> C:
    """Returns the candidate with which `step` runs fastest here: medians of alternating rounds after a warm-up.

    A single candidate is returned untimed.
    """
    if len(candidates) == 1:
        return candidates[0]
    seconds: list[list[float]] = [[] for _ in candidates]
    for _ in range(num_rounds + 1):
        for candidate, measured in zip(candidates, seconds, strict=True):
            start = time.perf_counter()
            step(candidate)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            measured.append(time.perf_counter() - start)
    medians = [statistics.median(measured[1:]) for measured in seconds]
    return candidates[medians.index(min(medians))]


def precisions(device: torch.device) -> list[torch.dtype]:
    """Returns what is worth a trial: float32, and bfloat16 where the hardware has it."""
    return [torch.float32, torch.bfloat16] if has_fast_bfloat16(device) else [torch.float32]


def thread_counts(device: torch.device) -> list[int]:
    """Returns what is worth a trial: the threads that PyTorch would take, and halves of them down to one.

    Threads that share one sum wait for each other; where other programs run, one alone may be the fastest by far.
    """
    count = torch.get_num_threads()
    if device.type == "cuda":
        return [count]
    return [count >> shift for shift in range(count.bit_length())]


def page_workers(device: torch.device, num_pages: int, wanted: int | None) -> tuple[int, int | None]:
    """Returns how many pages are read at once, and the threads of each; None leaves PyTorch its own number.

    One page after the other leaves cores idle, since most of a page is done by one thread, and a GPU has one queue.
    """
    if wanted is None:
        wanted = torch.get_num_threads() if device.type == "cpu" else 1
        if wanted == 1 or num_pages == 1:
            return 1, None
    return min(wanted, max(1, num_pages)), 1


def prepare_arithmetic(num_threads: int | None) -> None:
    """Sets the number of threads and has denormal numbers flushed to zero, which saturated gates produce in masses."""
    if num_threads is not None:
        torch.set_num_threads(num_threads)
    torch.set_flush_denormal(True)
