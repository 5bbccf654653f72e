"""A whole study tree: which results are there already, what is still to do, and the summary of all."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_scd.batch.finding import Scan, walk
from napari_scd.batch.paths import Case, Targets
from napari_scd.batch.staging import make_folder, staged
from napari_scd.checkpoints import describe
from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from napari_scd.cli.orders import Order

SUMMARY = "summary.csv"
_LEFTOVER = re.compile(r"\.[0-9a-f]{12}\..+")  # what atomic_path writes to, of a run that was killed


class Job(NamedTuple):
    """One scan to segment: its case, and what is asked of it (kept in its report, to know it again)."""

    name: str
    case: Case
    asked: dict[str, Any]


class Row(NamedTuple):
    """One line of the summary: status is done, failed or skipped."""

    name: str
    source: str
    status: str
    reason: str = ""
    seconds: float | None = None
    volumes_ml: dict[str, float] | None = None


class Cohort(NamedTuple):
    """All scans of a tree: those to do, and rows of those that are done, skipped or broken."""

    order: Order
    out: Path
    names: tuple[str, ...]
    jobs: tuple[Job, ...]
    known: tuple[Row, ...]
    n_before: int


def plan_cohort(
    folders: list[Path], targets: Targets, order: Order, *, dicom_seg: bool = False, redo: bool = False
) -> Cohort:
    """Walk the folders and find out what is still to do.

    A scan is finished when its labels and its report are there, and the report says that the same was asked
    of the same file.

    Parameters
    ----------
    folders : list of Path
        With several, the results of each lie in a folder of its name.
    targets : Targets
        Folders for each kind of output.
    order : Order
    dicom_seg : bool
        Write the labels of DICOM series as DICOM segmentations.
    redo : bool
        Count nothing as finished.

    Raises
    ------
    InputError
        When there is nothing to segment, an output is no folder, or there is no such model.
    """
    out = targets.labels
    for target in (out, targets.tokens, targets.score, targets.probability, targets.each):
        if target is not None and target.exists() and not target.is_dir():
            raise InputError(f"'{target}' is a file; a folder of scans needs a folder for its results.")
    order = replace(order, model=_on_any_machine(order.model))
    card = describe(order.model)
    asked = _asked(order, hashlib.sha256(card.path.read_bytes()).hexdigest())
    scans = []
    for folder in folders:
        found = walk(folder, card.recipe.modality, out)
        inside = f"{folder.resolve().name}/" if len(folders) > 1 else ""
        scans += [scan._replace(name=inside + scan.name) for scan in found]
    jobs, known, n_before = [], [], 0
    for scan in scans:
        job = Job(scan.name, _case(scan, targets, dicom_seg), {**asked, "input_state": list(scan.state)})
        if scan.broken or scan.skip:
            status = "failed" if scan.broken else "skipped"
            known.append(Row(scan.name, str(scan.source), status, scan.broken or scan.skip))
            continue
        report = None if redo else _finished(job)
        if report is None:
            jobs.append(job)
        else:
            known.append(row_of(job, {"status": "done", **report}))
            n_before += 1
    return Cohort(order, out, tuple(scan.name for scan in scans), tuple(jobs), tuple(known), n_before)


def row_of(job: Job, outcome: dict[str, Any]) -> Row:
    """One line of the summary from what came out of a case."""
    if outcome["status"] != "done":
        return Row(job.name, str(job.case.source), "failed", outcome["error"])
    seconds = round(float(outcome["seconds"]["total"]), 2)
    reason = "; ".join(outcome["warnings"])
    return Row(job.name, str(job.case.source), "done", reason, seconds, outcome["volumes_ml"])


def write_summary_table(cohort: Cohort, rows: Iterable[Row]) -> Path:
    """Write the summary of what is known so far, in the tree's order; return the file."""
    by_name = {row.name: row for row in rows}
    structures = list(dict.fromkeys(name for row in by_name.values() for name in row.volumes_ml or ()))
    path = cohort.out / SUMMARY
    with staged() as stage, stage(path).open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        header = ["case", "input", "status", "seconds", *(f"{name} ml" for name in structures), "notes"]
        table.writerow(header)
        for name in cohort.names:
            row = by_name.get(name, Row(name, "", "waiting"))
            volumes = row.volumes_ml or {}
            seconds = "" if row.seconds is None else f"{row.seconds:.2f}"
            found = (f"{volumes[part]:.4f}" if part in volumes else "" for part in structures)
            table.writerow([row.name, row.source, row.status, seconds, *found, row.reason])
    return path


def clear_leftovers(out: Path) -> None:
    """Make the folder of results, and remove half-written files of a run that was killed."""
    make_folder(out)
    for path in out.rglob(".*"):
        if _LEFTOVER.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)


def _case(scan: Scan, targets: Targets, dicom_seg: bool) -> Case:
    ending = ".dcm" if dicom_seg and scan.dicom else ".nii.gz"
    place = {
        kind: None if folder is None else (folder / scan.name).absolute()
        for kind, folder in vars(targets).items()
    }
    named = {kind: path and path.with_name(path.name + ".nii.gz") for kind, path in place.items()}
    base = (targets.labels / scan.name).absolute()
    return Case(
        scan.source.absolute(),
        base.with_name(base.name + ending),
        named["tokens"],
        named["score"],
        named["probability"],
        base.with_name(base.name + ".json"),
        place["each"],
    )


def _asked(order: Order, sha256: str) -> dict[str, Any]:
    """Return what a result depends on besides the scan."""
    return {
        "sha256": sha256,
        "keep": list(order.keep) if isinstance(order.keep, tuple) else order.keep,
        "points": [list(point) for point in order.points],
        "structures": list(order.structures),
        "frame": order.frame,
        "stride": order.stride,
        "precision": order.precision,
    }


def _finished(job: Job) -> dict[str, Any] | None:
    """Return the report of a case that was finished before and is still what is asked for, else None."""
    if not all(path.is_file() for path in job.case.outputs.values()) or job.case.report is None:
        return None
    try:
        report = json.loads(job.case.report.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    same = isinstance(report, dict) and report.get("asked") == job.asked
    return report if same else None


def _on_any_machine(model: str) -> str:
    """Return a shipped model's name, and the whole path of any other."""
    card = describe(model)
    return card.name if card.shipped else str(card.path.absolute())
