"""One training step of a stacked bidirectional LSTM: seqlabel's against PyTorch's packed and padded `nn.LSTM`.

    python -m benchmarks.recurrent [--rounds 7] [--threads 2]

The three take turns, so that a busy machine is unfair to none; medians are printed, and ratios of medians. The
lengths are those of three batches (lower quartile, median and upper quartile in size) that the recipe's own
bucketing makes of the corpus, in frames after stacking and with the recipe's changes of speed or shape. Padded
`nn.LSTM` is not exact (its backward direction starts in the padding); it stands here as the bound of what a dense
step can reach.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seqlabel.encoders import RecurrentConfig


@dataclass(frozen=True)
class Shape:
    """The network of a recipe and the lengths of some of its batches, longest first."""

    name: str
    input_dim: int
    hidden_size: int
    num_layers: int
    batches: tuple[tuple[int, ...], ...]


SHAPES = (
    Shape(
        "an4",
        117,
        256,
        3,
        (
            (78, 72, 69, 69, 69, 63, 59, 59, 57, 55, 54, 54, 54, 53, 51, 49),
            (109, 100, 100, 98, 92, 89, 88, 85, 81, 81, 79, 75, 74, 74, 71, 68),
            (147, 135, 122, 121, 118, 118, 117, 115, 112, 109, 104, 102, 102, 101, 95, 91),
        ),
    ),
    Shape(
        "imadoc",
        165,
        160,
        3,
        (
            (160, 136, 130, 129, 120, 118, 117, 116, 111, 108, 104, 100, 97, 92, 87, 81),
            (189, 189, 184, 179, 164, 158, 153, 153, 151, 148, 146, 145, 133, 125, 124, 104),
            (209, 207, 201, 197, 196, 188, 181, 179, 171, 170, 170, 150, 149, 129, 126, 121),
        ),
    ),
)

Forward = Callable[[Tensor, Tensor], Tensor]


def main() -> None:
    """Prints one line for each shape, precision and kind of step."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    print(
        f"torch {torch.__version__}, {arguments.threads} threads, medians of {arguments.rounds} alternating rounds"
    )
    for shape in SHAPES:
        forwards = contestants(shape)
        batches = [
            (torch.randn(len(lengths), lengths[0], shape.input_dim), torch.tensor(lengths))
            for lengths in shape.batches
        ]
        for dtype in (torch.float32, torch.bfloat16):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
                training = medians(forwards, training_step, batches, arguments.rounds)
                with torch.inference_mode():
                    inference = medians(forwards, inference_step, batches, arguments.rounds)
            name = f"{shape.name} {str(dtype).removeprefix('torch.')}"
            print(line(name, "training", training))
            print(line(name, "inference", inference))


def contestants(shape: Shape) -> dict[str, Forward]:
    """Returns the ways to compute the hidden frames of a padded batch."""
    config = RecurrentConfig(hidden_size=shape.hidden_size, num_layers=shape.num_layers, dropout=0.0)
    encoder = config.build(shape.input_dim)
    lstm = nn.LSTM(shape.input_dim, shape.hidden_size, shape.num_layers, batch_first=True, bidirectional=True)

    def seqlabel(features: Tensor, lengths: Tensor) -> Tensor:
        hidden: Tensor = encoder(features, lengths)[0]
        return hidden

    def packed(features: Tensor, lengths: Tensor) -> Tensor:
        sequences = pack_padded_sequence(features, lengths, batch_first=True)
        return pad_packed_sequence(lstm(sequences)[0], batch_first=True)[0]

    def padded(features: Tensor, lengths: Tensor) -> Tensor:
        hidden: Tensor = lstm(features)[0]
        return hidden

    return {"seqlabel": seqlabel, "packed": packed, "padded": padded}


def training_step(forward: Forward, features: Tensor, lengths: Tensor) -> None:
    """Runs forward, and backward through every output."""
    forward(features, lengths).float().square().mean().backward()


def inference_step(forward: Forward, features: Tensor, lengths: Tensor) -> None:
    """Runs forward alone."""
    forward(features, lengths)


def medians(
    forwards: dict[str, Forward],
    step: Callable[[Forward, Tensor, Tensor], None],
    batches: Sequence[tuple[Tensor, Tensor]],
    num_rounds: int,
) -> dict[str, float]:
    """Returns the median seconds that each takes over all batches, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in forwards}
    for _ in range(num_rounds + 1):
        for name, forward in forwards.items():
            start = time.perf_counter()
            for features, lengths in batches:
                step(forward, features, lengths)
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values[1:]) for name, values in seconds.items()}


def line(name: str, kind: str, seconds: dict[str, float]) -> str:
    """Returns the times over all batches, and how many times as long the others take."""
    ours = seconds["seqlabel"]
    others = "   ".join(
        f"{other} nn.LSTM {1e3 * value:7.1f} ms ({value / ours:.2f}x)"
        for other, value in seconds.items()
        if other != "seqlabel"
    )
    return f"{name:16s} {kind:9s}  seqlabel {1e3 * ours:7.1f} ms   {others}"


if __name__ == "__main__":
    main()
