"""What every augmentation of the unions promises, whatever it changes."""

import copy
import typing

import msgspec
import numpy as np
import pytest

from seqlabel.augmentations import (
    AdditiveNoiseConfig,
    CepstralWarpConfig,
    CodecConfig,
    EqualizerConfig,
    FeatureAugmentationConfig,
    GaussianNoiseConfig,
    ImageDamageConfig,
    ImageWarpConfig,
    MasksConfig,
    PenPathConfig,
    PenWarpConfig,
    RoomConfig,
    SignalAugmentationConfig,
    SpeedConfig,
    TelephoneConfig,
    TempoConfig,
    TimeWarpConfig,
    VocalTractConfig,
    VolumeConfig,
)
from seqlabel.records import LineImage, Matrix, Signal, Strokes, Waveform


def matrix() -> Matrix:
    return Matrix(np.random.default_rng(1).normal(size=(60, 13)).astype(np.float32))


def waveform() -> Waveform:
    return Waveform(np.random.default_rng(2).normal(0, 0.1, 3000).astype(np.float32), 8000)


def image() -> LineImage:
    pixels = np.full((33, 151), 255, np.uint8)
    pixels[8:24, 30:34] = 0
    pixels[20:23, 60:110] = 40
    return LineImage(pixels)


def ink() -> Strokes:
    turn = np.linspace(0, 6, 40)
    loop = np.stack([90 * np.cos(turn), 100 * np.sin(turn)], axis=1).astype(np.float32)
    return Strokes((loop, loop[:1] + 150, loop + 200))


SIGNALS: dict[type, Signal] = {
    Matrix: matrix(),
    Waveform: waveform(),
    LineImage: image(),
    Strokes: ink(),
}
READS: dict[type, set[type]] = {
    SpeedConfig: {Matrix, Waveform},
    TempoConfig: {Waveform},
    VocalTractConfig: {Waveform},
    RoomConfig: {Waveform},
    AdditiveNoiseConfig: {Waveform},
    EqualizerConfig: {Waveform},
    VolumeConfig: {Waveform},
    TelephoneConfig: {Waveform},
    CodecConfig: {Waveform},
    CepstralWarpConfig: {Matrix},
    PenPathConfig: {Strokes},
    PenWarpConfig: {Strokes},
    ImageWarpConfig: {LineImage},
    ImageDamageConfig: {LineImage},
}
NOTHING: dict[type, SignalAugmentationConfig | FeatureAugmentationConfig] = {
    SpeedConfig: SpeedConfig(slowest=1.0, fastest=1.0),
    TempoConfig: TempoConfig(slowest=1.0, fastest=1.0),
    VocalTractConfig: VocalTractConfig(lowest=1.0, highest=1.0),
    RoomConfig: RoomConfig(probability=0.0),
    AdditiveNoiseConfig: AdditiveNoiseConfig(probability=0.0),
    EqualizerConfig: EqualizerConfig(probability=0.0),
    VolumeConfig: VolumeConfig(lowest_db=0.0, highest_db=0.0),
    TelephoneConfig: TelephoneConfig(probability=0.0),
    CodecConfig: CodecConfig(probability=0.0),
    CepstralWarpConfig: CepstralWarpConfig(strength=0.0),
    PenPathConfig: PenPathConfig(lift=0.0, reverse=0.0, swap=0.0),
    PenWarpConfig: PenWarpConfig(
        slant=0.0, rotation_degrees=0.0, stretch=0.0, shift=0.0, wave=0.0, drop_points=0.0
    ),
    ImageWarpConfig: ImageWarpConfig(
        shear=0.0, rotation_degrees=0.0, stretch=0.0, squeeze=0.0, elastic=0.0, stroke_width=0.0,
        contrast=0.0, noise=0.0, probability=1.0,
    ),
    ImageDamageConfig: ImageDamageConfig(
        bleed=0.0, cutout=0.0, show_through=0.0, rules=0.0, stains=0.0, light=0.0, gamma=0.0
    ),
    MasksConfig: MasksConfig(num_time_masks=0.0, num_feature_masks=0),
    GaussianNoiseConfig: GaussianNoiseConfig(std=0.0),
    TimeWarpConfig: TimeWarpConfig(max_frames=0),
}  # fmt: skip

