"""Every reader of files that others write, with sound files to begin from and the way in which they are damaged."""

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from data_prep.corpus_source import read_lines as read_corpus_lines
from data_prep.unix_compress import read_compressed
from seqlabel import formats
from seqlabel.checkpoint import load_checkpoint
from seqlabel.features import (
    BezierConfig,
    ColumnConfig,
    GeometricColumnConfig,
    GravesPenConfig,
    LogMelConfig,
    PenConfig,
)
from seqlabel.language_model import NgramModel, read_arpa, read_lexicon
from seqlabel.manifest import read_manifest
from seqlabel.model_file import load_model, read_header
from seqlabel.overrides import override
from seqlabel.records import Example
from seqlabel.texts import read_rules
from seqlabel.transcripts import read_folding, read_pairs
from tests.fuzz import containers, seeds
from tests.fuzz.mutations import mutated

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Reader:
    """What is called on a damaged file.

    Attributes:
        name: on the command line.
        suffix: of the file.
        read: what has to come back, or to raise a SeqlabelError of one line.
        seeds: writes what must stand beside the file into a folder, and returns sound files.
        mutate: damages one of them.
        real: a pattern below `$SEQLABEL_DATA` of files to begin from as well.
        stem: of the file's name.
        is_noisy: whether a library in C (libtiff, libmpg123) says things of its own on standard error.
    """

    name: str
    suffix: str
    read: Callable[[Path], object]
    seeds: Callable[[Path], list[bytes]]
    mutate: Callable[[random.Random, Sequence[bytes]], bytes]
    real: str = ""
    stem: str = "x"
    is_noisy: bool = False

    @property
    def file(self) -> str:
        """The name that the file has."""
        return self.stem + self.suffix

    def make_seeds(self, folder: Path) -> list[bytes]:
        """Returns sound files, and writes what they need into the folder."""
        found = self.seeds(folder)
        data = os.environ.get("SEQLABEL_DATA")
        if data and self.real:
            paths = sorted(
                path for path in Path(data).glob(self.real) if path.stat().st_size < MOST_SEED_BYTES
            )
            found += [path.read_bytes() for path in paths[:: max(1, len(paths) // 3)][:3]]
        return found


MOST_SEED_BYTES = 12_000


def _by(kind: str) -> Callable[[random.Random, Sequence[bytes]], bytes]:
    return lambda rng, found: mutated(rng, kind, found)


def _audio(path: Path) -> None:
    for sample_rate in (None, 16000):
        _LOG_MEL(formats.read_audio(path, sample_rate=16000)) if sample_rate else formats.read_audio(
            path, sample_rate=None
        )
    formats.audio_seconds(path)
    for _ in formats.audio_blocks(path, 11_025):
        pass


def _image(path: Path) -> None:
    formats.num_images(path)
    image = formats.read_line_image(path)
    for feature in _COLUMNS:
        feature(image)


def _tiff(path: Path) -> None:
    if formats.num_images(path) == 1:
        _image(path)
    else:
        formats.read_line_image(path.with_name(f"{path.name}:1"))


def _matrix(path: Path) -> None:
    formats.read_matrix(path, sphinx_width=2)


def _archive(path: Path) -> None:
    formats.read_matrix(path.with_name(f"{path.name}:2"))
    formats.read_matrix(path)


def _page(path: Path) -> None:
    examples = read_manifest(path)
    for example in examples[:3]:
        formats.read_page_line(example.source)


def _rewritten_page(path: Path) -> None:
    page = formats.read_page(path)
    outline = np.array([(1.0, 1.0), (5.0, 1.0), (5.0, 5.0), (1.0, 5.0)])
    word = formats.PlacedText("ab", outline, 0.5, (formats.PlacedText("a", outline, 0.5),) * 2)
    out = path.with_name("out.xml")
    formats.write_page(path, out, {index: [word, word] for index in range(min(3, len(page.lines)))})
    found = formats.read_page(out)
    assert len(found.lines) == len(page.lines), "a line was lost"


def _ink(path: Path) -> None:
    strokes = formats.read_strokes(path)
    formats.split_rows(strokes)
    for feature in _PENS:
        feature(strokes)


def _inkml(path: Path) -> None:
    document = formats.read_inkml(path)
    formats.read_ink_groups(path)
    formats.num_ungrouped_strokes(path)
    out = path.with_name("out.inkml")
    formats.annotate_inkml(path, out, ["ab"] * len(formats.read_ink_groups(path)))
    formats.write_inkml(out, [(document.strokes, "ab")])
    formats.read_inkml(out)


def _unipen(path: Path) -> None:
    formats.read_unipen(path)
    formats.read_unipen_segments(path)


def _text_of(example: Example) -> None:
    str(example.source)


def _manifest(path: Path) -> None:
    for example in read_manifest(path):
        _text_of(example)


def _folder(path: Path) -> None:
    read_manifest(path.parent)


def _symbols(path: Path) -> None:
    formats.read_symbols(path.with_name(f"{path.name}:1"))
    formats.read_symbols(path, "character")


def _use(model: NgramModel) -> None:
    model.log_probs(["a", "b", "nowhere"])
    model.perplexity([["b", "a"]])


def _arpa(path: Path) -> None:
    _use(read_arpa(path))


def _model(path: Path) -> None:
    read_header(path)
    loaded = load_model(path, CPU)
    for model in (loaded.language.tokens, loaded.language.words):
        if model is not None:
            _use(model)
    decoder = loaded.header.experiment.decoder.build(loaded.header.tokens, loaded.language)
    with torch.no_grad():
        frames = torch.zeros(1, 20, loaded.frontend.dim)
        decoder(loaded.model(frames, torch.tensor([20])))


def _override(path: Path) -> None:
    words = path.read_bytes().decode("utf-8", "surrogateescape").split("\n")
    override(seeds.experiment(), words)


def _pairs(path: Path) -> None:
    read_pairs(path.with_name("reference.jsonl"), path)


def _lines(path: Path) -> None:
    read_pairs(path, path)
    read_folding(path)


_LOG_MEL = LogMelConfig(num_mel_filters=10).build()
_COLUMNS: tuple[Any, ...] = (
    ColumnConfig(height=16, deslant=True, band=0.3, remove_background=True).build(),
    GeometricColumnConfig(height=16).build(),
)
_PENS: tuple[Any, ...] = (PenConfig().build(), GravesPenConfig().build(), BezierConfig().build())

READERS: dict[str, Reader] = {
    reader.name: reader
    for reader in (
        Reader("wav", ".wav", _audio, seeds.wav, _by("bytes"), is_noisy=True),
        Reader(
            "sphere",
            ".sph",
            _audio,
            seeds.sphere,
            lambda rng, f: mutated(rng, rng.choice(("bytes", "text")), f),
            is_noisy=True,
        ),
        Reader("flac", ".flac", _audio, seeds.flac, _by("bytes"), is_noisy=True),
        Reader("ogg", ".ogg", _audio, seeds.ogg, containers.ogg, is_noisy=True),
        Reader("audio", ".au", _audio, seeds.other_audio, _by("bytes"), is_noisy=True),
        Reader("mp3", ".mp3", _audio, seeds.mp3, _by("bytes"), is_noisy=True),
        Reader("png", ".png", _image, seeds.png, containers.png),
        Reader("jpeg", ".jpg", _image, seeds.jpeg, _by("bytes")),
        Reader("tiff", ".tif", _tiff, seeds.tiff, _by("bytes"), is_noisy=True),
        Reader("image", ".bmp", _image, seeds.other_images, _by("bytes")),
        Reader(
            "npy", ".npy", _matrix, seeds.npy, lambda rng, f: mutated(rng, rng.choice(("bytes", "text")), f)
        ),
        Reader("mfc", ".mfc", _matrix, seeds.mfc, _by("bytes"), "an4/feat/*/*/*.mfc"),
        Reader("ark", ".ark", _archive, seeds.ark, _by("bytes")),
        Reader("ark_text", ".ark", _archive, seeds.ark_text, _by("text")),
        Reader("alto", ".xml", _page, seeds.alto, _by("xml"), "poilus/*.xml", "page"),
        Reader("page", ".xml", _page, seeds.page, _by("xml"), stem="page"),
        Reader("page_writing", ".xml", _rewritten_page, seeds.pages, _by("xml"), stem="page"),
        Reader("inkml", ".inkml", _inkml, seeds.inkml, _by("xml")),
        Reader("whiteboard", ".xml", formats.read_whiteboard, seeds.whiteboard, _by("xml")),
        Reader("unipen", ".unipen", _unipen, seeds.unipen, _by("text")),
        Reader("ink_json", ".json", formats.read_strokes, seeds.ink_json, _by("json")),
        Reader("ink", ".json", _ink, seeds.ink_json, _by("json")),
        Reader("symbols", ".txt", _symbols, seeds.symbols, _by("text")),
        Reader("manifest", ".jsonl", _manifest, seeds.manifest, _by("json")),
        Reader("metadata_csv", ".csv", _folder, seeds.metadata_csv, _by("text"), stem="metadata"),
        Reader("kaldi", "", _folder, seeds.kaldi, _by("text"), stem="segments"),
        Reader("kaldi_scp", "", _folder, seeds.kaldi_scp, _by("text"), stem="wav.scp"),
        Reader("line_texts", ".gt.txt", _folder, seeds.line_texts, _by("text")),
        Reader("arpa", ".arpa", _arpa, seeds.arpa, _by("text"), "an4/etc/*.lm"),
        Reader("arpa_gz", ".arpa.gz", _arpa, seeds.arpa_gz, containers.gzipped),
        Reader("lexicon", ".txt", read_lexicon, seeds.lexicon, _by("text"), "an4/etc/*.dic"),
        Reader("rules", ".tsv", read_rules, seeds.rules, _by("text")),
        Reader("rules_json", ".jsonl", read_rules, seeds.rules_json, _by("json")),
        Reader("hypotheses", ".jsonl", _pairs, seeds.hypotheses, _by("json")),
        Reader("texts", ".txt", _lines, seeds.texts, _by("text")),
        Reader("model", ".safetensors", _model, seeds.model, containers.safetensors),
        Reader("checkpoint", ".safetensors", load_checkpoint, seeds.checkpoint, containers.safetensors),
        Reader("overrides", ".txt", _override, seeds.overrides, _by("text")),
        Reader("unix_compress", ".Z", read_compressed, seeds.compressed, _by("bytes")),
        Reader("corpus_lines", ".tsv", read_corpus_lines, seeds.texts, _by("text")),
    )
}
