"""Recurrent layers: seqlabel's engine against PyTorch's `nn.LSTM`, packed and padded, and against the machine itself.

    python -m benchmarks.recurrent [--rounds 7] [--threads 2] [--only peers|options|scaling]

Three tables, each measured with the contestants taking turns, so that a busy machine is unfair to none; medians, and
ratios of medians.

peers: training step and inference of the networks of the an4, imadoc and poilus recipes, over three batches (lower
quartile, median and upper quartile in size) that the recipe's own bucketing makes, in frames as the layers see them.
Packed sequences are the idiom of most toolkits. Padded `nn.LSTM` is not exact (its backward direction starts in the
padding); it stands here as the bound of what a dense step can reach. The share is that of this machine's own rate of
matrix products (torch.mm of 2048 x 2048, measured in the same rounds) which the training step reaches, counting only
the multiply-adds that valid frames need.

options: what peepholes, recurrent dropout and so on cost over the plain LSTM.

scaling: the time of a training step, and the memory that it adds, over frames, cells and examples.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from seqlabel.encoders import RecurrentConfig, RecurrentEncoder

# isort: split
import torch
from msgspec.structs import replace
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


@dataclass(frozen=True)
class Shape:
    """The recurrent layers of a recipe and the lengths of some of its batches, longest first."""

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
    Shape(
        "poilus",
        384,
        256,
        2,
        (
            (147, 135, 129, 121, 113, 111, 98, 96),
            (216, 192, 191, 185, 173, 167, 166, 145),
            (335, 295, 292, 290, 277, 276, 265, 225),
        ),
    ),
)

PLAIN = RecurrentConfig(hidden_size=256, num_layers=3, dropout=0.0)
OPTIONS = {
    "plain LSTM": PLAIN,
    "peepholes": replace(PLAIN, peepholes=True),
    "recurrent dropout": replace(PLAIN, recurrent_dropout=0.3),
    "layer normalisation": replace(PLAIN, layer_norm=True),
    "zoneout": replace(PLAIN, zoneout=0.1),
    "projection to 128": replace(PLAIN, projection_size=128),
    "variational dropout": replace(PLAIN, dropout=0.3, variational_dropout=True),
    "GRU": replace(PLAIN, cell="gru"),
    "tanh RNN": replace(PLAIN, cell="rnn"),
}

Forward = Callable[[Tensor, Tensor], Tensor]
Batches = Sequence[tuple[Tensor, Tensor]]


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--only", choices=("peers", "options", "scaling"))
    parser.add_argument("--step", type=int, nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    if arguments.step:
        print(peak_of_a_step(*arguments.step))
        return
    print(
        f"torch {torch.__version__}, {arguments.threads} threads, medians of {arguments.rounds} alternating rounds"
    )
    if arguments.only in (None, "peers"):
        peers(arguments.rounds)
    if arguments.only in (None, "options"):
        options(arguments.rounds)
    if arguments.only in (None, "scaling"):
        scaling(arguments.rounds)


def peers(num_rounds: int) -> None:
    """Prints a line for each network, precision and kind of step."""
    square = {dtype: torch.randn(2048, 2048).to(dtype) for dtype in (torch.float32, torch.bfloat16)}
    for shape in SHAPES:
        forwards = contestants(shape)
        batches = drawn(shape.input_dim, shape.batches)
        for dtype in (torch.float32, torch.bfloat16):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
                steps = {name: trained(forward, batches) for name, forward in forwards.items()}
                steps["matrix product"] = partial(torch.mm, square[dtype], square[dtype])
                training = medians(steps, num_rounds)
                with torch.inference_mode():
                    reads = {name: read(forward, batches) for name, forward in forwards.items()}
                    inference = medians(reads, num_rounds)
            name = f"{shape.name} {str(dtype).removeprefix('torch.')}"
            rate = 2048**3 / training.pop("matrix product")
            share = useful_products(shape) / training["seqlabel"] / rate
            print(line(name, "training", training) + f"   {share:.2f} of the matrix rate")
            print(line(name, "inference", inference))


def options(num_rounds: int) -> None:
    """Prints what each option of the an4 network costs in a training step."""
    shape = SHAPES[0]
    batches = drawn(shape.input_dim, shape.batches)
    steps = {
        name: trained(outputs_of(config.build(shape.input_dim)), batches) for name, config in OPTIONS.items()
    }
    for dtype in (torch.float32, torch.bfloat16):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            seconds = medians(steps, num_rounds)
        for name, value in seconds.items():
            ratio = value / seconds["plain LSTM"]
            print(
                f"an4 {str(dtype).removeprefix('torch.'):9s} training  {name:20s} {1e3 * value:7.1f} ms  {ratio:.2f}x"
            )


def scaling(num_rounds: int) -> None:
    """Prints time and added peak memory of a training step of a 3-layer BLSTM over frames, cells and examples."""
    start = (100, 128, 16)
    print("frames  cells  examples   ms a step   MB added   (3 layers, 117 features, float32)")
    scales = ((50, 100, 200, 400, 800), (64, 128, 256, 512), (4, 8, 16, 32, 64))
    for place, values in enumerate(scales):
        for value in values:
            frames, cells, examples = (value if place == index else start[index] for index in range(3))
            encoder = RecurrentConfig(hidden_size=cells, num_layers=3, dropout=0.0).build(117)
            step = trained(outputs_of(encoder), drawn(117, [(frames,) * examples]))
            seconds = medians({"step": step}, num_rounds)["step"]
            command = [sys.executable, "-m", "benchmarks.recurrent", "--step"]
            command += [str(number) for number in (frames, cells, examples)]
            memory = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            print(f"{frames:6d}  {cells:5d}  {examples:8d}   {1e3 * seconds:9.1f}   {memory:8.0f}")


def peak_of_a_step(frames: int, cells: int, examples: int) -> float:
    """Returns the megabytes that a training step adds to the peak of this process, after a tiny one."""
    encoder = RecurrentConfig(hidden_size=cells, num_layers=3, dropout=0.0).build(117)
    peaks = []
    for batch in (drawn(117, [(2,)]), drawn(117, [(frames,) * examples])):
        trained(outputs_of(encoder), batch)()
        peaks.append(peak_megabytes())
    return peaks[1] - peaks[0]


def peak_megabytes() -> float:
    """Returns the most memory that this process has taken; `getrusage` counts the process that started it as well."""
    status = Path("/proc/self/status").read_text()
    return float(status.split("VmHWM:")[1].split()[0]) / 1024


def contestants(shape: Shape) -> dict[str, Forward]:
    """Returns the ways to compute the hidden frames of a padded batch."""
    config = RecurrentConfig(hidden_size=shape.hidden_size, num_layers=shape.num_layers, dropout=0.0)
    encoder = config.build(shape.input_dim)
    lstm = nn.LSTM(shape.input_dim, shape.hidden_size, shape.num_layers, batch_first=True, bidirectional=True)

    def packed(features: Tensor, lengths: Tensor) -> Tensor:
        sequences = pack_padded_sequence(features, lengths, batch_first=True)
        return pad_packed_sequence(lstm(sequences)[0], batch_first=True)[0]

    def padded(features: Tensor, lengths: Tensor) -> Tensor:
        hidden: Tensor = lstm(features)[0]
        return hidden

    return {"seqlabel": outputs_of(encoder), "packed": packed, "padded": padded}


def outputs_of(encoder: RecurrentEncoder) -> Forward:
    """Returns the encoder without the lengths that come out of it."""

    def forward(features: Tensor, lengths: Tensor) -> Tensor:
        hidden: Tensor = encoder(features, lengths)[0]
        return hidden

    return forward


def drawn(input_dim: int, batches: Sequence[Sequence[int]]) -> Batches:
    """Returns random features and their lengths for each batch."""
    return [
        (torch.randn(len(lengths), lengths[0], input_dim), torch.tensor(list(lengths))) for lengths in batches
    ]


def trained(forward: Forward, batches: Batches) -> Callable[[], object]:
    """Returns a function that goes forward over all batches, and backward through every output."""

    def run() -> None:
        for features, lengths in batches:
            forward(features, lengths).float().square().mean().backward()

    return run


def read(forward: Forward, batches: Batches) -> Callable[[], object]:
    """Returns a function that goes forward alone."""

    def run() -> None:
        for features, lengths in batches:
            forward(features, lengths)

    return run


def useful_products(shape: Shape) -> int:
    """Returns the multiply-adds of a training step over the batches: forward, and the gradients of weights and inputs.

    No padding counts, and no gradient of the features, which nothing needs.
    """
    frames = sum(sum(lengths) for lengths in shape.batches)
    total = 0
    for index in range(shape.num_layers):
        inputs = shape.input_dim if index == 0 else 2 * shape.hidden_size
        gates = 2 * 4 * shape.hidden_size
        passes = 2 if index == 0 else 3
        total += frames * gates * (passes * inputs + 3 * shape.hidden_size)
    return total


def medians(steps: dict[str, Callable[[], object]], num_rounds: int) -> dict[str, float]:
    """Returns the median seconds of each, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(num_rounds + 1):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
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
