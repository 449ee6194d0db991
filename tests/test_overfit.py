"""Four examples are learnt by heart, from files to text: one test for each kind of input."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from seqlabel.encoders import ConvLayerConfig, ConvRecurrentConfig, EncoderConfig, RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import ColumnConfig, LogMelConfig, MatrixConfig, PenConfig
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.features.stacking import StackingConfig
from seqlabel.formats import write_line_image, write_npy, write_strokes, write_wav
from seqlabel.frontend import FrontendConfig
from seqlabel.manifest import read_manifest, write_manifest
from seqlabel.recognizer import Recognizer
from seqlabel.records import Example, LineImage, Matrix, Strokes, Waveform
from seqlabel.training import train

TEXTS = ["abac", "cab", "bb a", "ccba c"]
EXAMPLE = NormalizationConfig(scope="example")
RECURRENT = RecurrentConfig(hidden_size=32, num_layers=1, dropout=0.0)


def write_matrix(folder: Path, text: str) -> Path:
    """A fixed random vector for each letter, four noisy frames long."""
    vectors = np.random.default_rng(1).normal(size=(128, 5))
    frames = np.repeat([vectors[ord(letter)] for letter in text], 4, axis=0)
    noise = np.random.default_rng(len(text)).normal(0, 0.2, frames.shape)
    path = folder / f"{text}.npy"
    write_npy(path, Matrix((frames + noise).astype(np.float32)))
    return path


def write_ink(folder: Path, text: str) -> Path:
    """A loop, a stick and a hook."""
    turn = np.linspace(0, 2 * np.pi, 20)
    shapes = {
        "a": np.stack([5 * np.cos(turn), 10 * np.sin(turn)], axis=1),
        "b": np.stack([np.zeros(5), np.linspace(-10, 10, 5)], axis=1),
        "c": np.array([[0.0, -10.0], [8.0, 0.0], [0.0, 10.0]]),
    }
    strokes = [
        (shapes[letter] + [25 * place, 0]).astype(np.float32)
        for place, letter in enumerate(text)
        if letter != " "
    ]
    path = folder / f"{text}.json"
    write_strokes(path, Strokes(tuple(strokes)))
    return path


def write_image(folder: Path, text: str) -> Path:
    """A square at the top, a square at the bottom and a bar from top to bottom."""
    boxes = {"a": (1, 2, 6, 7), "b": (1, 9, 6, 14), "c": (3, 2, 5, 14)}
    image = Image.new("L", (9 * len(text) + 6, 16), 255)
    for place, letter in enumerate(text):
        if letter != " ":
            left, top, right, bottom = boxes[letter]
            ImageDraw.Draw(image).rectangle(
                (left + 9 * place + 3, top, right + 9 * place + 3, bottom), fill=0
            )
    path = folder / f"{text}.png"
    write_line_image(path, LineImage(np.asarray(image)))
    return path


def write_audio(folder: Path, text: str) -> Path:
    """A tone of its own pitch for each letter; the space is a pause."""
    time = np.arange(800) / 8000
    tones = [
        np.zeros(800)
        if letter == " "
        else 0.3 * np.sin(2 * np.pi * (ord(letter) - 96) * 600 * time) * np.hanning(800)
        for letter in text
    ]
    noise = np.random.default_rng(len(text)).normal(0, 0.003, 800 * len(text))
    path = folder / f"{text}.wav"
    write_wav(path, Waveform((np.concatenate(tones) + noise).astype(np.float32), 8000))
    return path


CONVOLUTIONAL = ConvRecurrentConfig(
    layers=(ConvLayerConfig(channels=8, pool=(2, 2)), ConvLayerConfig(channels=12, pool=(1, 2))),
    column="concat",
    dropout=0.0,
    recurrent=RECURRENT,
)
KINDS: dict[str, tuple[Callable[[Path, str], Path], FrontendConfig, EncoderConfig]] = {
    "matrix": (write_matrix, FrontendConfig(feature=MatrixConfig(dim=5), normalization=EXAMPLE), RECURRENT),
    "ink": (
        write_ink,
        FrontendConfig(feature=PenConfig(step=0.2), normalization=NormalizationConfig(scope="corpus")),
        RECURRENT,
    ),
    "image": (
        write_image,
        FrontendConfig(feature=ColumnConfig(height=16), normalization=None),
        CONVOLUTIONAL,
    ),
    "audio": (
        write_audio,
        FrontendConfig(
            feature=LogMelConfig(sample_rate=8000, num_mel_filters=20),
            normalization=EXAMPLE,
            stacking=StackingConfig(num_frames=2, step=2),
        ),
        RECURRENT,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_four_examples_are_learnt_by_heart(kind: str, tmp_path: Path) -> None:
    write, frontend, encoder = KINDS[kind]
    texts = [text.replace(" ", "") for text in TEXTS] if kind == "ink" else TEXTS
    examples = [Example(id=text, source=write(tmp_path, text), text=text) for text in texts]
    for name in ("train.jsonl", "dev.jsonl"):
        write_manifest(tmp_path / name, examples)
    config = ExperimentConfig(
        name=kind,
        # Each example three times an epoch: steps are what counts, and the end of an epoch costs more than them.
        data=DataConfig(directory="unused", train=("train.jsonl",) * 3, batch_size=1),
        frontend=frontend,
        encoder=encoder,
        training=TrainingConfig(
            num_epochs=40, learning_rate=2e-2, average_decay=0.8, precision="float32", num_threads=1
        ),
    )
    result = train(config, tmp_path / "run", tmp_path, "cpu")
    assert result.summary.dev_cer == 0
    recognizer = Recognizer.load(result.best_model, "cpu")
    read = {
        example.id: recognizer.transcribe(example.source) for example in read_manifest(tmp_path / "dev.jsonl")
    }
    assert read == {text: text for text in texts}
