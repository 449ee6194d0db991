"""Prefix beam search against pyctcdecode and flashlight-text, and how long language models take to make and to use.

    python -m benchmarks.decoding --model runs/an4/best.safetensors --manifest data/an4/test.jsonl [--rounds 3]

The peers are installed by pip into an environment of their own (--peers, default .peers) and run beside us in one
process, one thread; contestants take turns, medians and ratios are printed. Without a language model at beam 64, with
nothing pruned, then with pyctcdecode's default pruning on both sides; with a character 6-gram of the training texts
against real time; and the time and memory that a character 6-gram of 20 MB of text takes (the Python files of this
machine).
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import torch

from benchmarks.decoding_peers import Peers
from seqlabel.decoders import BeamConfig
from seqlabel.language_model import LanguageModels, corpus, estimate
from seqlabel.manifest import read_manifest
from seqlabel.recognizer import Recognizer

NUM_FRAMES = 12_000
BEAM_WIDTH = 64
PYCTCDECODE_TOKEN_FLOOR, PYCTCDECODE_MARGIN = -5.0, 10.0
"""Its defaults, `token_min_logp` and minus `beam_prune_logp`."""
TEXT_BYTES = 20_000_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=Path("runs/an4/best.safetensors"))
    parser.add_argument("--manifest", type=Path, default=Path("data/an4/test.jsonl"))
    parser.add_argument(
        "--train", type=Path, help="texts of the character model (default: train.jsonl beside it)"
    )
    parser.add_argument("--peers", type=Path, default=Path(".peers"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build-only", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.build_only:
        _build_model()
        return
    torch.set_num_threads(1)
    recognizer = Recognizer.load(arguments.model, "cpu")
    tokens = recognizer.header.tokens
    examples = read_manifest(arguments.manifest)
    _, emissions, _ = recognizer.emissions(examples)
    kept = int(np.searchsorted(np.cumsum([len(rows) for rows in emissions]), NUM_FRAMES)) + 1
    emissions, examples = emissions[:kept], examples[:kept]
    num_frames = sum(map(len, emissions))
    print(
        f"{len(emissions)} utterances, {num_frames:,} frames, {len(tokens)} tokens, beam {BEAM_WIDTH}, one thread"
    )

    texts: dict[str, list[str]] = {}

    def ours(name: str, config: BeamConfig, models: LanguageModels | None = None) -> Callable[[], float]:
        decoder = config.build(tokens, models)
        decoder.read(emissions[0])  # compiles, or loads what was compiled

        def run() -> float:
            start = time.perf_counter()
            texts[name] = [decoder.read(rows)[0].text for rows in emissions]
            return time.perf_counter() - start

        return run

    train = arguments.train or arguments.manifest.parent / "train.jsonl"
    sentences = [example.text or "" for example in read_manifest(train)]
    six_gram = LanguageModels(estimate(corpus(sentences, "char"), 6).model)
    pruned = BeamConfig(
        beam_width=BEAM_WIDTH, token_floor=PYCTCDECODE_TOKEN_FLOOR, score_margin=PYCTCDECODE_MARGIN
    )
    contestants = {
        "seqlabel": ours("seqlabel", BeamConfig(beam_width=BEAM_WIDTH)),
        "seqlabel pruned": ours("seqlabel pruned", pruned),
        "seqlabel 6-gram": ours("seqlabel 6-gram", BeamConfig(beam_width=BEAM_WIDTH), six_gram),
    }
    with Peers(arguments.peers, emissions, tokens.tokens, BEAM_WIDTH) as peers:
        for name in ("flashlight-text", "pyctcdecode", "pyctcdecode pruned"):
            contestants[name] = peers.runner(name, texts)
        seconds: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(arguments.rounds):
            for name, run in contestants.items():
                seconds[name].append(run())
    median = {name: statistics.median(values) for name, values in seconds.items()}
    for name, value in median.items():
        mine = median["seqlabel pruned" if "pruned" in name else "seqlabel"]
        same = sum(a.split() == b.split() for a, b in zip(texts[name], texts["seqlabel"], strict=True))
        print(f"{name:<20}{value:9.3f} s  {value / mine:7.1f}x   {same}/{len(emissions)} texts as seqlabel's")
    audio = sum(
        librosa.get_duration(path=example.source) for example in examples if _is_audio(example.source)
    )
    if audio:
        speed = audio / median["seqlabel 6-gram"]
        print(f"with a character 6-gram {speed:,.0f} times faster than {audio:,.0f} s of speech")
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    print(_output([sys.executable, "-m", "benchmarks.decoding", "--build-only"], environment), end="")


def _is_audio(path: Path) -> bool:
    return path.suffix.lower() in (".wav", ".flac", ".mp3", ".ogg", ".sph")


def _build_model() -> None:
    """Builds a character 6-gram of this machine's Python files, and says how long that took."""
    pieces, size = list[str](), 0
    for path in sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py")):
        text = path.read_text(encoding="utf-8", errors="ignore")
        pieces.append(text)
        size += len(text.encode())
        if size >= TEXT_BYTES:
            break
    start = time.perf_counter()
    found = estimate(corpus(pieces, "char"), 6).model
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    num = sum(map(len, found.orders))
    print(
        f"character 6-gram of {size / 1e6:.1f} MB: {seconds:.1f} s, {num:,} n-grams, {memory:.2f} GB at most"
    )


def _output(command: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()
