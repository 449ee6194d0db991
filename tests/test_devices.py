import pytest
import torch

from seqlabel.devices import (
    choose_device,
    fastest,
    has_fast_bfloat16,
    page_workers,
    precisions,
    prepare_arithmetic,
    thread_counts,
)
from seqlabel.errors import ConfigError

CPU = torch.device("cpu")
no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")


def test_the_cpu_can_be_asked_for() -> None:
    assert choose_device("cpu") == CPU


def test_auto_takes_cuda_where_there_is_one() -> None:
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@no_cuda
@pytest.mark.parametrize("name", ["cuda", "cuda:1"])
def test_cuda_where_there_is_none_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"--device {name}: PyTorch finds no CUDA device.*use --device cpu"):
        choose_device(name)


@pytest.mark.parametrize("name", ["gpu", "", "cpu0", "tpu"])
def test_an_unknown_device_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigError, match=f"--device {name}: expected auto, cpu or cuda"):
        choose_device(name)


@pytest.mark.parametrize("faster", [1, 2])
def test_the_candidate_with_the_lower_median_is_chosen_the_first_round_not_counted(
    faster: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = {True: [60.0, 1.0, 30.0, 1.0], False: [0.0, 2.0, 2.0, 2.0]}
    clock = [0.0]
    monkeypatch.setattr("seqlabel.devices.time.perf_counter", lambda: clock[0])

    def step(candidate: int) -> None:
        clock[0] += seconds[candidate == faster].pop(0)

    assert fastest(step, [1, 2], CPU, num_rounds=3) == faster


def test_each_candidate_is_tried_equally_often() -> None:
    tried: list[str] = []
    fastest(tried.append, ["a", "b", "c"], CPU, num_rounds=2)
    assert tried == ["a", "b", "c"] * 3


def test_a_single_candidate_is_not_tried() -> None:
    tried: list[str] = []
    assert fastest(tried.append, ["only"], CPU) == "only"
    assert tried == []


def test_bfloat16_is_worth_a_trial_where_the_hardware_has_it() -> None:
    assert (torch.bfloat16 in precisions(CPU)) == has_fast_bfloat16(CPU)
    assert precisions(CPU)[0] == torch.float32


@pytest.mark.parametrize(
    ("count", "expected"), [(1, [1]), (2, [2, 1]), (6, [6, 3, 1]), (16, [16, 8, 4, 2, 1])]
)
def test_all_threads_and_halves_of_them_are_worth_a_trial(
    count: int, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.get_num_threads", lambda: count)
    assert thread_counts(CPU) == expected


def test_prepared_arithmetic_flushes_denormal_numbers_and_keeps_to_its_threads() -> None:
    before = torch.get_num_threads()
    try:
        prepare_arithmetic(1)
        assert torch.get_num_threads() == 1
        assert float(torch.tensor(1e-30) * torch.tensor(1e-10)) == 0.0
        prepare_arithmetic(None)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
        torch.set_flush_denormal(False)
    assert float(torch.tensor(1e-30) * torch.tensor(1e-10)) > 0.0


def test_pages_are_read_by_as_many_workers_as_there_are_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert page_workers(cpu, 9, None) == (4, 1)
    assert page_workers(cpu, 3, None) == (3, 1)
    assert page_workers(cpu, 1, None) == page_workers(gpu, 9, None) == (1, None)
    assert page_workers(cpu, 9, 1) == (1, 1)
    assert page_workers(cpu, 2, 8) == page_workers(gpu, 2, 8) == (2, 1)
