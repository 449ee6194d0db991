import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import pytest

from seqlabel import compiled as compiled_module
from seqlabel.compiled import compiled

ROOT = Path(__file__).resolve().parents[1]

INNER = '''"""What the other module compiles in."""
from numba import njit


@njit
def inner(number):
    return number + {}
'''
OUTER = '''"""A module whose compiled function is kept."""
from seqlabel.compiled import compiled, forget_if_changed
import inner


@compiled
def outer(number):
    return inner.inner(number)


forget_if_changed((outer,), (inner,))
print(outer(1), sum(outer.stats.cache_hits.values()))
'''


def run(folder: Path, **environment: str) -> str:
    settings = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"} | environment
    done = subprocess.run(
        [sys.executable, str(folder / "outer.py")], capture_output=True, text=True, env=settings, check=True
    )
    return done.stdout.strip()


def test_what_was_compiled_is_kept_until_something_in_it_changes(tmp_path: Path) -> None:
    (tmp_path / "outer.py").write_text(OUTER)
    (tmp_path / "inner.py").write_text(INNER.format(1))
    assert run(tmp_path) == "2 0"
    assert run(tmp_path) == "2 1"
    (tmp_path / "inner.py").write_text(INNER.format(2))
    assert run(tmp_path) == "3 0"


KERNELS = """
from seqlabel.compiled import compiled

@compiled
def twice(numbers):
    return 2 * numbers
"""


def test_processes_that_compile_at_the_same_time_do_not_take_each_others_code(tmp_path: Path) -> None:
    """Each loads the index before the other has written, as it happens where two trainings begin at once."""
    (tmp_path / "kernels.py").write_text(KERNELS)
    script = tmp_path / "outer.py"
    script.write_text(
        "import sys, numpy as np, kernels\n"
        "from numba.core.caching import IndexDataCacheFile\n"
        "if len(sys.argv) > 1:\n"
        "    kernels.twice._cache._cache_file._load_index = lambda: {}\n"
        "types = [sys.argv[1]] if len(sys.argv) > 1 else ['float32', 'int16']\n"
        "for name in types:\n"
        "    found = kernels.twice(np.arange(3).astype(name))\n"
        "    print(found.tolist())\n"
    )
    settings = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    for name in ("float32", "int16"):
        subprocess.run([sys.executable, str(script), name], env=settings, check=True)
    kept = sorted((tmp_path / "__pycache__").glob("kernels.twice-*.nbc"))
    assert len(kept) == 2
    assert run(tmp_path) == "[0.0, 2.0, 4.0]\n[0, 2, 4]"


def test_without_a_folder_to_keep_it_in_a_function_is_compiled_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def njit(**settings: Any) -> Any:
        if settings.get("cache"):
            raise RuntimeError("cannot cache function 'double': no locator available")
        return numba.njit(**settings)

    def double(number: int) -> int:
        return 2 * number

    monkeypatch.setattr(compiled_module, "njit", njit)
    assert compiled(double)(4) == 8


@pytest.mark.slow
@pytest.mark.parametrize("name", ["generic", "haswell"])
def test_numba_told_of_another_processor_compiles_for_it(name: str, tmp_path: Path) -> None:
    script = tmp_path / "outer.py"
    script.write_text(
        "import torch\n"
        "from seqlabel.encoders import RecurrentConfig\n"
        "encoder = RecurrentConfig(hidden_size=16, num_layers=1).build(3).eval()\n"
        "features, lengths = torch.randn(2, 5, 3), torch.tensor([5, 2])\n"
        "exact = encoder(features, lengths)[0]\n"
        "with torch.autocast('cpu', dtype=torch.bfloat16):\n"
        "    near = encoder(features, lengths)[0]\n"
        "print((near - exact).abs().max().item() < 0.05)\n"
    )
    machine = {"generic": "x86-64"}.get(name, name) if os.uname().machine == "x86_64" else "generic"
    found = run(
        tmp_path, NUMBA_CPU_NAME=machine, NUMBA_CPU_FEATURES="", NUMBA_CACHE_DIR=str(tmp_path / "cache")
    )
    assert found == "True"
