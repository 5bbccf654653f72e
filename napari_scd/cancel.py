"""The flag that stops a run; needs neither torch nor a window system."""

from __future__ import annotations

import threading


class CancelToken:
    """A flag that any thread may raise; the engine looks at it between windows."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the run to stop after the current window."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._event.is_set()
