"""Augmentation of audio: what each kind costs for a second of speech, and what a peer takes for the same.

    python -m benchmarks.audio_augmentation [--rounds 9] [--threads 1] [--seconds 8]

Waveforms at 16 kHz are made up. All kinds, their peers, and a training step of the speechocean recipe (front end apart:
forward, backward and update in float32) take turns, so that a busy machine is unfair to none; medians, and ratios of
medians: above 1 the peer takes longer. A kind is measured with a probability of 1, `as configured` with the
probabilities of docs/audio_augmentations.md. Peers are what torchaudio and librosa offer; of room and recorded noise
they are given what is drawn anew each time here. Codecs have no peer: torchaudio has given up its own.
"""

import argparse
import itertools
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import librosa
import numpy as np

from benchmarks.augmentation import medians
from recipes.speechocean.speechocean import config as speechocean
from seqlabel.augmentations import (
    AdditiveNoiseConfig,
    CodecConfig,
    EqualizerConfig,
    MasksConfig,
    RoomConfig,
    SignalAugmentationConfig,
    SpeedConfig,
    TelephoneConfig,
    TempoConfig,
    TimeWarpConfig,
    VocalTractConfig,
    VolumeConfig,
)
from seqlabel.data import collate
from seqlabel.formats import write_wav
from seqlabel.frontend import Frontend
from seqlabel.model import Model
from seqlabel.optimization import build_optimizer
from seqlabel.records import Waveform

# isort: split
import torch
from torchaudio import functional

RATE = 16000
BATCH = 8
CALLS = 12
NUM_TOKENS, TOKENS_A_SECOND = 30, 12
Job = Callable[[], object]

CONFIGURED: tuple[SignalAugmentationConfig, ...] = (
    SpeedConfig(slowest=0.9, fastest=1.1, interpolation="filter"),
    RoomConfig(probability=0.3),
    AdditiveNoiseConfig(probability=0.5),
    VolumeConfig(),
    TelephoneConfig(probability=0.2),
    CodecConfig(probability=0.1),
)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=8.0, help="of a waveform (default: 8)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    rng = np.random.default_rng(1)
    waveforms = [made_up_speech(arguments.seconds, rng) for _ in range(BATCH)]
    with tempfile.TemporaryDirectory() as folder:
        for number in range(4):
            write_wav(Path(folder) / f"{number}.wav", made_up_speech(20.0, rng))
        ours = kinds(Path(folder))
    jobs = {name: augmented(parts, waveforms) for name, parts in ours.items()}
    # What is drawn seldom costs most: many draws, the same ones in every round.
    jobs["as configured"] = augmented(ours["as configured"], waveforms, CALLS)
    jobs |= {name: of_features(config, waveforms) for name, config in FEATURE_KINDS.items()}
    theirs = {f"peer of {name}": job for name, (_, job) in peers(waveforms).items()}
    seconds = medians(
        {**jobs, **theirs, "front end": front_end(waveforms), "step": step(waveforms)}, arguments.rounds
    )
    seconds["as configured"] /= CALLS
    whole = seconds["step"]
    audio = BATCH * arguments.seconds
    print(
        f"{BATCH} waveforms of {arguments.seconds:g} s at {RATE} Hz, {arguments.threads} threads, medians of "
        f"{arguments.rounds} alternating rounds; a training step takes {1e3 * whole:.0f} ms"
    )
    named = {name: peer for name, (peer, _) in peers(waveforms).items()}
    for name in (*jobs, "front end"):
        line = f"{name:24s} {1e3 * seconds[name] / audio:7.3f} ms a second"
        if name in named:
            ratio = seconds[f"peer of {name}"] / seconds[name]
            line += f"   {ratio:5.1f} x {named[name]}"
        print(line)
    share = seconds["as configured"] / whole
    print(f"as configured, as a share of a training step: {share:.1%}")


def made_up_speech(seconds: float, rng: np.random.Generator) -> Waveform:
    """Returns the harmonics of a voice that rises and falls, with breath, in syllables."""
    time = np.arange(round(seconds * RATE)) / RATE
    turn = 2 * np.pi * np.cumsum(130 + 30 * np.sin(2 * np.pi * 0.7 * time + rng.uniform(0, 6))) / RATE
    sound = sum(np.sin(number * turn) / number for number in range(1, 25))
    level = 0.02 + np.clip(np.sin(2 * np.pi * 2.1 * time + rng.uniform(0, 6)), 0, 1)
    breath = 0.1 * rng.standard_normal(len(time))
    return Waveform((0.15 * (sound + breath) * level).astype(np.float32), RATE)


def kinds(folder: Path) -> dict[str, list[Callable[[Waveform, np.random.Generator], object]]]:
    """Returns what is measured; the folder is read here."""
    always: dict[str, SignalAugmentationConfig] = {
        "speed": SpeedConfig(slowest=1.1, fastest=1.1, interpolation="filter"),
        "tempo": TempoConfig(slowest=1.1, fastest=1.1),
        "vocal tract": VocalTractConfig(lowest=1.1, highest=1.1),
        "volume": VolumeConfig(),
        **{
            f"noise: {colour}": AdditiveNoiseConfig(probability=1.0, colours=(colour,))
            for colour in AdditiveNoiseConfig().colours
        },
        "noise: recorded": AdditiveNoiseConfig(probability=1.0, folder=str(folder)),
        "room": RoomConfig(probability=1.0),
        "equalizer": EqualizerConfig(probability=1.0),
        **{
            f"telephone: {name}": TelephoneConfig(probability=1.0, companding=(name,))
            for name in TelephoneConfig().companding
        },
        **{f"codec: {name}": CodecConfig(probability=1.0, formats=(name,)) for name in CodecConfig().formats},
    }
    measured: dict[str, list[Callable[[Waveform, np.random.Generator], object]]] = {
        name: [config.build()] for name, config in always.items()
    }
    measured["as configured"] = [config.build() for config in CONFIGURED]
    return measured


