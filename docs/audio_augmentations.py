"""Draws docs/audio_augmentations.png: spectrograms of made-up speech after each augmentation.

python docs/audio_augmentations.py docs
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import fft, signal

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
from seqlabel.records import Waveform

RATE = 16000
STEP, WINDOW, SIZE = 80, 400, 512
HIGH, GAP, COLUMNS = 128, 14, 3
QUIET_DB, LOUD_DB = -75.0, -15.0

KINDS: tuple[tuple[str, SignalAugmentationConfig | None, int], ...] = (
    ("as recorded", None, 0),
    ("SpeedConfig: 1.25", SpeedConfig(slowest=1.25, fastest=1.25, interpolation="filter"), 0),
    ("TempoConfig: 1.25", TempoConfig(slowest=1.25, fastest=1.25), 0),
    ("VocalTractConfig: 1.25", VocalTractConfig(lowest=1.25, highest=1.25), 0),
    ("AdditiveNoiseConfig: pink, 10 dB", AdditiveNoiseConfig(
        probability=1, lowest_snr_db=10, highest_snr_db=10, colours=("pink",)), 1),
    ("AdditiveNoiseConfig: babble, 10 dB", AdditiveNoiseConfig(
        probability=1, lowest_snr_db=10, highest_snr_db=10, colours=("babble",)), 1),
    ("RoomConfig: 0.6 s, 2 m", RoomConfig(
        probability=1, shortest_rt60_seconds=0.6, longest_rt60_seconds=0.6, nearest_metres=2,
        farthest_metres=2), 3),
    ("EqualizerConfig: 9 dB", EqualizerConfig(probability=1, gain_db=9), 8),
    ("VolumeConfig: 20 dB, cut off", VolumeConfig(lowest_db=20, highest_db=20), 0),
    ("TelephoneConfig: A-law", TelephoneConfig(probability=1, companding=("a_law",)), 0),
    ("CodecConfig: gsm", CodecConfig(probability=1, formats=("gsm",)), 0),
)  # fmt: skip


def main(folder: Path) -> None:
    """Writes the picture."""
    speech = spoken(1.4)
    panels = []
    for name, config, seed in KINDS:
        rng = np.random.default_rng(seed)
        panels.append((name, levels(speech if config is None else config.build()(speech, rng))))
    plain = levels(speech)
    for name, augment in (
        ("MasksConfig", MasksConfig(max_frames=30, num_feature_masks=2, max_features=16)),
        ("TimeWarpConfig", TimeWarpConfig(max_frames=80)),
    ):
        changed = augment.build()((plain - plain.mean()).astype(np.float32), np.random.default_rng(5))
        panels.append((name, changed + plain.mean()))
    sheet(panels, plain.shape[0], folder / "audio_augmentations.png")


def spoken(seconds: float) -> Waveform:
    """Returns three syllables: a voice with moving formants, and a hiss before the second of them."""
    rng = np.random.default_rng(1)
    time = np.arange(round(seconds * RATE)) / RATE
    pitch = 130 + 35 * np.sin(2 * np.pi * 0.8 * time)
    source = signal.sawtooth(2 * np.pi * np.cumsum(pitch) / RATE) + 0.05 * rng.standard_normal(len(time))
    place = np.fft.rfftfreq(SIZE, 1 / RATE)
    _, frames_time, spectrum = signal.stft(source, RATE, nperseg=SIZE)
    for column, moment in enumerate(frames_time):
        move = np.sin(2 * np.pi * 1.3 * moment)
        gain = 0.003 + sum(
            size * np.exp(-0.5 * ((place - centre) / width) ** 2)
            for centre, width, size in (
                (550 + 200 * move, 110, 1.0), (1500 - 500 * move, 150, 0.5), (2700 + 150 * move, 200, 0.25),
                (3700, 300, 0.08),
            )
        )  # fmt: skip
        spectrum[:, column] *= gain
    _, voice = signal.istft(spectrum, RATE, nperseg=SIZE)
    voice = voice[: len(time)]
    loud = np.interp(
        time,
        [0.1, 0.15, 0.36, 0.42, 0.6, 0.64, 0.84, 0.9, 0.95, 1.0, 1.25, 1.32],
        [0, 1, 0.8, 0, 0, 1, 0.9, 0, 0, 1, 0.7, 0],
    )
    hiss = signal.lfilter(*signal.butter(2, [3800, 7200], "band", fs=RATE), rng.standard_normal(len(time)))
    hiss *= 0.05 * np.interp(time, [0.46, 0.5, 0.58, 0.62], [0, 1, 1, 0])
    room = 0.0004 * rng.standard_normal(len(time))
    mixed = 0.5 * loud * voice / np.abs(voice).max() + hiss + room
    return Waveform(mixed.astype(np.float32), RATE)


def levels(waveform: Waveform) -> np.ndarray:
    """Returns decibels, a row for each step and a column for each of `HIGH` bands from 0 to 8 kHz."""
    frames = np.lib.stride_tricks.sliding_window_view(waveform.samples, WINDOW)[::STEP]
    power = np.abs(fft.rfft(frames * np.hanning(WINDOW), SIZE)) ** 2 / (WINDOW / 4) ** 2
    return 10 * np.log10(power[:, : 2 * HIGH].reshape(len(frames), HIGH, 2).mean(axis=2) + 1e-9)


def sheet(panels: list[tuple[str, np.ndarray]], widest: int, path: Path) -> None:
    """Writes the panels in rows, dark where there is sound, low frequencies at the bottom."""
    font = ImageFont.load_default(15)
    rows = -(-len(panels) // COLUMNS)
    cell = (widest + GAP, HIGH + 2 * GAP + 10)
    canvas = Image.new("L", (COLUMNS * cell[0] + GAP, rows * cell[1] + GAP), 255)
    pen = ImageDraw.Draw(canvas)
    for number, (name, decibels) in enumerate(panels):
        left, top = GAP + number % COLUMNS * cell[0], GAP + number // COLUMNS * cell[1]
        pen.text((left, top), name, fill=30, font=font)
        shade = 255 - 255 * np.clip((decibels.T[::-1] - QUIET_DB) / (LOUD_DB - QUIET_DB), 0, 1)
        canvas.paste(Image.fromarray(shade.astype(np.uint8)), (left, top + GAP + 8))
    canvas.point([min(255, 5 * round(value / 5)) for value in range(256)]).save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
