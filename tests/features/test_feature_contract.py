"""What every feature of the union promises, whatever it reads."""

import copy
import typing
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from seqlabel.errors import FormatError, ManifestError
from seqlabel.features import (
    BezierConfig,
    ColumnConfig,
    FeatureConfig,
    GeometricColumnConfig,
    GravesPenConfig,
    LogMelConfig,
    MatrixConfig,
    MfccConfig,
    PenConfig,
    SymbolsConfig,
)
from seqlabel.formats import write_line_image, write_npy, write_strokes, write_wav
from seqlabel.records import Example, LineImage, Matrix, Strokes, Waveform


def _write_audio(folder: Path) -> Path:
    samples = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    write_wav(folder / "a.wav", Waveform(samples, 16000))
    return folder / "a.wav"


def _write_ink(folder: Path) -> Path:
    circle = np.linspace(0, 6, 40)
    loop = np.stack([100 * np.cos(circle), 100 * np.sin(circle)], axis=1).astype(np.float32)
    write_strokes(folder / "a.json", Strokes((loop, loop[:1] + 300, loop + 200)))
    return folder / "a.json"


def _write_image(folder: Path) -> Path:
    pixels = np.full((40, 90), 230, dtype=np.uint8)
    pixels[10:30, 20:24] = 30
    pixels[28:32, 40:70] = 60
    write_line_image(folder / "a.png", LineImage(pixels))
    return folder / "a.png"


def _write_matrix(folder: Path) -> Path:
    write_npy(folder / "a.npy", Matrix(np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32)))
    return folder / "a.npy"


def _write_symbols(folder: Path) -> Path:
    (folder / "a.txt").write_text("HH AH L OW\n")
    return folder / "a.txt"


MADE: dict[type, tuple[FeatureConfig, Callable[[Path], Path]]] = {
    MfccConfig: (MfccConfig(), _write_audio),
    LogMelConfig: (LogMelConfig(), _write_audio),
    PenConfig: (PenConfig(), _write_ink),
    GravesPenConfig: (GravesPenConfig(), _write_ink),
    BezierConfig: (BezierConfig(), _write_ink),
    ColumnConfig: (ColumnConfig(), _write_image),
    GeometricColumnConfig: (GeometricColumnConfig(), _write_image),
    MatrixConfig: (MatrixConfig(dim=5, num_deltas=1), _write_matrix),
    SymbolsConfig: (SymbolsConfig(table=("AH", "HH", "L", "OW")), _write_symbols),
}
every_feature = pytest.mark.parametrize(
    "kind", typing.get_args(FeatureConfig), ids=lambda kind: kind.__name__
)


@every_feature
def test_a_made_file_gives_finite_float32_frames_of_the_said_width(kind: type, tmp_path: Path) -> None:
    config, write = MADE[kind]
    feature = config.build()
    frames = feature(feature.read(Example(id="a", source=write(tmp_path))))
    assert frames.dtype == np.float32
    assert len(frames) >= 1
    assert frames.shape[1] == feature.dim
    assert np.isfinite(frames).all()


@every_feature
def test_two_builds_give_the_same_frames(kind: type, tmp_path: Path) -> None:
    config, write = MADE[kind]
    example = Example(id="a", source=write(tmp_path))
    first, second = (feature(feature.read(example)) for feature in (config.build(), config.build()))
    np.testing.assert_array_equal(first, second)


@every_feature
def test_the_signal_is_left_as_it_was(kind: type, tmp_path: Path) -> None:
    config, write = MADE[kind]
    feature = config.build()
    signal = feature.read(Example(id="a", source=write(tmp_path)))
    before = copy.deepcopy(signal)
    feature(signal)[:] = 7
    for name in before.__slots__:
        np.testing.assert_equal(getattr(signal, name), getattr(before, name))


@every_feature
def test_the_made_file_has_a_suffix_that_the_feature_reads(kind: type, tmp_path: Path) -> None:
    config, write = MADE[kind]
    assert write(tmp_path).suffix in config.build().suffixes


@every_feature
def test_a_missing_file_is_refused_by_name(kind: type, tmp_path: Path) -> None:
    feature = MADE[kind][0].build()
    suffix = sorted(feature.suffixes)[0]
    with pytest.raises(FormatError, match="nowhere"):
        feature.read(Example(id="a", source=tmp_path / f"nowhere{suffix}"))


@every_feature
def test_a_signal_of_another_kind_is_refused(kind: type) -> None:
    other = Matrix(np.zeros((3, 5), np.float32))
    wrong = LineImage(np.zeros((4, 4), np.uint8)) if kind is MatrixConfig else other
    with pytest.raises(FormatError, match="choose the feature for this file"):
        MADE[kind][0].build()(wrong)


@every_feature
def test_the_config_survives_the_json_of_a_model_file(kind: type) -> None:
    config = MADE[kind][0]
    assert msgspec.json.decode(msgspec.json.encode(config), type=FeatureConfig) == config


@pytest.mark.parametrize(
    "kind",
    [
        PenConfig,
        GravesPenConfig,
        BezierConfig,
        ColumnConfig,
        GeometricColumnConfig,
        MatrixConfig,
        SymbolsConfig,
    ],
)
def test_seconds_are_refused_where_the_file_has_none(kind: type, tmp_path: Path) -> None:
    config, write = MADE[kind]
    with pytest.raises(ManifestError, match="'cut': start_seconds"):
        config.build().read(Example(id="cut", source=write(tmp_path), start_seconds=0.5))


@pytest.mark.parametrize(
    "config", [PenConfig(), GravesPenConfig(), BezierConfig()], ids=lambda c: type(c).__name__
)
def test_every_feature_of_ink_reads_a_row_of_a_file(config: FeatureConfig, tmp_path: Path) -> None:
    letter = np.array([[0, 0], [2, 10], [4, 0], [6, 10]], np.float32)
    places = [np.float32([12 * column, 30 * row]) for row in range(2) for column in range(12)]
    write_strokes(tmp_path / "a.json", Strokes(tuple(letter + place for place in places)))
    second = config.build().read(Example(id="1", source=tmp_path / "a.json:1"))
    assert isinstance(second, Strokes)
    assert len(second.strokes) == 12 and second.strokes[0][:, 1].tolist() == [30, 40, 30, 40]
    with pytest.raises(FormatError, match="2 rows"):
        config.build().read(Example(id="2", source=tmp_path / "a.json:2"))


@pytest.mark.parametrize(
    "kind", [ColumnConfig, GeometricColumnConfig, PenConfig, MatrixConfig, SymbolsConfig]
)
def test_a_channel_is_refused_where_the_file_has_none(kind: type, tmp_path: Path) -> None:
    config, write = MADE[kind]
    with pytest.raises(ManifestError, match="'left': a channel is for audio"):
        config.build().read(Example(id="left", source=write(tmp_path), channel=0))


@pytest.mark.parametrize("config", [MfccConfig(), LogMelConfig()], ids=lambda config: type(config).__name__)
def test_the_channel_of_an_example_is_the_one_that_is_read(config: FeatureConfig, tmp_path: Path) -> None:
    import soundfile

    both = np.random.default_rng(0).uniform(-0.5, 0.5, (8000, 2)).astype(np.float32)
    soundfile.write(tmp_path / "call.wav", both, 16000, subtype="FLOAT")
    feature = config.build()
    for channel in (0, 1):
        read = feature.read(Example(id="a", source=tmp_path / "call.wav", channel=channel))
        assert isinstance(read, Waveform)
        np.testing.assert_array_equal(read.samples, both[:, channel])
