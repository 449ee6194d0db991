import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from seqlabel.errors import ConfigError, FormatError
from seqlabel.language_model import NgramModel, corpus, estimate, prune, read_arpa, units, write_arpa
from seqlabel.language_model.kneser_ney import discounts_of
from tests.language_model.reference import KneserNeyReference, histories

WORDS = ["the", "old", "man", "saw", "a", "dog", "and", "who", "cat", "it"]


def sentences(num: int = 150, seed: int = 1) -> list[list[str]]:
    """Lines with few frequent words and many rare ones, so that every discount exists."""
    rng = np.random.default_rng(seed)
    named = [*WORDS, *(f"w{i}" for i in range(800))]
    share = 1.0 / np.arange(1, len(named) + 1)
    share /= share.sum()
    lines = []
    for length in rng.integers(1, 8, num).tolist():
        line = [int(rng.choice(len(named), p=share))]
        while len(line) < length:  # what follows depends on the word before
            line.append((7 * line[-1] + int(rng.choice(len(named), p=share))) % len(named))
        lines.append([named[i] for i in line])
    return lines


def model_of(lines: list[list[str]], order: int, cutoffs: tuple[int, ...] = ()) -> NgramModel:
    return estimate(corpus([" ".join(line) for line in lines], "word"), order, cutoffs).model


def state_after(model: NgramModel, history: tuple[str, ...]) -> int:
    state = 0
    for word in history:
        state = model.automaton.step(state, model.ids[word])[1]
    return state


def total_after(model: NgramModel, history: tuple[str, ...]) -> float:
    state = state_after(model, history)
    return sum(
        math.exp(model.automaton.step(state, id_)[0]) for id_, word in enumerate(model.words) if word != "<s>"
    )


@pytest.mark.parametrize("cutoffs", [(0,), (0, 0), (0, 0, 0), (0, 1, 2), (0, 2, 2)])
def test_probabilities_are_those_of_the_formulas(cutoffs: tuple[int, ...]) -> None:
    lines, order = sentences(400), len(cutoffs)
    found = estimate(corpus([" ".join(line) for line in lines], "word"), order, cutoffs)
    reference = KneserNeyReference(lines, order, cutoffs)
    assert None not in found.discounts
    for line in lines[:25]:
        padded = ["<s>", *line, "</s>"]
        wanted = []
        for i in range(1, len(padded)):
            history = tuple(padded[max(0, i - order + 1) : i])
            wanted.append(math.log(reference.probability(history, padded[i])))
        np.testing.assert_allclose(found.model.log_probs(line), wanted, rtol=1e-5)


def test_a_hand_computed_unigram_model() -> None:
    # a 4 times, b 3, c 2, d 1, </s> 5: N1..N4 = 1, 1, 1, 1, Y = 1/3, D = 1/3, 1, 5/3, V = 6 with <unk>.
    model = model_of([["a", "a", "b"], ["a", "b", "c"], ["a", "b"], ["c"], ["d"]], 1)
    left = (1 / 3 + 1 + 3 * 5 / 3) / 15
    expected = {
        "a": (4 - 5 / 3) / 15,
        "d": (1 - 1 / 3) / 15,
        "c": 1 / 15,
        "<unk>": 0.0,
        "</s>": (5 - 5 / 3) / 15,
    }
    for word, own in expected.items():
        assert math.exp(model.automaton.step(0, model.ids[word])[0]) == pytest.approx(
            own + left / 6, rel=1e-6
        )


@pytest.mark.parametrize("cutoffs", [(), (0, 1), (0, 0, 1, 2)])
def test_every_history_sums_to_one(cutoffs: tuple[int, ...]) -> None:
    model = model_of(sentences(), 4, cutoffs)
    known = [*WORDS[:5], "w3", "<s>"]
    for history in histories(known, 3)[::7]:
        assert total_after(model, history) == pytest.approx(1.0, abs=1e-5)


def test_a_pruned_model_is_smaller_sums_to_one_and_loses_little() -> None:
    lines = sentences(400)
    whole = model_of(lines, 4)
    pruned = prune(whole, 3e-5)
    assert sum(map(len, pruned.orders)) < 0.9 * sum(map(len, whole.orders))
    for history in histories([*WORDS[:4], "w3", "<s>"], 3)[::5]:
        assert total_after(pruned, history) == pytest.approx(1.0, abs=1e-4)
    unseen = sentences(100, seed=2)
    before, after = (model.perplexity(unseen).including_unknown for model in (whole, pruned))
    assert after < 1.1 * before


