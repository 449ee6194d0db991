import pytest
import torch

from seqlabel.engine.frames import Frames, rounded_up

LENGTHS = torch.tensor([3, 5, 1, 5])


def test_rows_stand_frame_by_frame_longest_example_first() -> None:
    features = torch.arange(4 * 6).reshape(4, 6, 1).float()
    frames = Frames.of(LENGTHS, 6)
    assert frames.rows(features)[:14, 0].tolist() == [6, 18, 0, 12, 7, 19, 1, 8, 20, 2, 9, 21, 10, 22]
    assert frames.starts.tolist() == [0, 4, 7, 10, 12, 14]
    assert frames.ranks.tolist() == [0, 1, 2, 3, 0, 1, 2, 0, 1, 2, 0, 1, 0, 1]


def test_padding_again_gives_the_batch_with_zeros() -> None:
    features = torch.randn(4, 6, 2)
    frames = Frames.of(LENGTHS, 6)
    is_there = torch.arange(6)[None, :] < LENGTHS[:, None]
    assert torch.equal(frames.padded(frames.rows(features)), features * is_there[..., None])


def test_rows_of_the_step_before_are_zero_where_an_example_begins() -> None:
    frames = Frames.of(LENGTHS, 6)
    rows = frames.rows(torch.arange(1, 25).reshape(4, 6, 1).float())
    forward, backward = (frames.padded(frames.shifted(rows, is_backward=b))[..., 0] for b in (False, True))
    assert forward.tolist()[0] == [0, 1, 2, 0, 0, 0] and forward.tolist()[1] == [0, 7, 8, 9, 10, 0]
    assert backward.tolist()[0] == [2, 3, 0, 0, 0, 0] and backward.tolist()[2] == [0] * 6


def test_parts_hold_every_example_once() -> None:
    for count in (1, 2, 5, 40):
        frames = Frames.of(torch.randint(1, 50, (count,)), 50)
        for num_parts in (1, 2, 4, 16):
            parts = frames.parts(num_parts)
            assert [example for part in parts for example in range(*part)] == list(range(count))


def test_few_shapes_occur_and_little_is_added() -> None:
    counts = range(1, 5000)
    assert all(0 <= rounded_up(count) - count <= max(7, count / 15) for count in counts)
    assert len({rounded_up(count) for count in counts}) < 120


@pytest.mark.parametrize("lengths", [[3, 0], [3, 7]], ids=["none", "more than the batch has"])
def test_lengths_that_no_batch_can_have_are_refused(lengths: list[int]) -> None:
    with pytest.raises(ValueError, match="expected 1 to the batch's 6 frames"):
        Frames.of(torch.tensor(lengths), 6)
