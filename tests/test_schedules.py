import math
import typing

import msgspec
import pytest

from seqlabel.schedules import OneCycleConfig, PlateauConfig, ScheduleConfig

every_schedule = pytest.mark.parametrize(
    "kind", typing.get_args(ScheduleConfig), ids=lambda kind: kind.__name__
)


@every_schedule
def test_the_rate_rises_from_a_twentieth_and_is_at_its_highest_after_the_warm_up(kind: type) -> None:
    schedule = kind(warmup=0.2)
    rise = [schedule.factor(progress, []) for progress in (0.0, 0.05, 0.1, 0.15, 0.2)]
    assert rise == sorted(set(rise))
    assert rise[0] == pytest.approx(0.05)
    assert rise[2] == pytest.approx((0.05 + 1) / 2)
    assert rise[-1] == pytest.approx(1)


@every_schedule
@pytest.mark.parametrize("warmup", [0.0, 0.3, 1.0])
def test_the_rate_is_positive_and_never_above_the_highest(kind: type, warmup: float) -> None:
    schedule = kind(warmup=warmup)
    assert all(0 < schedule.factor(step / 50, [0.5, 0.4]) <= 1 for step in range(51))


@every_schedule
def test_the_config_survives_the_json_of_a_model_file(kind: type) -> None:
    config = kind(warmup=0.25)
    assert msgspec.json.decode(msgspec.json.encode(config), type=ScheduleConfig) == config


def test_one_cycle_falls_along_a_cosine_to_its_last_share() -> None:
    schedule = OneCycleConfig(warmup=0.2, final=0.01)
    assert schedule.factor(0.6, []) == pytest.approx((1 + 0.01) / 2)
    assert schedule.factor(0.4, []) == pytest.approx(0.01 + 0.99 * (1 + math.cos(math.pi / 4)) / 2)
    assert schedule.factor(1.0, []) == pytest.approx(0.01)
    fall = [schedule.factor(0.2 + 0.8 * step / 40, []) for step in range(41)]
    assert fall == sorted(fall, reverse=True)


def test_one_cycle_does_not_look_at_the_errors() -> None:
    assert OneCycleConfig().factor(0.7, [0.1, 0.9, 0.9, 0.9]) == OneCycleConfig().factor(0.7, [])


def test_a_plateau_lowers_the_rate_once_for_every_patience_epochs_without_a_better_error() -> None:
    schedule = PlateauConfig(warmup=0.0, patience=2, decay=0.5)
    errors = [0.9, 0.5, 0.5, 0.6, 0.55, 0.7, 0.4, 0.41, 0.42]
    factors = [schedule.factor(0.5, errors[:number]) for number in range(len(errors) + 1)]
    assert factors == [1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]


def test_an_error_that_keeps_falling_keeps_the_rate() -> None:
    errors = [0.9 - 0.01 * epoch for epoch in range(60)]
    assert PlateauConfig(warmup=0.0).factor(0.9, errors) == 1
