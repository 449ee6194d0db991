"""A folder of recorded noise: each file read once, before training, and kept in memory as far as there is room."""

import os
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from seqlabel.augmentations.resampling import resampled
from seqlabel.errors import ConfigError
from seqlabel.formats import AUDIO_SUFFIXES, read_audio


class NoiseRecordings:
    """The audio files below a folder, cut at random.

    What goes beyond the room in memory is read from its file again, only the part that is wanted: the room does not
    change what is drawn.

    Attributes:
        paths, lengths, rates: the files in the order of their names, their samples and sample rates in Hz.
        kept: samples by the number of the file.
    """

    def __init__(self, folder: Path, kept_megabytes: float) -> None:
        """Reads all files.

        Args:
            folder: holds audio files, in folders of its own if need be; other files and hidden ones are passed over.
            kept_megabytes: of samples that stay in memory, in millions of bytes.

        Raises:
            ConfigError: no such folder, or no audio in it.
            FormatError: a file cannot be read, or holds silence alone.
        """
        if not folder.is_dir():
            raise ConfigError(
                f"{folder}: no such folder of noise; name another in additive_noise.folder, or leave it out"
            )
        self.paths = _audio_files(folder)
        if not self.paths:
            raise ConfigError(
                f"{folder}: holds no audio; expected files of noise such as .wav or .flac, "
                "or no additive_noise.folder"
            )
        self.lengths: list[int] = []
        self.rates: list[int] = []
        self.kept: dict[int, Float32[np.ndarray, " _num_samples"]] = {}
        room = kept_megabytes * 1e6
        for number, path in enumerate(self.paths):
            waveform = read_audio(path, sample_rate=None)
            if not waveform.samples.any():
                raise ConfigError(
                    f"{path}: holds silence alone, which is no noise; take it out of the folder"
                )
            self.lengths.append(len(waveform.samples))
            self.rates.append(waveform.sample_rate)
            if waveform.samples.nbytes <= room:
                self.kept[number] = waveform.samples
                room -= waveform.samples.nbytes

    def cut(
        self, num_samples: int, sample_rate: int, rng: np.random.Generator
    ) -> Float32[np.ndarray, " num_samples"]:
        """Returns a piece from a random place of a random file; one that is too short begins again at its end."""
        number = int(rng.integers(len(self.paths)))
        start = int(rng.integers(self.lengths[number]))
        rate = self.rates[number]
        wanted = -(-num_samples * rate // sample_rate)
        pieces = []
        while wanted > 0:
            piece = self._part(number, start, min(self.lengths[number], start + wanted))
            pieces.append(piece)
            wanted -= len(piece)
            start = 0
            if len(piece) == self.lengths[number] and wanted > 0:
                pieces += [piece] * (wanted // len(piece))
                pieces.append(piece[: wanted % len(piece)])
                break
        noise = np.concatenate(pieces)
        return noise if rate == sample_rate else resampled(noise, sample_rate / rate, num_samples)

    def _part(self, number: int, start: int, end: int) -> Float32[np.ndarray, " _num_samples"]:
        if number in self.kept:
            return self.kept[number][start:end]
        rate = self.rates[number]
        found = read_audio(
            self.paths[number], sample_rate=None, start_seconds=start / rate, end_seconds=end / rate
        )
        return found.samples


def _audio_files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(tuple(AUDIO_SUFFIXES)) and not name.startswith("."):
                found.append(Path(where, name))
    return found
