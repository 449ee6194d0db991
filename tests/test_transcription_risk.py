import itertools

import editdistance
import numpy as np
import pytest
import torch
from torch import Tensor

from seqlabel import transcription_risk as module
from seqlabel.ctc import Emissions, collapse
from seqlabel.transcription_risk import SMALLEST, _find_advantages, transcription_risk


def scores(*shape: int, seed: int = 1, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def by_enumeration(logits: Tensor, target: list[int]) -> Tensor:
    """The expectation over every path (C to the power of T), as something with a gradient."""
    log_probs = logits.log_softmax(-1)
    total = torch.zeros(())
    for path in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        probability = log_probs[torch.arange(len(logits)), list(path)].sum().exp()
        total = total + probability * editdistance.eval(collapse(path), target)
    return total


@pytest.mark.parametrize("target", [[], [1], [2, 2], [1, 2, 1]])
def test_value_and_gradient_are_those_of_all_paths(
    target: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NUM_PATHS", 20000)
    torch.manual_seed(1)
    logits = scores(4, 3).requires_grad_()
    emissions = Emissions(logits.log_softmax(-1)[None], torch.tensor([4]))
    found = transcription_risk(
        emissions, torch.tensor([target], dtype=torch.long), torch.tensor([len(target)])
    )
    found.sum().backward()
    other = logits.detach().clone().requires_grad_()
    expected = by_enumeration(other, target)
    expected.backward()
    assert found.item() == pytest.approx(expected.item(), abs=0.03)
    torch.testing.assert_close(logits.grad, other.grad, atol=0.01, rtol=0.0)


@pytest.mark.parametrize("seed", range(20))
def test_the_errors_of_each_change_are_those_of_the_changed_path(seed: int) -> None:
    rng = np.random.default_rng(seed)
    num_frames, num_tokens = 9, 4
    paths = rng.integers(num_tokens, size=(num_frames, 3))
    target = rng.integers(1, num_tokens, size=rng.integers(0, 8))
    right = target.tolist()
    probs = rng.dirichlet(np.ones(num_tokens), size=num_frames).astype(np.float32).clip(0.01)
    advantages = np.zeros((num_frames, num_tokens), np.float32)
    mean = _find_advantages(paths, probs, target, advantages)
    assert mean == pytest.approx(
        np.mean([editdistance.eval(collapse(path), right) for path in paths.T.tolist()])
    )
    for frame in range(num_frames):
        costs = np.zeros(num_tokens)
        for path, token in itertools.product(paths.T.tolist(), range(num_tokens)):
            changed = [*path[:frame], token, *path[frame + 1 :]]
            costs[token] += editdistance.eval(collapse(changed), right) / 3
        centred = costs - (probs[frame] * costs).sum() / probs[frame].sum()
        np.testing.assert_allclose(advantages[frame], centred, atol=1e-5)


def test_improbable_tokens_are_left_out_but_their_paths_count() -> None:
    probs = np.array([[0.6, 0.3999, 0.0001], [0.5, 0.3, 0.2]], np.float32)
    assert probs[0, 2] < SMALLEST
    paths, target = np.array([[2, 0], [1, 1]]), np.array([2, 1])
    advantages = np.zeros((2, 3), np.float32)
    assert _find_advantages(paths, probs, target, advantages) == pytest.approx((0 + 1) / 2)
    # The texts are 1 and 1 with any of the two that are tried in the first frame; token 2 would make one right.
    np.testing.assert_allclose(advantages[0], 0.0, atol=1e-6)
    # With the blank, 1 and 2 in the second frame: 1, 0 and 1 errors behind the 2; 2, 1 and 1 behind the blank.
    costs = np.array([1.5, 0.5, 1.0])
    np.testing.assert_allclose(advantages[1], costs - probs[1] @ costs, atol=1e-6)


def sure_of(paths: list[list[int]], num_tokens: int) -> Tensor:
    return torch.nn.functional.one_hot(torch.tensor(paths), num_tokens).double().log()


def test_the_padding_counts_for_nothing() -> None:
    emissions = Emissions(sure_of([[1, 0, 2, 2, 0, 1], [1, 1, 2, 3, 1, 3]], 4), torch.tensor([6, 3]))
    found = transcription_risk(emissions, torch.tensor([[1, 2, 1], [2, 1, 1]]), torch.tensor([3, 1]))
    assert found.tolist() == [0, 1]
    logits = scores(2, 8, 4).requires_grad_()
    emissions = Emissions(logits.log_softmax(-1), torch.tensor([8, 5]))
    transcription_risk(emissions, torch.tensor([[1, 2], [2, 1]]), torch.tensor([2, 1])).sum().backward()
    assert logits.grad is not None
    assert logits.grad[1, 5:].eq(0).all() and logits.grad[1, :5].ne(0).any()


def test_without_frames_every_token_is_missing() -> None:
    emissions = Emissions(torch.zeros(1, 0, 4), torch.tensor([0]))
    assert transcription_risk(emissions, torch.tensor([[1, 2]]), torch.tensor([2])).tolist() == [2]


def test_a_network_that_has_diverged_has_no_number_of_errors() -> None:
    emissions = Emissions(torch.full((2, 3, 4), torch.nan), torch.tensor([3, 2]))
    assert transcription_risk(emissions, torch.tensor([[1], [2]]), torch.tensor([1, 1])).isnan().all()


def test_learning_from_it_makes_the_most_probable_path_right() -> None:
    torch.manual_seed(1)
    target = torch.tensor([[1, 2, 2, 3]])
    logits = scores(1, 12, 4).requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=0.1)
    for _ in range(150):
        optimizer.zero_grad()
        emissions = Emissions(logits.log_softmax(-1), torch.tensor([12]))
        transcription_risk(emissions, target, torch.tensor([4])).sum().backward()
        optimizer.step()
    assert collapse(logits[0].argmax(-1).tolist()) == [1, 2, 2, 3]
    assert transcription_risk(emissions, target, torch.tensor([4])).item() < 0.5
