"""What lossy files leave of speech: written and read again in memory, through libsndfile."""

import io
from typing import Annotated, Literal

import msgspec
import numpy as np
from jaxtyping import Float32

from seqlabel.augmentations.resampling import resampled
from seqlabel.config import Config, Probability
from seqlabel.errors import ConfigError
from seqlabel.records import Signal, Waveform

Format = Literal["mp3", "vorbis", "gsm", "adpcm"]

CONTAINERS: dict[Format, tuple[str, str]] = {
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "vorbis": ("OGG", "VORBIS"),
    "gsm": ("WAV", "GSM610"),
    "adpcm": ("WAV", "IMA_ADPCM"),
}
RATES: dict[Format, tuple[int, ...]] = {
    "mp3": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
    "vorbis": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
    "gsm": (8000,),
    "adpcm": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
}
"""That a format has, in Hz; a signal of another rate goes through the next one."""
_BLOCK = 1 << 14
"""Samples that are written at a time: libsndfile's Vorbis overflows the stack with minutes at once."""


class CodecConfig(Config, frozen=True, tag="codec"):
    """A lossy format, drawn for every example.

    Attributes:
        probability: of any.
        formats: each as likely as the others, at the bit rate that libsndfile takes by itself: about 24 to 30 kbit/s
            for `mp3` and `vorbis`; `gsm` is the mobile telephone of the nineties (GSM 06.10, 13 kbit/s at 8 kHz,
            the strongest of them), `adpcm` four bits a sample (IMA), as in dictating machines.
    """

    probability: Probability = 0.5
    formats: Annotated[tuple[Format, ...], msgspec.Meta(min_length=1)] = ("mp3", "vorbis", "gsm", "adpcm")

    def build(self) -> "Codec":
        """Returns the augmentation.

        Raises:
            ConfigError: the libsndfile that is installed cannot write one of the formats.
        """
        import soundfile

        for name in self.formats:
            container, subtype = CONTAINERS[name]
            known = soundfile.available_formats()
            if container not in known or subtype not in soundfile.available_subtypes(container):
                raise ConfigError(
                    f"codec: libsndfile {soundfile.__libsndfile_version__} cannot write {name}; "
                    "leave it out of formats, or install a newer soundfile"
                )
        return Codec(self)


class Codec:
    """Sends a waveform through a lossy format; leaves other signals alone. Neither length nor borders move."""

    def __init__(self, config: CodecConfig) -> None:
        self.config = config

    def __call__(self, signal: Signal, rng: np.random.Generator) -> Signal:
        """Returns the waveform as it comes out of a format drawn from `rng`; samples are cut off at full scale."""
        if not isinstance(signal, Waveform) or rng.random() >= self.config.probability:
            return signal
        name = self.config.formats[int(rng.integers(len(self.config.formats)))]
        samples, rate = signal.samples, signal.sample_rate
        if not len(samples):
            return signal
        used = next((known for known in RATES[name] if known >= rate), RATES[name][-1])
        ratio = used / rate
        given = samples if used == rate else resampled(samples, ratio, max(1, round(len(samples) * ratio)))
        heard = through(np.clip(given, -1, 1), used, name)
        if used != rate:
            heard = resampled(heard, 1 / ratio, len(samples))
        return Waveform(heard, rate)


def through(
    samples: Float32[np.ndarray, " num_samples"], rate: int, name: Format
) -> Float32[np.ndarray, " num_samples"]:
    """Returns samples written in a format and read again; what a format adds to fill its last block is cut off."""
    import soundfile

    container, subtype = CONTAINERS[name]
    memory = io.BytesIO()
    with soundfile.SoundFile(
        memory, "w", samplerate=rate, channels=1, format=container, subtype=subtype
    ) as file:
        for start in range(0, len(samples), _BLOCK):
            file.write(samples[start : start + _BLOCK])
    memory.seek(0)
    found, _ = soundfile.read(memory, dtype="float32", frames=len(samples))
    heard = np.zeros(len(samples), np.float32)
    heard[: len(found)] = found
    return heard
