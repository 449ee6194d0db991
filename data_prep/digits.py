"""Lines of handwritten digits for the demo: no download, real pixels.

    python -m data_prep.digits OUT

The digits are the 1797 8x8 scans that scikit-learn carries (`sklearn.datasets.load_digits`, UCI "Optical
recognition of handwritten digits", CC BY 4.0). Three to eight of them are set side by side, enlarged, slanted,
with random gaps and overlaps, and nothing tells where one ends. Digits of train, dev and test lines are
different scans.

    OUT/{train,dev,test}/00000.png
    OUT/{train,dev,test}.jsonl
"""

from pathlib import Path

import numpy as np
from PIL import Image

from data_prep.corpus_source import Parser, exit_code
from seqlabel.formats.image import write_line_image
from seqlabel.manifest import write_manifest
from seqlabel.records import Example, LineImage

SEED = 1
NUM_LINES = {"train": 2400, "dev": 200, "test": 400}
SHARE_OF_DIGITS = {"train": 0.70, "dev": 0.08, "test": 0.22}
LINE_HEIGHT = 40
DIGIT_HEIGHT = (26, 34)


def main(arguments: list[str] | None = None) -> int:
    """Writes the lines and their manifests and returns the exit code."""
    parser = Parser(
        prog="python -m data_prep.digits", description="Makes lines of handwritten digits; needs no download."
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder that is made")
    out: Path = parser.parse_args(arguments).out
    return exit_code(lambda: prepare(out), out)


def prepare(out: Path) -> None:
    """Writes `NUM_LINES` lines for each split below `out`, the same ones every time."""
    from sklearn.datasets import load_digits  # takes a second, which `--help` need not wait for

    rng = np.random.default_rng(SEED)
    scans, labels = load_digits(return_X_y=True)
    ink = scans.reshape(-1, 8, 8) / 16.0
    order = rng.permutation(len(ink))
    start = 0
    manifests = {}
    for split, share in SHARE_OF_DIGITS.items():
        own = order[start : start + round(share * len(ink))]
        start += len(own)
        folder = out / split
        folder.mkdir(parents=True, exist_ok=True)
        examples = []
        for number in range(NUM_LINES[split]):
            chosen = rng.choice(own, size=rng.integers(3, 9))
            path = folder / f"{number:05d}.png"
            write_line_image(path, compose([ink[i] for i in chosen], rng))
            text = "".join(str(labels[i]) for i in chosen)
            examples.append(Example(id=f"{split}-{number:05d}", source=path, text=text))
        manifests[split] = examples
        print(f"{split}: {len(examples)} lines of {len(own)} scans")
    for split, examples in manifests.items():
        write_manifest(out / f"{split}.jsonl", examples)


def compose(digits: list[np.ndarray], rng: np.random.Generator) -> LineImage:
    """Returns one line of digits, each (8, 8) in [0, 1] with 1 for ink, laid side by side without segmentation."""
    slant = rng.uniform(-0.3, 0.3)
    pieces = [enlarge(digit, slant + rng.uniform(-0.08, 0.08), rng) for digit in digits]
    line = np.zeros((LINE_HEIGHT, sum(piece.shape[1] for piece in pieces) + 10 * (len(pieces) + 1)))
    right = int(rng.integers(2, 8))
    for piece in pieces:
        height, width = piece.shape
        left = max(0, right + int(rng.integers(-4, 7)))
        top = int(np.clip((LINE_HEIGHT - height) // 2 + rng.integers(-3, 4), 0, LINE_HEIGHT - height))
        part = line[top : top + height, left : left + width]
        np.maximum(part, piece, out=part)
        right = left + width
    line = line[:, : right + int(rng.integers(2, 8))]
    paper = rng.uniform(215, 255)
    dark = rng.uniform(0, 60)
    pixels = paper - (paper - dark) * line + rng.normal(0, 4, line.shape)
    return LineImage(np.clip(pixels, 0, 255).astype(np.uint8))


def enlarge(digit: np.ndarray, slant: float, rng: np.random.Generator) -> np.ndarray:
    """Returns the (8, 8) digit enlarged, slanted and cut to the width of its ink, in [0, 1]."""
    height = int(rng.integers(*DIGIT_HEIGHT))
    width = round(height * rng.uniform(0.8, 1.1))
    padded = np.pad(digit, ((0, 0), (3, 3)))
    image = Image.fromarray((255 * padded).astype(np.uint8))
    image = image.resize((width * 14 // 8, height), Image.Resampling.BICUBIC)
    centred = (1, slant, -slant * height / 2, 0, 1, 0)
    image = image.transform(image.size, Image.Transform.AFFINE, centred, Image.Resampling.BILINEAR)
    grey = np.asarray(image, dtype=np.float64) / 255
    columns = np.flatnonzero(grey.max(axis=0) > 0.2)
    return grey[:, columns[0] : columns[-1] + 1] if len(columns) else grey


if __name__ == "__main__":
    raise SystemExit(main())