SIGNAL_KINDS = typing.get_args(SignalAugmentationConfig)
FEATURE_KINDS = typing.get_args(FeatureAugmentationConfig)
READ = [(kind, signal) for kind in SIGNAL_KINDS for signal in SIGNALS if signal in READS[kind]]
LEFT_ALONE = [(kind, signal) for kind in SIGNAL_KINDS for signal in SIGNALS if signal not in READS[kind]]

every_signal_read = pytest.mark.parametrize(
    ("kind", "signal"), READ, ids=[f"{kind.__name__}-{signal.__name__}" for kind, signal in READ]
)
every_feature_augmentation = pytest.mark.parametrize(
    "kind", FEATURE_KINDS, ids=[kind.__name__ for kind in FEATURE_KINDS]
)


def flat(signal: Signal) -> np.ndarray:
    """All numbers of a signal in a row."""
    arrays = signal.strokes if isinstance(signal, Strokes) else [getattr(signal, signal.__slots__[0])]
    return np.concatenate([array.reshape(-1) for array in arrays])


@every_signal_read
def test_one_seed_gives_one_signal_and_another_seed_another(kind: type, signal: type) -> None:
    augment = kind().build()
    first, again, other = (flat(augment(SIGNALS[signal], np.random.default_rng(seed))) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or (first != other).any()


@every_signal_read
def test_the_given_signal_is_left_as_it_was(kind: type, signal: type) -> None:
    given = SIGNALS[signal]
    before = copy.deepcopy(given)
    augment = kind().build()
    for seed in range(5):
        augment(given, np.random.default_rng(seed))
    np.testing.assert_array_equal(flat(given), flat(before))


@every_signal_read
def test_the_new_signal_is_of_the_same_kind_and_type_of_number(kind: type, signal: type) -> None:
    given = SIGNALS[signal]
    augmented = kind().build()(given, np.random.default_rng(5))
    assert type(augmented) is type(given)
    assert flat(augmented).dtype == flat(given).dtype
    assert np.isfinite(flat(augmented)).all()


@every_signal_read
def test_a_signal_is_the_same_after_augmentation_of_no_strength(kind: type, signal: type) -> None:
    given = SIGNALS[signal]
    augmented = flat(NOTHING[kind].build()(given, np.random.default_rng(6)))
    tolerance = 0 if signal is LineImage else 1e-5 * np.abs(flat(given)).max()
    np.testing.assert_allclose(augmented.astype(np.float64), flat(given), atol=tolerance)


@pytest.mark.parametrize(
    ("kind", "signal"),
    LEFT_ALONE,
    ids=[f"{kind.__name__}-{signal.__name__}" for kind, signal in LEFT_ALONE],
)
def test_other_kinds_of_signals_are_left_alone(kind: type, signal: type) -> None:
    given = SIGNALS[signal]
    assert kind().build()(given, np.random.default_rng(7)) is given


@every_feature_augmentation
def test_one_seed_gives_the_same_features_and_another_seed_others(kind: type) -> None:
    augment, features = kind().build(), matrix().values
    first, again, other = (augment(features, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@every_feature_augmentation
def test_the_given_features_are_left_as_they_were(kind: type) -> None:
    features = matrix().values
    kind().build()(features, np.random.default_rng(5))
    np.testing.assert_array_equal(features, matrix().values)


@every_feature_augmentation
@pytest.mark.parametrize("num_frames", [1, 2, 60])
def test_shape_and_float32_are_kept(kind: type, num_frames: int) -> None:
    features = matrix().values[:num_frames]
    augmented = kind().build()(features, np.random.default_rng(6))
    assert augmented.shape == features.shape
    assert augmented.dtype == np.float32


@every_feature_augmentation
def test_features_are_the_same_after_augmentation_of_no_strength(kind: type) -> None:
    features = matrix().values
    np.testing.assert_array_equal(NOTHING[kind].build()(features, np.random.default_rng(7)), features)


@pytest.mark.parametrize("kind", SIGNAL_KINDS + FEATURE_KINDS, ids=lambda kind: kind.__name__)
def test_the_config_survives_the_json_of_a_model_file(kind: type) -> None:
    union = SignalAugmentationConfig if kind in SIGNAL_KINDS else FeatureAugmentationConfig
    config = NOTHING[kind]
    assert msgspec.json.decode(msgspec.json.encode(config), type=union) == config
