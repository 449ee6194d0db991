"""Files that once hung a reader, filled the memory, ended in a traceback or led to other files: found by fuzzing."""

import io
import json
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from data_prep import corpus_source, unix_compress
from seqlabel import formats
from seqlabel.checkpoint import load_checkpoint
from seqlabel.errors import ConfigError, FormatError, ManifestError, ModelFileError, SeqlabelError
from seqlabel.features import ColumnConfig, LogMelConfig
from seqlabel.features.stacking import StackingConfig
from seqlabel.formats import audio, image
from seqlabel.language_model import read_arpa, read_lexicon
from seqlabel.manifest import read_manifest
from seqlabel.model_file import load_model, read_header
from seqlabel.overrides import override
from seqlabel.texts import RuleConfig, read_rules
from seqlabel.transcripts import read_folding, read_lines
from tests.fuzz import seeds
from tests.hostile import refusal, written

CPU = torch.device("cpu")


# --- what is no file --------------------------------------------------------------------------------------

READERS: dict[str, Callable[[Path], object]] = {
    "audio": lambda path: formats.read_audio(path, sample_rate=None),
    "seconds": formats.audio_seconds,
    "image": formats.read_line_image,
    "matrix": formats.read_matrix,
    "page": formats.read_page,
    "ink": formats.read_strokes,
    "unipen": formats.read_unipen,
    "inkml": formats.read_inkml,
    "symbols": formats.read_symbols,
    "manifest": read_manifest,
    "arpa": read_arpa,
    "lexicon": read_lexicon,
    "rules": read_rules,
    "model": lambda path: load_model(path, CPU),
    "header": read_header,
    "checkpoint": load_checkpoint,
}


@pytest.mark.parametrize("reader", READERS)
def test_pipes_devices_and_empty_files_are_refused(reader: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npy")  # which nobody writes to: opening it would wait for ever
    os.symlink("/dev/zero", tmp_path / "zero.npy")
    for path in (tmp_path / "pipe.npy", tmp_path / "zero.npy", written(tmp_path / "empty.npy", b"")):
        assert str(path) in refusal(lambda path=path: READERS[reader](path), SeqlabelError)  # type: ignore[misc]


def test_texts_to_score_and_devices(tmp_path: Path) -> None:
    assert "is a device" in refusal(lambda: read_lines(Path("/dev/zero")), ManifestError)
    assert "is a device" in refusal(lambda: read_folding(Path("/dev/zero")), ManifestError)


def test_a_pipe_among_pages_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.xml")
    assert formats.is_page(tmp_path / "pipe.xml")  # it counts as one whose error is told
    assert "is a pipe" in refusal(lambda: read_manifest(tmp_path / "pipe.xml"), ManifestError)


# --- images, audio, matrices ------------------------------------------------------------------------------


def png_of(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(60_000, 60_000), (2**31 - 1, 2**31 - 1), (9460, 9460)])
def test_an_image_that_announces_too_many_pixels_is_not_decoded(
    size: tuple[int, int], tmp_path: Path
) -> None:
    path = written(tmp_path / "x.png", png_of(*size))
    assert "pixels" in refusal(lambda: formats.read_line_image(path))


def test_jpeg_2000_whose_decoder_takes_more_memory_has_a_lower_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image, "MAX_PIXELS_JPEG2000", 479)
    path = written(
        tmp_path / "x.jp2", next(data for data in seeds.other_images(tmp_path) if data[4:8] == b"jP  ")
    )
    assert "limit of 479 pixels" in refusal(lambda: formats.read_line_image(path))


def test_a_chunk_that_announces_gigabytes_gets_no_room(tmp_path: Path) -> None:
    data = bytearray(seeds.png(tmp_path)[0])
    place = data.index(b"IDAT") - 4
    data[place : place + 4] = struct.pack(">I", 2**31 - 1)
    path = written(tmp_path / "x.png", bytes(data))
    with image.open_file(path, "a file") as (file, size):
        clamped = image._Clamped(file, size)
        assert (
            len(clamped.read(1 << 50)) == size
            and clamped.tell() == size
            and clamped.fileno() == file.fileno()
        )
        assert clamped.seek(0) == 0 and len(clamped.read()) == size
    try:  # Pillow may show what was there of the pixels
        assert formats.read_line_image(path).pixels.shape == (12, 40)
    except FormatError as error:
        assert "MemoryError" not in str(error)


