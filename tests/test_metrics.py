import json
import random
import unicodedata
from collections.abc import Sequence

import editdistance
import jiwer
import pytest
import regex

from seqlabel.metrics import ErrorCounts, count_errors, fold, score


def _random_text(generator: random.Random, alphabet: str, longest: int) -> str:
    return "".join(generator.choice(alphabet) for _ in range(generator.randint(1, longest)))


def _damaged(generator: random.Random, text: str, alphabet: str) -> str:
    symbols = list(text)
    for _ in range(generator.randint(0, 6)):
        place = generator.randint(0, len(symbols))
        symbols[place : place + generator.randint(0, 2)] = generator.choices(
            alphabet, k=generator.randint(0, 2)
        )
    return "".join(symbols)


def _random_pairs(seed: int, alphabet: str, longest: int, number: int) -> list[tuple[str, str]]:
    """Half of them unrelated texts, half damaged copies."""
    generator = random.Random(seed)
    pairs = []
    for index in range(number):
        reference = _random_text(generator, alphabet, longest)
        if index % 2:
            pairs.append((reference, _random_text(generator, alphabet, longest)))
        else:
            pairs.append((reference, _damaged(generator, reference, alphabet)))
    return pairs


@pytest.mark.parametrize(("alphabet", "longest"), [("ab", 6), ("abc", 12), ("abcdefgh", 90), ("aé漢😀", 20)])
def test_characters_are_counted_as_jiwer_counts_them(alphabet: str, longest: int) -> None:
    for reference, hypothesis in _random_pairs(1, alphabet, longest, 400):
        expected = jiwer.process_characters(reference, hypothesis)
        counted = count_errors(reference, hypothesis)
        assert (counted.substitutions, counted.deletions, counted.insertions) == (
            expected.substitutions,
            expected.deletions,
            expected.insertions,
        ), (reference, hypothesis)


def test_words_are_counted_as_jiwer_counts_them() -> None:
    pairs = [pair for pair in _random_pairs(2, "ab  c", 40, 400) if pair[0].strip()]
    expected = jiwer.process_words(
        [reference for reference, _ in pairs], [hypothesis for _, hypothesis in pairs]
    )
    assert score(pairs).words == ErrorCounts(
        expected.substitutions,
        expected.deletions,
        expected.insertions,
        expected.hits + expected.substitutions + expected.deletions,
    )


@pytest.mark.parametrize("alphabet", ["a", "ab", "abcdefghijklm "])
def test_the_three_kinds_add_up_to_the_edit_distance(alphabet: str) -> None:
    for reference, hypothesis in _random_pairs(3, alphabet, 70, 500):
        counted = count_errors(reference, hypothesis)
        assert counted.errors == editdistance.eval(reference, hypothesis)
        assert counted.deletions - counted.insertions == len(reference) - len(hypothesis)


def test_rates_of_a_set_are_jiwers() -> None:
    pairs = [
        (f"x{reference}", f"x{hypothesis}") for reference, hypothesis in _random_pairs(4, "ab c", 30, 200)
    ]
    # jiwer strips white space at the ends; here it counts, so there must be none.
    pairs = [(f"{reference}x", f"{hypothesis}x") for reference, hypothesis in pairs]
    references, hypotheses = [reference for reference, _ in pairs], [hypothesis for _, hypothesis in pairs]
    rates = score(pairs)
    assert rates.cer == pytest.approx(jiwer.cer(references, hypotheses), abs=1e-12)
    assert rates.wer == pytest.approx(jiwer.wer(references, hypotheses), abs=1e-12)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "counts", "rate"),
    [
        ("abc", "abc", ErrorCounts(0, 0, 0, 3), 0.0),
        ("abc", "axc", ErrorCounts(1, 0, 0, 3), 1 / 3),
        ("abc", "ac", ErrorCounts(0, 1, 0, 3), 1 / 3),
        ("abc", "abbbbbc", ErrorCounts(0, 0, 4, 3), 4 / 3),
        ("abc", "", ErrorCounts(0, 3, 0, 3), 1.0),
        ("", "", ErrorCounts(0, 0, 0, 0), 0.0),
        ("", "ab", ErrorCounts(0, 0, 2, 0), float("inf")),
    ],
)
def test_counts_and_rates_of_small_cases(
    reference: str, hypothesis: str, counts: ErrorCounts, rate: float
) -> None:
    assert count_errors(reference, hypothesis) == counts
    assert counts.rate == rate


