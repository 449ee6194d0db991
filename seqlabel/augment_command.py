"""`seqlabel augment`: files as the training of a recipe hears or sees them, written to be listened to or looked at.

What is heavy is imported inside the functions, so that `--help` answers at once.
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from seqlabel.errors import ConfigError, SeqlabelError
from seqlabel.terminal import DONE, complain, files_below

if TYPE_CHECKING:
    from seqlabel.frontend import Frontend
    from seqlabel.records import LineImage, Signal, Strokes

MOST_COPIES = 10_000
INK_HEIGHT, INK_MARGIN, PEN = 96, 8, 3
"""Pixels of drawn ink; the margin and the width of the pen belong to the height."""
LONGEST_INK = 400
"""A dash has no height to draw it by: ink is at most that many times wider than high."""


def add_augment_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `augment` takes."""
    parser.usage = (
        "seqlabel augment RECIPE.py FILE... --out FOLDER [--count N] [--seed S] [--any.setting value ...]"
    )
    parser.add_argument(
        "recipe", metavar="RECIPE.py", type=Path, help="whose frontend.signal_augmentations are applied"
    )
    parser.add_argument(
        "paths",
        metavar="FILE",
        type=Path,
        nargs="+",
        help="files that the recipe's feature reads, or folders",
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        required=True,
        help="where NAME-1.wav, NAME-2.wav ... are written, or .png for images and ink",
    )
    parser.add_argument("--count", metavar="N", type=int, default=5, help="so many of each file (default: 5)")
    parser.add_argument(
        "--seed", metavar="S", type=int, default=1, help="the same seed gives the same bytes (default: 1)"
    )


def augment(arguments: argparse.Namespace) -> int:
    """Runs the command and returns its exit code."""
    recipe: Path = arguments.recipe
    if recipe.suffix != ".py":
        raise ConfigError(f"{recipe}: expected a recipe first, a Python file such as recipes/fsdd/fsdd.py")
    if not 1 <= arguments.count <= MOST_COPIES:
        raise ConfigError(f"--count {arguments.count}: expected from 1 to {MOST_COPIES:,}")
    if not 0 <= arguments.seed < 2**32:
        raise ConfigError(f"--seed {arguments.seed}: expected from 0 to {2**32 - 1}")
    out: Path = arguments.out
    _refuse_place(out)
    from seqlabel.experiment import load_recipe
    from seqlabel.features import MatrixConfig, SymbolsConfig
    from seqlabel.frontend import Frontend

    config = load_recipe(recipe, arguments.overrides).frontend
    if isinstance(config.feature, MatrixConfig | SymbolsConfig):
        kind = config.feature.__struct_config__.tag
        raise ConfigError(
            f"{recipe}: its feature is {kind}, which can neither be heard nor be seen; "
            "expected a recipe for audio, line images or ink"
        )
    if not config.signal_augmentations:
        raise ConfigError(f"{recipe}: has no frontend.signal_augmentations; name some, such as SpeedConfig()")
    frontend = Frontend(config)
    frontend.augmentations()
    sources = list(_sources(arguments.paths, frontend))
    suffix = ".wav" if _is_heard(frontend) else ".png"
    names = _names(sources, suffix, arguments.count, out)
    out.mkdir(exist_ok=True)
    code = DONE
    for position, source in enumerate(sources):
        try:
            _write(frontend, source, position, names[position], arguments.seed)
        except SeqlabelError as error:
            code = complain(error)
    return code


def _refuse_place(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out}: is a file; name a folder")
    if not out.exists() and not out.parent.is_dir():
        raise ConfigError(f"{out}: its folder does not exist; make {out.parent} first")
    if not os.access(out if out.exists() else out.parent, os.W_OK):
        raise ConfigError(f"{out}: cannot be written here; name a folder elsewhere")


def _sources(paths: list[Path], frontend: "Frontend") -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = list(files_below(path, frontend.suffixes))
        if not found:
            raise ConfigError(
                f"{path}: holds no file that the recipe reads; expected {' '.join(sorted(frontend.suffixes))}"
            )
        yield from found


