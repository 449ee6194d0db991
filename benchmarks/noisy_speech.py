"""Models of speech on recordings that are not made in a quiet room: word error rates by what was done to the test set.

    python -m benchmarks.noisy_speech MODEL... [--manifest data/fsdd/test.jsonl] [--seed 99]

Every recording is changed once, with a generator of its own, and all models read the same files: as recorded, in white
noise and in babble, in rooms with a decay time of 0.5 s with the microphone 1.5 to 2.5 m away, over a mobile telephone
(A-law, then GSM), and all of it at once. The first model is what the others are compared with.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from seqlabel.augmentations import (
    AdditiveNoiseConfig,
    CodecConfig,
    RoomConfig,
    SignalAugmentationConfig,
    TelephoneConfig,
)
from seqlabel.formats import write_wav
from seqlabel.manifest import read_manifest, write_manifest
from seqlabel.recognizer import Recognizer
from seqlabel.records import Waveform

ROOM = RoomConfig(
    probability=1.0,
    shortest_rt60_seconds=0.5,
    longest_rt60_seconds=0.5,
    nearest_metres=1.5,
    farthest_metres=2.5,
)
TELEPHONE = (
    TelephoneConfig(probability=1.0, companding=("a_law",)),
    CodecConfig(probability=1.0, formats=("gsm",)),
)


def noise(colour: str, snr_db: float) -> AdditiveNoiseConfig:
    """Returns noise of one colour at one ratio."""
    return AdditiveNoiseConfig(
        probability=1.0,
        colours=(colour,),  # type: ignore[arg-type]
        lowest_snr_db=snr_db,
        highest_snr_db=snr_db,
    )


CONDITIONS: dict[str, tuple[SignalAugmentationConfig, ...]] = {
    "as recorded": (),
    "white noise, 5 dB": (noise("white", 5.0),),
    "babble, 10 dB": (noise("babble", 10.0),),
    "room": (ROOM,),
    "telephone": TELEPHONE,
    "room, babble, telephone": (ROOM, noise("babble", 15.0), *TELEPHONE),
}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", metavar="MODEL", type=Path, nargs="+")
    parser.add_argument("--manifest", type=Path, default=Path("data/fsdd/test.jsonl"))
    parser.add_argument("--seed", type=int, default=99)
    arguments = parser.parse_args()
    recognizers = [Recognizer.load(path) for path in arguments.models]
    width = max(len(name) for name in CONDITIONS)
    print(f"{'WER':{width}}  " + "  ".join(str(path) for path in arguments.models))
    with tempfile.TemporaryDirectory() as folder:
        for name, parts in CONDITIONS.items():
            made = changed(arguments.manifest, parts, arguments.seed, recognizers[0], Path(folder))
            rates = [recognizer.evaluate(made).rates.wer for recognizer in recognizers]
            print(f"{name:{width}}  " + "  ".join(f"{100 * rate:6.2f} %" for rate in rates), flush=True)


def changed(
    manifest: Path,
    parts: tuple[SignalAugmentationConfig, ...],
    seed: int,
    recognizer: Recognizer,
    folder: Path,
) -> Path:
    """Returns a manifest of the recordings after these changes, written into the folder."""
    augmentations = [part.build() for part in parts]
    examples = []
    for number, example in enumerate(read_manifest(manifest)):
        signal = recognizer.loaded.frontend.read(example)
        rng = np.random.default_rng((seed, number))
        for augment in augmentations:
            signal = augment(signal, rng)
        assert isinstance(signal, Waveform)
        peak = np.float32(max(1.0, float(np.abs(signal.samples).max())))
        source = folder / f"{number}.wav"
        write_wav(source, Waveform(signal.samples / peak, signal.sample_rate))
        examples.append(replace(example, source=source, start_seconds=None, end_seconds=None))
    write_manifest(folder / "test.jsonl", examples)
    return folder / "test.jsonl"


if __name__ == "__main__":
    main()
