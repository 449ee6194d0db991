"""TIMIT (LDC93S1): English sentences read by 630 speakers, every phone marked by hand, 16 kHz. Licence of the LDC.

    python -m data_prep.timit SOURCE OUT [--phones 48|61|39]

The tree on disk, in upper case or in lower case; Kaggle's copy has SA1.WAV.wav beside or instead of SA1.WAV:

    timit/
      TRAIN/DR1/FCJF0/SI1027.WAV     NIST SPHERE (or RIFF); DR1 is the dialect, FCJF0 the speaker, F a woman
      TRAIN/DR1/FCJF0/SI1027.PHN     0 2360 h#       first sample, the one after the last, phone
      TRAIN/DR1/FCJF0/SI1027.TXT, SI1027.WRD         the words (not needed here)
      TEST/DR1/...

Writes train (462 speakers, 3696 sentences), dev (50 speakers of TEST, 400) and test (the core test set: 24 speakers,
192), referencing the audio where it lies. The two dialect sentences that everybody reads, SA1 and SA2, are left out,
and so are the other speakers of TEST: both are counted. The text of a sentence is its phones; the labels are the phones
with their lengths in samples.

Phones are folded from 61 to 48 as in Lee and Hon (1989, "Speaker-independent phone recognition using hidden Markov
models", IEEE Trans. ASSP 37(11), section II): closures become cl (voiceless) and vcl (voiced), the pause and the
utterance's ends sil; the glottal stop q is taken out of the text, and in the labels its samples go to the phone before
it. `fold.txt` in OUT folds what a model reads on to the 39 phones on which error rates are reported, when it is scored:

    seqlabel evaluate MODEL OUT/test.jsonl --fold OUT/fold.txt
"""

import sys
from pathlib import Path

from data_prep.corpus_source import Flags, Prepared, Published, read_lines, run
from seqlabel.errors import ManifestError
from seqlabel.formats import audio_seconds
from seqlabel.records import Example

PUBLISHED = Published(name="timit", page="https://catalog.ldc.upenn.edu/LDC93S1", address=None)
SAMPLE_RATE = 16000
_PHONES_61 = (
    "aa ae ah ao aw ax ax-h axr ay b bcl ch d dcl dh dx eh el em en eng epi er ey f g gcl h# hh hv ih ix iy jh k kcl "
    "l m n ng nx ow oy p pau pcl q r s sh t tcl th uh uw ux v w y z zh"
)
# What changes, the others stay; None: taken out.
FOLD_61_TO_48: dict[str, str | None] = {
    "ax-h": "ax", "axr": "er", "bcl": "vcl", "dcl": "vcl", "gcl": "vcl", "pcl": "cl", "tcl": "cl", "kcl": "cl",
    "em": "m", "eng": "ng", "h#": "sil", "pau": "sil", "hv": "hh", "nx": "n", "ux": "uw", "q": None,
}  # fmt: skip
FOLD_48_TO_39 = {
    "ao": "aa", "ax": "ah", "cl": "sil", "vcl": "sil", "epi": "sil", "el": "l", "en": "n", "ix": "ih", "zh": "sh"
}  # fmt: skip
# Of the documentation of the corpus (doc/testset.doc): two men and a woman of each dialect.
_CORE_TEST = (
    "FELC0 MDAB0 MWBT0 FPAS0 MTAS1 MWEW0 FPKT0 MJMP0 MLNT0 FJLM0 MLLL0 MTLS0 FNLP0 MBPM0 MKLT0 FMGD0 MCMJ0 MJDH0 FDHC0 "
    "MGRT0 MNJM0 FMLD0 MJLN0 MPAM0"
)
# The usual development set, of Halberstadt's thesis (1998), as in Kaldi's and others' recipes.
_DEV = (
    "FADG0 FAKS0 FCAL1 FCMH0 FDAC1 FDMS0 FDRW0 FEDW0 FGJD0 FJEM0 FJMG0 FJSJ0 FKMS0 FMAH0 FMML0 FNMR0 FREW0 FSEM0 MAJC0 "
    "MBDG0 MBNS0 MBWM0 MCSH0 MDLF0 MDLS0 MDVC0 MERS0 MGJF0 MGLB0 MGWT0 MJAR0 MJFC0 MJSW0 MMDB1 MMDM2 MMJR0 MMWH0 MPDF0 "
    "MRCS0 MREB0 MRJM4 MRJR0 MROA0 MRTK0 MRWS1 MTAA0 MTDT0 MTEB0 MTHC0 MWJG0"
)
PHONES_61, CORE_TEST, DEV = (names.split() for names in (_PHONES_61, _CORE_TEST, _DEV))
FLAGS: Flags = {"--phones": {"type": int, "choices": (61, 48, 39), "default": 48, "help": "default: 48"}}


