"""Speech in a room: reverberation by impulse responses that are made on the fly, each of a room of its own.

The first reflections are those of the image method in a box-shaped room (Allen and Berkley, JASA 65, 1979), with walls
that turn the sign around, so that low frequencies do not pile up (Lehmann and Johansson, JASA 124, 2008), and with the
absorption that Eyring's formula gives for the decay time. After 40 ms there are so many images that they sound like
noise: from there on they are noise, whose power is what the images have on average. All images together cost up to
hundreds of times as much, and their decay time comes out 10 to 40 % above what was asked for.
"""

from typing import Annotated, Any, no_type_check

import msgspec
import numpy as np
from jaxtyping import Float32, Float64
from scipy import fft

from seqlabel.augmentations.loudness import as_loud_as
from seqlabel.augmentations.ranges import check_range
from seqlabel.compiled import compiled
from seqlabel.config import Config, Positive, Probability
from seqlabel.records import Signal, Waveform

METRES_A_SECOND = 343.0
EARLY_SECONDS, FADE_SECONDS = 0.04, 0.02
"""Images are counted up to the first; noise takes their place in the time before it that the second says."""
LOWEST_CEILING, HIGHEST_CEILING = 2.4, 4.0
WALL_METRES = 0.3
"""Nobody speaks, and no microphone stands, closer to a wall."""
NUM_TAPS, NUM_SHIFTS = 16, 64
"""A reflection falls between two samples: the length of its interpolator, and the places that this has."""


DecayTime = Annotated[float, msgspec.Meta(gt=0, le=10)]
Side = Annotated[float, msgspec.Meta(ge=1, le=100)]


class RoomConfig(Config, frozen=True, tag="room"):
    """A room, a voice and a microphone in it, all drawn anew for every example.

    Attributes:
        probability: of a room.
        shortest_rt60_seconds, longest_rt60_seconds: of the time in which the sound of the room falls by 60 dB: 0.2 in a
            furnished room, 0.5 in an office, 1 in a stairwell.
        nearest_metres, farthest_metres: of the microphone from the mouth, as far as the room is large enough; the
            farther, the more of the room is heard beside the voice.
        smallest_metres, largest_metres: of the length and the width of the room; its height is 2.4 to 4 metres.
    """

    probability: Probability = 0.5
    shortest_rt60_seconds: DecayTime = 0.1
    longest_rt60_seconds: DecayTime = 0.6
    nearest_metres: Positive = 0.3
    farthest_metres: Positive = 3.0
    smallest_metres: Side = 2.5
    largest_metres: Side = 9.0

    def build(self) -> "Room":
        """Returns the augmentation; raises ConfigError where a range is upside down."""
        for low, high in (
            ("shortest_rt60_seconds", "longest_rt60_seconds"),
            ("nearest_metres", "farthest_metres"),
            ("smallest_metres", "largest_metres"),
        ):
            check_range("room", (low, getattr(self, low)), (high, getattr(self, high)))
        return Room(self)


