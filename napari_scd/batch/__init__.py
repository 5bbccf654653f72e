"""Many files: which scans there are, where results go, and one case after another from file to files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.lazy import on_first_use

if TYPE_CHECKING:
    from napari_scd.batch.checks import request_of as request_of
    from napari_scd.batch.cluster import WorkersDied as WorkersDied
    from napari_scd.batch.cluster import outcomes_of_cluster as outcomes_of_cluster
    from napari_scd.batch.cohort import Cohort as Cohort
    from napari_scd.batch.cohort import SummaryRow as SummaryRow
    from napari_scd.batch.cohort import clear_leftovers as clear_leftovers
    from napari_scd.batch.cohort import plan_cohort as plan_cohort
    from napari_scd.batch.cohort import row_of as row_of
    from napari_scd.batch.cohort import write_summary_table as write_summary_table
    from napari_scd.batch.figure import Caption as Caption
    from napari_scd.batch.figure import draw_figure as draw_figure
    from napari_scd.batch.jobs import BatchPlan as BatchPlan
    from napari_scd.batch.jobs import PlannedCase as PlannedCase
    from napari_scd.batch.jobs import Point as Point
    from napari_scd.batch.jobs import PromptOptions as PromptOptions
    from napari_scd.batch.jobs import SegmentJob as SegmentJob
    from napari_scd.batch.jobs import Targets as Targets
    from napari_scd.batch.measures import write_statistics as write_statistics
    from napari_scd.batch.modality import model_for as model_for
    from napari_scd.batch.outcomes import CaseOutcome as CaseOutcome
    from napari_scd.batch.outcomes import Crash as Crash
    from napari_scd.batch.outputs import write_case as write_case
    from napari_scd.batch.outputs import write_shared_report as write_shared_report
    from napari_scd.batch.paths import names_labels_file as names_labels_file
    from napari_scd.batch.paths import names_report_file as names_report_file
    from napari_scd.batch.paths import plan_batch as plan_batch
    from napari_scd.batch.runner import Runner as Runner
    from napari_scd.batch.runner import prepare as prepare
    from napari_scd.batch.staging import make_folder as make_folder
    from napari_scd.batch.staging import staged as staged
    from napari_scd.batch.workers import outcomes_of_workers as outcomes_of_workers

_HOME_OF = {
    "BatchPlan": "jobs",
    "Caption": "figure",
    "CaseOutcome": "outcomes",
    "Cohort": "cohort",
    "Crash": "outcomes",
    "PlannedCase": "jobs",
    "Point": "jobs",
    "PromptOptions": "jobs",
    "Runner": "runner",
    "SegmentJob": "jobs",
    "SummaryRow": "cohort",
    "Targets": "jobs",
    "WorkersDied": "cluster",
    "clear_leftovers": "cohort",
    "draw_figure": "figure",
    "make_folder": "staging",
    "model_for": "modality",
    "names_labels_file": "paths",
    "names_report_file": "paths",
    "outcomes_of_cluster": "cluster",
    "outcomes_of_workers": "workers",
    "plan_batch": "paths",
    "plan_cohort": "cohort",
    "prepare": "runner",
    "request_of": "checks",
    "row_of": "cohort",
    "staged": "staging",
    "write_case": "outputs",
    "write_shared_report": "outputs",
    "write_statistics": "measures",
    "write_summary_table": "cohort",
}

__all__ = [*_HOME_OF]
__getattr__ = on_first_use(__name__, _HOME_OF)
