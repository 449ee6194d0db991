"""Augmentation of line images: what each kind costs, as a share of the training step that it makes a batch for.

    python -m benchmarks.augmentation [--rounds 7] [--threads 1] [--width 900]

Lines are made up, as high as the poilus recipe has them; its batch holds 8. All kinds, and a training step of the
recipe's network (forward, backward and update, in the precision that is faster here), take turns, so that a busy
machine is unfair to none; medians, and ratios of medians. A kind is measured with a probability of 1, `as configured`
with the probabilities that it has. The trainer computes batches in a thread ahead (`data.ahead`): a share is what is
taken from a machine without a core to spare, and on others it costs nothing.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from recipes.poilus.poilus import config as poilus
from seqlabel.augmentations import ImageDamageConfig, ImageWarpConfig, SignalAugmentationConfig
from seqlabel.data import collate
from seqlabel.model import Model
from seqlabel.optimization import build_optimizer
from seqlabel.records import LineImage

# isort: split
import torch
from msgspec.structs import replace

HEIGHT = 64
NUM_TOKENS = 90
CHARACTERS_A_LINE = 38
GOAL = 0.05

WARP = next(part for part in poilus.frontend.signal_augmentations if isinstance(part, ImageWarpConfig))
STILL = ImageWarpConfig(
    shear=0.0, rotation_degrees=0.0, stretch=0.0, squeeze=0.0, shift=0.0, elastic=0.0, stroke_width=0.0,
    contrast=0.0, noise=0.0, probability=0.0,
)  # fmt: skip
WHOLE = ImageDamageConfig(bleed=0, cutout=0, show_through=0, rules=0, stains=0, light=0, gamma=0)
DAMAGES = ("bleed", "cutout", "show_through", "rules", "stains", "light", "gamma")
KINDS: dict[str, SignalAugmentationConfig] = {
    "warp: geometry alone": replace(WARP, stroke_width=0.0, contrast=0.0, noise=0.0, probability=1.0),
    "warp: stroke width": replace(STILL, stroke_width=1.0),
    "warp: contrast and noise": replace(STILL, contrast=WARP.contrast, noise=WARP.noise, probability=1.0),
    "warp: width jitter": replace(STILL, width_jitter=0.15, probability=1.0),
    **{f"damage: {name}": replace(WHOLE, **{name: 1.0}) for name in DAMAGES},
    "warp as configured": replace(WARP, width_jitter=0.15),
    "damage as configured": ImageDamageConfig(),
}
TOGETHER = ("warp as configured", "damage as configured")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--width", type=int, default=900, help="columns of a line, on average (default: 900)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    rng = np.random.default_rng(1)
    widths = np.rint(arguments.width * rng.uniform(0.9, 1.1, poilus.data.batch_size)).astype(int).tolist()
    lines = [made_up_line(width, rng) for width in widths]
    jobs = {name: augmented(config, lines) for name, config in KINDS.items()}
    steps = {
        str(dtype).removeprefix("torch."): step(lines, dtype) for dtype in (torch.float32, torch.bfloat16)
    }
    seconds = medians({**jobs, **steps}, arguments.rounds)
    precision = min(steps, key=lambda name: seconds[name])
    whole = seconds[precision]
    print(
        f"{len(lines)} lines of {HEIGHT} x {arguments.width} on average, {arguments.threads} threads, medians of "
        f"{arguments.rounds} alternating rounds; a training step takes {1e3 * whole:.0f} ms ({precision})"
    )
    for name in jobs:
        print(row(name, seconds[name], len(lines), whole))
    total = sum(seconds[name] for name in TOGETHER)
    print(row("everything together", total, len(lines), whole) + f", goal {GOAL:.0%}")


def made_up_line(width: int, rng: np.random.Generator) -> LineImage:
    """Returns grey paper with loops of a pen from one end to the other."""
    turn = np.linspace(0, 2 * np.pi * width / 28, 24 * width)
    loud = 8 + 5 * np.interp(turn, np.arange(0, turn[-1] + 3, 3), rng.random(int(turn[-1] / 3) + 2))
    x = np.linspace(12, width - 12, len(turn)) + 6 * np.sin(turn)
    y = HEIGHT / 2 + loud * np.cos(turn)
    image = Image.new("L", (width, HEIGHT), 215)
    ImageDraw.Draw(image).line(np.column_stack([x, y]).ravel().tolist(), fill=60, width=3)
    return LineImage(np.asarray(image.filter(ImageFilter.GaussianBlur(0.6))))


def augmented(config: SignalAugmentationConfig, lines: Sequence[LineImage]) -> Callable[[], object]:
    """Returns a function that augments all lines, in each call in another way."""
    augment = config.build()
    calls = iter(range(1_000_000))

    def run() -> None:
        call = next(calls)
        for index, line in enumerate(lines):
            augment(line, np.random.default_rng((call, index)))

    return run


def step(lines: Sequence[LineImage], dtype: torch.dtype) -> Callable[[], object]:
    """Returns a function that takes one training step of the poilus recipe on all lines."""
    feature = poilus.frontend.feature.build()
    rng = np.random.default_rng(2)
    targets = [rng.integers(1, NUM_TOKENS, CHARACTERS_A_LINE).tolist() for _ in lines]
    batch = collate(
        [(str(i), feature(line), target) for i, (line, target) in enumerate(zip(lines, targets, strict=True))]
    )
    model = Model(poilus.encoder, feature.dim, NUM_TOKENS)
    optimizer = build_optimizer(model, poilus)

    def run() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            answers = model.answers(batch.features, batch.feature_lengths)
        losses = [
            weight * model.objective.losses(emissions, batch.targets, batch.target_lengths).sum()
            for weight, emissions in answers
        ]
        torch.stack(losses).sum().div(len(lines) * CHARACTERS_A_LINE).backward()
        optimizer.step()

    return run


def medians(jobs: dict[str, Callable[[], object]], num_rounds: int) -> dict[str, float]:
    """Returns the median seconds of each, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(num_rounds + 1):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values[1:]) for name, values in seconds.items()}


def row(name: str, seconds: float, num_lines: int, whole: float) -> str:
    """Returns the milliseconds of a line, and the share of a training step that a batch takes."""
    return f"{name:26s} {1e3 * seconds / num_lines:6.2f} ms a line   {seconds / whole:6.1%} of a step"


if __name__ == "__main__":
    main()
