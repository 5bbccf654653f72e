"""Segment a cohort, one case after the other or on a cluster, and keep its summary up to date."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari_scd.batch import (
    SummaryRow,
    clear_leftovers,
    names_report_file,
    outcomes_of_workers,
    prepare,
    row_of,
    write_shared_report,
    write_statistics,
    write_summary_table,
)
from napari_scd.cli.console import complain, doubt, print_json, say, warn
from napari_scd.cli.progress import CohortBar, cohort_bar
from napari_scd.cli.run.failures import reason_of
from napari_scd.cli.run.shared_files import SharedFiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_scd.batch import CaseOutcome, Cohort


_NAMED = 5  # broken inputs that are named on screen; the rest are only counted


def run_cohort(
    cohort: Cohort, *, scheduler: str | None = None, n_workers: int = 1, as_json: bool = False
) -> int:
    """Segment what is left to do.

    Parameters
    ----------
    cohort : Cohort
    scheduler : str, optional
        Address of a dask scheduler whose workers see the same folders; this process computes when left out.
    n_workers : int
        Processes of this machine, when there is no scheduler.
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
    if cohort.finished and not as_json:
        say(f"{len(cohort.finished)} of {len(cohort.names)} were finished before.", style="dim")
    _show_unusable(cohort)
    record = CohortRecord(cohort)
    path = write_summary_table(cohort, record.rows.values())
    crashed = False
    try:
        with cohort_bar(len(cohort.cases)) as bar:
            for outcome in _outcomes(cohort, scheduler, n_workers, bar):
                row = record.add(outcome)
                crashed |= outcome.exit_code == 1
                bar.finished(failed=row.status == "failed")
                _show(row, as_json=as_json)
    finally:
        record.write_all()
    n_failed = sum(row.status == "failed" for row in record.rows.values())
    if as_json:
        print_json({"summary": str(path), "cases": [_to_dict(record.rows[name]) for name in cohort.names]})
    else:
        say(_counts(record))
        say(f"Summary: {path}", style="dim")
    return 1 if crashed else 2 if n_failed or record.shared.failed else 0


class CohortRecord:
    """What is known of a cohort so far, and the files that say it.

    Attributes
    ----------
    rows : dict
        Lines of the summary by the name of the scan.
    shared : SharedFiles
    """

    def __init__(self, cohort: Cohort) -> None:
        self._cohort = cohort
        self.rows = {row.name: row for row in cohort.known}
        self.shared = SharedFiles()
        self._reports = {name: {"status": "done", **report} for name, report in cohort.finished.items()}

    def add(self, outcome: CaseOutcome) -> SummaryRow:
        """Add a finished case and bring the summary up to date."""
        reason = reason_of(outcome)
        row = row_of(outcome.case, outcome.report, reason)
        self.rows[row.name] = row
        self._reports[row.name] = outcome.to_dict(reason)
        self.shared.write("summary", partial(write_summary_table, self._cohort, self.rows.values()))
        return row

    def write_all(self) -> None:
        """Write the files that are written once, at the end or on the way out."""
        targets, hidden = self._cohort.job.targets, self._cohort.job.hash_names
        self.shared.write("summary", partial(write_summary_table, self._cohort, self.rows.values()))
        in_order = {name: self._reports[name] for name in self._cohort.names if name in self._reports}
        if targets.statistics is not None:
            measured = {name: one["statistics"] for name, one in in_order.items() if "statistics" in one}
            write = partial(write_statistics, targets.statistics, measured, hash_names=hidden)
            self.shared.write("statistics", write)
        if targets.report is not None and names_report_file(targets.report):
            results = [*in_order.values(), *self._unused()]
            write = partial(write_shared_report, targets.report, results, hash_names=hidden)
            self.shared.write("report", write)

    def _unused(self) -> list[dict[str, Any]]:
        """Return an entry of the report for each scan that was not computed, with the reason."""
        rows = [row for row in self._cohort.known if row.name not in self._reports]
        return [
            {
                "input": row.source,
                "status": row.status,
                "error" if row.status == "failed" else "reason": row.reason,
            }
            for row in rows
        ]


def _outcomes(cohort: Cohort, scheduler: str | None, n_workers: int, bar: CohortBar) -> Iterator[CaseOutcome]:
    """Yield the outcome of each case, in the order in which they finish."""
    if not cohort.cases:
        return
    if scheduler is not None:
        from napari_scd.batch import outcomes_of_cluster  # only where there is one

        yield from outcomes_of_cluster(cohort.cases, cohort.job, scheduler)
        return
    if n_workers > 1:
        yield from outcomes_of_workers(cohort.cases, cohort.job, n_workers)
        return
    runner = prepare(cohort.job)
    for case in cohort.cases:
        yield runner.run(case, bar.begins(case.name))


def _counts(record: CohortRecord) -> str:
    words = ("done", "failed", "skipped")
    counts = {word: sum(row.status == word for row in record.rows.values()) for word in words}
    n_doubtful = sum(row.doubtful for row in record.rows.values())
    aside = f" {n_doubtful} may not fit the model: see the summary." if n_doubtful else ""
    listed = ", ".join(f"{count} {word}" for word, count in counts.items())
    return f"{sum(counts.values())} scans: {listed}.{aside}"


def _show_unusable(cohort: Cohort) -> None:
    """Say what of the tree cannot be used: the first few by name, files that are not scans by number."""
    failed = [row for row in cohort.known if row.status == "failed"]
    for row in failed[:_NAMED]:
        complain(f"{row.name}: {row.reason}")
    if len(failed) > _NAMED:
        complain(f"{len(failed) - _NAMED} more cannot be read; the summary names them.")
    skipped = [row for row in cohort.known if row.status == "skipped"]
    for row in skipped[:_NAMED]:
        warn(f"Skipped {row.name}: {row.reason}.")
    if len(skipped) > _NAMED:
        warn(f"Skipped {len(skipped) - _NAMED} more; the summary names them.")
    for row in cohort.known:
        if row.status == "left out":
            warn(f"{row.name}: {row.reason}")


def _show(row: SummaryRow, *, as_json: bool) -> None:
    if row.status == "failed":
        complain(f"{row.name}: {row.reason}")
    elif not as_json:
        say(f"{row.name}: {row.seconds:.1f} s")
        if row.reason:
            (doubt if row.doubtful else warn)(f"{row.name}: {row.reason}")


def _to_dict(row: SummaryRow) -> dict[str, Any]:
    return {**row._asdict(), "volumes_ml": row.volumes_ml or {}}
