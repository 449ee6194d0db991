"""MFCC and log-mel of many waveforms at once, as PyTorch operations on the device of a model."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from seqlabel.features.frame_spectra import FrameSpectra
from seqlabel.features.log_mel import LogMel
from seqlabel.features.mfcc import Mfcc


class BatchedFeature:
    """Computes what an MFCC or log-mel feature computes, for a batch of waveforms on any device.

        feature = MfccConfig().build()
        batched = BatchedFeature(feature, "cuda")
        frames, num_frames = batched(samples, lengths)      # (N, T, F), (N,)

    `frames[i, : num_frames[i]]` are those of `feature(waveform)` up to the rounding of single precision, whatever other
    waveforms there are in the batch; the rest of `frames` is 0.

    Attributes:
        dim: the width F of what comes out.
        is_row_by_row: the feature itself computes one waveform after the other, as a CPU has it fastest; otherwise the
            frames of all go through each step together.
    """

    def __init__(self, feature: Mfcc | LogMel, device: torch.device | str = "cpu") -> None:
        self.config = feature.config
        self._feature = feature
        self.dim = feature.dim
        self.device = torch.device(device)
        self.is_row_by_row = self.device.type == "cpu"
        self.spectra = FrameSpectra(feature.config, self.device)
        self._dct = torch.from_numpy(feature.dct).to(self.device) if isinstance(feature, Mfcc) else None

    def __call__(
        self, samples: Float[Tensor, "N num_samples"], lengths: Int[Tensor, " N"]
    ) -> tuple[Float[Tensor, "N T F"], Int[Tensor, " N"]]:
        """The frames of the waveforms and how many each has.

        Args:
            samples: on [-1, 1] at the sample rate of the feature, right-padded with anything.
            lengths: samples of each waveform, at least 1.

        Raises:
            ValueError: a waveform has no sample, or more than there are in its row.
        """
        samples, lengths = samples.to(self.device, torch.float32), lengths.to(self.device)
        sizes = lengths.tolist()
        if not sizes or min(sizes) < 1 or max(sizes) > samples.shape[1]:
            raise ValueError(f"lengths {sizes[:8]}: expected 1 to {samples.shape[1]} samples each")
        samples = samples[:, : max(sizes)]
        counts = [self.spectra.num_frames(size) for size in sizes]
        num_frames = torch.tensor(counts, device=self.device)
        if self.is_row_by_row:
            features = samples.new_zeros(len(sizes), max(counts), self.dim)
            for row, size, count, waveform in zip(features, sizes, counts, samples, strict=True):
                row[:count] = torch.from_numpy(self._feature.of_samples(waveform[:size].numpy()))
            return features, num_frames
        with torch.no_grad():
            is_frame = torch.arange(max(counts), device=self.device) < num_frames[:, None]
            features = self._features(*self._log_mel(samples, lengths, is_frame))
            features = _with_deltas(features, num_frames, self.config.delta_window, self.config.num_deltas)
            features = torch.where(is_frame[..., None], features, 0.0)
        return features, num_frames

    def _log_mel(
        self, samples: Tensor, lengths: Tensor, is_frame: Tensor
    ) -> tuple[Float[Tensor, "N T num_filters"], Float[Tensor, "N T"] | None]:
        frames, emphasised = (part[:, : is_frame.shape[1]] for part in self.spectra.framed(samples, lengths))
        found, energy = self.spectra.log_mel(
            frames[is_frame], emphasised[is_frame], self.config.energy == "log"
        )
        mel = samples.new_full((*is_frame.shape, found.shape[1]), -torch.inf)
        mel[is_frame] = found
        energies = None
        if energy is not None:
            energies = samples.new_zeros(is_frame.shape)
            energies[is_frame] = energy
        return self.spectra.limited(mel), energies

    def _features(self, log_mel: Tensor, energy: Tensor | None) -> Float[Tensor, "N T F0"]:
        if self._dct is None:
            return log_mel if energy is None else torch.cat([energy[..., None], log_mel], dim=2)
        cepstra = log_mel @ self._dct
        if energy is not None:
            cepstra[..., 0] = energy
        return cepstra


def _with_deltas(features: Tensor, num_frames: Tensor, window: int, order: int) -> Tensor:
    """As `deltas.append_deltas`, where the last frame of each waveform is repeated beyond its end."""
    if not order:
        return features
    at = torch.arange(features.shape[1], device=features.device)[None]
    last = num_frames[:, None] - 1
    row = torch.arange(len(features), device=features.device)[:, None]
    blocks = [features]
    for _ in range(order):
        slope = torch.zeros_like(features)
        for n in range(1, window + 1):
            later = blocks[-1][row, torch.minimum(at + n, last)]
            earlier = blocks[-1][row, torch.minimum((at - n).clamp(min=0), last)]
            slope += n * (later - earlier)
        blocks.append(slope / (2 * sum(n * n for n in range(1, window + 1))))
    return torch.cat(blocks, dim=2)
