"""A clean end: the first Ctrl+C or termination signal requests a checkpoint, the second one ends at once."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # the last one means that the terminal was closed


class StopSignal:
    """While entered, remembers a signal instead of ending the program; former handlers return on leaving.

    Attributes
    ----------
    number : int
        Number of the signal that arrived, 0 before.
    """

    def __init__(self) -> None:
        self.number = 0
        self._former: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopSignal:
        if threading.current_thread() is threading.main_thread():
            self._former = {one: signal.signal(one, self._remember) for one in _listened_to()}
        return self

    def __exit__(self, *_: object) -> None:
        for name, handler in self._former.items():
            signal.signal(name, handler)

    @property
    def received(self) -> bool:
        """Whether a signal arrived."""
        return self.number > 0

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        former = self._former.pop(signal.Signals(number), signal.SIG_DFL)
        signal.signal(number, former)


def _listened_to() -> list[signal.Signals]:
    """Signals of this system that are not ignored, as ``nohup`` does with SIGHUP."""
    known = (getattr(signal, name, None) for name in _NAMES)
    return [one for one in known if one is not None and signal.getsignal(one) != signal.SIG_IGN]