class Room:
    """Puts a waveform into a room; leaves other signals alone.

    The sound that comes straight from the mouth stays at its time, what rings on after the end is cut off, and the
    energy of the waveform stays: neither lengths nor labels move.
    """

    def __init__(self, config: RoomConfig) -> None:
        self.config = config
        taps = np.arange(NUM_TAPS) - (NUM_TAPS // 2 - 1)
        place = taps[None, :] - np.arange(NUM_SHIFTS)[:, None] / NUM_SHIFTS
        self.interpolators = np.sinc(place) * np.cos(np.pi * place / NUM_TAPS) ** 2

    def __call__(self, signal: Signal, rng: np.random.Generator) -> Signal:
        """Returns the waveform in a room drawn from `rng`."""
        if not isinstance(signal, Waveform) or rng.random() >= self.config.probability:
            return signal
        samples = signal.samples
        response = self.impulse_response(signal.sample_rate, rng)[: max(1, len(samples))]
        size = fft.next_fast_len(max(1, len(samples) + len(response) - 1), real=True)
        spectrum = fft.rfft(samples, size) * fft.rfft(response, size)
        wet = fft.irfft(spectrum, size)[: len(samples)]
        return Waveform(as_loud_as(samples, wet), signal.sample_rate)

    def impulse_response(self, sample_rate: int, rng: np.random.Generator) -> Float32[np.ndarray, " K"]:
        """Returns the response of a room drawn from `rng`: 1 for the direct sound, at sample 0, and what follows."""
        config = self.config
        rt60 = rng.uniform(config.shortest_rt60_seconds, config.longest_rt60_seconds)
        sides = rng.uniform(config.smallest_metres, config.largest_metres, 2)
        room = np.array([*sides, rng.uniform(LOWEST_CEILING, HIGHEST_CEILING)])
        microphone = WALL_METRES + rng.random(3) * (room - 2 * WALL_METRES)
        # Mouths are about as high as microphones, in any direction from them.
        angle = rng.uniform(0, 2 * np.pi)
        away = rng.uniform(config.nearest_metres, config.farthest_metres)
        ray = np.array([np.cos(angle), np.sin(angle), rng.uniform(-0.3, 0.3)])
        mouth = np.clip(microphone + away * ray, WALL_METRES, room - WALL_METRES)
        tail = rng.standard_normal(1 + round(rt60 * sample_rate), dtype=np.float32)
        return self._response(room, mouth, microphone, rt60, sample_rate, tail)

    def _response(
        self,
        room: Float64[np.ndarray, "3"],
        mouth: Float64[np.ndarray, "3"],
        microphone: Float64[np.ndarray, "3"],
        rt60: float,
        sample_rate: int,
        noise: Float32[np.ndarray, " K"],
    ) -> Float32[np.ndarray, " K"]:
        away = max(0.1, float(np.linalg.norm(mouth - microphone)))
        volume = float(room.prod())
        surface = 2 * float(room[0] * room[1] + room[1] * room[2] + room[0] * room[2])
        decay = 6 * np.log(10) / rt60  # of the power, for each second
        absorbed = 1 - np.exp(-decay * 4 * volume / (METRES_A_SECOND * surface))
        early = np.zeros(round(EARLY_SECONDS * sample_rate) + NUM_TAPS)
        _add_images(
            early,
            room,
            mouth,
            microphone,
            float(away),
            -float(np.sqrt(1 - absorbed)),
            sample_rate / METRES_A_SECOND,
            self.interpolators,
        )
        # 4 pi c^3 t^2 / V images arrive a second, each with the power (c t)^-2 of a wave that has come so far, here as
        # a share of that of the direct sound, and damped by the walls.
        seconds = away / METRES_A_SECOND + np.arange(len(noise)) / sample_rate
        power = 4 * np.pi * METRES_A_SECOND * away**2 / (volume * sample_rate) * np.exp(-decay * seconds)
        share = np.arange(len(noise)) / sample_rate
        share = np.clip((share - EARLY_SECONDS + FADE_SECONDS) / FADE_SECONDS, 0, 1)
        response = noise * np.sqrt(power * share)
        common = min(len(early), len(response))
        response[:common] += early[:common] * np.sqrt(1 - share[:common])
        response[0] = 1.0
        found: Float32[np.ndarray, " K"] = response.astype(np.float32)
        return found


@compiled
@no_type_check
def _add_images(
    response: Any,
    room: Any,
    mouth: Any,
    microphone: Any,
    away: float,
    reflection: float,
    samples_a_metre: float,
    interpolators: Any,
) -> None:
    """Adds all images but the mouth itself; a response of 1 for each would be that of the direct sound."""
    farthest = away + EARLY_SECONDS * METRES_A_SECOND
    num_shifts, num_taps = interpolators.shape
    reach_x = int(farthest / (2 * room[0])) + 1
    reach_y = int(farthest / (2 * room[1])) + 1
    reach_z = int(farthest / (2 * room[2])) + 1
    for i in range(-reach_x, reach_x + 1):
        for p in range(2):
            x = (1 - 2 * p) * mouth[0] + 2 * i * room[0] - microphone[0]
            for j in range(-reach_y, reach_y + 1):
                for q in range(2):
                    y = (1 - 2 * q) * mouth[1] + 2 * j * room[1] - microphone[1]
                    for k in range(-reach_z, reach_z + 1):
                        for r in range(2):
                            z = (1 - 2 * r) * mouth[2] + 2 * k * room[2] - microphone[2]
                            hits = abs(i - p) + abs(i) + abs(j - q) + abs(j) + abs(k - r) + abs(k)
                            distance = np.sqrt(x * x + y * y + z * z)
                            if hits == 0 or distance > farthest:
                                continue
                            late = max(0.0, distance - away) * samples_a_metre
                            whole = int(late)
                            shift = int((late - whole) * num_shifts)
                            size = reflection**hits * away / distance
                            first = whole - (num_taps // 2 - 1)
                            for tap in range(num_taps):
                                place = first + tap
                                if 0 < place < len(response):
                                    response[place] += size * interpolators[shift, tap]