@pytest.mark.parametrize("number", range(9))
def test_a_large_image_is_read_in_bands_as_it_is_in_one_piece(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "x.png", seeds.png(tmp_path)[number])
    whole = formats.read_line_image(path).pixels
    monkeypatch.setattr(image, "_BAND_PIXELS", 100)
    np.testing.assert_array_equal(formats.read_line_image(path).pixels, whole)


def test_a_chain_of_thousands_of_images_is_counted_to_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    monkeypatch.setattr(image, "MAX_IMAGES", 5)
    pages = [Image.new("L", (4, 4), value) for value in range(8)]
    pages[0].save(tmp_path / "x.tif", save_all=True, append_images=pages[1:])
    assert formats.num_images(tmp_path / "x.tif") == 5
    assert formats.read_line_image(tmp_path / "x.tif:4").pixels.max() == 4


def wav_of(
    *, rate: int = 8000, channels: int = 1, samples: np.ndarray, code: int = 1, before: bytes = b""
) -> bytes:
    data = samples.tobytes()
    size = samples.dtype.itemsize
    form = struct.pack("<HHIIHH", code, channels, rate, rate * channels * size, channels * size, 8 * size)
    chunks = before + b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


@pytest.mark.parametrize("rate", [1, 999, 1_000_001, 2**31 - 1])
def test_a_sample_rate_that_nothing_has_is_refused(rate: int, tmp_path: Path) -> None:
    path = written(tmp_path / "x.wav", wav_of(rate=rate, samples=np.zeros(500, np.int16)))
    assert "expected a sample rate" in refusal(lambda: formats.read_audio(path, sample_rate=16000))
    assert "expected a sample rate" in refusal(lambda: formats.audio_seconds(path))


def test_audio_beyond_the_limit_is_refused_and_a_part_of_it_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio, "MAX_SAMPLES", 4000)
    path = written(tmp_path / "x.flac", seeds._sound("FLAC", samples=np.zeros(5000, np.float32)))
    assert "too long for one example" in refusal(lambda: formats.read_audio(path, sample_rate=None))
    assert len(formats.read_audio(path, sample_rate=None, end_seconds=0.5).samples) == 4000
    assert "too long for one example" in refusal(
        lambda: formats.read_audio(path, sample_rate=16000, end_seconds=0.5)
    )


def test_a_block_of_hundreds_of_channels_is_no_larger_than_others(tmp_path: Path) -> None:
    samples = np.arange(1024 * 3000, dtype=np.int16).reshape(3000, 1024)
    path = written(tmp_path / "x.wav", wav_of(channels=1024, samples=samples))
    found = formats.read_audio(path, sample_rate=None).samples
    np.testing.assert_allclose(found, (samples / 32768).mean(axis=1), atol=1e-6)


def test_loudness_beyond_all_measure_is_refused_without_a_warning(tmp_path: Path) -> None:
    for value in (np.inf, np.nan, 3e38, -1e10):
        samples = np.zeros(500, np.float32)
        samples[7] = value
        path = written(tmp_path / "x.wav", wav_of(samples=np.repeat(samples, 2), channels=2, code=3))
        assert "expected finite ones" in refusal(lambda path=path: formats.read_audio(path, sample_rate=None))  # type: ignore[misc]


def test_thousands_of_chunks_before_the_audio_are_not_gone_through(tmp_path: Path) -> None:
    before = (b"xxxx" + bytes(4)) * 20_000
    path = written(tmp_path / "x.wav", wav_of(samples=np.zeros(500, np.int16), before=before))
    assert "more than 10,000 chunks" in refusal(lambda: formats.read_audio(path, sample_rate=None))


