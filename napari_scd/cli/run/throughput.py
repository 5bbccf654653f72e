"""The work of `benchmark throughput`: cohorts on this machine, shown and written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.progress import Progress

from napari_scd.benchmarks import Load, measure_throughput, throughput_grid, throughput_table
from napari_scd.checkpoints import describe
from napari_scd.cli.console import err
from napari_scd.cli.run.timing import advance, check_keeps
from napari_scd.cli.run.timing_results import TimingResults, show_results
from napari_scd.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from napari_scd.benchmarks import LoadRow


@dataclass(frozen=True)
class ThroughputOrder:
    """What one call of `benchmark throughput` asks for."""

    scan: Path
    model: str
    workers: tuple[int, ...]
    threads: tuple[int, ...]
    scans_each: int
    keep: float


def run_throughput(order: ThroughputOrder, *, out: Path | None, as_json: bool) -> None:
    """Measure every number of processes with every number of threads.

    Raises
    ------
    InputError
        For a scan that is not a file of its own, an unknown model, a model of points, or a run that fails.
    """
    check_keeps((order.keep,))
    if describe(order.model).recipe.field != "whole":
        raise InputError(f"{order.model} needs points: give a model that segments whole scans.")
    loads = [Load(workers, threads) for workers in order.workers for threads in order.threads]
    with Progress(console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(order.scan.name, total=len(loads))
        rows = measure_throughput(
            order.scan,
            order.model,
            loads,
            scans_each=order.scans_each,
            keep=order.keep,
            progress=partial(advance, bar, task),
        )
    about = (
        f"{order.model} on copies of {order.scan.name}, {order.scans_each} for each process, keep "
        f"{order.keep:g}; file to file, with the start of every process."
    )
    results = TimingResults(throughput_grid(rows), throughput_table(rows), _as_json(rows), about)
    show_results("throughput", results, out=out, as_json=as_json)


def _as_json(rows: list[LoadRow]) -> dict[str, Any]:
    return {
        "loads": [
            {
                **row._asdict(),
                "load": row.load._asdict(),
                "scans_an_hour": row.scans_an_hour,
                "steady_scans_an_hour": row.steady_scans_an_hour,
            }
            for row in rows
        ]
    }
