"""The flag that stops a run; needs neither torch nor a window system."""

from __future__ import annotations


class Cancelled(Exception):
    """Work was cancelled before it had anything to keep."""


class CancelToken:
    """A flag that any thread may set, for good; the engine checks it between windows."""

    __slots__ = ("_cancelled",)

    def __init__(self) -> None:
        self._cancelled = False

    def cancel(self) -> None:
        """Ask the run to stop after the current window."""
        self._cancelled = True

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    def check(self) -> None:
        """Raise `Cancelled` if `cancel` was called: for work that keeps nothing when it is stopped."""
        if self._cancelled:
            raise Cancelled
