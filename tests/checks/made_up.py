"""Files of every kind with something wrong in them, and manifests of these."""

import json
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image, ImageDraw

RATE = 8000


def speech(seconds: float = 1.0, seed: int = 0, level: float = 0.1) -> np.ndarray:
    """Noise that swells and fades four times a second, as syllables do."""
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(seed).normal(0, level, len(time))
    return (noise * (0.02 + np.sin(2 * np.pi * 2 * time) ** 4)).astype(np.float32)


def write_audio(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype="PCM_16")
    return path


def line(num_letters: int, seed: int = 0) -> np.ndarray:
    """An image of writing: letters of one height, of which some reach up and few down."""
    rng = np.random.default_rng(seed)
    image = Image.new("L", (20 * num_letters + 20, 60), 230)
    draw = ImageDraw.Draw(image)
    for place in range(num_letters):
        left = 12 + 20 * place
        top, bottom = (6, 40) if rng.random() < 0.4 else (24, 40) if rng.random() < 0.8 else (24, 56)
        draw.line((left, top, left, bottom), fill=30, width=3)
        draw.arc((left, 24, left + 12, 40), 180, 400, fill=30, width=3)
        if rng.random() < 0.3:
            draw.point((left + 6, 14), fill=30)
    return np.asarray(image)


def write_image(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return path


def write_ink(path: Path, strokes: list[list[tuple[float, float]]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"strokes": strokes}))
    return path


def ink(num_letters: int, scale: float = 1.0, seed: int = 0) -> list[list[tuple[float, float]]]:
    rng = np.random.default_rng(seed)
    return [
        [
            (scale * (10 * place + 3 * np.cos(t) + rng.random()), scale * (10 + 5 * np.sin(t)))
            for t in np.linspace(0, 6, 12)
        ]
        for place in range(num_letters)
    ]


def write_rows(path: Path, rows: list[dict[str, object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
