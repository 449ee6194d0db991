"""A tiny corpus that is drawn by the tests, and a run that has learnt to read it in a second or two."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

RATE_KEYS = [
    "cer",
    "wer",
    "ser",
    "num_examples",
    "substitutions",
    "deletions",
    "insertions",
    "reference_length",
    "words",
]
"""What a JSON object of error rates has."""


def rates_of(printed: str) -> dict[str, Any]:
    """The rates in what `evaluate --json` or `score --json` has printed, without what only confidences tell."""
    found: dict[str, Any] = json.loads(printed)
    found.pop("expected_error", None)
    return found


@dataclass(frozen=True)
class TrainedRun:
    """A small run that has learnt to read lines of three letters drawn as blocks, and what it was made of."""

    folder: Path
    recipe: Path
    data: Path
    run: Path

    @property
    def model(self) -> Path:
        return self.run / "best.safetensors"


BLOCK_RECIPE = '''"""Lines of blocks."""

from seqlabel.encoders import RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import ColumnConfig
from seqlabel.frontend import FrontendConfig

config = ExperimentConfig(
    name="blocks",
    data=DataConfig(directory="data", batch_size=4),
    frontend=FrontendConfig(feature=ColumnConfig(height=8, window=2, step=2, pad_columns=0), normalization=None),
    encoder=RecurrentConfig(hidden_size=32, num_layers=1, dropout=0.0),
    training=TrainingConfig(
        num_epochs=8, learning_rate=0.03, average_decay=None, num_threads=1, precision="float32"
    ),
)
'''


def draw_blocks(path: Path, text: str) -> None:
    """Writes a line image of `text`: a is ink above, b ink below, c both; a space is a wide gap."""
    rows = {"a": slice(0, 4), "b": slice(4, 8), "c": slice(0, 8), " ": slice(0, 0)}
    line = np.full((8, 6 * len(text) + 3), 255, np.uint8)
    for place, letter in enumerate(text):
        line[rows[letter], 6 * place + 3 : 6 * place + 6] = 0
    Image.fromarray(line).save(path)


def words_of_blocks(rng: np.random.Generator) -> str:
    """A text of one or two words."""
    return " ".join("".join(rng.choice(list("abc"), rng.integers(1, 4))) for _ in range(rng.integers(1, 3)))


def train_on_blocks(
    folder: Path,
    text_of: Callable[[np.random.Generator], str] = words_of_blocks,
    seen: Callable[[str], str] = str,
    settings: Sequence[str] = (),
) -> TrainedRun:
    """Draws the corpus below `folder`, trains on it and returns where all of it lies.

    `seen` says which blocks are drawn for a text.
    """
    # Not before conftest.py has installed its checks.
    from seqlabel.experiment import load_recipe
    from seqlabel.manifest import write_manifest
    from seqlabel.records import Example
    from seqlabel.training import train

    trained = TrainedRun(folder, folder / "blocks.py", folder / "data", folder / "run")
    trained.recipe.write_text(BLOCK_RECIPE)
    rng = np.random.default_rng(1)
    for split, number in (("train", 64), ("dev", 8), ("test", 12)):
        (trained.data / split).mkdir(parents=True)
        examples = []
        for index in range(number):
            text = text_of(rng)
            path = trained.data / split / f"{index:02d}.png"
            draw_blocks(path, seen(text))
            examples.append(Example(id=f"{split}-{index}", source=path, text=text))
        write_manifest(trained.data / f"{split}.jsonl", examples)
    train(load_recipe(trained.recipe, list(settings)), trained.run, trained.data, "cpu")
    return trained
