"""The peers of benchmarks.decoding and benchmarks.agreement, in an environment of their own; not run by hand.

Told a name and a number on standard input, it decodes with that peer and says how long that took and what the best
labellings are, with their scores.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Decode = Callable[[np.ndarray, int], list[tuple[str, float]]]


def pyctcdecode(labels: Sequence[str], beam_width: int, prune: bool) -> Decode:
    from pyctcdecode import build_ctcdecoder

    decoder = build_ctcdecoder(["", *labels[1:]])
    pruning: dict[str, Any] = {} if prune else {"beam_prune_logp": -1e9, "token_min_logp": -1e9}

    def decode(log_probs: np.ndarray, n_best: int) -> list[tuple[str, float]]:
        found = decoder.decode_beams(log_probs, beam_width=beam_width, **pruning)
        return [(str(beam[0]), float(beam[-2])) for beam in found[:n_best]]

    return decode


def flashlight(labels: Sequence[str], beam_width: int) -> Decode:
    from flashlight.lib.text.decoder import (
        CriterionType,
        LexiconFreeDecoder,
        LexiconFreeDecoderOptions,
        ZeroLM,
    )

    options = LexiconFreeDecoderOptions(
        beam_size=beam_width,
        beam_size_token=len(labels),
        beam_threshold=1e9,
        lm_weight=0.0,
        sil_score=0.0,
        log_add=True,
        criterion_type=CriterionType.CTC,
    )
    decoder = LexiconFreeDecoder(options, ZeroLM(), labels.index(" "), 0, [])

    def decode(log_probs: np.ndarray, n_best: int) -> list[tuple[str, float]]:
        found = decoder.decode(log_probs.ctypes.data, *log_probs.shape)
        return [(text_of(result.tokens), float(result.score)) for result in found[:n_best]]

    def text_of(tokens: Sequence[int]) -> str:
        # Before the first frame and after the last it puts a space of its own; one in the first frame repeats it.
        path = list(tokens[:-1])
        kept = [token for i, token in enumerate(path) if i == 0 or token != path[i - 1]][1:]
        return "".join(labels[token] for token in kept if token > 0)

    return decode


def main() -> None:
    with np.load(sys.argv[1]) as file:
        emissions = [np.ascontiguousarray(file[name], np.float32) for name in sorted(file.files)]
    labels: list[str] = json.loads(sys.argv[2])
    beam_width = int(sys.argv[3])
    decoders = {
        "pyctcdecode": pyctcdecode(labels, beam_width, prune=False),
        "pyctcdecode pruned": pyctcdecode(labels, beam_width, prune=True),
        "flashlight-text": flashlight(labels, beam_width),
    }
    for line in sys.stdin:
        name, n_best = line.rsplit(maxsplit=1)
        start = time.perf_counter()
        found = [decoders[name](log_probs, int(n_best)) for log_probs in emissions]
        print(json.dumps({"seconds": time.perf_counter() - start, "found": found}), flush=True)


if __name__ == "__main__":
    main()
