import itertools
import math

import pytest
import torch
from torch import Tensor

from seqlabel.ctc import (
    Emissions,
    align,
    collapse,
    ctc_loss,
    disagreement,
    distance_from_uniform,
    log_likelihood,
    required_frames,
    runs,
)
from seqlabel.tokens import BLANK


def log_probs(*shape: int, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (2 * torch.randn(*shape, generator=generator, dtype=torch.float64)).log_softmax(-1)


def merged(path: tuple[int, ...]) -> list[int]:
    """Graves 2006, section 3.1, in other words than `collapse`: one symbol of each run, blanks left out."""
    return [token for token, _ in itertools.groupby(path) if token != 0]


def loss_by_enumeration(frames: Tensor, target: list[int]) -> Tensor:
    """Minus the logarithm of the sum over every path (C to the power of T) that reads as the target."""
    paths = [
        path
        for path in itertools.product(range(frames.shape[1]), repeat=len(frames))
        if merged(path) == target
    ]
    if not paths:
        return torch.tensor(torch.inf, dtype=frames.dtype)
    each = torch.stack([frames[torch.arange(len(frames)), list(path)].sum() for path in paths])
    return -torch.logsumexp(each, dim=0)


def loss_of(frames: Tensor, target: list[int]) -> Tensor:
    """The loss of one example, alone."""
    emissions = Emissions(frames[None], torch.tensor([len(frames)]))
    targets = torch.tensor([target], dtype=torch.long)
    return ctc_loss(emissions, targets, torch.tensor([len(target)]))[0]


TARGETS = [list(target) for length in range(4) for target in itertools.product(range(1, 3), repeat=length)]


@pytest.mark.parametrize("num_frames", [1, 2, 4, 5])
def test_the_loss_is_that_of_all_paths_enumerated(num_frames: int) -> None:
    frames = log_probs(num_frames, 3)
    for target in TARGETS:
        expected = loss_by_enumeration(frames, target).float()
        torch.testing.assert_close(loss_of(frames, target), expected, rtol=1e-5, atol=1e-5)


def test_the_probabilities_of_all_labellings_sum_to_one() -> None:
    frames = log_probs(4, 3)
    labellings = {tuple(merged(path)) for path in itertools.product(range(3), repeat=4)}
    total = sum(torch.exp(-loss_of(frames, list(labelling))) for labelling in labellings)
    assert float(total) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("target", [[], [1], [1, 1], [1, 2, 1]])
def test_the_gradient_is_that_of_all_paths_enumerated(target: list[int]) -> None:
    activations = log_probs(5, 3)
    gradients = []
    for loss in (loss_of, loss_by_enumeration):
        x = activations.clone().requires_grad_()
        loss(x.log_softmax(-1), target).backward()
        gradients.append(x.grad)
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-5)


def test_a_batch_of_different_lengths_agrees_with_pytorch() -> None:
    lengths, target_lengths = torch.tensor([20, 13, 7]), torch.tensor([6, 3, 0])
    frames, targets = log_probs(3, 20, 5).float(), torch.randint(1, 5, (3, 6), generator=torch.manual_seed(3))
    expected = torch.nn.functional.ctc_loss(
        frames.transpose(0, 1), targets, lengths, target_lengths, blank=0, reduction="none"
    )
    torch.testing.assert_close(ctc_loss(Emissions(frames, lengths), targets, target_lengths), expected)


def test_an_example_has_the_same_loss_in_a_batch_as_alone() -> None:
    frames = log_probs(3, 9, 4)
    lengths, targets = [9, 4, 6], [[1, 2, 3], [2], [3, 3]]
    padded = torch.tensor([[1, 2, 3], [2, 0, 0], [3, 3, 0]])
    found = ctc_loss(Emissions(frames, torch.tensor(lengths)), padded, torch.tensor([3, 1, 2]))
    alone = [loss_of(frames[i, : lengths[i]], targets[i]) for i in range(3)]
    torch.testing.assert_close(found, torch.stack(alone))


