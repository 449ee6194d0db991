"""Runs a reader over damaged files in a child process that is held to its limits of time and memory."""

import faulthandler
import json
import os
import random
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from seqlabel.errors import SeqlabelError, one_line
from tests.fuzz.mutations import mutated
from tests.fuzz.readers import Reader

MOST_SECONDS = 5.0
"""Of the processor, for one input."""
MOST_BYTES = 1 << 30
"""Of memory, above what the process had before the first input."""
LONGEST_MESSAGE = 20_000
BLOCKED_SECONDS = 60.0
"""After which a child that uses no processor is taken to wait for something that never comes."""


@dataclass
class Finding:
    """An input that a reader does not deal with as it must."""

    kind: str
    index: int
    what: str
    where: str = ""
    count: int = 1


@dataclass
class Outcome:
    """What came of all inputs of a reader."""

    reader: str
    count: int
    num_read: int = 0
    num_refused: int = 0
    slowest: float = 0.0
    most_bytes: int = 0
    seconds: float = 0.0
    findings: dict[tuple[str, str, str], Finding] = field(default_factory=dict)


class Hang(BaseException):
    """The reader has used up its time; no `except Exception` keeps this from being seen."""


def input_of(reader: Reader, seeds: list[bytes], seed: int, index: int) -> bytes:
    """Returns an input by its number: the same for the same seed, whatever came before."""
    rng = random.Random(f"{reader.name} {seed} {index}")
    try:
        return reader.mutate(rng, seeds)
    except (ValueError, OverflowError, RecursionError):  # JSON that Python itself cannot write any more
        return mutated(rng, "bytes", seeds)


def run(reader: Reader, count: int, seed: int, keep: Path | None = None, start: int = 0) -> Outcome:
    """Reads `count` damaged files and says what was wrong."""
    outcome = Outcome(reader.name, count)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="seqlabel-fuzz-") as name:
        folder = Path(name)
        seeds = reader.make_seeds(folder)
        _check(reader, folder, seeds)
        following = start
        while following < start + count:
            assert folder.is_dir(), f"{folder}: somebody has taken it away; begin again with another TMPDIR"
            following = _child(reader, folder, seeds, seed, following, start + count, outcome)
        outcome.seconds = time.monotonic() - began
        if keep is not None:
            for finding in outcome.findings.values():
                keep.mkdir(parents=True, exist_ok=True)
                data = input_of(reader, seeds, seed, finding.index)
                (keep / f"{reader.name}-{seed}-{finding.index}{reader.suffix}").write_bytes(data)
    return outcome


def _check(reader: Reader, folder: Path, seeds: list[bytes]) -> None:
    """Makes sure that most seeds are sound, or little would be tested; this compiles what is compiled, too."""
    num_refused = 0
    for data in seeds:
        (folder / reader.file).write_bytes(data)
        try:
            reader.read(folder / reader.file)
        except SeqlabelError:
            num_refused += 1
    assert num_refused <= len(seeds) / 2, f"{reader.name}: {num_refused} of {len(seeds)} seeds are refused"


def _child(
    reader: Reader, folder: Path, seeds: list[bytes], seed: int, first: int, end: int, outcome: Outcome
) -> int:
    """Reads inputs from `first` on in a child; returns the number of the input to go on with."""
    from_child, to_parent = os.pipe()
    noise = tempfile.TemporaryFile()  # noqa: SIM115 - closed below, and kept over the fork
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.close(from_child)
        os.dup2(noise.fileno(), 2)
        code = 1
        try:
            _work(reader, folder, seeds, seed, first, end, to_parent)
            code = 0
        except BaseException:
            os.write(2, traceback.format_exc().encode("utf-8", "replace"))
        finally:
            os._exit(code)
    os.close(to_parent)
    current, lines, is_blocked = first, b"", False
    while True:
        if not select.select([from_child], [], [], BLOCKED_SECONDS)[0]:
            is_blocked = True
            os.kill(pid, signal.SIGKILL)
        piece = os.read(from_child, 1 << 16)
        if not piece:
            break
        *whole, lines = (lines + piece).split(b"\n")
        for line in whole:
            current = max(current, _take(outcome, json.loads(line)))
    os.close(from_child)
    status = os.waitpid(pid, 0)[1]
    if current >= end and status == 0:
        noise.close()
        return end
    noise.seek(0)
    said = noise.read()[-3000:].decode("utf-8", "replace").strip()
    noise.close()
    how = (
        "blocked"
        if is_blocked
        else f"died with signal {status & 127}"
        if status & 127
        else f"exit {status >> 8}"
    )
    _add(outcome, Finding("died", current, f"{how}: {said[-600:]}", _frame_of(said)))
    return current + 1


