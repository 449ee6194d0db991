import numpy as np
import pytest

from seqlabel.checks.lengths import LEAST_EXAMPLES, length_outliers, measures_of


def corpus(number: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Lengths that grow with the text, with silence around it and tempos that differ by a fifth."""
    rng = np.random.default_rng(0)
    characters = rng.integers(1, 60, number)
    return (0.5 + 0.07 * characters) * np.exp(0.2 * rng.normal(size=number)), characters


def test_lengths_that_differ_as_people_do_are_no_outliers() -> None:
    seconds, characters = corpus()
    assert length_outliers({"seconds": seconds}, characters) == ("seconds", [])


def test_what_is_far_too_long_or_short_for_its_text_is_found_at_every_length() -> None:
    seconds, characters = corpus()
    chosen = [int(np.flatnonzero(characters == n)[0]) for n in (3, 30, 57)]
    seconds[chosen] *= [6, 1 / 6, 6]
    found = length_outliers({"seconds": seconds}, characters)
    assert found is not None
    assert [index for index, _, _ in found[1]] == sorted(chosen)
    for index, length, usual in found[1]:
        assert length == seconds[index]
        assert 4 < max(length / usual, usual / length) < 10


def test_the_measure_that_goes_best_with_the_texts_is_taken() -> None:
    seconds, characters = corpus()
    loose = seconds * np.exp(np.random.default_rng(1).normal(size=len(seconds)))
    assert length_outliers({"loose": loose, "seconds": seconds}, characters) == ("seconds", [])


def test_texts_of_one_length_are_compared_with_each_other() -> None:
    seconds = np.full(100, 1.0)
    seconds[7] = 9.0
    found = length_outliers({"seconds": seconds}, np.full(100, 4))
    assert found is not None
    assert found[1] == [(7, 9.0, pytest.approx(1.0))]


def test_of_few_examples_nothing_is_said() -> None:
    seconds, characters = corpus(LEAST_EXAMPLES - 1)
    assert length_outliers({"seconds": seconds}, characters) is None


def test_unknown_lengths_are_passed_over() -> None:
    seconds, characters = corpus(100)
    rows = [{"seconds": float(value)} for value in seconds]
    measures = measures_of([None, *rows, {}])
    assert np.isnan(measures["seconds"][[0, -1]]).all()
    assert length_outliers(measures, np.concatenate([[5], characters, [5]])) == ("seconds", [])