def test_what_stands_in_the_padding_changes_neither_loss_nor_gradient() -> None:
    lengths, target_lengths = torch.tensor([8, 5]), torch.tensor([3, 2])
    results = []
    for emission_padding, target_padding in ((0.0, 0), (-7.5, 3), (torch.inf, 1)):
        frames = log_probs(2, 8, 4)
        frames[1, 5:] = emission_padding
        frames.requires_grad_()
        targets = torch.tensor([[1, 2, 3], [2, 2, target_padding]])
        losses = ctc_loss(Emissions(frames, lengths), targets, target_lengths)
        losses.sum().backward()
        results.append((losses.detach(), frames.grad))
    for losses, gradient in results[1:]:
        assert torch.equal(losses, results[0][0])
        assert torch.equal(gradient, results[0][1])


def test_frames_of_the_padding_get_no_gradient() -> None:
    frames = log_probs(1, 6, 3).requires_grad_()
    ctc_loss(Emissions(frames, torch.tensor([4])), torch.tensor([[1]]), torch.tensor([1])).sum().backward()
    assert frames.grad is not None
    assert (frames.grad[0, 4:] == 0).all()
    assert (frames.grad[0, :4] != 0).any()


@pytest.mark.parametrize("target", [[1, 2, 1], [1, 1], [2, 2, 2]])
def test_a_target_that_does_not_fit_has_an_infinite_loss_and_one_frame_more_a_finite_one(
    target: list[int],
) -> None:
    frames = log_probs(required_frames(target), 3)
    assert torch.isinf(loss_of(frames[:-1], target))
    assert torch.isfinite(loss_of(frames, target))


def test_an_empty_target_is_read_by_blanks_alone() -> None:
    frames = log_probs(5, 3)
    torch.testing.assert_close(loss_of(frames, []), -frames[:, BLANK].sum().float())


def test_bfloat16_emissions_give_a_float32_loss() -> None:
    frames = log_probs(1, 40, 6).bfloat16()
    lengths, targets = torch.tensor([40]), torch.tensor([[1, 2, 3]])
    loss = ctc_loss(Emissions(frames, lengths), targets, torch.tensor([3]))
    exact = ctc_loss(Emissions(frames.float(), lengths), targets, torch.tensor([3]))
    assert loss.dtype == torch.float32
    assert torch.equal(loss, exact)


@pytest.mark.parametrize("target", TARGETS)
def test_required_frames_are_the_shortest_path_that_reads_so(target: list[int]) -> None:
    num_frames = required_frames(target)
    assert any(merged(path) == target for path in itertools.product(range(3), repeat=num_frames))
    if num_frames:
        assert not any(merged(path) == target for path in itertools.product(range(3), repeat=num_frames - 1))


def test_collapse_merges_repeats_before_it_removes_blanks() -> None:
    for path in itertools.product(range(3), repeat=5):
        assert collapse(path) == merged(path)


@pytest.mark.parametrize("target", [[], [1], [1, 1], [1, 2], [2, 1, 2], [1, 1, 2], [2, 2, 2]], ids=str)
@pytest.mark.parametrize("num_frames", [1, 3, 5])
def test_the_alignment_is_the_best_of_all_paths_that_read_as_the_target(
    target: list[int], num_frames: int
) -> None:
    frames = log_probs(num_frames, 3, seed=num_frames).numpy()
    paths = [p for p in itertools.product(range(3), repeat=num_frames) if merged(p) == target]
    if not paths:
        with pytest.raises(ValueError, match="needs"):
            align(frames, target)
        return
    best = max(paths, key=lambda path: sum(frames[t, token] for t, token in enumerate(path)))
    assert align(frames, target) == list(best)


def test_runs_share_the_blanks_out() -> None:
    assert runs([0, 0, 3, 0, 0, 0, 5, 5, 0]) == [(3, 5), (5, 4)]
    assert runs([3]) == [(3, 1)] and runs([0, 0]) == []
    path = align(log_probs(30, 6, seed=2).numpy(), [1, 1, 4, 2, 5])
    assert [token for token, _ in runs(path)] == [1, 1, 4, 2, 5]
    assert sum(length for _, length in runs(path)) == 30


