import pytest
import torch

from seqlabel.devices import choose_device, faster_precision, has_fast_bfloat16, prepare_arithmetic
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


@pytest.mark.skipif(not has_fast_bfloat16(CPU), reason="this processor has no bfloat16")
@pytest.mark.parametrize("faster", [torch.float32, torch.bfloat16])
def test_the_precision_with_the_lower_median_is_chosen_the_first_round_not_counted(
    faster: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = {True: [60.0, 1.0, 30.0, 1.0], False: [0.0, 2.0, 2.0, 2.0]}
    clock = [0.0]
    monkeypatch.setattr("seqlabel.devices.time.perf_counter", lambda: clock[0])

    def step(dtype: torch.dtype) -> None:
        clock[0] += seconds[dtype == faster].pop(0)

    assert faster_precision(step, CPU, num_rounds=3) == faster


def test_each_precision_is_tried_equally_often_or_none_is() -> None:
    tried: list[torch.dtype] = []
    chosen = faster_precision(tried.append, CPU, num_rounds=2)
    if has_fast_bfloat16(CPU):
        assert tried == [torch.float32, torch.bfloat16] * 3
    else:
        assert tried == [] and chosen == torch.float32


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
