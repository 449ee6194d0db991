"""The peers of benchmarks.decoding, in an environment of their own; not run by hand.

Told a name on standard input, it decodes with that peer and says how long that took.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def pyctcdecode(labels: Sequence[str], beam_width: int, prune: bool) -> Callable[[np.ndarray], str]:
    from pyctcdecode import build_ctcdecoder

    decoder = build_ctcdecoder(["", *labels[1:]])
    pruning: dict[str, Any] = {} if prune else {"beam_prune_logp": -1e9, "token_min_logp": -1e9}

    def decode(log_probs: np.ndarray) -> str:
        return str(decoder.decode_beams(log_probs, beam_width=beam_width, **pruning)[0][0])

    return decode


def flashlight(labels: Sequence[str], beam_width: int) -> Callable[[np.ndarray], str]:
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

    def decode(log_probs: np.ndarray) -> str:
        best = decoder.decode(log_probs.ctypes.data, *log_probs.shape)[0].tokens
        path = [token for token in best if token >= 0]
        kept = [t for i, t in enumerate(path) if t != 0 and (i == 0 or t != path[i - 1])]
        return "".join(labels[token] for token in kept)

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
        decode = decoders[line.strip()]
        start = time.perf_counter()
        texts = [decode(log_probs) for log_probs in emissions]
        print(json.dumps({"seconds": time.perf_counter() - start, "texts": texts}), flush=True)


if __name__ == "__main__":
    main()
