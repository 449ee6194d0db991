"""How many transcripts that were swapped on purpose stand among the first that `seqlabel check --model` names.

    python -m benchmarks.wrong_transcripts MODEL MANIFEST... [--swapped 100] [--seeds 1 2 3]

The texts of some examples, drawn at random, are handed on by one, so that each has the text of another; then all
examples are ranked. With --recipe the model is trained first, on the swapped texts themselves, as somebody has to
whose transcripts are wrong and who does not know which (settings of the recipe as --training.num-epochs=3):

    python -m benchmarks.wrong_transcripts --recipe recipes/pendigits/pendigits.py --data-dir data/pendigits
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from seqlabel.checks import Place, rank_transcripts
from seqlabel.experiment import load_recipe
from seqlabel.manifest import read_manifest, read_manifests, write_manifest
from seqlabel.model_file import LoadedModel, load_model
from seqlabel.records import Example
from seqlabel.training import train


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "paths", type=Path, nargs="*", help="a model, then manifests that are ranked together"
    )
    parser.add_argument(
        "--recipe", type=Path, help="train this on the swapped texts, and rank its training set"
    )
    parser.add_argument("--data-dir", type=Path, help="where the recipe's manifests are")
    parser.add_argument("--swapped", type=int, default=100)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    arguments, overrides = parser.parse_known_args()
    for seed in arguments.seeds:
        if arguments.recipe is not None:
            loaded, examples, wrong = trained(
                arguments.recipe, arguments.data_dir, overrides, arguments.swapped, seed
            )
        else:
            loaded = load_model(arguments.paths[0], torch.device("cpu"))
            told = [
                example for part in read_manifests(arguments.paths[1:]) for example in part if example.text
            ]
            examples, wrong = swapped(told, arguments.swapped, seed)
        tell(loaded, examples, wrong, seed)


def swapped(examples: Sequence[Example], number: int, seed: int) -> tuple[list[Example], set[int]]:
    """Returns the examples, some with the text of another, and the indices of those whose text is another now."""
    chosen = np.random.default_rng(seed).choice(len(examples), number, replace=False).tolist()
    found = list(examples)
    for index, other in zip(chosen, np.roll(chosen, 1).tolist(), strict=True):
        found[index] = replace(examples[index], text=examples[other].text)
    return found, {index for index in chosen if found[index].text != examples[index].text}


def trained(
    recipe: Path, data_dir: Path | None, overrides: list[str], number: int, seed: int
) -> tuple[LoadedModel, list[Example], set[int]]:
    """Returns a model that has learnt from swapped texts, these, and the indices of the swapped ones."""
    config = load_recipe(recipe, overrides)
    source = data_dir or Path(config.data.directory)
    [name] = config.data.train
    examples, wrong = swapped(read_manifest(source / name), number, seed)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        write_manifest(data / name, examples)
        if config.data.dev is not None:
            write_manifest(data / config.data.dev, read_manifest(source / config.data.dev))
        result = train(config, Path(folder) / "run", data, "cpu")
        return load_model(result.best_model, torch.device("cpu")), examples, wrong


def tell(loaded: LoadedModel, examples: Sequence[Example], wrong: set[int], seed: int) -> None:
    """Ranks the examples and prints how many of the wrong ones stand among the first."""
    start = time.perf_counter()
    places = [(Place("all", str(index)), example) for index, example in enumerate(examples)]
    suspects, unranked = rank_transcripts(loaded, places, torch.device("cpu"))
    ranked = [int(suspect.place.id) for suspect in suspects]
    counts = ", ".join(
        f"{len(wrong.intersection(ranked[:first]))} in the first {first}"
        for first in (len(wrong), 3 * len(wrong) // 2, 2 * len(wrong))
    )
    print(
        f"seed {seed}: of {len(wrong)} swapped among {len(examples):,}: {counts} "
        f"({len(unranked)} not ranked, {time.perf_counter() - start:.0f} s)",
        flush=True,
    )


if __name__ == "__main__":
    main()
