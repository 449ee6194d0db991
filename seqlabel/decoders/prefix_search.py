"""Best-first prefix search: the most probable labelling itself, found by opening the most promising prefix first.

Source: Graves, Fernandez, Gomez, Schmidhuber, "Connectionist Temporal Classification", ICML 2006, section 3.2; the
algorithm as in Graves, "Supervised sequence labelling with recurrent neural networks", 2012, algorithm 7.1. Emissions
are cut where the blank is all but certain, and each section is searched on its own.
"""

from typing import Annotated, Any, no_type_check

import msgspec
import numpy as np

from seqlabel.compiled import compiled, forget_if_changed
from seqlabel.config import Config, Count
from seqlabel.ctc import Emissions
from seqlabel.decoders import search
from seqlabel.decoders.search import log_add
from seqlabel.decoders.spans import frames_of, token_spans, word_spans
from seqlabel.language_model import LanguageModels
from seqlabel.records import Hypothesis
from seqlabel.tokens import BLANK, TokenTable

MOST_NUMBERS = 20_000_000
"""Probabilities that are kept for a section; then the best labelling until there is taken."""


class PrefixSearchConfig(Config, frozen=True, tag="prefix_search"):
    """Best-first prefix search.

    Attributes:
        blank_threshold: probability of the blank from which on a frame divides two sections.
        most_prefixes: prefixes that are opened in a section at most; then the best labelling until there is taken.
    """

    blank_threshold: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.99
    most_prefixes: Count = 2000

    def build(self, tokens: TokenTable, models: LanguageModels | None = None) -> "PrefixSearch":
        """Returns the decoder for a token table; a language model has no say."""
        return PrefixSearch(self, tokens)


class PrefixSearch:
    """Reads the most probable labelling of each section between frames of certain blank."""

    def __init__(self, config: PrefixSearchConfig, tokens: TokenTable) -> None:
        self.config = config
        self.tokens = tokens

    def __call__(self, emissions: Emissions, n_best: int = 1) -> list[list[Hypothesis]]:
        """Returns one list for each example, holding its labelling; the score is the sum of the sections' own.

        Raises:
            FormatError: emissions that are not numbers.
        """
        return [[self._read(rows)] for rows in frames_of(emissions)]

    def _read(self, log_probs: np.ndarray) -> Hypothesis:
        score = 0.0
        ids: list[int] = []
        threshold = np.log(self.config.blank_threshold)
        is_blank = log_probs[:, BLANK] >= threshold
        edges = np.flatnonzero(np.diff(np.concatenate([[True], is_blank, [True]]).astype(np.int8)))
        for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            found, log_prob = best_labelling(
                np.ascontiguousarray(log_probs[start:end]), self.config.most_prefixes
            )
            ids.extend(found.tolist())
            score += float(log_prob)
        score += float(log_probs[is_blank, BLANK].sum())
        spans = token_spans(log_probs, ids, self.tokens) if np.isfinite(score) else ()
        words = word_spans(spans, self.tokens)
        return Hypothesis(
            text=self.tokens.decode(ids), token_ids=tuple(ids), score=score, spans=spans, words=words
        )


@compiled
@no_type_check
def best_labelling(log_probs: Any, most_prefixes: int) -> tuple[Any, float]:
    """Returns the most probable labelling of (T, C) emissions and its log-probability, T at least 1."""
    num_frames, num_classes = log_probs.shape
    capacity = 64
    ends_label = np.full((capacity, num_frames), -np.inf)
    ends_blank = np.full((capacity, num_frames), -np.inf)
    parent = np.full(capacity, -1, np.int64)
    last = np.full(capacity, BLANK, np.int64)
    remaining = np.full(capacity, -np.inf)  # of the labellings that go on from a prefix
    total = 0.0
    for frame in range(num_frames):
        total += log_probs[frame, BLANK]
        ends_blank[0, frame] = total
    num_prefixes = 1
    best, best_score = np.int64(0), total
    remaining[0] = np.log(max(1.0 - np.exp(total), 1e-300))
    label = np.empty(num_frames)
    blank = np.empty(num_frames)
    for _ in range(most_prefixes):
        if num_prefixes * num_frames > MOST_NUMBERS:
            break
        opened = np.int64(0)
        for i in range(num_prefixes):
            if remaining[i] > remaining[opened]:
                opened = np.int64(i)
        if remaining[opened] <= best_score:
            break
        for token in range(num_classes):
            if token == BLANK:
                continue
            is_repeat = last[opened] == token
            label[0] = log_probs[0, token] if opened == 0 else -np.inf
            blank[0] = -np.inf
            begun = label[0]
            for frame in range(1, num_frames):
                before = ends_blank[opened, frame - 1]
                if not is_repeat:
                    before = log_add(before, ends_label[opened, frame - 1])
                label[frame] = log_probs[frame, token] + log_add(before, label[frame - 1])
                blank[frame] = log_probs[frame, BLANK] + log_add(blank[frame - 1], label[frame - 1])
                begun = log_add(begun, log_probs[frame, token] + before)
            whole = log_add(label[num_frames - 1], blank[num_frames - 1])
            goes_on = (
                begun + np.log(max(1.0 - np.exp(min(whole - begun, 0.0)), 1e-300))
                if begun > -np.inf
                else -np.inf
            )
            if whole <= best_score and goes_on <= best_score:
                continue
            if num_prefixes == capacity:
                capacity *= 2
                grown_label = np.full((capacity, num_frames), -np.inf)
                grown_blank = np.full((capacity, num_frames), -np.inf)
                grown_label[:num_prefixes], grown_blank[:num_prefixes] = ends_label, ends_blank
                ends_label, ends_blank = grown_label, grown_blank
                grown_parent = np.full(capacity, -1, np.int64)
                grown_last = np.full(capacity, BLANK, np.int64)
                grown_remaining = np.full(capacity, -np.inf)
                grown_parent[:num_prefixes], grown_last[:num_prefixes] = parent, last
                grown_remaining[:num_prefixes] = remaining
                parent, last, remaining = grown_parent, grown_last, grown_remaining
            ends_label[num_prefixes], ends_blank[num_prefixes] = label, blank
            parent[num_prefixes], last[num_prefixes], remaining[num_prefixes] = opened, token, goes_on
            if whole > best_score:
                best, best_score = np.int64(num_prefixes), whole
            num_prefixes += 1
        remaining[opened] = -np.inf
    length = 0
    node = best
    while node > 0:
        length += 1
        node = parent[node]
    found = np.empty(length, np.int64)
    node = best
    while node > 0:
        length -= 1
        found[length] = last[node]
        node = parent[node]
    return found, best_score


forget_if_changed((best_labelling,), (search,))
