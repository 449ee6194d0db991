"""Log mel spectra: what MFCC and log-mel features are both made of."""

import math

import numpy as np
from jaxtyping import Float32

from seqlabel.errors import FormatError
from seqlabel.features.mel_settings import MelConfig, check_settings
from seqlabel.formats.audio import read_audio
from seqlabel.records import Example, Signal, Waveform


class LogMelSpectra:
    """Waveform to log mel energies and log energy of each frame.

    With the settings as they are by default, frame t looks at samples `t * step` up to `t * step + window`, and only
    frames that lie wholly within the waveform are made: T = 1 + (num_samples - window) // step. A waveform shorter than
    one window is padded with zeros to one frame. `MelConfig.framing` has other rules.

    Args:
        config: an `MfccConfig` or a `LogMelConfig`.

    Raises:
        ConfigError: a number is out of its range.
    """

    def __init__(self, config: MelConfig) -> None:
        from seqlabel.features.frame_spectra import FrameSpectra  # PyTorch, which other features do without

        check_settings(config)
        self.sample_rate = config.sample_rate
        self.frames = FrameSpectra(config)
        self.window, self.step, self.fft_size = self.frames.window, self.frames.step, self.frames.fft_size

    def read(self, example: Example) -> Waveform:
        """The waveform of an example at the config's sample rate; FormatError if it cannot be read."""
        return read_audio(
            example.source,
            sample_rate=self.sample_rate,
            start_seconds=example.start_seconds,
            end_seconds=example.end_seconds,
            channel=example.channel,
        )

    def samples_of(self, signal: Signal) -> Float32[np.ndarray, " num_samples"]:
        """The samples of a waveform.

        Raises:
            FormatError: there is no sample, one is not finite, or the sample rate is another.
        """
        if not isinstance(signal, Waveform):
            raise FormatError(
                f"found a {type(signal).__name__}, expected audio; choose the feature for this file"
            )
        if signal.sample_rate != self.sample_rate:
            raise FormatError(
                f"audio: found {signal.sample_rate} Hz, expected {self.sample_rate} Hz; resample it first"
            )
        samples = signal.samples
        if len(samples) == 0:
            raise FormatError(
                "audio: found no samples, expected at least one; leave the file out or replace it"
            )
        if not np.isfinite(samples).all():
            raise FormatError("audio: found NaN or infinity among the samples, expected finite numbers")
        return samples

    def __call__(
        self, samples: Float32[np.ndarray, " num_samples"], *, with_energy: bool = False
    ) -> tuple[Float32[np.ndarray, "T num_filters"], Float32[np.ndarray, " T"] | None]:
        """The log of the energy in each mel filter of each frame, and that of the frames if it is wanted."""
        import torch

        with torch.inference_mode():
            # PyTorch warns of arrays that must not be written to.
            waveform = torch.from_numpy(np.require(samples, requirements=["C", "W"]))
            frames, emphasised = self.frames.framed(waveform[None])
            log_mel, energy = self.frames.log_mel(frames[0], emphasised[0], with_energy)
            log_mel = self.frames.limited(log_mel[None])[0]
        return log_mel.numpy(), None if energy is None else energy.numpy()


def orthonormal_dct(num_filters: int, num_cepstra: int) -> Float32[np.ndarray, "num_filters num_cepstra"]:
    """The matrix of the orthonormal discrete cosine transform (type II): cepstra = log_mel @ matrix."""
    angles = math.pi / num_filters * np.outer(np.arange(num_filters) + 0.5, np.arange(num_cepstra))
    matrix = np.sqrt(2.0 / num_filters) * np.cos(angles)
    matrix[:, 0] /= math.sqrt(2.0)
    single: Float32[np.ndarray, "num_filters num_cepstra"] = matrix.astype(np.float32)
    return single
