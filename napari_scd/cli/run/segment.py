"""Segment one scan or several: results are shown as they arrive, and failures are reported."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from napari_scd.batch import prepare, write_shared_report, write_statistics
from napari_scd.cli.console import complain, doubt, print_json, say, warn
from napari_scd.cli.progress import progress_bar
from napari_scd.cli.run.failures import reason_of
from napari_scd.cli.run.shared_files import SharedFiles
from napari_scd.cli.run.tables import print_case

if TYPE_CHECKING:
    from napari_scd.batch import BatchPlan, CaseOutcome, SegmentJob


def run_batch(plan: BatchPlan, job: SegmentJob, *, as_json: bool) -> int:
    """Segment every case and write its files.

    Parameters
    ----------
    plan : BatchPlan
    job : SegmentJob
    as_json : bool
        Print one JSON document at the end instead of a table for each case.

    Returns
    -------
    int
        Exit code: 0, 2 when a case could not be used, 1 when one failed for a reason that is not its own.

    Raises
    ------
    InputError
        When nothing at all can start: an unknown model, structure or device, a keep ratio out of range.
    """
    runner = prepare(job)
    channels = runner.session.recipe.channels
    outcomes: list[CaseOutcome] = []
    results = []
    statistics = {}
    shared = SharedFiles()
    for number, case in enumerate(plan.cases, start=1):
        of_many = f" ({number} of {len(plan.cases)})" if len(plan.cases) > 1 else ""
        with progress_bar(case.name + of_many) as progress:
            outcome = runner.run(case, progress)
        outcomes.append(outcome)
        reason = reason_of(outcome, channels)
        results.append(outcome.to_dict(reason))
        if reason:
            complain(reason if not of_many or case.name in reason else f"{case.name}: {reason}")
            continue
        if job.targets.statistics is not None:
            statistics[case.name] = outcome.report["statistics"]
            write = partial(write_statistics, job.targets.statistics, statistics, hash_names=job.hash_names)
            shared.write("statistics", write)
        for sentence in outcome.report["warnings"]:
            warn(f"{case.name}: {sentence}")
        if not as_json and outcome.table is not None:
            print_case(outcome.report, outcome.table)
        for sentence in outcome.report["misfits"]:
            doubt(f"{case.name}: {sentence}")
    if statistics and not as_json:
        say(f"{'statistics':<12}{job.targets.statistics}")
    if plan.summary:
        write = partial(write_shared_report, plan.summary, results, hash_names=job.hash_names)
        shared.write("report", write)
    if as_json:
        print_json({"cases": results})
    codes = {outcome.exit_code for outcome in outcomes} | {2 * shared.failed}
    return 1 if 1 in codes else max(codes)
