"""Where tokens and words stand in the frames, and how sure the model is of them."""

from collections.abc import Sequence

import numpy as np
import torch

from seqlabel.ctc import Emissions, align
from seqlabel.errors import FormatError
from seqlabel.records import Span
from seqlabel.tokens import BLANK, TokenTable


def frames_of(emissions: Emissions) -> list[np.ndarray]:
    """Returns the (T, C) float64 natural logarithms of each example, without its padding.

    Raises:
        FormatError: emissions that are not numbers.
    """
    log_probs = emissions.log_probs.detach().to("cpu", torch.float64).numpy()
    lengths = emissions.lengths.tolist()
    frames = [rows[:length] for rows, length in zip(log_probs, lengths, strict=True)]
    for index, rows in enumerate(frames):
        if np.isnan(rows).any():
            frame = int(np.nonzero(np.isnan(rows).any(axis=1))[0][0])
            raise FormatError(
                f"emissions of example {index} of the batch are not numbers from frame {frame} on; look for infinite "
                "numbers in the input, or take a model of an earlier epoch"
            )
    return frames


def token_spans(log_probs: np.ndarray, token_ids: Sequence[int], tokens: TokenTable) -> tuple[Span, ...]:
    """Returns the frames of each token on the most probable path of a labelling, out of (T, C) natural logarithms."""
    if not token_ids:
        return ()
    path = align(log_probs, token_ids)
    return path_spans(log_probs[np.arange(len(path)), path], path, tokens)


def path_spans(log_probs: np.ndarray, path: Sequence[int], tokens: TokenTable) -> tuple[Span, ...]:
    """Returns the frames of each token on a path, given the natural logarithm (T,) of its probability at each frame."""
    spans: list[Span] = []
    start = 0
    for frame in range(1, len(path) + 1):
        if frame < len(path) and path[frame] == path[start]:
            continue
        token = path[start]
        if token != BLANK:
            # The mean would count the frames at the edges, where the token has hardly begun.
            confidence = min(1.0, float(np.exp(log_probs[start:frame].max())))
            spans.append(
                Span(text=tokens.tokens[token], start_frame=start, end_frame=frame, confidence=confidence)
            )
        start = frame
    return tuple(spans)


def word_spans(spans: Sequence[Span], tokens: TokenTable) -> tuple[Span, ...]:
    """Returns the words that tokens make up: what stands between spaces, or each token where tokens are words.

    They come in the order in which they are read.
    """
    return tuple(
        joined("".join(text for text, _ in parts), [spans[place] for _, place in parts])
        for parts in words_of([span.text for span in spans], tokens)
    )


def words_of(emitted: Sequence[str], tokens: TokenTable) -> list[list[tuple[str, int]]]:
    """Returns the words of a text, each as its tokens with their places among those that a network emits."""
    as_read = tokens.as_read(emitted)
    if tokens.unit == "word":
        return [[part] for part in as_read]
    words: list[list[tuple[str, int]]] = [[]]
    for part in as_read:
        if part[0] != " ":
            words[-1].append(part)
        elif words[-1]:
            words.append([])
    return words if words[-1] else words[:-1]


def joined(text: str, spans: Sequence[Span]) -> Span:
    """Returns the word that lies over some tokens, in any order."""
    return Span(
        text=text,
        start_frame=min(span.start_frame for span in spans),
        end_frame=max(span.end_frame for span in spans),
        confidence=min(span.confidence for span in spans),
    )
