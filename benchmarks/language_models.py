"""What language models of the training texts are worth to a recipe, and what they cost.

    python -m benchmarks.language_models data/an4 runs/an4_*/best.safetensors --measure wer [--settings FILE]

The tables of recipes/*/README.md. For each model (the seeds of a recipe): the best path, as it is and with the blank
penalty that is best on dev, the beam alone, the beam with an n-gram of the model's tokens (order 6, or 3 where the
tokens are words), with a word 3-gram, and with both.
Weights are found on dev.jsonl, and test.jsonl is read with them. `--halves` is for a corpus without a test set: the
groups of dev are dealt out to two halves, and each is read with the weights that were found on the other. `--unseen`
leaves training texts out of the language models that stand in dev or test word for word, for a corpus that has the
same sentences in several sets. Seconds are those of the decoder alone, one thread. With --settings the weights are
kept in a file, and only those that it lacks are searched for. With --views each line is looked at several times too,
with the weights that were found for one; these rows have the milliseconds of the whole reading.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import torch

from seqlabel.ctc import Emissions
from seqlabel.decoders import BeamConfig, GreedyConfig
from seqlabel.language_model import LanguageModels, corpus, estimate
from seqlabel.manifest import read_manifest
from seqlabel.metrics import ErrorRates, score
from seqlabel.recognizer import Recognizer
from seqlabel.records import Example
from seqlabel.tokens import TokenTable
from seqlabel.tuning import tune

Measure = Literal["cer", "wer"]
GREEDY, PENALISED, BEAM = "greedy", "greedy, blank penalty", "beam"
PENALTIES = sorted((0.25 * step for step in range(-4, 9)), key=abs)


@dataclass(frozen=True)
class Split:
    """Some examples with their emissions."""

    examples: list[Example]
    references: list[str]
    emissions: list[np.ndarray]

    def part(self, indices: Sequence[int]) -> "Split":
        """Returns the examples with these indices."""
        return Split(
            [self.examples[i] for i in indices],
            [self.references[i] for i in indices],
            [self.emissions[i] for i in indices],
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--measure", choices=("cer", "wer"), default="cer")
    parser.add_argument("--halves", action="store_true")
    parser.add_argument("--unseen", action="store_true")
    parser.add_argument("--settings", type=Path)
    parser.add_argument("--views", type=int, default=1)
    arguments = parser.parse_args()
    kept: dict[str, BeamConfig] = {}
    if arguments.settings is not None and arguments.settings.exists():
        kept = msgspec.json.decode(arguments.settings.read_bytes(), type=dict[str, BeamConfig])
    rates: dict[str, list[ErrorRates]] = {}
    milliseconds: dict[str, list[float]] = {}
    network: list[float] = []
    for path in arguments.models:
        torch.set_num_threads(1)
        recognizer = Recognizer.load(path, "cpu")
        tokens = recognizer.header.tokens
        dev_examples = read_manifest(arguments.data / "dev.jsonl")
        dev, seconds = emissions_of(recognizer, dev_examples)
        if arguments.halves:
            turns = halves(dev, dev_examples)
        else:
            test, seconds = emissions_of(recognizer, read_manifest(arguments.data / "test.jsonl"))
            turns = [(dev, test)]
        network.append(1000 * seconds / sum(len(read.references) for _, read in turns))
        train = [example.text or "" for example in read_manifest(arguments.data / "train.jsonl")]
        if arguments.unseen:
            seen = {text for _, read in turns for text in (*dev.references, *read.references)}
            train = [text for text in train if text not in seen]
        for name, language in contestants(tokens, train).items():
            pairs, spent = list[tuple[str, str]](), 0.0
            for turn, (found_on, read) in enumerate(turns):
                key = f"{path} {name} {turn} {arguments.measure}"
                if name not in (GREEDY, PENALISED, BEAM) and key not in kept:
                    kept[key] = searched(found_on, tokens, language, arguments.measure)
                    if arguments.settings is not None:
                        arguments.settings.write_bytes(msgspec.json.format(msgspec.json.encode(kept)))
                setting: GreedyConfig | BeamConfig = kept.get(key, BeamConfig())
                if name == GREEDY:
                    setting = GreedyConfig()
                elif name == PENALISED:
                    setting = penalised(found_on, tokens, arguments.measure)
                    print(f"{path}: blank penalty {setting.blank_penalty:g}", flush=True)
                texts, seconds = timed(decoder_of(setting, tokens, language), read.emissions)
                pairs += zip(read.references, texts, strict=True)
                spent += seconds
            rows = [(name, pairs, spent)]
            if arguments.views > 1 and name not in (GREEDY, PENALISED):
                settings = [
                    kept.get(f"{path} {name} {turn} {arguments.measure}") for turn in range(len(turns))
                ]
                parts = [
                    at_views(recognizer, setting, language, arguments.views, read)
                    for setting, (_, read) in zip(settings, turns, strict=True)
                ]
                joined = [pair for part, _ in parts for pair in part]
                rows.append(
                    (f"{name}, {arguments.views} views", joined, sum(seconds for _, seconds in parts))
                )
            for row, pairs, spent in rows:
                rates.setdefault(row, []).append(score(pairs))
                milliseconds.setdefault(row, []).append(1000 * spent / len(pairs))
                print(f"{path}: {row}: {rates[row][-1]}", flush=True)
    print(f"\nThe network: {statistics.median(network):.1f} ms a line, one thread.\n")
    print("| decoder | CER | WER | ms a line |\n|---|---|---|---|")
    for name, found in rates.items():
        cer, wer = (
            spread([100 * rate for rate in values])
            for values in ([r.cer for r in found], [r.wer for r in found])
        )
        print(f"| {name} | {cer} | {wer} | {statistics.median(milliseconds[name]):.2f} |")


def emissions_of(recognizer: Recognizer, examples: Sequence[Example]) -> tuple[Split, float]:
    """Returns the emissions of some examples, and the seconds that these took."""
    start = time.perf_counter()
    references, emissions, _ = recognizer.emissions(examples)
    return Split(list(examples), references, emissions), time.perf_counter() - start


def halves(split: Split, examples: Sequence[Example]) -> list[tuple[Split, Split]]:
    """Returns each half of the groups, and the other half, which is read with what was found on the first."""
    groups = sorted({example.group or "" for example in examples})
    sides = [
        [i for i, example in enumerate(examples) if groups.index(example.group or "") % 2 == k]
        for k in (0, 1)
    ]
    first, second = (split.part(indices) for indices in sides)
    return [(first, second), (second, first)]


def contestants(tokens: TokenTable, train: Sequence[str]) -> dict[str, LanguageModels]:
    """Returns what reads beside the network, by name."""
    without = {name: LanguageModels() for name in (GREEDY, PENALISED, BEAM)}
    if tokens.unit == "word":
        over_words = estimate(corpus(train, "word"), 3).model
        return {**without, "token 3-gram": LanguageModels(over_words)}
    characters, words = estimate(corpus(train, "char"), 6).model, estimate(corpus(train, "word"), 3).model
    return {
        **without,
        "character 6-gram": LanguageModels(characters),
        "word 3-gram": LanguageModels(words=words),
        "both": LanguageModels(characters, words),
    }


def searched(split: Split, tokens: TokenTable, language: LanguageModels, measure: Measure) -> BeamConfig:
    """Returns the setting with the least error, as `seqlabel lm tune` finds it."""
    torch.set_num_threads(os.cpu_count() or 1)
    try:
        return tune(split.emissions, split.references, tokens, language, BeamConfig(), measure).best.decoder
    finally:
        torch.set_num_threads(1)


def penalised(split: Split, tokens: TokenTable, measure: Measure) -> GreedyConfig:
    """Returns the best path with the blank penalty of the least error; of several, the one nearest to none."""

    def error(setting: GreedyConfig) -> float:
        read = decoder_of(setting, tokens, LanguageModels())
        rates = score(list(zip(split.references, map(read, split.emissions), strict=True)))
        return rates.cer if measure == "cer" else rates.wer

    return min((GreedyConfig(blank_penalty=penalty) for penalty in PENALTIES), key=error)


def decoder_of(
    setting: GreedyConfig | BeamConfig, tokens: TokenTable, language: LanguageModels
) -> Callable[[np.ndarray], str]:
    """Returns what reads one line."""
    if isinstance(setting, BeamConfig):
        beam = setting.build(tokens, language)
        return lambda rows: beam.read(rows)[0].text
    greedy = setting.build(tokens)

    def read(rows: np.ndarray) -> str:
        emissions = Emissions(torch.from_numpy(rows)[None], torch.tensor([len(rows)]))
        return greedy(emissions)[0][0].text

    return read


def timed(read: Callable[[np.ndarray], str], emissions: Sequence[np.ndarray]) -> tuple[list[str], float]:
    """Returns the texts of some lines, and the seconds that reading them took."""
    read(emissions[0])  # compiles, or loads what was compiled
    start = time.perf_counter()
    texts = [read(rows) for rows in emissions]
    return texts, time.perf_counter() - start


def at_views(
    recognizer: Recognizer, setting: BeamConfig | None, language: LanguageModels, num_views: int, split: Split
) -> tuple[list[tuple[str, str]], float]:
    """Returns references and texts of some lines that are looked at several times, and the seconds of all of it."""
    reader = Recognizer(recognizer.loaded, "cpu", setting or BeamConfig(), language, num_views=num_views)
    start = time.perf_counter()
    found = reader.evaluate(split.examples)
    seconds = time.perf_counter() - start
    return list(
        zip(found.references, (hypothesis.text for hypothesis in found.hypotheses), strict=True)
    ), seconds


def spread(values: Sequence[float]) -> str:
    """Returns the mean in percent, and the standard deviation where there are several."""
    mean = f"{statistics.mean(values):.2f} %"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.2f}"


if __name__ == "__main__":
    main()
