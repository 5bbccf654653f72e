"""A progress bar on stderr for what the engine reports."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn

from napari_scd.cli.console import err

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_scd.engine import Progress as Report


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[Report], None]]:
    """Show a bar while the block runs; yields the callback the engine calls after every window.

    Nothing is drawn when stderr is not a terminal. The bar disappears when the block ends.
    """
    with _bar() as bar:
        yield _reporter(bar, bar.add_task(title, total=None, left=""))


class CohortBar:
    """A bar for all cases, and below it one for the windows of the current case."""

    def __init__(self, bar: Progress, n_cases: int) -> None:
        self._bar = bar
        self._began = time.monotonic()
        self._n_cases, self._n_done, self._n_failed = n_cases, 0, 0
        self._all = bar.add_task("cases", total=n_cases, left="")
        self._case: TaskID | None = None

    def begins(self, name: str) -> Callable[[Report], None]:
        """Show a case that begins; returns the callback the engine calls after every window."""
        self._forget_case()
        self._case = self._bar.add_task(name, total=None, left="")
        return _reporter(self._bar, self._case)

    def finished(self, *, failed: bool) -> None:
        """Count a case that ended."""
        self._forget_case()
        self._n_done += 1
        self._n_failed += failed
        pace = (time.monotonic() - self._began) / self._n_done
        left = _duration(pace * (self._n_cases - self._n_done)) + " left"
        failures = f"{self._n_failed} failed, " if self._n_failed else ""
        self._bar.update(self._all, completed=self._n_done, left=failures + left)

    def _forget_case(self) -> None:
        if self._case is not None:
            self._bar.remove_task(self._case)
            self._case = None


@contextmanager
def cohort_bar(n_cases: int) -> Iterator[CohortBar]:
    """Show bars while a cohort is segmented; nothing is drawn when stderr is not a terminal."""
    with _bar() as bar:
        yield CohortBar(bar, n_cases)


def _bar() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


def _reporter(bar: Progress, task: TaskID) -> Callable[[Report], None]:
    def report(now: Report) -> None:
        left = "" if now.seconds_left is None else f"{now.seconds_left:.0f} s left"
        bar.update(task, completed=now.done, total=now.total, left=left)

    return report


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
