"""What a job is, whoever runs it: knows no Qt, so that the dock's logic can be tested without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_scd.cancel import CancelToken

LIVE = ("window", "replay", "plan", "warm")  # what follows the keep slider or runs ahead, unasked
BY_WINDOWS = (
    "segment",
    "frames",
    "click",
    "prompt",
    "read",
    "compare",
    "window",
    "replay",
)  # stop after a window
ASKED = (*BY_WINDOWS, "edit", "measure", "surfaces")  # what the user may cancel
RUNS = (*BY_WINDOWS, "plan", "warm", "edit", "measure")  # what belongs to one image and model


class DockJob(NamedTuple):
    """A job: its kind, its function of (progress, cancel), and who hears how it went."""

    kind: str
    run: Callable[[Callable[[Any], None], CancelToken], Any]
    done: Callable[[Any], None]
    failed: Callable[[BaseException], None]
    progressed: Callable[[Any], None]


class JobQueue(Protocol):
    """Runs one job at a time while the others wait; callbacks come in the thread that submits."""

    @property
    def running(self) -> str | None:
        """Kind of the running job."""

    @property
    def waiting(self) -> tuple[str, ...]:
        """Kinds of the waiting jobs, the next one first."""

    def submit(self, job: DockJob, *, replace: bool = True) -> None:
        """Queue a job; a waiting one of the same kind is replaced unless asked otherwise."""

    def drop(self, *kinds: str) -> None:
        """Drop waiting jobs of these kinds."""

    def cancel(self) -> None:
        """Ask the running job to stop, and forget the waiting ones."""

    def close(self) -> None:
        """Stop for good: no callback is called from now on."""
