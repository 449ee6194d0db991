"""`seqlabel transcribe --stream`: speech read while it is said, out of a pipe."""

import argparse
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from seqlabel.errors import ConfigError
from seqlabel.terminal import DONE, INTERRUPTED, as_json_text, complain

if TYPE_CHECKING:
    from seqlabel.recognizer import Recognizer
    from seqlabel.streaming import Partial, Stream

PIECE_SECONDS = 0.2
"""Of sound, after which it is read at the latest."""
STANDARD_INPUT = "-"


def listen(recognizer: "Recognizer", arguments: argparse.Namespace) -> int:
    """Reads raw samples until they end, says what was read, and returns the exit code."""
    from seqlabel.streaming import Stream

    name = str(arguments.paths[0])
    stream = Stream(recognizer)
    code = DONE
    with _opened(name) as source:
        try:
            for partial in stream.read(_pieces(source, stream, name)):
                _say(partial, is_json=arguments.json)
        except KeyboardInterrupt:
            code = INTERRUPTED
            for partial in stream.feed(np.zeros(0, np.float32), is_last=True):
                _say(partial, is_json=arguments.json)
    clock = stream.clock
    if clock.audio:
        print(
            f"{clock.audio:.1f} s of sound, {clock.work:.2f} s of work (real-time factor "
            f"{clock.work / clock.audio:.3f}); a piece of {PIECE_SECONDS:g} s took {clock.longest:.3f} s at most, and "
            f"{clock.algorithmic:.3f} s of sound have to follow before a frame can be read",
            file=sys.stderr,
        )
    else:
        code = complain(f"{name}: no samples; expected 16-bit ones, one channel, {stream.sample_rate} Hz")
    return code


def _opened(name: str) -> BinaryIO:
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


def _pieces(source: BinaryIO, stream: "Stream", name: str) -> Iterator[np.ndarray]:
    """Yields the samples as they come, in pieces of `PIECE_SECONDS` at most."""
    rest = b""
    while data := source.read(2 * max(1, round(PIECE_SECONDS * stream.sample_rate)) - len(rest)):
        data = rest + data
        if not stream.clock.audio and data[:4] in (b"RIFF", b"fLaC", b"OggS", b"NIST"):
            raise ConfigError(
                f"{name}: has a header, and is no raw audio; name the file without --stream, or send it through "
                f"`ffmpeg -i FILE -f s16le -ac 1 -ar {stream.sample_rate} -`"
            )
        rest = data[len(data) // 2 * 2 :]
        samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32)
        if len(samples):
            yield samples / np.float32(32768)


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
