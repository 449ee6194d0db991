"""Where and in what precision the arithmetic runs."""

import statistics
import time
from collections.abc import Callable

import torch

from seqlabel.errors import ConfigError


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


def faster_precision(
    step: Callable[[torch.dtype], object], device: torch.device, num_rounds: int = 3
) -> torch.dtype:
    """Returns float32 or bfloat16, whichever runs `step` faster here: medians of alternating rounds after a warm-up.

    Where the hardware lacks bfloat16 nothing is timed and float32 it is.
    """
    if not has_fast_bfloat16(device):
        return torch.float32
    seconds: dict[torch.dtype, list[float]] = {torch.float32: [], torch.bfloat16: []}
    for _ in range(num_rounds + 1):
        for dtype, measured in seconds.items():
            start = time.perf_counter()
            step(dtype)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            measured.append(time.perf_counter() - start)
    return min(seconds, key=lambda dtype: statistics.median(seconds[dtype][1:]))


def prepare_arithmetic(num_threads: int | None) -> None:
    """Sets the number of threads and has denormal numbers flushed to zero, which saturated gates produce in masses."""
    if num_threads is not None:
        torch.set_num_threads(num_threads)
    torch.set_flush_denormal(True)