def test_a_list_of_other_files_is_not_given_to_ffmpeg(tmp_path: Path) -> None:
    for text in ("#EXTM3U\nfile:///etc/passwd\n", "ffconcat version 1.0\nfile /etc/passwd\n"):
        path = written(tmp_path / "x.m4a", text)
        assert "is no audio" in refusal(lambda path=path: formats.read_audio(path, sample_rate=None))  # type: ignore[misc]


def test_a_header_of_numpy_is_no_program_and_no_pickle(tmp_path: Path) -> None:
    def npy(header: str) -> Path:
        return written(
            tmp_path / "x.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
        )

    huge = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 40), }\n")
    assert "truncated" in refusal(lambda: formats.read_matrix(huge))
    assert "cannot be read as .npy" in refusal(lambda: formats.read_matrix(npy("-" * 9000 + "1\n")))
    buffer = io.BytesIO()
    np.save(buffer, np.array([{1: 2}], dtype=object), allow_pickle=True)
    pickled = written(tmp_path / "x.npy", buffer.getvalue())
    assert "cannot be read as .npy" in refusal(lambda: formats.read_matrix(pickled))


@pytest.mark.parametrize("kind", ["npy", "mfc", "ark", "ark_text"])
def test_a_matrix_beyond_the_limit_is_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats.matrix, "MAX_VALUES", 23)
    suffix = kind.split("_")[0]
    data = getattr(seeds, kind)(tmp_path)[0]
    path = written(tmp_path / f"x.{suffix}", data)
    assert "24 values; expected at most 23" in refusal(lambda: formats.read_matrix(path, sphinx_width=4))


def test_a_text_matrix_without_line_ends_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats.matrix, "_MAX_LINE_BYTES", 5000)
    path = written(tmp_path / "x.ark", "a [ " + "1 " * 5000 + "]\n")
    assert "a line of more than 5,000 bytes" in refusal(lambda: formats.read_matrix(path))


def test_infinite_scales_of_a_packed_matrix_are_refused_without_a_warning(tmp_path: Path) -> None:
    for token, size in ((b"CM", 8 * 4 + 24), (b"CM2", 48), (b"CM3", 24)):
        header = struct.pack("<ffii", float("-inf"), float("inf"), 6, 4)
        path = written(tmp_path / "x.ark", b"a \0B" + token + b" " + header + bytes(range(size)))
        assert "hold NaN" in refusal(lambda path=path: formats.read_matrix(path))  # type: ignore[misc]


# --- texts, lists and models ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../a.png", "/etc/passwd", "b/../../a.png", "../../../etc/passwd"])
@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_a_folder_of_others_does_not_name_files_outside_of_it(name: str, kind: str, tmp_path: Path) -> None:
    row = json.dumps({"file_name": name, "text": "a"}) if kind == "jsonl" else f"file_name,text\n{name},a"
    written(tmp_path / f"metadata.{kind}", row + "\n")
    assert "leads out of the folder" in refusal(lambda: read_manifest(tmp_path), ManifestError)


def test_a_manifest_of_ones_own_names_files_anywhere(tmp_path: Path) -> None:
    rows = [{"id": "a", "source": "../x.wav", "text": "a"}, {"id": "b", "source": "/data/x.wav", "text": "a"}]
    path = written(tmp_path / "train.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    assert [str(example.source) for example in read_manifest(path)] == [
        str(tmp_path.parent / "x.wav"),
        "/data/x.wav",
    ]


def test_names_with_line_ends_and_escapes_stay_on_the_line_of_the_message(tmp_path: Path) -> None:
    path = written(tmp_path / "metadata.csv", 'file_name,"a\nb\x1b[2J"\nx.png,y\n')
    said = refusal(lambda: read_manifest(path), ManifestError)
    assert r"a\nb\x1b[2J" in said and said.isprintable()


