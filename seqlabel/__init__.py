"""seqlabel reads unsegmented handwriting and speech: stacked bidirectional LSTMs trained with CTC."""

from typing import TYPE_CHECKING

from seqlabel.version import __version__

if TYPE_CHECKING:
    from seqlabel.recognizer import Recognizer

__all__ = ["Recognizer", "__version__"]


def __getattr__(name: str) -> object:
    # PyTorch takes seconds to import; `seqlabel --help` must not pay for it.
    if name == "Recognizer":
        from seqlabel.recognizer import Recognizer

        return Recognizer
    raise AttributeError(f"module 'seqlabel' has no attribute {name!r}")