def test_two_views_disagree_by_the_divergences_of_their_valid_frames() -> None:
    frames = log_probs(4, 5, 3)
    lengths = torch.tensor([5, 2, 5, 2])
    found = disagreement(Emissions(frames, lengths))
    for pair in range(2):
        expected = 0.0
        for frame in range(int(lengths[pair])):
            first, second = frames[pair, frame], frames[pair + 2, frame]
            expected += float(((first.exp() - second.exp()) * (first - second)).sum())
        assert float(found[pair]) == pytest.approx(expected)
    assert disagreement(Emissions(frames[:1].repeat(2, 1, 1), lengths[:1].repeat(2))).tolist() == [0]


def test_each_view_is_drawn_towards_the_other_as_it_stands() -> None:
    frames = log_probs(2, 1, 3).requires_grad_()
    disagreement(Emissions(frames, torch.tensor([1, 1]))).sum().backward()
    # The derivative of sum(q (log q - log p)) by log p is -q: no gradient flows through q.
    assert frames.grad is not None
    torch.testing.assert_close(frames.grad, -frames.detach().exp().flip(0))


def test_views_in_which_a_token_is_impossible_disagree_by_the_others_alone() -> None:
    frames = log_probs(2, 4, 3)
    impossible = torch.full((2, 4, 1), -torch.inf, dtype=frames.dtype)
    with_blank = torch.cat([impossible, frames], dim=-1).requires_grad_()
    lengths = torch.tensor([4, 4])
    found = disagreement(Emissions(with_blank, lengths))
    assert found.equal(disagreement(Emissions(frames, lengths)))
    found.sum().backward()
    assert with_blank.grad is not None and with_blank.grad.isfinite().all()


def test_a_row_is_as_far_from_uniform_as_its_valid_frames_are_sure() -> None:
    sure = torch.tensor([0.0, -torch.inf, -torch.inf]).expand(4, 3)
    unsure = torch.full((4, 3), -math.log(3))
    mixed = torch.tensor([0.5, 0.25, 0.25]).log().expand(4, 3)
    emissions = Emissions(torch.stack([sure, unsure, mixed]), torch.tensor([2, 4, 3]))
    of_mixed = 3 * (math.log(3) - 1.5 * math.log(2))
    assert distance_from_uniform(emissions).tolist() == pytest.approx(
        [2 * math.log(3), 0, of_mixed], abs=1e-6
    )


def test_smoothing_moves_a_frame_towards_equal_probabilities_and_leaves_impossible_tokens_alone() -> None:
    scores = torch.tensor([[[2.0, 0.0, -1.0, -torch.inf]]], requires_grad=True)
    distance_from_uniform(Emissions(scores.log_softmax(dim=-1), torch.tensor([1]))).sum().backward()
    assert scores.grad is not None
    likely, less_likely, least_likely, impossible = scores.grad[0, 0].tolist()
    assert likely > 0 > less_likely and least_likely < 0 and impossible == 0


@pytest.mark.parametrize("target", [[], [1], [1, 1], [1, 2], [2, 1, 2], [1, 1, 1], [2, 2, 1, 1]])
@pytest.mark.parametrize("num_frames", [1, 2, 3, 5, 7, 9])
def test_the_likelihood_is_the_loss_with_another_sign(num_frames: int, target: list[int]) -> None:
    rows = log_probs(1, num_frames, 4, seed=num_frames)
    targets = torch.tensor([target], dtype=torch.int64).reshape(1, -1)
    loss = ctc_loss(Emissions(rows, torch.tensor([num_frames])), targets, torch.tensor([len(target)]))
    assert log_likelihood(rows[0].numpy(), target) == pytest.approx(-float(loss), rel=1e-5)


def test_the_likelihood_of_a_long_line_does_not_vanish() -> None:
    rows = log_probs(1, 4000, 80, seed=2)
    target = (torch.arange(1500) % 79 + 1).tolist()
    loss = ctc_loss(
        Emissions(rows, torch.tensor([4000])), torch.tensor([target]), torch.tensor([len(target)])
    )
    found = log_likelihood(rows[0].numpy(), target)
    assert found < -1000 and found == pytest.approx(-float(loss), rel=1e-4)


def test_the_likelihood_of_impossible_texts_is_nothing() -> None:
    rows = log_probs(3, 4).numpy().copy()
    rows[:, 2] = -math.inf
    assert log_likelihood(rows, [1, 2]) == -math.inf
    assert log_likelihood(rows[:0], [1]) == -math.inf
    assert log_likelihood(rows[:0], []) == 0.0
