"""One training step of a stacked bidirectional LSTM: seqlabel's against PyTorch's packed and padded `nn.LSTM`.

    python -m benchmarks.recurrent [--rounds 7] [--threads 2]

Rounds alternate between the three, so that a busy machine is unfair to none; medians are printed, and ratios of
medians. The lengths are those of the recipes' corpora after stacking, drawn once with a fixed seed from their
measured quantiles. Padded `nn.LSTM` is not exact (its backward direction starts in the padding) and stands here
as the bound of what a dense step can reach.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seqlabel.encoders import RecurrentConfig

# (name, batch size, input features, hidden size, layers, quantiles 0, 25, 50, 75 and 100 % of the frames)
SHAPES = (
    ("an4", 16, 117, 256, 3, (18, 46, 96, 143, 217)),
    ("imadoc", 16, 16, 160, 3, (30, 130, 190, 240, 400)),
    ("poilus", 12, 384, 256, 2, (20, 130, 170, 200, 300)),
)


def main() -> None:
    """Prints one line for each shape and kind of step."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    print(
        f"torch {torch.__version__}, {arguments.threads} threads, {arguments.rounds} alternating rounds, medians"
    )
    for name, batch_size, input_dim, hidden_size, num_layers, quantiles in SHAPES:
        rng = np.random.default_rng(1)
        drawn = np.interp(rng.random(batch_size), [0, 0.25, 0.5, 0.75, 1], quantiles).astype(int)
        lengths = torch.from_numpy(np.sort(drawn)[::-1].copy())
        features = torch.randn(batch_size, int(lengths[0]), input_dim)
        config = RecurrentConfig(hidden_size=hidden_size, num_layers=num_layers, dropout=0.0)
        encoder = config.build(input_dim)
        lstm = nn.LSTM(input_dim, hidden_size, num_layers, batch_first=True, bidirectional=True)

        def ours() -> torch.Tensor:
            return encoder(features, lengths)[0]

        def packed() -> torch.Tensor:
            sequences = pack_padded_sequence(features, lengths, batch_first=True)
            return pad_packed_sequence(lstm(sequences)[0], batch_first=True)[0]

        def padded() -> torch.Tensor:
            return lstm(features)[0]

        contestants = {"seqlabel": ours, "packed": packed, "padded": padded}
        training = medians(
            {key: training_step(forward) for key, forward in contestants.items()}, arguments.rounds
        )
        with torch.inference_mode():
            inference = medians(dict(contestants), arguments.rounds)
        for kind, seconds in (("training", training), ("inference", inference)):
            print(
                f"{name:8s} {kind:9s}  seqlabel {1e3 * seconds['seqlabel']:7.1f} ms  packed nn.LSTM "
                f"{1e3 * seconds['packed']:7.1f} ms ({seconds['packed'] / seconds['seqlabel']:.2f}x)  padded nn.LSTM "
                f"{1e3 * seconds['padded']:7.1f} ms ({seconds['padded'] / seconds['seqlabel']:.2f}x)"
            )


def training_step(forward: Callable[[], torch.Tensor]) -> Callable[[], object]:
    """Returns forward and backward through all outputs."""
    return lambda: forward().square().mean().backward()


def medians(contestants: dict[str, Callable[[], object]], num_rounds: int) -> dict[str, float]:
    """Returns the median seconds of each, run in turn, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(num_rounds + 1):
        for name, run in contestants.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values[1:]) for name, values in seconds.items()}


if __name__ == "__main__":
    main()
