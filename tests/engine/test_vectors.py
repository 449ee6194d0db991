from typing import Any

import numpy as np
import torch
from numba import njit

from seqlabel.engine.vectors import LANES, Lanes, equations


@equations
def bend(lanes: Lanes, source: Any, target: Any) -> None:
    lanes.store(lanes.tanh(lanes.load(source)), target)


@equations
def keep(lanes: Lanes, source: Any, target: Any) -> None:
    lanes.store_kept(lanes.load(source), target)


@equations
def widen(lanes: Lanes, source: Any, target: Any) -> None:
    lanes.store(lanes.load_kept(source), target)


@equations
def logistic(lanes: Lanes, source: Any, target: Any) -> None:
    lanes.store(lanes.sigmoid(lanes.load(source)), target)


def over(
    function: Any, source: np.ndarray, target: np.ndarray, arithmetic: np.ndarray, kept: np.ndarray
) -> np.ndarray:
    """Applies equations to a whole array, sixteen numbers at a time."""

    @njit
    def run(source, target, arithmetic, kept):  # type: ignore[no-untyped-def]
        for at in range(0, len(source), LANES):
            one = np.int64(source[at:].ctypes.data)
            other = np.int64(target[at:].ctypes.data)
            function(kept, arithmetic, (one, other))

    run(source, target, arithmetic, kept)
    return target


def single(function: Any, numbers: np.ndarray) -> np.ndarray:
    return over(function, numbers, np.empty_like(numbers), numbers[:0], numbers[:0])


def test_float32_tanh_is_right_to_a_few_units_of_the_last_place() -> None:
    numbers = np.concatenate([np.linspace(-12, 12, 160_000), np.geomspace(1e-12, 10, 16_000)]).astype(
        np.float32
    )
    exact = np.tanh(numbers.astype(np.float64))
    assert np.abs(single(bend, numbers) - exact).max() < 5e-7
    small = np.abs(numbers) < 1
    assert (np.abs(single(bend, numbers) - exact)[small] <= 5e-7 * np.abs(exact[small])).all()


def test_float64_tanh_is_exact() -> None:
    numbers = np.linspace(-20, 20, 1600)
    np.testing.assert_allclose(single(bend, numbers), np.tanh(numbers), rtol=1e-14)


def test_float32_sigmoid_stays_between_0_and_1() -> None:
    numbers = np.array([-1e30, -100, -20, -1, 0, 1, 20, 1e30] * 2, np.float32)
    found = single(logistic, numbers)
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-numbers.astype(np.float64).clip(-700))), atol=1e-6)
    assert found.min() >= 0 and found.max() <= 1


def test_infinity_bends_to_one_and_not_a_number_stays() -> None:
    numbers = np.array([np.inf, -np.inf, np.nan, 0.0] * 4, np.float32)
    np.testing.assert_allclose(single(bend, numbers)[:4], [1, -1, np.nan, 0], rtol=0, atol=1e-6)


def test_bfloat16_is_rounded_as_pytorch_does_it() -> None:
    torch.manual_seed(1)
    bits = torch.randint(-(2**31), 2**31, (16_000,), dtype=torch.int64).to(torch.int32)
    ties = (torch.arange(16 * 8, dtype=torch.int32) << 15) + 0x3F800000
    special = torch.tensor([torch.inf, -torch.inf, torch.nan, 3.4e38] * 4)
    numbers = torch.cat([bits.view(torch.float32), ties.view(torch.float32), special])
    kept = np.empty(len(numbers), np.uint16)
    over(keep, numbers.numpy(), kept, numbers.numpy()[:0], kept[:0])
    found = torch.from_numpy(kept).view(torch.bfloat16)
    torch.testing.assert_close(found, numbers.bfloat16(), rtol=0, atol=0, equal_nan=True)
    back = np.empty(len(numbers), np.float32)
    over(widen, kept, back, back[:0], kept[:0])
    torch.testing.assert_close(torch.from_numpy(back), found.float(), rtol=0, atol=0, equal_nan=True)
