"""Shape checks for every function of seqlabel, and the fixtures that all tests share."""

import os
from collections.abc import Callable
from pathlib import Path

import jaxtyping
import pytest

from tests.blocks import TrainedRun, train_on_blocks

# Before anything imports seqlabel: from here on its annotations, shapes included, are checked at every call.
# The tower lets an int stand for a float, as PEP 484 and mypy do.
jaxtyping.install_import_hook(
    "seqlabel", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"
)


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of the real corpora: `$SEQLABEL_DATA`, or `../shared/data` beside the repository."""
    root = Path(__file__).resolve().parents[1]
    folder = Path(os.environ.get("SEQLABEL_DATA") or root.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real corpora at {folder}; set SEQLABEL_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory: pytest.TempPathFactory) -> TrainedRun:
    """A run that is trained once for all tests, which only read it."""
    return train_on_blocks(tmp_path_factory.mktemp("blocks"))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the program with these words and gives its exit code, standard output and standard error."""
    from seqlabel.cli import main  # not before the checks above are in place

    def run(*words: object) -> tuple[int, str, str]:
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def refusal(run: Callable[..., tuple[int, str, str]]) -> Callable[..., str]:
    """Runs the program with words that it has to refuse, and gives the one line that it says."""

    def refusal(*words: object) -> str:
        code, out, err = run(*words)
        lines = [line for line in err.splitlines() if not line.startswith(("blocks: run folder", "going on"))]
        assert (code, out, len(lines)) == (2, "", 1), (code, out, err)
        assert lines[0].startswith("seqlabel: ")
        return lines[0].removeprefix("seqlabel: ")

    return refusal