FEATURE_KINDS: dict[str, MasksConfig | TimeWarpConfig] = {
    "masks": MasksConfig(num_feature_masks=2),
    "time warp": TimeWarpConfig(),
}


def augmented(
    parts: Sequence[Callable[[Waveform, np.random.Generator], object]],
    waveforms: Sequence[Waveform],
    calls: int = 1,
) -> Job:
    """Returns a function that augments all waveforms, so many times in different ways."""

    def run() -> None:
        for call, (index, waveform) in itertools.product(range(calls), enumerate(waveforms)):
            rng = np.random.default_rng((call, index))
            signal: object = waveform
            for part in parts:
                signal = part(signal, rng)  # type: ignore[arg-type]

    return run


def of_features(config: MasksConfig | TimeWarpConfig, waveforms: Sequence[Waveform]) -> Job:
    """Returns a function that augments the features of all waveforms."""
    augment, frontend = config.build(), Frontend(speechocean.frontend)
    features = [frontend.feature(waveform) for waveform in waveforms]
    calls = iter(range(1_000_000))

    def run() -> None:
        call = next(calls)
        for index, values in enumerate(features):
            augment(values, np.random.default_rng((call, index)))

    return run


def peers(waveforms: Sequence[Waveform]) -> dict[str, tuple[str, Job]]:
    """Returns the peers by the name of what they are peers of, each with its own name."""
    rng = np.random.default_rng(3)
    tensors = [torch.from_numpy(waveform.samples)[None] for waveform in waveforms]
    noise = torch.from_numpy(rng.standard_normal(tensors[0].shape, dtype=np.float32))
    response = (
        RoomConfig(shortest_rt60_seconds=0.35, longest_rt60_seconds=0.35).build().impulse_response(RATE, rng)
    )
    room = torch.from_numpy(response)[None]
    snr = torch.tensor([10.0])
    frontend = Frontend(speechocean.frontend)
    features = [torch.from_numpy(frontend.feature(waveform))[None, None] for waveform in waveforms]

    def over(function: Callable[[torch.Tensor], object]) -> Job:
        return lambda: [function(tensor) for tensor in tensors]

    def equalized(tensor: torch.Tensor) -> torch.Tensor:
        for octave in range(6):
            tensor = functional.equalizer_biquad(tensor, RATE, 125.0 * 2**octave, 5.0)
        return tensor

    def telephone(tensor: torch.Tensor) -> torch.Tensor:
        line = functional.bandpass_biquad(functional.resample(tensor, RATE, 8000), 8000, 1010.0)
        line = functional.mu_law_decoding(functional.mu_law_encoding(line, 256), 256)
        back: torch.Tensor = functional.resample(line, 8000, RATE)
        return back

    def masked() -> None:
        for values in features:
            for axis in (2, 3, 3):
                values = functional.mask_along_axis(values, 10, 0.0, axis)

    return {
        "speed": ("torchaudio speed", over(lambda tensor: functional.speed(tensor, RATE, 1.1))),
        "tempo": (
            "librosa time_stretch",
            lambda: [librosa.effects.time_stretch(waveform.samples, rate=1.1) for waveform in waveforms],
        ),
        "volume": ("torchaudio gain", over(lambda tensor: functional.gain(tensor, 6.0).clamp(-1, 1))),
        "noise: white": (
            "torchaudio add_noise, torch.randn",
            over(lambda tensor: functional.add_noise(tensor, torch.randn(tensor.shape), snr)),
        ),
        "noise: recorded": (
            "torchaudio add_noise",
            over(lambda tensor: functional.add_noise(tensor, noise, snr)),
        ),
        "room": ("torchaudio fftconvolve", over(lambda tensor: functional.fftconvolve(tensor, room))),
        "equalizer": ("torchaudio equalizer_biquad, six octaves", over(equalized)),
        "telephone: mu_law": ("torchaudio resample, bandpass_biquad, mu_law_encoding", over(telephone)),
        "masks": ("torchaudio mask_along_axis", masked),
    }


def front_end(waveforms: Sequence[Waveform]) -> Job:
    """Returns a function that computes the frames of all waveforms, as the recipe does."""
    frontend = Frontend(speechocean.frontend)
    return lambda: [frontend(waveform) for waveform in waveforms]


def step(waveforms: Sequence[Waveform]) -> Job:
    """Returns a function that takes one training step of the speechocean recipe on all waveforms."""
    frontend = Frontend(speechocean.frontend)
    rng = np.random.default_rng(2)
    items = []
    for number, waveform in enumerate(waveforms):
        num_tokens = round(TOKENS_A_SECOND * len(waveform.samples) / RATE)
        items.append((str(number), frontend(waveform), rng.integers(1, NUM_TOKENS, num_tokens).tolist()))
    batch = collate(items)
    model = Model(speechocean.encoder, frontend.dim, NUM_TOKENS)
    optimizer = build_optimizer(model, speechocean)

    def run() -> None:
        optimizer.zero_grad(set_to_none=True)
        answers = model.answers(batch.features, batch.feature_lengths)
        losses = [
            weight * model.objective.losses(emissions, batch.targets, batch.target_lengths).sum()
            for weight, emissions in answers
        ]
        torch.stack(losses).sum().div(float(batch.target_lengths.sum())).backward()
        optimizer.step()

    return run


if __name__ == "__main__":
    main()
