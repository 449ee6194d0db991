"""Independent pieces of a network computed at the same time, each in a thread of its own, forward and backward.

The matrices of one step of a recurrent layer are too small to be shared out: two threads on one product spend their
time waiting for each other, above all where other programs run. Two directions on a thread each do not wait.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeVar

import torch
from torch import Tensor

Piece = Callable[..., Tensor]
R = TypeVar("R")


def side_by_side(pieces: Sequence[Piece], inputs: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """Returns `piece(*tensors)` for each piece and its tensors on the CPU, and has their gradients computed likewise.

    With one thread (`torch.get_num_threads`) or one piece they are computed one after the other. A piece uses no
    tensor that wants a gradient but those it is given, and draws no random numbers. Their graph is there for one
    backward pass, and there are no gradients of gradients.
    """
    num_threads = torch.get_num_threads()
    if num_threads == 1 or len(pieces) == 1:
        return [piece(*tensors) for piece, tensors in zip(pieces, inputs, strict=True)]
    if not torch.is_grad_enabled():
        is_inference = torch.is_inference_mode_enabled()

        def run(index: int) -> Tensor:
            with torch.inference_mode(is_inference), torch.no_grad():
                return pieces[index](*inputs[index])

        return _all_at_once(_like_here(run), len(pieces))
    counts = [len(tensors) for tensors in inputs]
    flat = [tensor for tensors in inputs for tensor in tensors]
    outputs: tuple[Tensor, ...] = _SideBySide.apply(pieces, counts, *flat)
    return list(outputs)


class _SideBySide(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pieces: Sequence[Piece], counts: list[int], *flat: Tensor) -> tuple[Tensor, ...]:
        groups, wanted = _split(flat, counts), _split(ctx.needs_input_grad[2:], counts)

        def run(index: int) -> tuple[list[Tensor], Tensor]:
            # Each piece has a graph of its own, which only its own thread goes through.
            own = [
                tensor.detach().requires_grad_(is_wanted)
                for tensor, is_wanted in zip(groups[index], wanted[index], strict=True)
            ]
            with torch.enable_grad():
                return own, pieces[index](*own)

        ctx.graphs = _all_at_once(_like_here(run), len(pieces))
        return tuple(output.detach() for _, output in ctx.graphs)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        graphs, ctx.graphs = ctx.graphs, None
        if graphs is None:
            raise RuntimeError("a second backward pass through pieces side by side; compute them again first")

        def run(index: int) -> list[Tensor | None]:
            own, output = graphs[index]
            asked = [tensor for tensor in own if tensor.requires_grad]
            found = iter(torch.autograd.grad(output, asked, gradients[index]) if asked else ())
            return [next(found) if tensor.requires_grad else None for tensor in own]

        found = _all_at_once(run, len(graphs))
        return (None, None, *(gradient for group in found for gradient in group))


def _split(flat: Sequence[Any], counts: Sequence[int]) -> list[Sequence[Any]]:
    """Cuts a sequence into runs of the given lengths."""
    starts = [sum(counts[:index]) for index in range(len(counts))]
    return [flat[start : start + count] for start, count in zip(starts, counts, strict=True)]


def _like_here(run: Callable[[int], R]) -> Callable[[int], R]:
    """Returns `run` under the autocast of the calling thread, which other threads do not share."""
    is_enabled, dtype = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")

    def run_there(index: int) -> R:
        with torch.autocast("cpu", dtype=dtype, enabled=is_enabled):
            return run(index)

    return run_there


def _all_at_once(run: Callable[[int], R], num_pieces: int) -> list[R]:
    """Returns `run(0)`, `run(1)` and so on, computed in threads that share the processor out."""
    return list(_pool(torch.get_num_threads(), num_pieces, os.getpid()).map(run, range(num_pieces)))


@lru_cache(maxsize=8)
def _pool(num_threads: int, num_pieces: int, process: int) -> ThreadPoolExecutor:
    """Returns threads for the pieces; a forked process gets its own."""

    def prepare() -> None:
        torch.set_num_threads(max(1, num_threads // num_pieces))
        torch.set_flush_denormal(True)  # like devices.prepare_arithmetic; it holds for one thread

    return ThreadPoolExecutor(min(num_threads, num_pieces), "seqlabel", prepare)
