import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlabel.calibration import (
    Calibration,
    Judged,
    Reliability,
    Scale,
    calibrate,
    calibration_error,
    expected_error,
    fit,
    judge,
    reliability,
)
from seqlabel.records import Hypothesis, Span
from seqlabel.tokens import TokenTable

TOKENS = TokenTable.from_texts(["abc d"])


def read(text: str, confidences: list[float], words: list[float] | None = None) -> Hypothesis:
    spans = tuple(
        Span(text=letter, start_frame=place, end_frame=place + 1, confidence=confidence)
        for place, (letter, confidence) in enumerate(zip(text, confidences, strict=True))
    )
    of_words = tuple(
        Span(text=word, start_frame=0, end_frame=1, confidence=confidence)
        for word, confidence in zip(text.split(), words or [0.5] * len(text.split()), strict=True)
    )
    return Hypothesis(text=text, token_ids=tuple(TOKENS.encode(text)), score=0.0, spans=spans, words=of_words)


def drawn(slope: float, bias: float, count: int = 20_000) -> Judged:
    """Confidences whose truth is known: right with probability sigmoid(slope * logit + bias)."""
    rng = np.random.default_rng(1)
    logits = rng.normal(1.5, 1.5, count)
    truth = 1 / (1 + np.exp(-(slope * logits + bias)))
    return Judged(1 / (1 + np.exp(-logits)), rng.random(count) < truth)


def test_a_token_is_right_where_it_meets_itself_in_the_alignment() -> None:
    verdict = judge(TOKENS, [("ab d", read("abc", [0.9, 0.8, 0.3])), ("d", read("d", [0.7], [0.6]))])
    assert verdict.tokens.is_right.tolist() == [True, True, False, True]
    assert verdict.tokens.confidences.tolist() == [0.9, 0.8, 0.3, 0.7]
    assert verdict.words.is_right.tolist() == [False, True]
    assert verdict.num_errors == 2  # a space left out, c for d


def test_what_the_table_does_not_know_in_a_reference_is_an_error() -> None:
    assert judge(TOKENS, [("aß", read("ab", [0.9, 0.9]))]).tokens.is_right.tolist() == [True, False]


def test_an_empty_reading_counts_what_it_left_out() -> None:
    verdict = judge(TOKENS, [("abc", read("", []))])
    assert (len(verdict.tokens.is_right), verdict.num_errors) == (0, 3)
    assert calibrate(verdict) == Calibration()


@pytest.mark.parametrize(("slope", "bias"), [(1.0, 0.0), (0.5, -0.7), (0.8, 0.4), (1.6, -1.0)])
def test_a_known_distortion_is_found(slope: float, bias: float) -> None:
    found = fit(drawn(slope, bias))
    assert 1 / found.temperature == pytest.approx(slope, abs=0.05)
    assert found.bias == pytest.approx(bias, abs=0.06)


def test_scaled_confidences_come_true() -> None:
    judged = drawn(0.5, -0.7)
    scaled = judged.scaled(fit(judged))
    assert calibration_error(reliability(judged)) > 0.1
    assert calibration_error(reliability(scaled)) < 0.015
    assert np.argsort(scaled.confidences).tolist() == np.argsort(judged.confidences).tolist()


@given(
    st.lists(st.tuples(st.floats(0, 1, allow_subnormal=False), st.booleans()), max_size=30),
)
def test_no_dev_set_is_too_small_or_too_odd(rows: list[tuple[float, bool]]) -> None:
    judged = Judged(np.array([row[0] for row in rows], float), np.array([row[1] for row in rows], bool))
    scale = fit(judged)
    assert np.isfinite([scale.temperature, scale.bias]).all()
    scaled = scale(np.linspace(0, 1, 11))
    assert ((scaled >= 0) & (scaled <= 1)).all()
    assert (np.diff(scaled) >= 0).all()


def test_the_scale_that_changes_nothing_changes_nothing() -> None:
    assert Scale()(np.array([0.0, 0.3, 1.0])).tolist() == [0.0, 0.3, 1.0]


def test_bins_hold_everything_in_order() -> None:
    bins = reliability(drawn(1.0, 0.0, 995))
    assert (sum(found.count for found in bins), len(bins)) == (995, 10)
    assert [found.confidence for found in bins] == sorted(found.confidence for found in bins)
    assert reliability(Judged(np.empty(0), np.empty(0, bool))) == ()


def test_the_calibration_error_by_hand() -> None:
    judged = Judged(np.array([0.2] * 10 + [0.9] * 10), np.array([False] * 10 + [True] * 8 + [False] * 2))
    # 10 of 20 are 0.2 off, 10 of 20 are 0.1 off.
    assert calibration_error(reliability(judged)) == pytest.approx(0.15)


def test_the_errors_expected_are_those_of_the_set_that_was_learnt_from() -> None:
    pairs = [
        ("abc", read("abc", [0.9, 0.5, 0.95])),
        ("ab", read("a", [0.6])),
        ("cab", read("cbb", [0.9] * 3)),
    ]
    found = calibrate(judge(TOKENS, pairs))
    hypotheses = [found.applied(hypothesis) for _, hypothesis in pairs]
    assert sum(map(found.expected_errors, hypotheses)) == pytest.approx(2)
    assert expected_error(found, hypotheses) == pytest.approx(2 / 8)  # 8 tokens stand there, 7 are read
    told = Reliability.of(TOKENS, [text for text, _ in pairs], hypotheses, found)
    assert told.expected_error == pytest.approx(2 / 8)
    assert Reliability.of(TOKENS, ["a"], [read("a", [0.5])], None).expected_error is None
