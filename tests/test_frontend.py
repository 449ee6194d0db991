import typing
from pathlib import Path

import numpy as np
import pytest

from seqlabel.augmentations import GaussianNoiseConfig, SpeedConfig, VolumeConfig
from seqlabel.features import MatrixConfig, MfccConfig
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.features.stacking import StackingConfig
from seqlabel.frontend import Frontend, FrontendConfig
from seqlabel.records import Example, Matrix, Waveform


def signal(seed: int = 1, num_frames: int = 20) -> Matrix:
    values = np.random.default_rng(seed).normal(size=(num_frames, 3)) * [1, 5, 20] + [0, 4, -9]
    return Matrix(values.astype(np.float32))


def frontend(**settings: typing.Any) -> Frontend:
    return Frontend(FrontendConfig(**{"feature": MatrixConfig(dim=3), "normalization": None, **settings}))


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_without_anything_else_the_frames_are_those_of_the_feature() -> None:
    np.testing.assert_array_equal(frontend()(signal()), signal().values)


def test_frames_are_normalised_before_they_are_stacked() -> None:
    both = frontend(
        normalization=NormalizationConfig(scope="example"), stacking=StackingConfig(num_frames=2, step=2)
    )
    normal = frontend(normalization=NormalizationConfig(scope="example"))(signal())
    np.testing.assert_array_equal(both(signal()), normal.reshape(10, 6))


@pytest.mark.parametrize("stacking", [None, StackingConfig(num_frames=3, step=2)])
def test_dim_is_the_width_of_the_frames(stacking: StackingConfig | None) -> None:
    made = frontend(feature=MatrixConfig(dim=3, num_deltas=1), stacking=stacking)
    assert made(signal()).shape[1] == made.dim


def test_the_suffixes_are_those_of_the_feature() -> None:
    assert ".npy" in frontend().suffixes
    assert ".png" not in frontend().suffixes


def test_a_file_is_read_as_its_feature_needs_it(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", signal().values)
    read = frontend().read(Example(id="a", source=tmp_path / "a.npy"))
    np.testing.assert_array_equal(frontend()(read), signal().values)


def test_augmentations_act_only_where_a_generator_is_given() -> None:
    made = frontend(
        signal_augmentations=(SpeedConfig(slowest=0.5, fastest=0.5),),
        feature_augmentations=(GaussianNoiseConfig(std=1.0),),
    )
    np.testing.assert_array_equal(made(signal()), signal().values)
    augmented = made(signal(), rng=rng())
    assert len(augmented) == 40
    assert not np.allclose(augmented, frontend()(Matrix(np.repeat(signal().values, 2, axis=0))))


def test_signal_augmentations_come_before_and_feature_augmentations_after_normalisation() -> None:
    settings = {
        "normalization": NormalizationConfig(scope="example"),
        "signal_augmentations": (SpeedConfig(slowest=0.7, fastest=0.7),),
    }
    slow = frontend(**settings)(signal(), rng=rng())
    np.testing.assert_allclose(slow.std(axis=0), 1, rtol=1e-3)
    noisy = frontend(**settings, feature_augmentations=(GaussianNoiseConfig(std=2.0),))(signal(), rng=rng())
    assert 1.5 < float((noisy - slow).std()) < 2.5


@pytest.mark.parametrize("follows", [False, True])
def test_statistics_of_a_group_follow_the_augmentations_if_they_are_to(follows: bool) -> None:
    made = frontend(
        feature=MfccConfig(sample_rate=8000),
        normalization=NormalizationConfig(scope="group", follows_augmentation=follows),
        signal_augmentations=(VolumeConfig(lowest_db=-20, highest_db=-20, clips=False),),
    )
    waves = [Waveform(0.1 * rng(seed).standard_normal(8000, dtype=np.float32), 8000) for seed in (1, 2)]
    made.fit([(wave, "ada") for wave in waves])
    fainter = made(waves[0], "ada", rng())
    assert np.allclose(fainter, made(waves[0], "ada"), atol=0.01) == follows


def test_augmentations_act_in_the_order_of_the_config() -> None:
    def lengths(*speeds: float) -> int:
        parts = tuple(SpeedConfig(slowest=speed, fastest=speed) for speed in speeds)
        return len(frontend(signal_augmentations=parts)(signal(num_frames=5), rng=rng()))

    # 5 / 3 = 2 rows, twice as many 4; 5 x 2 = 10 rows, a third of them 3.
    assert (lengths(3.0, 0.5), lengths(0.5, 3.0)) == (4, 3)


def test_statistics_of_the_corpus_travel_to_another_front_end() -> None:
    settings = {"normalization": NormalizationConfig(scope="corpus")}
    fitted, fresh = frontend(**settings), frontend(**settings)
    fitted.fit((signal(seed), None) for seed in (1, 2, 3))
    assert not np.array_equal(fitted(signal(7)), fresh(signal(7)))
    fresh.set_statistics(fitted.statistics())
    np.testing.assert_array_equal(fitted(signal(7)), fresh(signal(7)))


def test_groups_of_a_second_set_are_added_to_those_of_the_first() -> None:
    made = frontend(normalization=NormalizationConfig(scope="group"))
    made.fit([(signal(1), "anna"), (signal(2), "anna")])
    first = made(signal(1), "anna")
    made.fit_groups([(signal(3), "bert"), (signal(4), "bert")])
    np.testing.assert_array_equal(made(signal(1), "anna"), first)
    together = np.concatenate([made(signal(seed), "bert") for seed in (3, 4)])
    np.testing.assert_allclose(together.mean(axis=0), 0, atol=1e-5)
    assert abs(made(signal(3), "bert").mean()) > 1e-3


@pytest.mark.parametrize("scope", ["example", "corpus"])
def test_groups_of_a_second_set_change_nothing_where_the_scope_is_not_the_group(scope: str) -> None:
    made = frontend(normalization=NormalizationConfig(scope=scope))
    made.fit([(signal(1), "anna"), (signal(2), "anna")])
    before = made(signal(5))
    made.fit_groups([(signal(3), "bert")])
    np.testing.assert_array_equal(made(signal(5)), before)


@pytest.mark.parametrize("normalization", [None, NormalizationConfig(scope="example")])
def test_without_statistics_there_is_nothing_to_keep(normalization: NormalizationConfig | None) -> None:
    made = frontend(normalization=normalization)
    made.fit([(signal(1), None)])
    assert made.statistics() == {}
