"""A progress bar on stderr for what the engine reports."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from napari_scd.cli.console import err

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_scd.engine import Progress as Report


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[Report], None]]:
    """Show a bar while the block runs; yields the callback the engine calls after every window.

    Nothing is drawn when stderr is not a terminal. The bar disappears when the block ends.
    """
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
    with bar:
        task = bar.add_task(title, total=None, left="")

        def report(now: Report) -> None:
            left = "" if now.seconds_left is None else f"{now.seconds_left:.0f} s left"
            bar.update(task, completed=now.done, total=now.total, left=left)

        yield report
