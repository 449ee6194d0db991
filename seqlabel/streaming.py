"""Speech read while it is said, by models whose layers only read forward.

Samples come in small pieces. What is computed of each piece is what the whole recording would have given: features as
soon as all of their samples are there, emissions with some seconds of what came before, which the layers have mostly
forgotten by then. The stretch under way is read anew with each piece; a pause ends it.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32

from seqlabel.ctc import Emissions
from seqlabel.encoders import RecurrentConfig
from seqlabel.errors import ConfigError
from seqlabel.features import LogMel, Mfcc
from seqlabel.features.stacking import stack
from seqlabel.long_recordings import window_emissions
from seqlabel.recognizer import Recognizer
from seqlabel.records import Waveform
from seqlabel.tokens import BLANK

BEFORE_SECONDS = 6.0
"""Of what came before, that the layers read again with each piece."""
PAUSE_SECONDS = 0.6
"""Blanks after a token that end a stretch."""
MOST_SECONDS = 30.0
"""At which a stretch ends at its last blank, so that reading it anew never takes long."""


@dataclass(frozen=True, slots=True)
class Partial:
    """What has been read of a stretch.

    Attributes:
        text: of the stretch.
        is_final: it is over, and the next one begins.
        seconds: of the recording, that are there by now.
    """

    text: str
    is_final: bool
    seconds: float


@dataclass(slots=True)
class Clock:
    """How long reading has taken.

    Attributes:
        audio: seconds of the recording.
        work: seconds of work.
        longest: seconds of work that a piece took at most, after which its partial result is there.
        algorithmic: seconds of sound that have to be there after a frame before it can be read.
    """

    audio: float = 0.0
    work: float = 0.0
    longest: float = 0.0
    algorithmic: float = 0.0


class Stream:
    """Reads one recording as it comes.

    Attributes:
        sample_rate: in Hz, of the samples that it takes.
        clock: how long it has taken so far.
    """

    def __init__(self, recognizer: Recognizer) -> None:
        """Begins a recording.

        Raises:
            ConfigError: the model cannot read while it is listening; the message says why.
        """
        self.recognizer = recognizer
        loaded = recognizer.loaded
        frontend, experiment = loaded.frontend, recognizer.header.experiment
        feature, normalizer = frontend.feature, frontend.normalizer
        if not isinstance(feature, Mfcc | LogMel):
            raise ConfigError("--stream: the model does not read audio; take one that does")
        if not isinstance(experiment.encoder, RecurrentConfig) or experiment.encoder.direction != "forward":
            raise ConfigError(
                "--stream: the model reads to the end and back again before it says anything; train one with "
                "--encoder.direction forward, as recipes/fsdd/streaming.py does"
            )
        if feature.config.top_db is not None or feature.config.dither is not None:
            raise ConfigError(
                "--stream: features with top_db or dither hang on the whole recording; train without both"
            )
        if normalizer is not None and normalizer.config.scope != "corpus":
            raise ConfigError(
                f"--stream: features are normalised over the whole {normalizer.config.scope}, which is not there yet; "
                "train with --frontend.normalization.scope corpus, or none"
            )
        self.feature = feature
        self.frontend = frontend
        self.sample_rate: int = feature.config.sample_rate
        self.step = round(feature.step_seconds * self.sample_rate)
        self.width = round(feature.window_seconds * self.sample_rate)
        self.stacking = frontend.config.stacking
        self.unit = self.stacking.step if self.stacking else 1
        self.frames_needed = self.stacking.num_frames if self.stacking else 1
        reach = 1 + feature.config.num_deltas * feature.config.delta_window
        self.reach = reach + (0 if feature.config.framing == "snip" else -(-self.width // self.step))
        frame_seconds = self.unit * self.step / self.sample_rate
        self.before = self.unit * round(BEFORE_SECONDS / frame_seconds)
        self.pause = max(1, round(PAUSE_SECONDS / frame_seconds))
        self.most = round(MOST_SECONDS / frame_seconds)
        ahead = (self.frames_needed - 1 + self.reach) * self.step + self.width - self.step
        self.clock = Clock(algorithmic=ahead / self.sample_rate)
        self._samples = np.zeros(0, np.float32)
        self._first_sample = 0
        self._features = np.zeros((0, feature.dim), np.float32)
        self._first_feature = self._num_features = self._num_emitted = 0
        self._emissions = np.zeros((0, len(recognizer.header.tokens)), np.float32)
        # What is compiled or set up at its first use is so before somebody speaks.
        frames = frontend(Waveform(np.zeros(self.sample_rate, np.float32), self.sample_rate))
        self._read(window_emissions(loaded, recognizer.device, recognizer.precision, [frames])[0])

    def read(self, pieces: Iterable[Float32[np.ndarray, " num_samples"]]) -> Iterator[Partial]:
        """Yields what is read, after each piece in which something new was read, and at the end of each stretch."""
        said = ""
        for piece in pieces:
            for partial in self.feed(piece):
                if partial.is_final or partial.text != said:
                    yield partial
                said = "" if partial.is_final else partial.text
        yield from self.feed(np.zeros(0, np.float32), is_last=True)

    def feed(self, samples: Float32[np.ndarray, " num_samples"], *, is_last: bool = False) -> list[Partial]:
        """Takes the next samples; returns the stretches that are over, and what is read of the one under way."""
        began = time.perf_counter()
        self._samples = np.concatenate([self._samples, samples])
        self.clock.audio += len(samples) / self.sample_rate
        self._take_features(is_last)
        self._take_emissions(is_last)
        found = list(self._stretches(is_last))
        spent = time.perf_counter() - began
        self.clock.work += spent
        self.clock.longest = max(self.clock.longest, spent)
        return found

    def _take_features(self, is_last: bool) -> None:
        """Computes the features whose samples, and those of the deltas around them, are there."""
        end = self._first_sample + len(self._samples)
        settled = (end - self.width) // self.step + 1 - self.reach
        before = max(0, self._num_features - self.reach)
        if end == 0 or (not is_last and settled <= self._num_features):
            return
        start = before * self.step - self._first_sample
        found = self.feature(Waveform(self._samples[start:], self.sample_rate))
        new = found[self._num_features - before :]
        new = new if is_last else new[: settled - self._num_features]
        if self.frontend.normalizer is not None:
            new = self.frontend.normalizer(new)
        self._features = np.concatenate([self._features, new])
        self._num_features += len(new)
        kept = max(0, self._num_features - self.reach) * self.step
        self._samples = self._samples[kept - self._first_sample :]
        self._first_sample = kept

    def _take_emissions(self, is_last: bool) -> None:
        """Computes the emissions of all frames whose features are there."""
        if is_last:
            ready = -(-self._num_features // self.unit)
        else:
            ready = max(0, (self._num_features - self.frames_needed) // self.unit + 1)
        if ready <= self._num_emitted:
            return
        first = max(0, self._num_emitted * self.unit - self.before)
        features = self._features[first - self._first_feature :]
        if not is_last:
            features = features[: (ready - 1) * self.unit + self.frames_needed - first]
        frames = stack(features, self.stacking) if self.stacking else features
        loaded, device, precision = self.recognizer.loaded, self.recognizer.device, self.recognizer.precision
        [found] = window_emissions(loaded, device, precision, [frames])
        skipped = self._num_emitted - first // self.unit
        self._emissions = np.concatenate([self._emissions, found[skipped : ready - first // self.unit]])
        self._num_emitted = ready
        kept = max(0, ready * self.unit - self.before)
        self._features = self._features[kept - self._first_feature :]
        self._first_feature = kept

    def _stretches(self, is_last: bool) -> Iterator[Partial]:
        while (length := self._end_of_stretch()) is not None:
            text = self._read(self._emissions[:length])
            self._emissions = self._emissions[length:]
            if text:
                yield Partial(text, True, self.clock.audio)
        text = self._read(self._emissions)
        if is_last:
            self._emissions = self._emissions[:0]
        if text or not is_last:
            yield Partial(text, is_last, self.clock.audio)

    def _end_of_stretch(self) -> int | None:
        """Returns where the stretch under way ends; None where it goes on."""
        said = np.flatnonzero(self._emissions.argmax(axis=1) != BLANK)
        if not len(said):
            # Silence that nobody waits for is dropped but for a little, which may begin a token.
            return len(self._emissions) - self.pause if len(self._emissions) > 2 * self.pause else None
        gaps = np.diff(np.append(said, len(self._emissions)))
        pauses = np.flatnonzero(gaps > self.pause)
        if len(pauses):
            return int(said[pauses[0]]) + 1 + self.pause // 2
        if len(self._emissions) < self.most:
            return None
        inside = np.flatnonzero(gaps[:-1] > 1)
        return int(said[inside[-1]]) + 1 if len(inside) else len(self._emissions)

    def _read(self, log_probs: Float32[np.ndarray, "T C"]) -> str:
        if not len(log_probs):
            return ""
        emissions = Emissions(torch.from_numpy(log_probs)[None], torch.tensor([len(log_probs)]))
        return self.recognizer.decoder(emissions)[0][0].text.strip()
