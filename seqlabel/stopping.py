"""Ending a training by Ctrl-C or SIGTERM: after the step under way, with all of it kept."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from seqlabel.run_log import RunLog


class TrainingStopped(Exception):
    """The run was asked to stop, has written its checkpoint, and can be gone on with by the same command."""


@contextmanager
def asked_to_stop(requested: threading.Event, log: RunLog) -> Iterator[None]:
    """Has the first SIGINT or SIGTERM set the event; the second ends the process at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def request(number: int, frame: FrameType | None) -> None:
        requested.set()
        for known, handler in before.items():
            signal.signal(known, handler)
        log.say("stopping after the step under way; Ctrl-C once more stops at once")

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
