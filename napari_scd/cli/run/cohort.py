"""Segment a cohort, one case after the other or on a cluster, and keep its summary up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_scd.batch import SummaryRow, clear_leftovers, prepare, row_of, write_summary_table
from napari_scd.cli.console import complain, print_json, say, warn
from napari_scd.cli.progress import CohortBar, cohort_bar
from napari_scd.cli.run.failures import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_scd.batch import CaseOutcome, Cohort


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
    crashed = False
    with cohort_bar(len(cohort.cases)) as bar:
        for outcome in _outcomes(cohort, scheduler, bar):
            row = row_of(outcome.case, outcome.report, reason_of(outcome))
            rows[row.name] = row
            crashed |= outcome.exit_code == 1
            write_summary_table(cohort, rows.values())
            bar.finished(failed=row.status == "failed")
            _show(row, as_json=as_json)
    n_failed = sum(row.status == "failed" for row in rows.values())
    if as_json:
        print_json({"summary": str(path), "cases": [_to_dict(rows[name]) for name in cohort.names]})
    else:
        counts = {word: sum(row.status == word for row in rows.values()) for word in ("done", "skipped")}
        parts = [f"{counts['done']} done", f"{n_failed} failed", f"{counts['skipped']} skipped"]
        say(f"{len(cohort.names)} scans: {', '.join(parts)}.")
        say(f"Summary: {path}", style="dim")
    return 1 if crashed else 2 if n_failed else 0


def _outcomes(cohort: Cohort, scheduler: str | None, bar: CohortBar) -> Iterator[CaseOutcome]:
    """Yield what came out of each case, in the order in which they finish."""
    if not cohort.cases:
        return
    if scheduler is not None:
        from napari_scd.batch import outcomes_of_cluster  # only where there is one

        yield from outcomes_of_cluster(cohort.cases, cohort.job, scheduler)
        return
    runner = prepare(cohort.job)
    for case in cohort.cases:
        yield runner.run(case, bar.begins(case.name))


def _show(row: SummaryRow, *, as_json: bool) -> None:
    if row.status == "failed":
        complain(f"{row.name}: {row.reason}")
    elif not as_json:
        say(f"{row.name}: {row.seconds:.1f} s")
        if row.reason:
            warn(f"{row.name}: {row.reason}")


def _to_dict(row: SummaryRow) -> dict[str, Any]:
    return {**row._asdict(), "volumes_ml": row.volumes_ml or {}}
