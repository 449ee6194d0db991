"""numba's compiler, its results kept on disk and forgotten when what they were made of has changed."""

import hashlib
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

from numba import njit
from numba.core.caching import IndexDataCacheFile


def compiled(function: Callable[..., Any]) -> Any:
    """Returns the function compiled at its first call with types it has not met, and kept where numba finds a folder.

    Without a folder that can be written, in a container say, each process compiles anew.
    """
    try:
        dispatcher: Any = njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:
        return njit(nogil=True, error_model="numpy")(function)
    before = dispatcher._cache._cache_file
    dispatcher._cache._cache_file = KeptResults(
        before._cache_path, before._index_name.removesuffix(".nbi"), before._source_stamp
    )
    return dispatcher


class KeptResults(IndexDataCacheFile):
    """numba's index of kept results, safe where several processes compile the same function at the same time.

    numba numbers the files of a function's results and writes the index first (0.68). Of two processes that compile it
    for different types both take the same number, and the index of the one then names the code of the other: calls
    return numbers that mean nothing. Here the name of a file tells the types and the sources that it was made of.
    """

    def __init__(self, cache_path: str, filename_base: str, source_stamp: object) -> None:
        self.filename_base = filename_base
        stamp = ("named", source_stamp)
        super().__init__(cache_path, filename_base, stamp)  # type: ignore[no-untyped-call]

    def made_of(self, digest: str) -> None:
        """Takes results for its own only where they were made of the sources with this digest as well."""
        self._source_stamp = (*self._source_stamp, digest)

    def save(self, key: object, data: object) -> None:
        """Keeps a result; the index of another process may lose it, which costs a compilation."""
        digest = hashlib.sha256(repr((self._source_stamp, key)).encode()).hexdigest()[:20]
        name = f"{self.filename_base}.{digest}.nbc"
        self._save_data(name, data)  # type: ignore[no-untyped-call]
        overloads = self._load_index()  # type: ignore[no-untyped-call]
        overloads[key] = name
        self._save_index(overloads)  # type: ignore[no-untyped-call]


def forget_if_changed(functions: Sequence[Any], modules: Sequence[ModuleType]) -> None:
    """Has the kept results of functions forgotten that were compiled with other versions of these modules.

    numba itself looks at the file of the function alone, not at those of what the function calls.
    """
    sources = [Path(str(module.__file__)).read_bytes() for module in modules]
    digest = hashlib.sha256(b"".join(sources) + version("llvmlite").encode()).hexdigest()
    for function in functions:
        if function.stats.cache_path:
            function._cache._cache_file.made_of(digest)
