"""One reading out of what several networks, or one network at several views, say of the same example.

Networks trained by CTC put the spikes of a token at different frames, so that the mean of their emissions has fewer
of them than each. What can be compared are whole labellings: each member proposes its best ones, and the one with the
greatest mean probability over all members is read, which is the ensemble as a mixture of sequence models.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import torch

from seqlabel.ctc import Emissions, log_likelihood, required_frames
from seqlabel.decoders.beam import Beam
from seqlabel.decoders.greedy import Greedy
from seqlabel.decoders.prefix_search import PrefixSearch
from seqlabel.decoders.spans import frames_of, joined, token_spans
from seqlabel.records import Hypothesis, Span
from seqlabel.tokens import TokenTable

PROPOSALS = 10
"""Labellings that each member proposes, where the decoder finds more than one."""


def decode_ensemble(
    decoder: Beam | Greedy | PrefixSearch, members: Sequence[Emissions], n_best: int = 1
) -> list[list[Hypothesis]]:
    """Returns up to `n_best` different labellings for each example, the best first.

    A labelling y has the score log((p_1(y) + ... + p_K(y)) / K), p_k(y) being the sum of all its paths in the emissions
    of member k, and the decoder's language score beside it. Its frames are those of its best path in the first member,
    and what that member calls impossible, for want of frames say, is not read. The confidence of a token is the mean of
    those that the best paths in all members give it.

    Args:
        decoder: proposes labellings for each member; `Greedy` and `PrefixSearch` propose one each.
        members: what each says of the same examples, in the same order; lengths may differ between members.
        n_best: how many are wanted.

    Raises:
        FormatError: emissions that are not numbers.
    """
    proposed = [decoder(member, n_best=max(n_best, PROPOSALS)) for member in members]
    frames = [frames_of(member) for member in members]
    examples = list(zip(zip(*proposed, strict=True), zip(*frames, strict=True), strict=True))

    def read(
        example: tuple[tuple[list[Hypothesis], ...], tuple[np.ndarray, ...]],
    ) -> list[Hypothesis]:
        return _best(decoder, *example, n_best)

    num_threads = min(torch.get_num_threads(), len(examples))
    if num_threads <= 1:
        return [read(example) for example in examples]
    with ThreadPoolExecutor(num_threads) as pool:
        return list(pool.map(read, examples))


def _best(
    decoder: Beam | Greedy | PrefixSearch,
    proposed: tuple[list[Hypothesis], ...],
    frames: tuple[np.ndarray, ...],
    n_best: int,
) -> list[Hypothesis]:
    """Returns up to `n_best` of what the members propose for an example, the best first."""
    proposals: dict[tuple[tuple[int, ...], str], Hypothesis] = {}
    for found in (hypothesis for hypotheses in proposed for hypothesis in hypotheses):
        # What no lexicon or grammar allows, for want of anything else.
        if found.score == -np.inf:
            continue
        # A pronunciation can be that of several texts.
        before = proposals.setdefault((found.token_ids, found.text), found)
        if found.language_score > before.language_score:
            proposals[found.token_ids, found.text] = found
    weighed = [rows if isinstance(decoder, PrefixSearch) else decoder.weighed(rows) for rows in frames]
    scored = []
    for found in proposals.values():
        if required_frames(found.token_ids) > len(frames[0]):
            continue
        each = [log_likelihood(rows, found.token_ids) for rows in weighed]
        acoustic = float(np.logaddexp.reduce(each) - np.log(len(each)))
        # Its places are looked for in the first member.
        if each[0] > -np.inf:
            scored.append((acoustic + found.language_score, acoustic, found))
    # No text that the lexicon or the grammar allows: what the first member makes of it.
    if not scored:
        return proposed[0][:n_best]
    scored.sort(key=lambda row: -row[0])
    placed = []
    for score, acoustic, found in scored[:n_best]:
        spans = _spans(frames, found.token_ids, decoder.tokens)
        words = _placed_words(found, spans)
        placed.append(replace(found, score=score, acoustic_score=acoustic, spans=spans, words=words))
    return placed


def _spans(frames: tuple[np.ndarray, ...], token_ids: Sequence[int], tokens: TokenTable) -> tuple[Span, ...]:
    """Returns the tokens at their places in the first member, as sure as all members are in the mean."""
    spans = token_spans(frames[0], token_ids, tokens)
    confidences = np.array([span.confidence for span in spans])
    for rows in frames[1:]:
        if required_frames(token_ids) <= len(rows):
            found = token_spans(rows, token_ids, tokens)
            # Where it is impossible there is no path, and nothing to be sure of.
            if len(found) == len(spans):
                confidences += [span.confidence for span in found]
    return tuple(
        replace(span, confidence=float(confidence))
        for span, confidence in zip(spans, confidences / len(frames), strict=True)
    )


def _placed_words(found: Hypothesis, spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Returns the words of a hypothesis at other places of its tokens."""
    words = []
    for word in found.words:
        inside = [
            place
            for span, place in zip(found.spans, spans, strict=True)
            if word.start_frame <= span.start_frame and span.end_frame <= word.end_frame
        ]
        words.append(joined(word.text, inside))
    return tuple(words)
