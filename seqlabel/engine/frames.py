"""A padded batch laid out frame by frame without its padding, which is how the engine reads it."""

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from seqlabel.engine.rows import spread_rows, take_rows


def rounded_up(count: int) -> int:
    """Returns a number of frames or rows at least as large, one of sixteen between each power of two and the next.

    Batches are padded to such numbers: PyTorch prepares and keeps kernels for every shape that it meets, which takes
    longer than a few more frames and fills the memory.

    >>> [rounded_up(count) for count in (1, 9, 100, 700, 1025)]
    [8, 16, 104, 704, 1088]
    """
    grain = max(8, 1 << max(0, (count.bit_length() - 5)))
    return -(-count // grain) * grain


@dataclass(frozen=True)
class Frames:
    """Where the rows of a batch stand: those of frame 0, longest example first, then those of frame 1, and so on.

    Attributes:
        num_examples: N of the padded batch.
        num_frames: T of the padded batch; the longest example may be shorter.
        places: (R,) for each row, the number n T + t of its frame in the padded batch.
        num_rows: of the matrices here: at least R, the rest being zeros (`rounded_up`).
        ranks: (R,) for each row, which of the examples, longest first, it belongs to.
        starts: (longest + 1,) the first row of each frame.
        before: (R - N,) for each row from frame 1 on, the row of the same example in the frame before.
        lengths: (N,) of the examples, longest first.
    """

    num_examples: int
    num_frames: int
    places: Int[Tensor, " R"]
    num_rows: int
    ranks: Int[Tensor, " R"]
    starts: np.ndarray
    before: Int[Tensor, " R2"]
    lengths: Int[Tensor, " N"]

    @staticmethod
    def of(lengths: Int[Tensor, " N"], num_frames: int) -> "Frames":
        """Returns the layout of examples of these lengths, padded to `num_frames`.

        Raises:
            ValueError: a length below 1 or above `num_frames`.
        """
        order = torch.argsort(lengths, descending=True, stable=True)
        ordered = lengths[order]
        shortest, longest = int(ordered[-1]), int(ordered[0])
        if shortest < 1 or longest > num_frames:
            raise ValueError(
                f"lengths from {shortest} to {longest}; expected 1 to the batch's {num_frames} frames"
            )
        frame = torch.arange(longest, device=lengths.device)
        is_there = frame[:, None] < ordered[None, :]
        counts = is_there.sum(dim=1)
        starts = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        places = (order[None, :] * num_frames + frame[:, None])[is_there]
        rank = torch.arange(len(order), device=lengths.device)
        before = (starts[:-2, None] + rank[None, :])[is_there[1:]]
        ranks = rank[None, :].expand(len(frame), -1)[is_there]
        num_rows = rounded_up(len(places))
        return Frames(len(order), num_frames, places, num_rows, ranks, starts.cpu().numpy(), before, ordered)

    def rows(self, padded: Float[Tensor, "N T F"]) -> Float[Tensor, "R F"]:
        """Returns the frames of the examples without padding, and zeros up to `num_rows`."""
        rows = take_rows(padded.reshape(-1, padded.shape[-1]), self.places)
        return torch.nn.functional.pad(rows, (0, 0, 0, self.num_rows - len(rows)))

    def padded(self, rows: Float[Tensor, "R F"]) -> Float[Tensor, "N T F"]:
        """Returns the padded batch again, with zeros in the padding."""
        spread = spread_rows(rows[: len(self.places)], self.places, self.num_examples * self.num_frames)
        return spread.reshape(self.num_examples, self.num_frames, rows.shape[-1])

    def shifted(self, rows: Float[Tensor, "R F"], *, is_backward: bool) -> Float[Tensor, "R F"]:
        """Returns in each row that of the step before, in the direction's own time; zero at its first step."""
        moved = torch.zeros_like(rows)
        first, last = self.num_examples, len(self.places)
        if is_backward:
            return moved.index_copy_(0, self.before, rows[first:last])
        moved[first:last] = rows.index_select(0, self.before)
        return moved

    def parts(self, num_parts: int) -> list[tuple[int, int]]:
        """Returns ranges of examples with about the same number of rows each; fewer where there is too little."""
        num_parts = min(num_parts, -(-self.num_examples // 8))
        done = np.concatenate([[0], np.cumsum(self.lengths.cpu().numpy())])
        edges = np.searchsorted(done, np.linspace(0, done[-1], num_parts + 1))
        edges[-1] = self.num_examples
        return [(int(first), int(last)) for first, last in itertools.pairwise(edges) if first < last]
