"""A whole study tree: which results exist already, what is left to do, and the summary of all."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_scd.batch.finding import Scan, find_scans, named_apart
from napari_scd.batch.jobs import PlannedCase
from napari_scd.batch.paths import check_statistics, names_report_file
from napari_scd.batch.staging import make_folder, staged
from napari_scd.checkpoints import describe
from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from napari_scd.batch.jobs import SegmentJob, Targets

SUMMARY = "summary.csv"
_LEFTOVER = re.compile(r"\.[0-9a-f]{12}\..+")  # left by a run that was killed while it wrote


class SummaryRow(NamedTuple):
    """One line of the summary: status is done, failed or skipped; "left out" for what is not a scan.

    `doubtful` is a scan that may not be one the model was made for; `reason` then says why.
    """

    name: str
    source: str
    status: str
    reason: str = ""
    seconds: float | None = None
    volumes_ml: dict[str, float] | None = None
    doubtful: bool = False


class Cohort(NamedTuple):
    """All scans of a tree.

    Attributes
    ----------
    job : SegmentJob
        With a model that every machine can find.
    names : tuple of str
        Of all scans, in the tree's order.
    cases : tuple of PlannedCase
        What is left to do.
    known : tuple of SummaryRow
        What is finished, skipped or broken.
    finished : dict
        Reports of earlier runs, by the name of the scan.
    """

    job: SegmentJob
    names: tuple[str, ...]
    cases: tuple[PlannedCase, ...]
    known: tuple[SummaryRow, ...]
    finished: dict[str, dict[str, Any]]

    @property
    def out(self) -> Path:
        """The folder of the results."""
        return self.job.targets.labels


def plan_cohort(folders: list[Path], job: SegmentJob) -> Cohort:
    """Walk the folders and find out what is left to do.

    A scan is finished if its labels and its report exist, and the report shows the same job
    on the same file.

    Parameters
    ----------
    folders : list of Path
        With several, the results of each are put into a folder of its name.
    job : SegmentJob
        Its targets are folders.

    Raises
    ------
    InputError
        When there is nothing to segment, an output is not a folder, or there is no such model.
    """
    for target in _folders_of(job.targets):
        if target.exists() and not target.is_dir():
            raise InputError(f"'{target}' is a file; a folder of scans needs a folder for its results.")
    check_statistics(job.targets.statistics)
    card = describe(job.model)
    job = replace(job, model=card.name if card.shipped else str(card.path.absolute()))
    asked = job.asked(hashlib.sha256(card.path.read_bytes()).hexdigest())
    scans: list[Scan] = []
    for folder in folders:
        found = find_scans(folder, card.recipe.modality, job.targets.labels)
        inside = f"{folder.resolve().name}/" if len(folders) > 1 else ""
        scans += [scan._replace(name=inside + scan.name) for scan in found]
    cases, known = [], []
    before: dict[str, dict[str, Any]] = {}
    scans = named_apart(scans)
    for scan in scans:
        if scan.status:
            known.append(SummaryRow(scan.name, str(scan.source), scan.status, scan.broken or scan.skip))
            continue
        case = _case(scan, job, {**asked, "input_state": list(scan.state)})
        report = None if job.redo else _finished(case)
        if report is None:
            cases.append(case)
        else:
            known.append(row_of(case, report))
            before[scan.name] = report
    return Cohort(job, tuple(scan.name for scan in scans), tuple(cases), tuple(known), before)


def row_of(case: PlannedCase, report: dict[str, Any], reason: str = "") -> SummaryRow:
    """One line of the summary, from the report of a case; `reason` says why a case without one failed."""
    if not report:
        return SummaryRow(case.name, str(case.source), "failed", reason)
    seconds = round(float(report["seconds"]["total"]), 2)
    misfits = report.get("misfits", ())
    notes = "; ".join((*misfits, *report["warnings"]))
    return SummaryRow(
        case.name, str(case.source), "done", notes, seconds, report["volumes_ml"], bool(misfits)
    )


def write_summary_table(cohort: Cohort, rows: Iterable[SummaryRow]) -> Path:
    """Write the summary of what is known so far, in the tree's order; return the file."""
    by_name = {row.name: row for row in rows}
    structures = list(dict.fromkeys(name for row in by_name.values() for name in row.volumes_ml or ()))
    path = cohort.out / SUMMARY
    header = ["case", "input", "status", "fits", "seconds", *(f"{name} ml" for name in structures), "notes"]
    with (
        staged() as stage,
        stage(path).open("w", newline="", encoding="utf-8", errors="backslashreplace") as file,
    ):
        table = csv.writer(file)
        table.writerow(header)
        for name in cohort.names:
            row = by_name.get(name, SummaryRow(name, "", "waiting"))
            volumes = row.volumes_ml or {}
            seconds = "" if row.seconds is None else f"{row.seconds:.2f}"
            found = (f"{volumes[part]:.4f}" if part in volumes else "" for part in structures)
            fits = "" if row.volumes_ml is None else "doubtful" if row.doubtful else "yes"
            table.writerow([row.name, row.source, row.status, fits, seconds, *found, row.reason])
    return path


def clear_leftovers(out: Path) -> None:
    """Make the folder of results, and remove half-written files of a run that was killed."""
    make_folder(out)
    for path in out.rglob(".*"):
        if _LEFTOVER.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)


def _folders_of(targets: Targets) -> list[Path]:
    files = ("statistics", "report") if names_report_file(targets.report) else ("statistics",)
    kinds = (field.name for field in fields(targets) if field.name not in files)
    return [folder for folder in (getattr(targets, kind) for kind in kinds) if folder is not None]


def _case(scan: Scan, job: SegmentJob, asked: dict[str, Any]) -> PlannedCase:
    targets = job.targets
    reports = targets.labels if names_report_file(targets.report) else targets.report or targets.labels

    def image(folder: Path | None, ending: str = ".nii.gz") -> Path | None:
        return None if folder is None else (folder / f"{scan.name}{ending}").absolute()

    return PlannedCase(
        scan.source.absolute(),
        scan.name,
        (targets.labels / f"{scan.name}{'.dcm' if job.dicom_seg and scan.dicom else '.nii.gz'}").absolute(),
        image(targets.tokens),
        image(targets.score),
        image(targets.probability),
        image(reports, ".json"),
        image(targets.each, ""),
        image(targets.surfaces, ""),
        asked,
        tuple(path.absolute() for path in scan.slices),
    )


def _finished(case: PlannedCase) -> dict[str, Any] | None:
    """Return the report of a case that was finished before with the same job, else None."""
    if not all(path.is_file() for path in case.outputs.values()) or case.report is None:
        return None
    try:
        report = json.loads(case.report.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(report, dict) or not isinstance(report.get("asked"), dict) or case.asked is None:
        return None
    then, now = dict(report["asked"]), dict(case.asked)
    extras = set(now.pop("extras", ())) <= set(then.pop("extras", ()))
    return report if extras and then == now else None
