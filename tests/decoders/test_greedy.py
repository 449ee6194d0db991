import itertools

import pytest
import torch

from seqlabel.ctc import Emissions, collapse
from seqlabel.decoders import GreedyConfig
from seqlabel.tokens import TokenTable


def emissions_along(path: list[int], num_tokens: int) -> Emissions:
    """Emissions whose most probable path is the given one, 0.6 in every frame."""
    probabilities = torch.full((1, len(path), num_tokens), 0.4 / (num_tokens - 1))
    probabilities[0, torch.arange(len(path)), torch.tensor(path)] = 0.6
    return Emissions(probabilities.log(), torch.tensor([len(path)]))


def test_the_best_path_is_collapsed() -> None:
    greedy = GreedyConfig().build(TokenTable.from_texts(["ab"]))
    [[hypothesis]] = greedy(emissions_along([0, 1, 1, 0, 1, 2, 2, 0], 3))
    assert hypothesis.text == "aab"
    assert hypothesis.token_ids == (1, 1, 2)


def test_words_are_joined_by_spaces() -> None:
    greedy = GreedyConfig().build(TokenTable.from_texts(["one two"], unit="word"))
    [[hypothesis]] = greedy(emissions_along([1, 0, 2, 2, 1], 3))
    assert hypothesis.text == "one two one"


def test_the_score_is_the_log_probability_of_the_path() -> None:
    greedy = GreedyConfig().build(TokenTable.from_texts(["ab"]))
    [[hypothesis]] = greedy(emissions_along([0, 1, 2, 2], 3))
    assert hypothesis.score == pytest.approx(4 * float(torch.tensor(0.6).log()), rel=1e-6)


def test_it_is_the_best_of_all_paths() -> None:
    log_probs = torch.randn(1, 4, 3, generator=torch.manual_seed(2)).log_softmax(-1)
    paths = list(itertools.product(range(3), repeat=4))
    scores = [float(log_probs[0, torch.arange(4), list(path)].sum()) for path in paths]
    best = max(range(len(paths)), key=scores.__getitem__)
    [[hypothesis]] = GreedyConfig().build(TokenTable.from_texts(["ab"]))(
        Emissions(log_probs, torch.tensor([4]))
    )
    assert hypothesis.token_ids == tuple(collapse(paths[best]))
    assert hypothesis.score == pytest.approx(scores[best], rel=1e-6)


def test_a_penalty_of_the_blank_lets_tokens_be_read_that_came_second() -> None:
    probabilities = torch.tensor([[[0.5, 0.3, 0.2], [0.9, 0.06, 0.04], [0.1, 0.1, 0.8]]])
    emissions = Emissions(probabilities.log(), torch.tensor([3]))
    tokens = TokenTable.from_texts(["ab"])
    assert GreedyConfig().build(tokens)(emissions)[0][0].text == "b"
    [[found]] = GreedyConfig(blank_penalty=1.0).build(tokens)(emissions)
    assert found.text == "ab"
    # The blank has exp(-1) of its share, and all shares of a frame are brought to 1 again.
    blank = 0.5 * float(torch.tensor(-1.0).exp())
    assert found.spans[0].confidence == pytest.approx(0.3 / (0.3 + 0.2 + blank), rel=1e-5)
    assert emissions.log_probs.exp().sum().item() == pytest.approx(3, rel=1e-5)


def test_a_penalty_is_the_same_in_any_batch() -> None:
    log_probs = torch.randn(3, 6, 4, generator=torch.manual_seed(5)).log_softmax(-1)
    lengths = torch.tensor([6, 4, 2])
    greedy = GreedyConfig(blank_penalty=0.7).build(TokenTable.from_texts(["abc"]))
    together = greedy(Emissions(log_probs, lengths))
    for row, length in enumerate(lengths.tolist()):
        [[alone]] = greedy(Emissions(log_probs[row : row + 1, :length], lengths[row : row + 1]))
        assert alone == together[row][0]