@pytest.mark.parametrize("number", ["-" + "9" * 400 + "e-400", "-" + "0" * 400 + "1" * 400 + "e-1000"])
def test_hundreds_of_digits_do_not_become_nan_in_a_language_model(number: str, tmp_path: Path) -> None:
    path = written(tmp_path / "x.arpa", seeds.ARPA.replace("-0.7\ta", f"{number}\ta"))
    assert "expected a number" in refusal(lambda: read_arpa(path))


def test_a_language_model_of_thousands_of_orders_is_refused(tmp_path: Path) -> None:
    counts = "".join(f"ngram {order}=1\n" for order in range(1, 2000))
    path = written(tmp_path / "x.arpa", "\\data\\\n" + counts + "\n" * 100_000)
    assert "n-grams of more than 32 words" in refusal(lambda: read_arpa(path))


@pytest.mark.parametrize(
    "pattern", ["(?R)", "(?1)(a(?1))", "(?P<x>a(?&x))", "(?P<x>a(?P>x))", "(" * 3000 + ")" * 3000]
)
def test_a_rule_that_has_no_end_is_refused(pattern: str) -> None:
    assert "rule" in refusal(lambda: RuleConfig(pattern=pattern, replacement="", is_regex=True), ConfigError)


def test_a_rule_that_takes_for_ever_over_a_text_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqlabel.texts.MOST_SECONDS", 0.05)
    rule = RuleConfig(pattern="(a|aa)+$", replacement="", is_regex=True)
    assert "takes longer than 0.05 s" in refusal(lambda: rule.apply("a" * 60 + "b", None), ConfigError)


def test_settings_nested_without_end_or_not_in_utf_8_are_refused() -> None:
    for words in (["--texts.rules", "[" * 5000], ["--name", "\udcff"], ["--data.train", "\udcff"]):
        assert words[0] in refusal(lambda words=words: override(seeds.experiment(), words), ConfigError)  # type: ignore[misc]


