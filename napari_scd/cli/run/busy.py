"""The work of `benchmark busy`: one scan beside busy loops, shown and written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from rich.progress import Progress

from napari_scd.benchmarks import busy_grid, busy_table, measure_busy
from napari_scd.checkpoints import describe
from napari_scd.cli.console import err
from napari_scd.cli.run.timing import advance, check_keeps
from napari_scd.cli.run.timing_results import TimingResults, show_results
from napari_scd.errors import InputError
from napari_scd.own_process import usable_cores

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class BusyOrder:
    """What one call of `benchmark busy` asks for."""

    scan: Path
    model: str
    loops: tuple[int, ...]
    rounds: int
    keep: float


def run_busy(order: BusyOrder, *, out: Path | None, as_json: bool) -> None:
    """Segment the scan in every way beside every number of busy loops.

    Raises
    ------
    InputError
        For an unknown model, a model of points, or a run that fails.
    """
    check_keeps((order.keep,))
    if describe(order.model).recipe.field != "whole":
        raise InputError(f"{order.model} needs points: give a model that segments whole scans.")
    with Progress(console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(order.scan.name, total=len(order.loops))
        rows = measure_busy(
            order.scan,
            order.model,
            order.loops,
            keep=order.keep,
            rounds=order.rounds,
            progress=partial(advance, bar, task),
        )
    cores = usable_cores()
    about = (
        f"{order.model} on {order.scan.name}, keep {order.keep:g}, whole processes on {cores} "
        f"core{'s' * (cores != 1)}; medians of {order.rounds} round{'s' * (order.rounds != 1)} in turn; "
        "'against the better' of one and two threads in the same round."
    )
    values = {"cores": cores, "rows": [row._asdict() for row in rows]}
    show_results(
        "busy", TimingResults(busy_grid(rows), busy_table(rows), values, about), out=out, as_json=as_json
    )
