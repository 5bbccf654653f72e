"""Signals that end a run: it unwinds first, so that half-written files are removed."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_NAMES = ("SIGTERM", "SIGHUP", "SIGXCPU", "SIGUSR1", "SIGUSR2")


class Ended(BaseException):
    """A signal asked the program to end.

    Attributes
    ----------
    number : int
    """

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


@contextmanager
def ending() -> Iterator[None]:
    """Turn signals that would end the program into the exception `Ended` while the block runs.

    A signal that was ignored before (``nohup``) stays ignored. Outside the main thread nothing changes.
    """
    former: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for name in _NAMES:
            number = getattr(signal, name, None)  # Windows lacks most
            if number is not None and signal.getsignal(number) == signal.SIG_DFL:
                former[number] = signal.signal(number, _raise)
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def die_of(number: int) -> None:
    """End this process as the signal would have, so that its parent process sees which one it was."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _raise(number: int, frame: FrameType | None) -> None:
    raise Ended(number)
