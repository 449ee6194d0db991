"""Frames of a waveform into log mel energies, as PyTorch operations on whatever device the samples lie on."""

import math
from itertools import pairwise
from typing import no_type_check

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from seqlabel.compiled import compiled
from seqlabel.features.mel_filters import VocalTractWarp, fit_filters
from seqlabel.features.mel_settings import MelConfig, whole_samples

# The mean square of the rounding error of 16-bit samples on [-1, 1]: (2 / 2^16)^2 / 12. Energies below
# that of such noise in a window mean nothing, and digital silence must not become minus infinity.
_ROUNDING_POWER = 2.0**-30 / 12

_ROWS_IN_CACHE = 320
"""Frames that go through all steps together: their spectra stay in the second level of a CPU's cache."""
_ROWS_ON_GPU = 1 << 15
_FILTERS_TOGETHER = 16


class FrameSpectra:
    """What log-mel and MFCC features do to the samples: frames, windows, spectra, filters, logarithms.

    Attributes:
        window, step: of a frame, in samples.
        fft_size: points of the Fourier transform, in whose middle a frame lies.
        filters: (num_bins, num_filters), the mel filter bank.
    """

    def __init__(self, config: MelConfig, device: torch.device | str = "cpu") -> None:
        """Raises ConfigError if the filters are too narrow."""
        self.config = config
        rate = config.sample_rate
        self.window, self.step = whole_samples(config)
        high_hz = rate / 2 if config.high_hz is None else config.high_hz
        warp = None
        if config.vtln_warp is not None:
            upper = rate / 2 - 500 if config.vtln_high_hz is None else config.vtln_high_hz
            warp = VocalTractWarp(factor=config.vtln_warp, low_hz=config.vtln_low_hz, high_hz=upper)
        filters = fit_filters(
            rate,
            self.window,
            config.num_mel_filters,
            config.low_hz,
            high_hz,
            mel_scale=config.mel_scale,
            unit_area=config.unit_area,
            fft_size=config.fft_size,
            warp=warp,
        )
        self.fft_size = 2 * (len(filters) - 1)
        self.filters = torch.from_numpy(filters).to(device)
        self._blocks = _blocks(self.filters)
        taper = window_function(config, self.window)
        window_power = float(taper.square().sum())
        self._taper = taper.to(device)
        noise = _ROUNDING_POWER * config.sample_scale**2
        self._mel_floor = noise * window_power if config.mel_floor is None else config.mel_floor
        self._energy_floor = noise * self.window if config.energy_floor is None else config.energy_floor

    def num_frames(self, num_samples: int) -> int:
        """The number of frames of a waveform of that many samples, at least one."""
        match self.config.framing:
            case "snip":
                return 1 + max(0, num_samples - self.window) // self.step
            case "reflect":
                return max(1, (num_samples + self.step // 2) // self.step)
            case "centre":
                return 1 + num_samples // self.step

    def framed(
        self, samples: Float[Tensor, "N num_samples"], lengths: Int[Tensor, " N"] | None = None
    ) -> tuple[Float[Tensor, "N T window"], Float[Tensor, "N T window"]]:
        """The frames of waveforms without and with pre-emphasis; views where they can be.

        Where the pre-emphasis is that of each frame, the first sample of a frame is not right yet: `log_mel` sets it.

        Args:
            samples: on [-1, 1], right-padded with anything.
            lengths: samples of each waveform; None where all are as long as the array.
        """
        config = self.config
        inside = None
        if lengths is not None:
            inside = torch.arange(samples.shape[1], device=samples.device) < lengths[:, None]
            samples = torch.where(inside, samples, 0.0)
        if config.sample_scale != 1.0:
            samples = samples * config.sample_scale
        if config.dither:
            # On the CPU, so that it is the same on every device; shorter waveforms have the beginning of the noise.
            noise = np.random.default_rng(config.dither_seed).standard_normal(samples.shape[1], np.float32)
            samples = samples + config.dither * torch.from_numpy(noise).to(samples.device)
            samples = samples if inside is None else torch.where(inside, samples, 0.0)
        if config.framing == "snip" and samples.shape[1] < self.window:
            samples = torch.nn.functional.pad(samples, (0, self.window - samples.shape[1]))
            inside = None  # such a waveform ends with zeros before its pre-emphasis.
        if config.preemphasis_per_frame:
            samples = self._padded(samples, lengths)
            emphasised = self._emphasised(samples)
        else:
            emphasised = self._emphasised(samples)
            if inside is not None and config.framing == "centre":
                emphasised = torch.where(inside, emphasised, 0.0)
            emphasised, samples = self._padded(emphasised, lengths), self._padded(samples, lengths)
        return samples.unfold(1, self.window, self.step), emphasised.unfold(1, self.window, self.step)

    def _emphasised(self, samples: Float[Tensor, "N num_samples"]) -> Float[Tensor, "N num_samples"]:
        factor = self.config.preemphasis
        if not factor:
            return samples
        emphasised = samples.clone()
        emphasised[:, 1:] -= factor * samples[:, :-1]
        emphasised[:, 0] *= 1 - factor  # as if the first sample had stood there before.
        return emphasised

    def _padded(
        self, samples: Float[Tensor, "N num_samples"], lengths: Int[Tensor, " N"] | None
    ) -> Float[Tensor, "N num_padded"]:
        """The waveforms with what their first and last frames need beyond their ends."""
        framing = self.config.framing
        if framing == "snip":
            return samples
        length = samples.shape[1]
        if framing == "reflect":
            before = self.window // 2 - self.step // 2
        else:
            before = self.fft_size // 2 - (self.fft_size - self.window) // 2
        last_end = (self.num_frames(length) - 1) * self.step + self.window - before
        if framing == "centre":
            return torch.nn.functional.pad(samples, (before, last_end - length))
        # Kaldi's reflection repeats the sample at the end, and goes back and forth where the waveform is short.
        if lengths is None and abs(before) <= length and last_end <= 2 * length:
            left = samples[:, :before].flip(1) if before > 0 else samples[:, :0]
            whole = samples[:, max(0, -before) : last_end]
            right = samples[:, 2 * length - last_end :].flip(1) if last_end > length else samples[:, :0]
            return torch.cat([left, whole, right], dim=1)
        place = torch.arange(-before, last_end, device=samples.device)[None]
        period = 2 * (length if lengths is None else lengths[:, None])
        place = place.remainder(period)
        return samples.gather(1, torch.minimum(place, period - 1 - place).expand(len(samples), -1))

    def log_mel(
        self, frames: Float[Tensor, "T window"], emphasised: Float[Tensor, "T window"], with_energy: bool
    ) -> tuple[Float[Tensor, "T num_filters"], Float[Tensor, " T"] | None]:
        """The log energy in each mel filter of each frame, natural or in dB, and the log energy of the frames.

        Args:
            frames, emphasised: of one waveform as `framed` gave them, or of several.
            with_energy: whether the log energy is wanted.
        """
        num_rows = len(frames)
        at_once = _ROWS_IN_CACHE if frames.device.type == "cpu" else _ROWS_ON_GPU
        mel = frames.new_empty(num_rows, self.filters.shape[1])
        energy = frames.new_empty(num_rows) if with_energy else None
        rows = frames.new_zeros(min(at_once, num_rows), self.fft_size)
        # On a CPU, PyTorch would take as long for the squares of complex numbers as for half of the transform.
        power = rows.new_empty(len(rows), len(self.filters)) if rows.device.type == "cpu" else None
        for start in range(0, num_rows, at_once):
            part = slice(start, min(start + at_once, num_rows))
            raw = self._window_into(rows, frames[part], emphasised[part], with_energy)
            if energy is not None and raw is not None:
                energy[part] = raw
            spectra = torch.fft.rfft(rows[: part.stop - start])
            if power is None:
                torch.mm(spectra.real.square().add_(spectra.imag.square()), self.filters, out=mel[part])
            else:
                squares = power[: len(spectra)]
                _squares(torch.view_as_real(spectra).numpy(), squares.numpy())
                for bins, columns, weights in self._blocks:
                    torch.mm(squares[:, bins], weights, out=mel[part, columns])
        mel.clamp_(min=self._mel_floor)
        _take_logarithm(mel, self.config.decibels)
        if energy is not None:
            _take_logarithm(energy.clamp_(min=self._energy_floor), False)
        return mel, energy

    def _window_into(
        self, rows: Tensor, frames: Tensor, emphasised: Tensor, with_energy: bool
    ) -> Tensor | None:
        """Writes the frames into the middle of rows of zeros, and returns their energies if they are wanted."""
        config = self.config
        before = (self.fft_size - self.window) // 2
        middle = rows[: len(frames), before : before + self.window]
        mean = None
        if config.remove_dc:
            mean = frames.mean(dim=1, keepdim=True)
        if config.preemphasis_per_frame:
            kept = 1 - config.preemphasis
            if mean is None:
                torch.mul(emphasised, self._taper, out=middle)
                middle[:, 0] = frames[:, 0] * (kept * self._taper[0])
            else:
                # (x[n] - mean) - a (x[n-1] - mean) = (x[n] - a x[n-1]) - (1 - a) mean
                torch.sub(emphasised, mean * kept, out=middle).mul_(self._taper)
                middle[:, 0] = (frames[:, 0] - mean[:, 0]) * (kept * self._taper[0])
        elif mean is None:
            torch.mul(emphasised, self._taper, out=middle)
        else:
            torch.sub(emphasised, emphasised.mean(dim=1, keepdim=True), out=middle).mul_(self._taper)
        if not with_energy:
            return None
        if not config.raw_energy:
            return middle.square().sum(dim=1)
        centred = frames if mean is None else frames - mean
        energy: Tensor = torch.linalg.vecdot(centred, centred)
        return energy

    def limited(self, log_mel: Float[Tensor, "N T num_filters"]) -> Float[Tensor, "N T num_filters"]:
        """The log energies of waveforms, none further below the highest of its waveform than `top_db`."""
        if self.config.top_db is None:
            return log_mel
        below = self.config.top_db if self.config.decibels else self.config.top_db * math.log(10) / 10
        return torch.maximum(log_mel, log_mel.amax(dim=(1, 2), keepdim=True) - below)


def _take_logarithm(energies: Tensor, in_decibels: bool) -> None:
    """Natural logarithms or 10 log10 in place of the energies; NumPy's take a third of the time on a CPU."""
    if energies.device.type != "cpu":
        energies.log10_() if in_decibels else energies.log_()
    else:
        (np.log10 if in_decibels else np.log)(energies.numpy(), out=energies.numpy())
    if in_decibels:
        energies.mul_(10)


def _blocks(filters: Tensor) -> list[tuple[slice, slice, Tensor]]:
    """The filter bank in groups of neighbouring filters, each with the bins in which any of them is not 0.

    Multiplied group by group, 128 filters over 1025 bins take a quarter of the time; groups of 16 suit matrix products.
    """
    num_filters = filters.shape[1]
    starts = [0, *range(_FILTERS_TOGETHER + num_filters % _FILTERS_TOGETHER, num_filters, _FILTERS_TOGETHER)]
    blocks = []
    for start, end in pairwise([*starts, num_filters]):
        used = filters[:, start:end].any(dim=1).nonzero()
        bins = slice(int(used[0]), int(used[-1]) + 1)
        blocks.append((bins, slice(start, end), filters[bins, start:end].contiguous()))
    return blocks


@compiled
@no_type_check
def _squares(spectra, power):
    """The squares of the absolute values of (rows, bins, 2) in (rows, bins)."""
    for row in range(power.shape[0]):
        for bin_ in range(power.shape[1]):
            real, imaginary = spectra[row, bin_, 0], spectra[row, bin_, 1]
            power[row, bin_] = real * real + imaginary * imaginary


def window_function(config: MelConfig, length: int) -> Float[Tensor, " length"]:
    """What each frame is multiplied with."""
    periodic = config.periodic_window
    match config.window_shape:
        case "hamming":
            return torch.hamming_window(length, periodic=periodic)
        case "hann":
            return torch.hann_window(length, periodic=periodic)
        case "povey":  # Kaldi's: like Hamming's, but 0 at its ends
            return torch.hann_window(length, periodic=periodic).pow(0.85)
        case "blackman":
            return torch.blackman_window(length, periodic=periodic)
        case "rectangular":
            return torch.ones(length)