def prepare(source: Path, out: Path, phones: int = 48) -> Prepared:
    """Returns the splits after `out/fold.txt` stands; `source` holds TRAIN and TEST."""
    prepared = Prepared(unit="sentences", group_unit="speakers", splits={"train": [], "dev": [], "test": []})
    found = [path for path in sorted(source.rglob("*")) if path.suffix.lower() == ".phn"]
    if not found:
        raise ManifestError(
            f"{source}: no .PHN in it. Expected TRAIN/DR1/FCJF0/SI1027.PHN and .WAV, and TEST."
        )
    for path in found:
        part, speaker = _place(source, path)
        utterance = f"{speaker}_{path.stem.upper()}"
        split = _split(part, speaker)
        if path.stem.upper().startswith("SA"):
            prepared.leave_out("dialect sentence, read by everybody", utterance)
        elif split is None:
            prepared.leave_out("of TEST, but neither core nor dev", utterance)
        else:
            audio = _audio(path)
            seconds = audio_seconds(audio)
            labels = fold_labels(_read_phones(path, round(seconds * SAMPLE_RATE)), phones)
            text = " ".join(phone for phone, _ in labels)
            example = Example(id=utterance, source=audio, text=text, group=speaker, labels=labels)
            prepared.add(split, example, seconds)
    out.mkdir(parents=True, exist_ok=True)
    (out / "fold.txt").write_text(fold_table(phones), encoding="ascii")
    return prepared


def fold_phone(phone: str, num_phones: int) -> str | None:
    """Returns one of the 61 phones as one of the 61, 48 or 39; None where those have none for it.

    >>> fold_phone("tcl", 48), fold_phone("tcl", 39), fold_phone("q", 39)
    ('cl', 'sil', None)
    """
    if num_phones == 61:
        return phone
    folded = FOLD_61_TO_48.get(phone, phone)
    return folded if folded is None or num_phones == 48 else FOLD_48_TO_39.get(folded, folded)


def fold_table(num_phones: int) -> str:
    """Returns the lines of `fold.txt`: each of the 61 or 48 phones, and which of the 39 it is, if any."""
    own = sorted({folded for phone in PHONES_61 if (folded := fold_phone(phone, num_phones))})
    on = {
        phone: fold_phone(phone, 39) if num_phones == 61 else FOLD_48_TO_39.get(phone, phone) for phone in own
    }
    return "".join(f"{phone} {folded}\n" if folded else f"{phone}\n" for phone, folded in on.items())


def fold_labels(labels: list[tuple[str, float]], num_phones: int) -> tuple[tuple[str, float], ...]:
    """Returns the labels folded; the samples of a phone that is taken out go to the one before it.

    >>> fold_labels([("ih", 10.0), ("q", 3.0), ("bcl", 5.0)], 48)
    (('ih', 13.0), ('vcl', 5.0))
    """
    kept: list[tuple[str, float]] = []
    waiting = 0.0  # of one at the very beginning
    for phone, length in labels:
        folded = fold_phone(phone, num_phones)
        if folded is not None:
            kept.append((folded, length + waiting))
            waiting = 0.0
        elif kept:
            kept[-1] = (kept[-1][0], kept[-1][1] + length)
        else:
            waiting += length
    return tuple(kept)


def _place(source: Path, path: Path) -> tuple[str, str]:
    """TRAIN or TEST, and the speaker."""
    folders = [folder.upper() for folder in path.relative_to(source.parent).parts[:-1]]
    part = next((folder for folder in reversed(folders) if folder in ("TRAIN", "TEST")), None)
    if part is None:
        raise ManifestError(f"{path}: is below neither TRAIN nor TEST. Expected TRAIN/DR1/FCJF0/{path.name}.")
    return part, folders[-1]


def _split(part: str, speaker: str) -> str | None:
    if part == "TRAIN":
        return "train"
    return "test" if speaker in CORE_TEST else "dev" if speaker in DEV else None


def _audio(path: Path) -> Path:
    beside = {other.name.lower(): other for other in path.parent.iterdir()}
    for ending in (".wav", ".wav.wav"):
        if audio := beside.get(f"{path.stem.lower()}{ending}"):
            return audio
    raise ManifestError(f"{path}: no {path.stem}.WAV (or .WAV.wav) beside it. Is the corpus complete?")


def _read_phones(path: Path, num_samples: int) -> list[tuple[str, float]]:
    """The phones and their lengths, which share out the whole sentence."""
    begins: list[int] = []
    names: list[str] = []
    end = 0
    for number, line in enumerate(read_lines(path), start=1):
        fields = line.split()
        if not fields:
            continue
        if (
            len(fields) != 3
            or not (fields[0].isdigit() and fields[1].isdigit())
            or fields[2] not in PHONES_61
        ):
            raise ManifestError(
                f"{path}:{number}: {line[:60]!r}; expected such as '0 2360 h#', a phone of TIMIT's 61."
            )
        if names and int(fields[0]) <= begins[-1]:
            raise ManifestError(f"{path}:{number}: begins at {fields[0]}, not after the phone before it.")
        begins.append(int(fields[0]) if names else 0)
        names.append(fields[2])
        end = int(fields[1])
    if not names or max(end, num_samples) <= begins[-1]:
        raise ManifestError(f"{path}: holds no phones. Is the corpus complete?")
    ends = [*begins[1:], max(end, num_samples)]
    return [(name, float(last - first)) for name, first, last in zip(names, begins, ends, strict=True)]


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments, flags=FLAGS)


if __name__ == "__main__":
    sys.exit(main())