def header_changed(path: Path, change: Callable[[dict[str, object]], None]) -> Path:
    """The model file with something changed in what it says of itself."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    own = json.loads(header["__metadata__"]["header"])
    change(own)
    header["__metadata__"]["header"] = json.dumps(own)
    del header["__metadata__"][
        "checksum"
    ]  # files without one are read, as whoever makes one on purpose knows
    text = json.dumps(header).encode()
    return written(path, struct.pack("<Q", len(text)) + text + data[8 + length :])


SIZES = {
    "encoder.hidden_size": (10**9, 10**12, 2**63, 10**30),
    "encoder.num_layers": (10**9, 10**30),
    "encoder.projection_size": (10**9,),
    "frontend.feature.dim": (10**9, 10**30),
    "frontend.feature.delta_window": (10**9, 10**30),
}


@pytest.mark.parametrize("name", SIZES)
def test_sizes_in_a_model_file_take_no_memory_before_the_weights_are_there(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    for size in SIZES[name]:

        def change(header: dict[str, object], size: int = size) -> None:
            place = header["experiment"]
            *parts, last = name.split(".")
            for part in parts:
                place = place[part]  # type: ignore[index]
            place[last] = size  # type: ignore[index]

        header_changed(written(path, seeds.model(tmp_path)[0]), change)
        said = refusal(lambda: load_model(path, CPU), ModelFileError)
        assert str(path) in said and "checksum" not in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("word_lm_weight", 1e308),
        ("lm_weight", 1e308),
        ("insertion_bonus", -1e308),
        ("unknown_word", -1e308),
        ("hot_word_boost", 1e308),
        ("prior_weight", 1e308),
        ("log_prior", [-1e308, 0.0, 0.0, 0.0]),
    ],
)
def test_weights_of_a_decoder_that_no_sum_holds_are_refused(name: str, value: object, tmp_path: Path) -> None:
    path = written(tmp_path / "x.safetensors", seeds.model(tmp_path)[0])

    def change(header: dict[str, object]) -> None:
        header["experiment"]["decoder"] = {"type": "beam", name: value}  # type: ignore[index]

    assert name in refusal(lambda: load_model(header_changed(path, change), CPU), ModelFileError)


def test_a_model_file_nested_without_end_is_refused(tmp_path: Path) -> None:
    deep: list[object] = []
    for _ in range(400):
        deep = [deep]
    path = header_changed(
        written(tmp_path / "x.safetensors", seeds.model(tmp_path)[0]),
        lambda header: header.update(tokens=deep),
    )
    assert "header" in refusal(lambda: load_model(path, CPU), ModelFileError)


def test_weights_and_statistics_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    path = written(tmp_path / "x.safetensors", seeds.model(tmp_path)[0])
    with safe_open(path, framework="pt") as file:
        metadata = {key: value for key, value in file.metadata().items() if key != "checksum"}
    sound = load_file(path)
    for name in ("model.head.bias", "normalization.mean", "normalization.std"):
        for value in (float("nan"), float("inf")):
            tensors = {key: tensor.clone() for key, tensor in sound.items()}
            tensors[name][0] = value
            save_file(tensors, path, metadata)
            assert name.split(".")[-1] in refusal(lambda: load_model(path, CPU), ModelFileError)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("2.word", [0, 3, 2, 99]),
        ("2.word", [-1, 3, 2, 1]),
        ("2.history", [0, 2, 3, 77]),
        ("2.history", [3, 2, 0, 0]),
        ("1.word", [0, 1, 2, 4, 3]),
        ("1.log_prob", [float("nan")] * 5),
    ],
)
def test_numbers_of_a_language_model_that_lead_nowhere_are_refused(
    name: str, values: list[float], tmp_path: Path
) -> None:
    # Compiled code follows them without a look: what they lead to would be memory of something else.
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    path = written(tmp_path / "x.safetensors", seeds.model(tmp_path)[3])
    with safe_open(path, framework="pt") as file:
        metadata = {key: value for key, value in file.metadata().items() if key != "checksum"}
    tensors = load_file(path)
    save_file(tensors, path, metadata)
    load_model(path, CPU)
    key = f"language.words.{name}"
    assert len(tensors[key]) == len(values)
    tensors[key] = torch.tensor(values).to(tensors[key].dtype)
    save_file(tensors, path, metadata)
    assert "language model is not whole" in refusal(lambda: load_model(path, CPU), ModelFileError)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ColumnConfig(height=10**6),
        lambda: ColumnConfig(height=100, window=1000),
        lambda: StackingConfig(num_frames=10**9),
        lambda: LogMelConfig(num_mel_filters=10**9).build(),
        lambda: LogMelConfig(sample_rate=10**12).build(),
        lambda: LogMelConfig(sample_rate=10**400).build(),
        lambda: LogMelConfig(window_seconds=1e300).build(),
        lambda: LogMelConfig(delta_window=10**9).build(),
    ],
)
def test_settings_that_would_take_all_memory_are_refused(make: Callable[[], object]) -> None:
    assert "expected" in refusal(make, ConfigError)


# --- archives ---------------------------------------------------------------------------------------------


def test_archives_that_unpack_to_more_than_a_corpus_has_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus_source, "ALWAYS_UNPACKED", 1000)
    written(tmp_path / "zeros", bytes(10_000_000))
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.write(tmp_path / "zeros", "zeros")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tarred:
        tarred.add(tmp_path / "zeros", "zeros")
    for archive in (tmp_path / "a.zip", tmp_path / "a.tar.gz"):
        target = tmp_path / f"{archive.name}.unpacked"
        said = refusal(
            lambda archive=archive, target=target: corpus_source._unpack(archive, target, ""),  # type: ignore[misc]
            ManifestError,
        )
        assert "which no corpus of its size has" in said and not target.exists()


def test_a_compressed_file_that_becomes_thousands_of_times_as_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.data_prep.test_unix_compress import compress

    path = written(tmp_path / "x.Z", compress(bytes(100_000)))
    monkeypatch.setattr(unix_compress, "MAX_BYTES", 10_000)
    assert "becomes larger than 10,000 bytes" in refusal(lambda: unix_compress.read_compressed(path))
