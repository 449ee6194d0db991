from collections import Counter
from itertools import pairwise

import msgspec
import numpy as np
import pytest

from seqlabel.augmentations import PenPathConfig
from seqlabel.records import Matrix, Strokes


def only(**setting: float) -> PenPathConfig:
    return PenPathConfig(**{"share": 1.0, "lift": 0.0, "reverse": 0.0, "swap": 0.0, **setting})


def ink_of(*strokes: list[list[float]], with_times: bool = False) -> Strokes:
    points = tuple(np.array(stroke, np.float32).reshape(-1, 2) for stroke in strokes)
    if not with_times:
        return Strokes(points)
    times, now = [], 0.0
    for number, stroke in enumerate(points, start=1):
        times.append((now + 0.01 * np.arange(len(stroke))).astype(np.float32))
        now = float(times[-1][-1]) + 0.1 * number
    pressures = tuple(stroke[:, 0] + 1000 for stroke in points)
    return Strokes(points, tuple(times), pressures)


STEM = [[5.0, float(y)] for y in range(10)]
BAR = [[float(x), 4.0] for x in range(10)]
FAR = [[float(x), 6.0] for x in range(30, 37)]


def drawn(config: PenPathConfig, ink: Strokes, seed: int) -> Strokes:
    changed = config.build()(ink, np.random.default_rng(seed))
    assert isinstance(changed, Strokes)
    return changed


def segments(ink: Strokes) -> Counter[frozenset[tuple[float, ...]]]:
    """The ink itself: what lies between neighbouring points, in whatever direction and order."""
    pairs = [pair for stroke in ink.strokes for pair in pairwise(stroke.tolist())]
    return Counter(frozenset(map(tuple, pair)) for pair in pairs)


@pytest.mark.parametrize("seed", range(20))
def test_the_ink_stays_where_it_is(seed: int) -> None:
    ink = ink_of(STEM, BAR, FAR)
    changed = drawn(PenPathConfig(share=1.0, lift=0.5, reverse=0.5, swap=0.5), ink, seed)
    assert segments(changed) == segments(ink)


def test_a_reversed_stroke_is_written_from_its_end() -> None:
    changed = drawn(only(reverse=1.0), ink_of(STEM, BAR), 1)
    assert [stroke.tolist() for stroke in changed.strokes] == [STEM[::-1], BAR[::-1]]


def test_a_lifted_pen_goes_on_where_it_left_off() -> None:
    places = set()
    for seed in range(100):
        first, second = (stroke.tolist() for stroke in drawn(only(lift=1.0), ink_of(STEM), seed).strokes)
        assert first[-1] == second[0]
        assert first[:-1] + second == STEM
        places.add(len(first))
    # Every point but the ends can be the place.
    assert places == set(range(2, 10))


def test_strokes_above_each_other_change_places_and_others_do_not() -> None:
    changed = drawn(only(swap=1.0), ink_of(STEM, BAR, FAR), 1)
    assert [stroke.tolist() for stroke in changed.strokes] == [BAR, STEM, FAR]


@pytest.mark.parametrize(("further_right", "is_above"), [(4.5, True), (5.0, False)])
def test_half_of_the_narrower_width_counts_as_above_each_other(further_right: float, is_above: bool) -> None:
    later = [[x + further_right, y] for x, y in BAR]  # BAR is 9 wide
    first = drawn(only(swap=1.0), ink_of(BAR, later), 1).strokes[0].tolist()
    assert first == (later if is_above else BAR)


@pytest.mark.parametrize("name", ["lift", "reverse", "swap"])
def test_settings_are_probabilities(name: str) -> None:
    changed = 0
    for seed in range(400):
        after = drawn(only(**{name: 0.3}), ink_of(STEM, BAR), seed)
        changed += {
            "lift": len(after.strokes) - 2,
            "reverse": sum(stroke.tolist() not in (STEM, BAR) for stroke in after.strokes),
            "swap": 2 * (after.strokes[0].tolist() == BAR),
        }[name]
    assert changed / 800 == pytest.approx(0.3, abs=0.06)


def test_the_share_that_is_left_alone_stays_as_it_is() -> None:
    ink = ink_of(STEM, BAR)
    config = PenPathConfig(share=0.3, lift=1.0)
    num_changed = sum(drawn(config, ink, seed) is not ink for seed in range(400))
    assert num_changed / 400 == pytest.approx(0.3, abs=0.06)


def test_times_go_up_and_pieces_and_pauses_take_as_long_as_before() -> None:
    ink = ink_of(STEM, BAR, FAR, with_times=True)
    assert ink.times is not None
    changed = drawn(PenPathConfig(share=1.0, lift=0.0, reverse=1.0, swap=1.0), ink, 1)
    assert changed.times is not None
    assert [stroke.tolist() for stroke in changed.strokes] == [BAR[::-1], STEM[::-1], FAR[::-1]]
    everything = np.concatenate(changed.times)
    assert np.all(np.diff(everything) >= 0)
    np.testing.assert_allclose(everything[[0, -1]], [ink.times[0][0], ink.times[-1][-1]], atol=1e-5)
    pauses = [after[0] - before[-1] for before, after in pairwise(changed.times)]
    np.testing.assert_allclose(pauses, [0.1, 0.2], atol=1e-5)


def test_times_stay_as_they_are_where_nothing_is_changed() -> None:
    points = ink_of(STEM, BAR).strokes
    # A stroke that the file tells to be earlier than the one before it.
    times = tuple(np.arange(10, dtype=np.float32) / 100 + start for start in (1000.0, 995.0))
    changed = drawn(only(), Strokes(points, times), 1)
    assert changed.times is not None
    np.testing.assert_allclose(np.concatenate(changed.times), np.concatenate(times), atol=1e-3)


def test_a_recipe_may_change_every_example() -> None:
    config = only(lift=1.0, reverse=1.0, swap=1.0)
    assert msgspec.convert(msgspec.to_builtins(config), PenPathConfig) == config


def test_pressures_stay_with_their_points() -> None:
    ink = ink_of(STEM, BAR, FAR, with_times=True)
    for seed in range(20):
        changed = drawn(PenPathConfig(share=1.0, lift=0.5, reverse=0.5, swap=0.5), ink, seed)
        assert changed.pressures is not None
        for stroke, pressures in zip(changed.strokes, changed.pressures, strict=True):
            np.testing.assert_array_equal(pressures, stroke[:, 0] + 1000)


@pytest.mark.parametrize(
    "ink", [Strokes(()), ink_of([]), ink_of([[1.0, 2.0]]), ink_of([], STEM, [[5.0, 5.0]], with_times=False)]
)
def test_dots_and_strokes_without_points_are_no_trouble(ink: Strokes) -> None:
    for seed in range(20):
        changed = drawn(PenPathConfig(share=1.0, lift=1.0, reverse=0.5, swap=1.0), ink, seed)
        assert segments(changed) == segments(ink)


def test_other_signals_are_left_alone() -> None:
    matrix = Matrix(np.zeros((3, 2), np.float32))
    assert PenPathConfig().build()(matrix, np.random.default_rng(1)) is matrix
