"""Best-path decoding: the most probable token of each frame, collapsed (Graves 2006, section 3.2)."""

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from seqlabel.config import Config, Score
from seqlabel.ctc import Emissions, collapse
from seqlabel.decoders.spans import path_spans, word_spans
from seqlabel.language_model import LanguageModels
from seqlabel.records import Hypothesis
from seqlabel.tokens import BLANK, TokenTable


class GreedyConfig(Config, frozen=True, tag="greedy"):
    """Best-path decoding.

    Attributes:
        blank_penalty: nats by which the blank is less probable in each frame than the network says, for networks that
            leave tokens out; a dev set tells how many. Source: the blank penalty of k2's icefall (2023).
    """

    blank_penalty: Score = 0.0

    def build(self, tokens: TokenTable, models: LanguageModels | None = None) -> "Greedy":
        """Returns the decoder for a token table; a language model has no say."""
        return Greedy(tokens, self.blank_penalty)


class Greedy:
    """Reads the labelling of the single most probable path."""

    def __init__(self, tokens: TokenTable, blank_penalty: float = 0.0) -> None:
        self.tokens = tokens
        self.blank_penalty = blank_penalty

    def __call__(self, emissions: Emissions, n_best: int = 1) -> list[list[Hypothesis]]:
        """Returns one list for each example, holding its best path; the score is that path's log-probability."""
        best, path = self._penalised(emissions.log_probs).max(dim=-1)
        valid = torch.arange(best.shape[1], device=best.device)[None, :] < emissions.lengths[:, None]
        scores = torch.where(valid, best, 0.0).double().sum(dim=1).tolist()
        found = []
        for row, on_path, score, length in zip(
            path.tolist(),
            best.detach().double().cpu().numpy(),
            scores,
            emissions.lengths.tolist(),
            strict=True,
        ):
            labelling = collapse(row[:length])
            spans = path_spans(on_path, row[:length], self.tokens)
            found.append(
                [
                    Hypothesis(
                        text=self.tokens.decode(labelling),
                        token_ids=tuple(labelling),
                        score=score,
                        spans=spans,
                        words=word_spans(spans, self.tokens),
                    )
                ]
            )
        return found

    def weighed(self, rows: Float64[np.ndarray, "T C"]) -> Float64[np.ndarray, "T C"]:
        """Returns the log-probabilities of one example with the penalty of the blank, each frame's sum again 1."""
        penalised: Float64[np.ndarray, "T C"] = self._penalised(torch.from_numpy(rows)).numpy()
        return penalised

    def _penalised(self, log_probs: Float[Tensor, "*N T C"]) -> Float[Tensor, "*N T C"]:
        if not self.blank_penalty:
            return log_probs
        log_probs = log_probs.clone()
        log_probs[..., BLANK] -= self.blank_penalty
        return log_probs.log_softmax(dim=-1)
