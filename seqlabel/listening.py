"""`seqlabel transcribe --stream`: speech read while it is said, out of a pipe."""

import argparse
import io
import os
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from seqlabel.errors import ConfigError
from seqlabel.terminal import DONE, INTERRUPTED, as_json_text, complain

if TYPE_CHECKING:
    from seqlabel.recognizer import Recognizer
    from seqlabel.streaming import Partial, Stream

PIECE_SECONDS = 0.2
"""Of sound, after which it is read at the latest."""
STANDARD_INPUT = "-"
_MAGIC = (b"RIFF", b"fLaC", b"OggS", b"NIST", b"FORM", b".snd", b"caff", b"ID3")
_LONGEST_MAGIC = 4


def listen(recognizer: "Recognizer", arguments: argparse.Namespace) -> int:
    """Reads raw samples until they end, says what was read, and returns the exit code."""
    from seqlabel.streaming import Stream

    name = str(arguments.paths[0])
    stream = Stream(recognizer)
    with _opened(name) as source, _Interrupt() as interrupt:
        for partial in stream.read(_pieces(source, stream, name, interrupt)):
            _say(partial, is_json=arguments.json)
    code = INTERRUPTED if interrupt.is_asked_for else DONE
    clock = stream.clock
    if clock.audio:
        print(
            f"{clock.audio:.1f} s of sound, {clock.work:.2f} s of work (real-time factor "
            f"{clock.work / clock.audio:.3f}); a piece of {PIECE_SECONDS:g} s took {clock.longest:.3f} s at most, and "
            f"{clock.algorithmic:.3f} s of sound have to follow before a frame can be read",
            file=sys.stderr,
        )
    elif code == DONE:
        code = complain(f"{name}: no samples; expected 16-bit ones, one channel, {stream.sample_rate} Hz")
    return code


def _opened(name: str) -> io.FileIO:
    if name == STANDARD_INPUT:
        if sys.stdin is None or sys.stdin.isatty():
            raise ConfigError(
                "--stream -: nothing is piped in; put `arecord -t raw ... |` or the like before it"
            )
        return os.fdopen(os.dup(sys.stdin.fileno()), "rb", buffering=0)
    try:
        return open(name, "rb", buffering=0)
    except OSError as error:
        raise ConfigError(
            f"{name}: cannot be opened ({error.strerror}); name a file or a pipe of raw samples"
        ) from error


class _Interrupt:
    """Ctrl-C while a recording is read: it ends, and what is being worked out is finished. A second one is impatience.

    Attributes:
        is_asked_for: Ctrl-C was pressed.
        is_waiting: nothing is being worked out that could be lost.
    """

    def __init__(self) -> None:
        self.is_asked_for = self.is_waiting = False
        self._handler: Any = None

    def __enter__(self) -> "_Interrupt":
        self._handler = signal.getsignal(signal.SIGINT)
        if self._handler is not signal.SIG_IGN:  # as it is behind `&` in a script
            signal.signal(signal.SIGINT, self._heard)
        return self

    def __exit__(self, *error: object) -> None:
        signal.signal(signal.SIGINT, self._handler)

    def _heard(self, number: int, frame: object) -> None:
        if self.is_waiting or self.is_asked_for:
            self.is_asked_for = True
            raise KeyboardInterrupt
        self.is_asked_for = True


def _pieces(source: io.RawIOBase, stream: "Stream", name: str, interrupt: _Interrupt) -> Iterator[np.ndarray]:
    """Yields the samples as they come, in pieces of `PIECE_SECONDS` at most, until the end or Ctrl-C."""
    most = 2 * max(1, round(PIECE_SECONDS * stream.sample_rate))
    rest = b""
    has_begun = is_over = False
    while not is_over:
        try:
            interrupt.is_waiting = True
            data = b"" if interrupt.is_asked_for else source.read(most - len(rest)) or b""
            interrupt.is_waiting = False
        except KeyboardInterrupt:
            interrupt.is_waiting = False
            return
        is_over = not data
        data = rest + data
        if not has_begun:
            if data.startswith(_MAGIC):
                raise ConfigError(
                    f"{name}: has a header, and is no raw audio; name the file without --stream, or send it through "
                    f"`ffmpeg -i FILE -f s16le -ac 1 -ar {stream.sample_rate} -`"
                )
            if len(data) < _LONGEST_MAGIC and not is_over:  # a header may come in crumbs, too
                rest = data
                continue
            has_begun = True
        rest = data[len(data) // 2 * 2 :]
        if len(data) > len(rest):
            yield np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32) / np.float32(32768)


def _say(partial: "Partial", *, is_json: bool) -> None:
    if is_json:
        row = {"text": partial.text, "is_final": partial.is_final, "seconds": round(partial.seconds, 3)}
        print(as_json_text(row), flush=True)
    elif partial.is_final:
        line = f"{partial.text}\n" if partial.text else ""
        print(f"{_cleared()}{line}", end="", flush=True)
    elif sys.stdout.isatty():
        width = os.get_terminal_size(sys.stdout.fileno()).columns
        print(f"{_cleared()}{partial.text[-max(1, width - 1) :]}", end="", flush=True)


def _cleared() -> str:
    """Returns what takes a partial line away on a terminal."""
    return "\r\x1b[K" if sys.stdout.isatty() else ""
