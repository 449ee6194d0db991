"""The main job from beginning to end on data that needs no download: prepare, train, evaluate, transcribe.

    python -m recipes.digits.demo

Writes data/digits and runs/digits below the current folder.
"""

import shutil
import sys
import time
from pathlib import Path

from data_prep import digits
from recipes.digits.digits import config
from seqlabel import Recognizer
from seqlabel.errors import SeqlabelError
from seqlabel.manifest import read_manifest
from seqlabel.training import TrainingStopped, train

DATA = Path(config.data.directory)
RUN = Path("runs") / config.name


def main() -> int:
    """Runs the demo and returns the exit code."""
    try:
        return demo()
    except TrainingStopped as stop:
        print(f"demo: {stop}", file=sys.stderr)
        return 130
    except SeqlabelError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2


def demo() -> int:
    """Prepares, trains, evaluates on lines of digits that training never saw, and reads one PNG file."""
    digits.prepare(DATA)
    if (RUN / "finished").exists():
        shutil.rmtree(RUN)  # A finished demo starts afresh; a stopped one goes on.
    start = time.monotonic()
    result = train(config, RUN, DATA)
    print(f"trained in {time.monotonic() - start:.0f} seconds")
    (RUN / "finished").touch()
    recognizer = Recognizer.load(result.best_model)
    evaluation = recognizer.evaluate(DATA / "test.jsonl")
    example = read_manifest(DATA / "test.jsonl")[0]
    print(
        f"\n{example.source} shows {example.text}, the model reads {recognizer.transcribe(example.source)}\n"
    )
    rates = evaluation.rates
    print(f"demo: CER {100 * rates.cer:.2f} %  WER {100 * rates.wer:.2f} %  ({rates.num_examples} lines)")
    print(f"model: {result.best_model}")
    print(f"your own image: .venv/bin/seqlabel transcribe {result.best_model} IMAGE.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