def _frame_of(said: str) -> str:
    return next((line.strip() for line in said.splitlines() if "/seqlabel/" in line), "")


def _take(outcome: Outcome, told: dict[str, Any]) -> int:
    """Takes over what a child tells; returns the number of the input that it is at."""
    outcome.num_read += told.get("read", 0)
    outcome.num_refused += told.get("refused", 0)
    outcome.slowest = max(outcome.slowest, told.get("slowest", 0.0))
    outcome.most_bytes = max(outcome.most_bytes, told.get("most_bytes", 0))
    if "kind" in told:
        _add(outcome, Finding(told["kind"], told["at"], told["what"], told["where"]))
    return int(told["next"])


def _add(outcome: Outcome, finding: Finding) -> None:
    key = (finding.kind, finding.where, finding.what.split(":")[0][:60] if not finding.where else "")
    if key in outcome.findings:
        outcome.findings[key].count += 1
    else:
        outcome.findings[key] = finding


def _work(
    reader: Reader, folder: Path, seeds: list[bytes], seed: int, first: int, end: int, to_parent: int
) -> None:
    def tell(**what: Any) -> None:
        os.write(to_parent, json.dumps(what).encode() + b"\n")

    def out_of_time(number: int, frame: FrameType | None) -> None:
        raise Hang

    faulthandler.enable(file=2)
    signal.signal(signal.SIGPROF, out_of_time)
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limit = _num_bytes("VmSize") + MOST_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    before = _num_bytes("VmRSS")
    told = {"read": 0, "refused": 0, "slowest": 0.0}
    path = folder / reader.file
    for index in range(first, end):
        data = input_of(reader, seeds, seed, index)
        path.write_bytes(data)
        if index % 64 == 0 or index == first:
            tell(next=index, **told, most_bytes=_num_bytes("VmHWM") - before)
            told = {"read": 0, "refused": 0, "slowest": 0.0}
        noise = os.fstat(2).st_size
        # C code does not hear of signals: it is ended, and says where it was.
        faulthandler.dump_traceback_later(8 * MOST_SECONDS, exit=True, file=2)
        signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
        began = time.process_time()
        kind, what, where = _result(reader.read, path)
        signal.setitimer(signal.ITIMER_PROF, 0)
        seconds = time.process_time() - began
        faulthandler.cancel_dump_traceback_later()
        told["slowest"] = max(told["slowest"], seconds)
        told["read" if kind == "read" else "refused"] += 1
        if kind in ("read", "refused") and seconds > MOST_SECONDS:
            kind, what = "hang", f"{seconds:.1f} s"
        if kind in ("read", "refused") and os.fstat(2).st_size > noise and not reader.is_noisy:
            said = os.pread(2, 400, noise).decode("utf-8", "replace")
            kind, what, where = "noise", said, said.split(":")[0]
        if kind not in ("read", "refused"):
            tell(next=index, at=index, kind=kind, what=what[:1500], where=where)
    tell(next=end, **told, most_bytes=_num_bytes("VmHWM") - before)


def _result(read: Callable[[Path], object], path: Path) -> tuple[str, str, str]:
    """Reads a file; returns what came of it."""
    try:
        read(path)
    except SeqlabelError as error:
        said = str(error)
        if any(one_line(character) != character for character in set(said)) or len(said) > LONGEST_MESSAGE:
            return "not one line", repr(said), type(error).__name__ + _place(error)
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, MemoryError):
                return "memory", said, _place(cause)
            cause = cause.__cause__ or cause.__context__
        return "refused", said, ""
    except Hang as hang:
        return "hang", "".join(traceback.format_exception(hang)[-4:]), _place(hang)
    except MemoryError as error:
        return "memory", repr(error), _place(error)
    except Exception as error:
        return "exception", f"{type(error).__name__}: {error}", type(error).__name__ + " " + _place(error)
    return "read", "", ""


def _place(error: BaseException) -> str:
    """Returns the last line of seqlabel on the way to an error."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/seqlabel/" in frame.filename or "/data_prep/" in frame.filename]
    return f" {own[-1].filename.rpartition('/seqlabel/')[2]}:{own[-1].lineno}" if own else ""


def _num_bytes(name: str) -> int:
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith(name + ":"))
