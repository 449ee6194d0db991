"""seqlabel reads unsegmented handwriting and speech: stacked bidirectional LSTMs trained with CTC."""

import os
from typing import TYPE_CHECKING

from seqlabel.version import __version__

if TYPE_CHECKING:
    from seqlabel.recognizer import Recognizer

__all__ = ["Recognizer", "__version__"]


# After each piece of work PyTorch's threads would spin for milliseconds on the processors that the next piece needs.
# OpenMP reads this when PyTorch is imported; whoever sets it, or imports PyTorch first, decides.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def __getattr__(name: str) -> object:
    # PyTorch takes seconds to import; `seqlabel --help` must not pay for it.
    if name == "Recognizer":
        from seqlabel.recognizer import Recognizer

        return Recognizer
    raise AttributeError(f"module 'seqlabel' has no attribute {name!r}")
