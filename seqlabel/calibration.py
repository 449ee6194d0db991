"""How sure a model may be: confidences that come true, and the errors that they let one expect.

What a network emits says too often that it is nearly sure. On the dev set each confidence c is set against whether what
was read there stands in the reference, and the two numbers of Platt scaling are found: the logit of c is divided by a
temperature and moved by a bias. The least confident token of a word makes a word far more hopeful than it is, so that
words have two numbers of their own.

Sources: Platt, "Probabilistic outputs for support vector machines", 1999; Guo et al., "On calibration of modern neural
networks", ICML 2017 (temperature; expected calibration error).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from seqlabel.alignment import CORRECT, DELETED, align_steps
from seqlabel.config import Config, FromZero, Positive
from seqlabel.records import Hypothesis, Span
from seqlabel.tokens import TokenTable

SUREST = 1 - 1e-6
"""Confidences are kept away from 0 and 1, whose logits are infinite."""
PRIOR = 1.0
"""How strongly a scale is held to the one that changes nothing, in observations: a small dev set has few errors."""
NUM_BINS = 10
FEWEST_IN_BIN = 10
_STEPS = 50


class Scale(Config, frozen=True):
    """Turns a confidence c into sigmoid(logit(c) / temperature + bias)."""

    temperature: Positive = 1.0
    bias: float = 0.0

    def __call__(self, confidences: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        """Returns the scaled confidences."""
        if self == Scale():
            return confidences
        return _sigmoid(_logit(confidences) / self.temperature + self.bias)


class Calibration(Config, frozen=True):
    """What the dev set has told of a model's confidences, for the decoder that the model file names.

    Attributes:
        tokens, words: the scales of the confidences of tokens and of words.
        errors_per_doubt: errors there were for each token of doubt, one minus its scaled confidence; above 1 where
            tokens are left out by the reader, of which no confidence tells.
        tokens_per_read: tokens of the references for each token that was read.
    """

    tokens: Scale = Scale()
    words: Scale = Scale()
    errors_per_doubt: FromZero = 1.0
    tokens_per_read: Positive = 1.0

    def applied(self, hypothesis: Hypothesis) -> Hypothesis:
        """Returns a hypothesis whose confidences, as its decoder has told them, are scaled."""
        return replace(
            hypothesis,
            spans=_scaled(hypothesis.spans, self.tokens),
            words=_scaled(hypothesis.words, self.words),
        )

    def expected_errors(self, hypothesis: Hypothesis) -> float:
        """Returns how many tokens are likely to be wrong in a hypothesis with scaled confidences."""
        return self.errors_per_doubt * sum(1 - span.confidence for span in hypothesis.spans)


@dataclass(frozen=True, slots=True)
class Judged:
    """Confidences, and whether what they are of was right."""

    confidences: Float[np.ndarray, " N"]
    is_right: Bool[np.ndarray, " N"]

    def scaled(self, scale: Scale) -> "Judged":
        """Returns the same with scaled confidences."""
        return Judged(scale(self.confidences), self.is_right)

    def __add__(self, other: "Judged") -> "Judged":
        return Judged(
            np.concatenate([self.confidences, other.confidences]),
            np.concatenate([self.is_right, other.is_right]),
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of the tokens and words of a set.

    Attributes:
        tokens, words: those that were read.
        num_errors: wrong tokens, those that were left out among them.
        num_tokens: tokens of the references.
    """

    tokens: Judged
    words: Judged
    num_errors: int
    num_tokens: int

    def __add__(self, other: "Verdict") -> "Verdict":
        return Verdict(
            self.tokens + other.tokens,
            self.words + other.words,
            self.num_errors + other.num_errors,
            self.num_tokens + other.num_tokens,
        )


