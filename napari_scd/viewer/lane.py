"""What a job is, whoever runs it: knows no Qt, so that the controller can be tested without a window."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Flag:
    """A stop flag of the shape the engine asks for, made without importing the engine (and torch)."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop after the current window."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._event.is_set()


class Work(NamedTuple):
    """A job: its kind, its function of (progress, cancel), and who hears how it went."""

    kind: str
    run: Callable[[Callable[[Any], None], Flag], Any]
    done: Callable[[Any], None]
    failed: Callable[[BaseException], None]
    progressed: Callable[[Any], None]


class Lane(Protocol):
    """Runs one job at a time, the others wait; callbacks come in the thread that submits."""

    @property
    def running(self) -> str | None:
        """Kind of the running job."""

    def submit(self, work: Work, *, replace: bool = True) -> None:
        """Queue a job; a waiting one of the same kind is replaced unless asked otherwise."""

    def drop(self, *kinds: str) -> None:
        """Forget waiting jobs of these kinds."""

    def cancel(self) -> None:
        """Ask the running job to stop, and forget the waiting ones."""

    def close(self) -> None:
        """Stop for good: no callback is called any more."""