def _is_heard(frontend: "Frontend") -> bool:
    from seqlabel.formats import AUDIO_SUFFIXES

    return bool(frontend.suffixes & AUDIO_SUFFIXES)


def _names(sources: list[Path], suffix: str, count: int, out: Path) -> list[list[Path]]:
    """Returns the files that are written for each source.

    Raises:
        ConfigError: two of them have one name, or one has that of a source.
    """
    given = {source.resolve() for source in sources}
    by_stem: dict[str, Path] = {}
    names = []
    for source in sources:
        # The part of a file, as in page.xml:7, is no suffix.
        stem = source.name.replace(":", "-") if ":" in source.suffix else source.stem
        if stem in by_stem:
            raise ConfigError(
                f"{source}: would be written as {stem}-1{suffix}, and so would {by_stem[stem]}; "
                "give them to two commands with an --out of their own"
            )
        by_stem[stem] = source
        width = len(str(count))
        names.append([out / f"{stem}-{number:0{width}}{suffix}" for number in range(1, count + 1)])
        for name in names[-1]:
            if name.resolve() in given:
                raise ConfigError(f"{name}: is one of the files that are read; name another --out")
    return names


def _write(frontend: "Frontend", source: Path, position: int, names: list[Path], seed: int) -> None:
    import numpy as np

    from seqlabel.records import Example

    signal = frontend.read(Example(id=source.name, source=source))
    for number, name in enumerate(names, 1):
        # As in training, where the number of the copy is that of the epoch.
        rng = np.random.default_rng((seed, number, position + 1))
        print(f"{name}: {_written(frontend.augmented(signal, rng), name)}")


def _written(signal: "Signal", path: Path) -> str:
    """Writes one signal and returns what there is to say of it."""
    import numpy as np

    from seqlabel.formats import write_line_image, write_wav
    from seqlabel.records import LineImage, Strokes, Waveform

    match signal:
        case Waveform(samples, sample_rate):
            said = f"{len(samples) / sample_rate:.2f} s at {sample_rate} Hz"
            peak = float(np.abs(samples).max(initial=0.0))
            if peak > 1:
                said += f", turned down by {20 * np.log10(peak):.1f} dB to fit into a file"
                samples = samples / np.float32(peak)
            write_wav(path, Waveform(samples, sample_rate))
        case LineImage(pixels):
            said = f"{pixels.shape[1]} x {pixels.shape[0]} pixels"
            write_line_image(path, signal)
        case Strokes(strokes):
            said = f"{len(strokes)} strokes, {sum(map(len, strokes))} points"
            write_line_image(path, _drawn(signal))
        case _:
            raise ConfigError(f"{path}: a {type(signal).__name__} can neither be heard nor be seen")
    return said


def _drawn(ink: "Strokes") -> "LineImage":
    """Returns ink as black lines on white paper."""
    import numpy as np
    from PIL import Image, ImageDraw

    from seqlabel.records import LineImage

    strokes = [stroke.astype(np.float64) for stroke in ink.strokes if len(stroke)]
    points = np.concatenate(strokes) if strokes else np.zeros((1, 2))
    corner = points.min(axis=0)
    width, height = (points.max(axis=0) - corner).tolist()
    scale = (INK_HEIGHT - 2 * INK_MARGIN) / max(height, width / LONGEST_INK, 1e-9)
    image = Image.new("L", (round(width * scale) + 2 * INK_MARGIN, INK_HEIGHT), 255)
    pen = ImageDraw.Draw(image)
    for stroke in strokes:
        places = (stroke - corner) * scale + INK_MARGIN
        for x, y in places[[0, -1]].tolist():
            pen.ellipse((x - PEN / 2, y - PEN / 2, x + PEN / 2, y + PEN / 2), fill=0)
        if len(places) > 1:
            pen.line(places.ravel().tolist(), fill=0, width=PEN, joint="curve")
    return LineImage(np.asarray(image))
