"""numba's compiler, its results kept on disk and forgotten when what they were made of has changed."""

import hashlib
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Any:
    """Returns the function compiled at its first call with types it has not met, and kept where numba finds a folder.

    Without a folder that can be written, in a container say, each process compiles anew.
    """
    try:
        return njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:
        return njit(nogil=True, error_model="numpy")(function)


def forget_if_changed(functions: Sequence[Any], modules: Sequence[ModuleType]) -> None:
    """Deletes the kept results of functions that were compiled with other versions of these modules.

    numba itself looks at the file of the function alone, not at those of what the function calls.
    """
    sources = [Path(str(module.__file__)).read_bytes() for module in modules]
    digest = hashlib.sha256(b"".join(sources) + version("llvmlite").encode()).hexdigest()
    for function in functions:
        if not function.stats.cache_path:
            continue
        folder = Path(function.stats.cache_path)
        name = f"{Path(function.py_func.__code__.co_filename).stem}.{function.py_func.__qualname__}"
        mark = folder / f"{name}.sources"
        try:
            if mark.is_file() and mark.read_text() == digest:
                continue
            for kept in (*folder.glob(f"{name}-*.nbi"), *folder.glob(f"{name}-*.nbc")):
                kept.unlink(missing_ok=True)
            folder.mkdir(parents=True, exist_ok=True)
            mark.write_text(digest)
        except OSError:
            continue  # a folder that can only be read holds what was installed with it
