"""Segment a cohort, one case after the other or on a cluster, and keep its summary up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_scd.batch.cohort import Job, Row, clear_leftovers, row_of, write_summary_table
from napari_scd.cli.console import complain, print_json, say, warn
from napari_scd.cli.progress import CohortBar, cohort_bar
from napari_scd.cli.run.segment import prepare, run_case

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_scd.batch.cohort import Cohort


def run_cohort(cohort: Cohort, *, scheduler: str | None = None, as_json: bool = False) -> int:
    """Segment what is still to do.

    Parameters
    ----------
    cohort : Cohort
    scheduler : str, optional
        Address of a dask scheduler whose workers see the same folders; this process computes when left out.
    as_json : bool
        Print one JSON document at the end instead of a line for each case.

    Returns
    -------
    int
        Exit code: 0, 2 when a case could not be used, 1 when one failed for a reason that is not its own.

    Raises
    ------
    InputError
        When nothing at all can start: no such model, an option out of range, no scheduler.
    """
    clear_leftovers(cohort.out)
    rows = {row.name: row for row in cohort.known}
    if cohort.n_before and not as_json:
        say(f"{cohort.n_before} of {len(cohort.names)} were finished before.", style="dim")
    path = write_summary_table(cohort, rows.values())
    unexpected = False
    with cohort_bar(len(cohort.jobs)) as bar:
        for job, outcome in _outcomes(cohort, scheduler, bar):
            rows[job.name] = row_of(job, outcome)
            unexpected |= outcome.get("exit_code") == 1
            bar.finished(failed=rows[job.name].status == "failed")
            _tell(rows[job.name], as_json=as_json)
            write_summary_table(cohort, rows.values())
    failed = [row for row in rows.values() if row.status == "failed"]
    if as_json:
        print_json({"summary": str(path), "cases": [_as_dict(rows[name]) for name in cohort.names]})
    else:
        _tell_all(cohort, rows, failed)
        say(f"Summary: {path}", style="dim")
    return 1 if unexpected else 2 if failed else 0


def _outcomes(cohort: Cohort, scheduler: str | None, bar: CohortBar) -> Iterator[tuple[Job, dict[str, Any]]]:
    """Yield what came out of each case, in the order in which they finish."""
    if not cohort.jobs:
        return
    if scheduler is not None:
        from napari_scd.batch.cluster import outcomes_of_cluster  # only where there is one

        yield from outcomes_of_cluster(cohort.jobs, cohort.order, scheduler)
        return
    runner = prepare(cohort.order)
    for job in cohort.jobs:
        outcome = run_case(runner, job.case, bar.begins(job.name), asked=job.asked)
        yield job, outcome.to_dict()


def _tell(row: Row, *, as_json: bool) -> None:
    if row.status == "failed":
        complain(f"{row.name}: {row.reason}")
    elif not as_json:
        say(f"{row.name}: {row.seconds:.1f} s")
        if row.reason:
            warn(f"{row.name}: {row.reason}")


def _tell_all(cohort: Cohort, rows: dict[str, Row], failed: list[Row]) -> None:
    counts = {status: sum(row.status == status for row in rows.values()) for status in ("done", "skipped")}
    parts = [f"{counts['done']} done", f"{len(failed)} failed", f"{counts['skipped']} skipped"]
    say(f"{len(cohort.names)} scans: {', '.join(parts)}.")


def _as_dict(row: Row) -> dict[str, Any]:
    return {**row._asdict(), "volumes_ml": row.volumes_ml or {}}