@dataclass(frozen=True, slots=True)
class Bin:
    """Confidences that lie next to each other: how many, their mean, and the share of them that was right."""

    count: int
    confidence: float
    share_right: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far the confidences of a set came true.

    Attributes:
        tokens, words: in bins, the least confident first; none where there are no confidences.
        expected_error: the share of tokens that is likely to be wrong by confidences alone; None where the model has
            not been calibrated.
    """

    tokens: tuple[Bin, ...]
    words: tuple[Bin, ...]
    expected_error: float | None

    @classmethod
    def of(
        cls,
        tokens: TokenTable,
        references: Sequence[str],
        hypotheses: Sequence[Hypothesis],
        calibration: Calibration | None,
    ) -> "Reliability":
        """Returns that of hypotheses whose confidences are already scaled."""
        verdict = judge(tokens, zip(references, hypotheses, strict=True))
        expected = None if calibration is None else expected_error(calibration, hypotheses)
        return cls(reliability(verdict.tokens), reliability(verdict.words), expected)


def expected_error(calibration: Calibration, hypotheses: Iterable[Hypothesis]) -> float:
    """Returns the error rate that hypotheses with scaled confidences let one expect."""
    errors, count = 0.0, 0
    for hypothesis in hypotheses:
        errors += calibration.expected_errors(hypothesis)
        count += len(hypothesis.spans)
    return errors / max(count * calibration.tokens_per_read, 1.0)


def judge(tokens: TokenTable, pairs: Iterable[tuple[str, Hypothesis]]) -> Verdict:
    """Returns the verdict on hypotheses, each given with its reference.

    What was read is set against the reference by one alignment with the fewest edits; a token or word is right where
    it meets itself there.
    """
    found: tuple[list[float], list[float]] = ([], [])
    is_right: tuple[list[bool], list[bool]] = ([], [])
    num_errors = num_tokens = 0
    for reference, hypothesis in pairs:
        sides = (tokens.split(reference), hypothesis.spans), (reference.split(), hypothesis.words)
        for place, (told, spans) in enumerate(sides):
            steps = align_steps(told, [span.text for span in spans])
            found[place].extend(span.confidence for span in spans)
            is_right[place].extend(step == CORRECT for step in steps if step != DELETED)
            if place == 0:
                num_errors += sum(step != CORRECT for step in steps)
                num_tokens += len(told)
    of_tokens, of_words = (
        Judged(np.array(confidences, np.float64), np.array(right, bool))
        for confidences, right in zip(found, is_right, strict=True)
    )
    return Verdict(of_tokens, of_words, num_errors, num_tokens)


def calibrate(verdict: Verdict) -> Calibration:
    """Returns the calibration with which the confidences of a dev set come true most nearly."""
    tokens, words = fit(verdict.tokens), fit(verdict.words)
    doubt = float((1 - tokens(verdict.tokens.confidences)).sum())
    per_doubt = verdict.num_errors / doubt if doubt > 0 else 1.0
    num_read = len(verdict.tokens.is_right)
    per_read = verdict.num_tokens / num_read if num_read and verdict.num_tokens else 1.0
    return Calibration(tokens=tokens, words=words, errors_per_doubt=per_doubt, tokens_per_read=per_read)


def fit(judged: Judged) -> Scale:
    """Returns the scale of the greatest likelihood, drawn a little towards the one that changes nothing.

    Newton's method for a logistic regression with the slope 1 / temperature and the bias; the slope stays above 0.05.
    """
    logits = _logit(judged.confidences)
    at = np.array([1.0, 0.0])
    for _ in range(_STEPS):
        found = _sigmoid(logits * at[0] + at[1])
        wrong_by, weight = found - judged.is_right, found * (1 - found)
        gradient = np.array([(wrong_by * logits).sum(), wrong_by.sum()]) + PRIOR * (at - [1.0, 0.0])
        mixed = (weight * logits).sum()
        curvature = np.array([[(weight * logits**2).sum(), mixed], [mixed, weight.sum()]]) + PRIOR * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        at = at - step * min(1.0, 1.0 / float(np.abs(step).max() + 1e-12))
        at[0] = max(at[0], 0.05)
        if float(np.abs(step).max()) < 1e-9:
            break
    return Scale(temperature=float(1 / at[0]), bias=float(at[1]))


def reliability(judged: Judged) -> tuple[Bin, ...]:
    """Returns bins of about equally many confidences each, the least confident first."""
    count = len(judged.confidences)
    if not count:
        return ()
    order = np.argsort(judged.confidences, kind="stable")
    parts = np.array_split(order, max(1, min(NUM_BINS, count // FEWEST_IN_BIN)))
    return tuple(
        Bin(len(part), float(judged.confidences[part].mean()), float(judged.is_right[part].mean()))
        for part in parts
    )


def calibration_error(bins: Sequence[Bin]) -> float:
    """Returns the expected calibration error: how far confidence and share of right are apart, over all (Guo 2017)."""
    total = sum(found.count for found in bins)
    return sum(found.count * abs(found.confidence - found.share_right) for found in bins) / max(total, 1)


def _scaled(spans: tuple[Span, ...], scale: Scale) -> tuple[Span, ...]:
    if not spans:
        return ()
    scaled = scale(np.array([span.confidence for span in spans], np.float64)).tolist()
    return tuple(replace(span, confidence=found) for span, found in zip(spans, scaled, strict=True))


def _logit(confidences: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
    kept = np.clip(confidences, 1 - SUREST, SUREST)
    logits: Float[np.ndarray, " N"] = np.log(kept) - np.log1p(-kept)
    return logits


def _sigmoid(logits: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
    found: Float[np.ndarray, " N"] = 1 / (1 + np.exp(-logits))
    return found
