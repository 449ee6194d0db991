"""How far something is, shown by whoever has a place to show it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

BarOf = Callable[[str, int], AbstractContextManager[Callable[[], object]]]
"""Given what is done and for how many things, shows that in a context; what it gives is called for each of them."""


def progress(bar_of: BarOf | None, what: str, total: int) -> AbstractContextManager[Callable[[], object]]:
    """Returns a context that shows how far something is, or one that does not."""
    return nullcontext(lambda: None) if bar_of is None else bar_of(what, total)
