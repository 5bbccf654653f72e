"""Measures case after case with a progress bar: a bad one is reported, and the others go on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn

from napari_scd.cli.console import complain, err
from napari_scd.cli.remedies import unexpected, with_remedy
from napari_scd.errors import InputError, Unwritable
from napari_scd.volume import atomic_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari_scd.evaluation import CaseFiles

    Measure = Callable[[CaseFiles, Callable[[float], None]], None]

logger = logging.getLogger(__name__)
_STEPS = 1000


def measure_cases(cases: Sequence[CaseFiles], measure: Measure, description: str = "") -> int:
    """Call `measure` for every case, with a callback for the share of the case that is done, 0-1.

    Returns
    -------
    int
        Exit code: 0, 2 when a case could not be used, 1 when one failed for a reason that is not its own.
    """
    worst = 0
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[done]} of {task.fields[of]} cases", markup=False),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
    with bar:
        task = bar.add_task(description, total=len(cases) * _STEPS, done=0, of=len(cases))
        for number, case in enumerate(cases):
            bar.update(task, description=f"{description} {case.name}".strip(), completed=number * _STEPS)

            def tell(share: float, number: int = number) -> None:
                bar.update(task, completed=(number + share) * _STEPS)

            try:
                measure(case, tell)
            except Unwritable:
                raise  # the results' folder, not the case
            except InputError as error:
                logger.debug("%s", case.name, exc_info=True)
                complain(f"{case.name}: {with_remedy(error)}")
                worst = max(worst, 2) if worst != 1 else 1
            except Exception as error:
                logger.debug("%s", case.name, exc_info=True)
                complain(f"{case.name}: {unexpected(error)}")
                worst = 1
            bar.update(task, done=number + 1)
    return worst


def make_folder(folder: Path) -> None:
    """Make the folder of the results; raises `InputError` when that cannot be done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The folder {folder} cannot be created ({error.strerror}): give another -o."
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write a file, whole or not at all; letters that UTF-8 lacks become codes."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
