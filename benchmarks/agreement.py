"""The n-best lists of the beam beside pyctcdecode's and flashlight-text's, on a model's emissions.

    python -m benchmarks.agreement --model runs/an4/best.safetensors --manifest data/an4/test.jsonl [--frames 3000]

No language model, nothing pruned but by the width. The peers keep an entry for each prefix and each way in which it
ends (in a blank, in its last token), where we keep one for each prefix, so that their beam holds about half as many;
pyctcdecode takes several spaces for one and drops those at the ends; flashlight-text begins as if a space had just been
read, so that one in the first frame is none. Each peer is compared three times at the same width: with our beam, with
a plain Python beam that has the peer's rules and has to give the peer's list, and, for flashlight-text, at eight
times the width.
"""

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.decoding_peers import Peers
from seqlabel.decoders import BeamConfig
from seqlabel.manifest import read_manifest
from seqlabel.recognizer import Recognizer

N_BEST = 10
BEAM_WIDTH = 64
Scored = list[tuple[str, float]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=Path("runs/an4/best.safetensors"))
    parser.add_argument("--manifest", type=Path, default=Path("data/an4/test.jsonl"))
    parser.add_argument("--peers", type=Path, default=Path(".peers"))
    parser.add_argument("--frames", type=int, default=3000)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    recognizer = Recognizer.load(arguments.model, "cpu")
    tokens = recognizer.header.tokens
    _, emissions, _ = recognizer.emissions(read_manifest(arguments.manifest))
    emissions = emissions[
        : int(np.searchsorted(np.cumsum([len(e) for e in emissions]), arguments.frames)) + 1
    ]
    print(
        f"{len(emissions)} lines, {sum(map(len, emissions)):,} frames, {len(tokens)} tokens, beam {BEAM_WIDTH}"
    )
    decoder = BeamConfig(beam_width=BEAM_WIDTH).build(tokens)
    ours = [[(h.text, h.score) for h in decoder.read(rows, BEAM_WIDTH)] for rows in emissions]
    with Peers(arguments.peers, emissions, tokens.tokens, BEAM_WIDTH) as peers:
        theirs = {name: peers.decode(name, BEAM_WIDTH)[1] for name in ("flashlight-text", "pyctcdecode")}
    with Peers(arguments.peers, emissions, tokens.tokens, 8 * BEAM_WIDTH) as peers:
        wide = peers.decode("flashlight-text", 8 * BEAM_WIDTH)[1]
    space = tokens.tokens.index(" ")
    rules: dict[str, tuple[Callable[[str], str], int]] = {
        "flashlight-text": (str, space),
        "pyctcdecode": (one_space, -1),
    }
    for name, (normal, first) in rules.items():
        plain = [states_beam(rows, tokens.tokens, BEAM_WIDTH, normal, first) for rows in emissions]
        found = [merged(example, normal) for example in theirs[name]]
        compare(f"{name} and ours", [merged(example, normal) for example in ours], found)
        compare(f"{name} and its rules", plain, found)
    compare(
        "flashlight-text at 512 and ours at 64",
        [merged(example, str) for example in ours],
        [merged(example, str) for example in wide],
    )


def one_space(text: str) -> str:
    """Returns a text as pyctcdecode has it: no space before it, one between words."""
    return re.sub(" +", " ", text.lstrip(" "))


def merged(found: Sequence[tuple[str, float]], normal: Callable[[str], str]) -> Scored:
    """Returns the texts, each once, with the probabilities of its entries added up, the best first."""
    scores: dict[str, float] = {}
    for text, score in found:
        text = normal(text).rstrip(" ") if normal is one_space else text
        scores[text] = float(np.logaddexp(scores.get(text, -np.inf), score))
    return sorted(scores.items(), key=lambda item: -item[1])[:N_BEST]


def states_beam(
    log_probs: np.ndarray, labels: Sequence[str], beam_width: int, normal: Callable[[str], str], first: int
) -> Scored:
    """Returns what a beam reads that has one entry for each prefix and token of the last frame.

    Args:
        log_probs: (T, C) natural logarithms.
        labels: the tokens, the blank first.
        beam_width: entries that are kept.
        normal: makes texts equal that count as one.
        first: the token that counts as read before the first frame, -1 for none.
    """
    beam: dict[tuple[str, int], float] = {("", first): 0.0}
    for column in log_probs:
        grown: dict[tuple[str, int], float] = {}
        for (text, last), score in beam.items():
            for token, value in enumerate(column.tolist()):
                after = text if token in (0, last) else normal(text + labels[token])
                key = after, token
                grown[key] = float(np.logaddexp(grown[key], score + value)) if key in grown else score + value
        beam = dict(sorted(grown.items(), key=lambda item: -item[1])[:beam_width])
    return merged([(text, score) for (text, _), score in beam.items()], normal)


def compare(name: str, first: Sequence[Scored], second: Sequence[Scored]) -> None:
    """Prints on how many lines two n-best lists agree."""
    pairs = list(zip(first, second, strict=True))
    best = sum(a[0][0] == b[0][0] for a, b in pairs)
    lists = sum([text for text, _ in a] == [text for text, _ in b] for a, b in pairs)
    shared = [len({text for text, _ in a} & {text for text, _ in b}) / len(b) for a, b in pairs]
    gaps = [abs(score - dict(b)[text]) for a, b in pairs for text, score in a if text in dict(b)]
    print(
        f"{name:<38} best text the same {best:>3}/{len(pairs)}, list of {N_BEST} {lists:>3}, texts in both "
        f"{np.mean(shared):6.1%}, scores at most {max(gaps):.0e} apart"
    )


if __name__ == "__main__":
    main()