@pytest.mark.parametrize(
    ("reference", "hypothesis"), [([1, 2, 3], [1, 3]), (("ah", "b"), ("ah", "p")), ([None, 1], [1, None, 2])]
)
def test_any_symbols_can_be_counted(reference: Sequence[int], hypothesis: Sequence[int]) -> None:
    assert count_errors(reference, hypothesis).errors == editdistance.eval(reference, hypothesis)


def test_rates_come_from_summed_counts_and_not_from_averages() -> None:
    rates = score([("a", "b"), ("abcdefghi", "abcdefghi")])
    assert rates.cer == 0.1
    assert rates.ser == 0.5


def test_an_empty_reference_in_a_set_adds_its_insertions() -> None:
    rates = score([("", "xy"), ("abcd", "abcd")])
    assert rates.cer == 0.5
    assert rates.wer == 1.0


def test_spaces_count_as_characters() -> None:
    rates = score([("a b", "ab")])
    assert rates.characters == ErrorCounts(0, 1, 0, 3)
    assert rates.words == ErrorCounts(1, 1, 0, 2)


def test_case_and_punctuation_count() -> None:
    assert score([("Yes.", "yes")]).characters.errors == 2


def test_texts_are_compared_in_nfc() -> None:
    rates = score([("caf\u00e9", "cafe\u0301")])
    assert (rates.cer, rates.wer, rates.ser) == (0.0, 0.0, 0.0)
    assert rates.characters.reference_length == 4


def test_nothing_to_score_has_no_errors() -> None:
    rates = score([])
    assert (rates.cer, rates.wer, rates.ser, rates.num_examples) == (0.0, 0.0, 0.0, 0)


def test_json_has_fractions_and_the_counts_of_characters_and_words() -> None:
    assert score([("one two", "one too"), ("six", "six")]).as_json() == {
        "cer": 0.1,
        "wer": 1 / 3,
        "ser": 0.5,
        "num_examples": 2,
        "substitutions": 1,
        "deletions": 0,
        "insertions": 0,
        "reference_length": 10,
        "words": {"substitutions": 1, "deletions": 0, "insertions": 0, "reference_length": 3},
    }


def test_an_infinite_rate_is_null_in_json() -> None:
    assert json.loads(json.dumps(score([("", "ab")]).as_json(), allow_nan=False))["cer"] is None


def test_rates_read_as_per_cent() -> None:
    assert str(score([("one two", "one too"), ("six", "six")])) == (
        "CER 10.00 %  WER 33.33 %  SER 50.00 %  (2 lines)"
    )


def test_folded_words_count_as_others_or_not_at_all() -> None:
    folding = {"cl": "sil", "zh": "sh", "q": None, "caf\u00e9": "bar"}
    assert fold("sil cl  zh q iy", folding) == "sil sil sh iy"
    assert fold("cafe\u0301", folding) == "bar"
    assert fold("q q", folding) == ""


@pytest.mark.parametrize(
    "alphabet", ["ab\u0301\u0307 ", "\u05d0\u05b8\u05d1\u05bc\u05c1 ", "\u0915\u093f\u094d\u0937"]
)
def test_graphemes_are_counted_like_the_clusters_of_another_program(alphabet: str) -> None:
    pairs = _random_pairs(3, alphabet, 30, 200)
    distances = total = 0
    for reference, hypothesis in pairs:
        clusters = [
            regex.findall(r"\X", unicodedata.normalize("NFC", text)) for text in (reference, hypothesis)
        ]
        distances += editdistance.eval(*clusters)
        total += len(clusters[0])
    rates = score(pairs, "grapheme")
    assert (rates.characters.errors, rates.characters.reference_length) == (distances, total)
    assert rates.characters != score(pairs).characters


def test_graphemes_are_said_in_json_and_words_stay_as_they_are() -> None:
    pairs = [("q\u0307\u0323 a", "q a"), ("b", "b")]
    by_grapheme, by_character = score(pairs, "grapheme"), score(pairs)
    assert by_grapheme.as_json()["unit"] == "grapheme"
    assert "unit" not in by_character.as_json()
    assert (by_grapheme.characters.errors, by_grapheme.cer) == (1, 0.25)
    assert (by_character.characters.errors, by_character.cer) == (2, 2 / 6)
    assert by_grapheme.words == by_character.words
    assert by_grapheme.num_wrong == by_character.num_wrong == 1
