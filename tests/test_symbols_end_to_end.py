"""Symbols to letters: a rule of spelling is learnt from lines of a text file."""

from pathlib import Path

import numpy as np

from seqlabel.encoders import EmbeddedConfig, RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import SymbolsConfig
from seqlabel.frontend import FrontendConfig
from seqlabel.manifest import write_manifest
from seqlabel.recognizer import Recognizer
from seqlabel.records import Example
from seqlabel.training import train

PHONES = ("K", "S", "AA", "IY")


def spelling(phones: list[str]) -> str:
    """K is c before AA and k elsewhere: what comes after decides."""
    letters = {"S": "s", "AA": "a", "IY": "i"}
    following = [*phones[1:], ""]
    return "".join(
        ("c" if after == "AA" else "k") if phone == "K" else letters[phone]
        for phone, after in zip(phones, following, strict=True)
    )


def test_letters_are_read_from_phonemes(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    words = [[PHONES[i] for i in rng.integers(0, 4, rng.integers(2, 7))] for _ in range(260)]
    (tmp_path / "words.txt").write_text("".join(" ".join(word) + "\n" for word in words))
    examples = [
        Example(id=str(number), source=tmp_path / f"words.txt:{number}", text=spelling(word))
        for number, word in enumerate(words, start=1)
    ]
    for split, part in (("train", examples[:200]), ("dev", examples[200:220]), ("test", examples[220:])):
        write_manifest(tmp_path / f"{split}.jsonl", part)
    config = ExperimentConfig(
        name="letters",
        data=DataConfig(directory="unused", batch_size=16),
        frontend=FrontendConfig(feature=SymbolsConfig(table=PHONES, repeat=2), normalization=None),
        encoder=EmbeddedConfig(
            num_symbols=4, dim=8, recurrent=RecurrentConfig(hidden_size=16, num_layers=1, dropout=0.0)
        ),
        training=TrainingConfig(
            num_epochs=15, learning_rate=0.03, average_decay=None, num_threads=1, precision="float32"
        ),
    )
    result = train(config, tmp_path / "run", tmp_path, "cpu")
    recognizer = Recognizer.load(result.best_model, "cpu")
    assert recognizer.evaluate(tmp_path / "test.jsonl").rates.cer < 0.05
    assert recognizer.transcribe(tmp_path / "words.txt:1") == spelling(words[0])