def test_pruning_by_nothing_changes_nothing() -> None:
    whole = model_of(sentences(), 3)
    pruned = prune(whole, -1.0)
    for line in sentences(20, seed=2):
        np.testing.assert_allclose(pruned.log_probs(line), whole.log_probs(line), atol=1e-4)


def test_a_tiny_text_falls_back_to_witten_bell_and_still_sums_to_one() -> None:
    found = estimate(corpus(["ab", "ac"], "char"), 3)
    assert found.discounts[2] is None
    for history in histories(["a", "b", "c", "<s>"], 2):
        assert total_after(found.model, history) == pytest.approx(1.0, abs=1e-5)


def test_witten_bell_is_what_the_formula_says() -> None:
    # One sentence "a": unigrams a and </s> once each, so (1 + 2 * 1/3) / (2 + 2) for three kinds of words.
    model = model_of([["a"]], 1)
    assert math.exp(model.automaton.step(0, model.ids["a"])[0]) == pytest.approx((1 + 2 / 3) / 4)
    assert math.exp(model.automaton.step(0, model.ids["<unk>"])[0]) == pytest.approx((2 / 3) / 4)


def test_discounts_outside_their_range_are_refused() -> None:
    assert discounts_of(np.array([1, 1, 1, 2, 3])) is not None
    assert discounts_of(np.array([1] * 10 + [2] + [3] * 10)) is None
    assert discounts_of(np.array([1, 1, 1])) is None


def test_characters_of_texts_have_a_named_space() -> None:
    assert units("a  bé", "char") == ["a", "<space>", "b", "é"]
    model = estimate(corpus(["ab ab\nba"], "char"), 2).model
    assert model.words == ("<unk>", "<s>", "</s>", "<space>", "a", "b")


def test_graphemes_of_texts_are_words_of_a_model() -> None:
    assert units("q\u0307a  b", "grapheme") == ["q\u0307", "a", "<space>", "b"]
    assert units("a \u0301b", "grapheme") == ["a", "<space>", "\u0301", "b"]  # a mark takes no space along
    model = estimate(corpus(["q\u0307b b\nbq"], "grapheme"), 2).model
    assert model.words == ("<unk>", "<s>", "</s>", "<space>", "b", "q", "q\u0307")


def test_texts_are_counted_in_the_form_that_is_asked_for() -> None:
    assert units("\u00e9", "char", "NFD") == ["e", "\u0301"]
    assert units("e\u0301\u00e9", "char", None) == ["e", "\u0301", "\u00e9"]
    assert corpus(["\u00e9"], "char", "NFD").words[3:] == ("e", "\u0301")


def test_texts_without_words_and_reserved_words_are_refused() -> None:
    with pytest.raises(FormatError, match="empty"):
        corpus([" \n"], "word")
    with pytest.raises(FormatError, match="'</s>'"):
        corpus(["a </s> b"], "word")
    with pytest.raises(ConfigError, match="cut-offs"):
        model_of(sentences(), 3, (0, 2, 1))


def test_a_model_written_and_read_again_is_the_same(tmp_path: Path) -> None:
    model = model_of(sentences(), 3)
    for name in ("model.arpa", "model.arpa.gz"):
        write_arpa(tmp_path / name, model)
        again = read_arpa(tmp_path / name)
        assert again.words == model.words
        for line in sentences(20, seed=2):
            np.testing.assert_allclose(again.log_probs(line), model.log_probs(line), rtol=1e-5, atol=1e-5)
    again = NgramModel.from_arrays(model.words, model.arrays())
    assert all(
        np.array_equal(model.log_probs(line), again.log_probs(line))
        for line in itertools.islice(sentences(), 9)
    )


def test_unknown_words_are_counted_apart() -> None:
    model = model_of(sentences(), 2)
    found = model.perplexity([["the", "zebra"], ["<unk>"]])
    assert (found.num_words, found.num_unknown, found.num_sentences) == (5, 2, 2)
    assert found.excluding_unknown != found.including_unknown
