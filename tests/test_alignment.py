import random

import jiwer
from hypothesis import given
from hypothesis import strategies as st

from seqlabel.alignment import align, align_steps
from seqlabel.metrics import count_errors

texts = st.text(alphabet="abc", max_size=12)


@given(texts, texts)
def test_an_alignment_holds_both_texts_in_order(reference: str, hypothesis: str) -> None:
    pairs = align(reference, hypothesis)
    assert "".join(ours for ours, _ in pairs if ours is not None) == reference
    assert "".join(theirs for _, theirs in pairs if theirs is not None) == hypothesis


@given(texts, texts)
def test_an_alignment_has_as_many_edits_as_are_counted(reference: str, hypothesis: str) -> None:
    steps, counts = align_steps(reference, hypothesis), count_errors(reference, hypothesis)
    assert [steps.count(step) for step in "SDI"] == [
        counts.substitutions,
        counts.deletions,
        counts.insertions,
    ]


@given(texts, texts)
def test_symbols_that_are_called_correct_are_the_same(reference: str, hypothesis: str) -> None:
    for step, (ours, theirs) in zip(
        align_steps(reference, hypothesis), align(reference, hypothesis), strict=True
    ):
        assert (step == "C") == (ours == theirs)


def test_words_are_aligned_as_jiwer_aligns_them() -> None:
    generator = random.Random(3)
    for _ in range(300):
        reference, hypothesis = (
            [generator.choice("abcd") for _ in range(generator.randint(1, 12))] for _ in "12"
        )
        chunks = jiwer.process_words(" ".join(reference), " ".join(hypothesis)).alignments[0]
        expected = "".join(
            {"equal": "C", "substitute": "S", "delete": "D", "insert": "I"}[chunk.type]
            * max(chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx)
            for chunk in chunks
        )
        assert align_steps(reference, hypothesis) == expected, (reference, hypothesis)


def test_nothing_is_aligned_with_nothing() -> None:
    assert align("", "") == []
    assert align("ab", "") == [("a", None), ("b", None)]
    assert align("", "ab") == [(None, "a"), (None, "b")]
