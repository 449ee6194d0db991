"""What one process has compiled and kept, beside what another one compiles."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seqlabel.engine import product

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import sys
import numpy as np, torch
from numba.core.bytecode import FunctionIdentity
from seqlabel.encoders import RecurrentConfig

out, num_before, has_gradient = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "gradient"
for _ in range(num_before):
    next(FunctionIdentity._unique_ids)
torch.manual_seed(1)
encoder = RecurrentConfig(hidden_size=32, num_layers=1, dropout=0.0).build(20)
with torch.set_grad_enabled(has_gradient):
    hidden, _ = encoder(torch.randn(9, 12, 20), torch.tensor([12, 12, 11, 9, 9, 5, 3, 2, 1]))
if has_gradient:
    hidden.square().sum().backward()
    np.save(out, torch.cat([parameter.grad.reshape(-1) for parameter in encoder.parameters()]).numpy())
"""


def run(cache: Path, out: Path, num_before: int, what: str) -> None:
    settings = os.environ | {"PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(cache)}
    subprocess.run([sys.executable, "-c", SCRIPT, str(out), str(num_before), what], env=settings, check=True)


def test_functions_for_other_widths_have_other_names() -> None:
    """numba tells functions of one name and signature apart by a number that begins anew in each process."""
    functions = [product._tiles_16, product._tiles_48, product._tiles_64]
    assert len({function.py_func.__qualname__ for function in functions}) == 3


@pytest.mark.slow
@pytest.mark.parametrize("num_before", [1, 2])
def test_a_pass_compiled_by_another_process_calls_its_own_functions(num_before: int, tmp_path: Path) -> None:
    """A model is read first and trained later, by processes that have met different numbers of functions before."""
    run(tmp_path / "own", tmp_path / "expected.npy", 0, "gradient")
    shared = tmp_path / "shared"
    run(shared, tmp_path / "none.npy", num_before, "no gradient")
    run(shared, tmp_path / "first.npy", 0, "gradient")
    run(shared, tmp_path / "found.npy", 0, "gradient")
    np.testing.assert_array_equal(np.load(tmp_path / "found.npy"), np.load(tmp_path / "expected.npy"))
