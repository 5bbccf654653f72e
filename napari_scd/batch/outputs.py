"""A finished segmentation becomes files: labels, tokens, scores, probabilities, surfaces, report."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.batch.measures import statistics_of, write_surfaces
from napari_scd.batch.source_names import shareable, without_names
from napari_scd.batch.staging import staged
from napari_scd.engine import stage_table
from napari_scd.errors import InputError
from napari_scd.volume import LabelTable, structure_files, write_labels, write_volume

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from napari_scd.batch.jobs import PlannedCase, SegmentJob
    from napari_scd.engine import Segmentation
    from napari_scd.volume import Label, Volume


def write_case(
    case: PlannedCase,
    segmentation: Segmentation,
    table: LabelTable,
    volume: Volume,
    *,
    job: SegmentJob,
    channels: Mapping[str, Path] | None = None,
    asked: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write every wanted file of a case, all or none.

    Parameters
    ----------
    case : PlannedCase
    segmentation : Segmentation
    table : LabelTable
        The structures that were asked for, with names and colours for the label file.
    volume : Volume
        The input; its file determines the labels' axis order and geometry.
    job : SegmentJob
        Its points go into the report; with `hash_names` the report has codes in place of file names. Reports
        never hold the folders of files.
    channels : mapping, optional
        Files of a case that was given channel by channel; they go into the report.
    asked : mapping, optional
        Further entries of the report that say what was asked for, such as objects and their prompts.

    Returns
    -------
    dict
        The report: what the engine says of the run, with input, points, files, time, and what was given and
        not used.

    Raises
    ------
    InputError
        When a file cannot be written; none is left behind then.
    """
    report = {
        "input": str(case.source),
        **({"channels": {name: str(file) for name, file in channels.items()}} if channels else {}),
        "points_ras_mm": [list(point) for point in job.points],
        "outputs": {kind: str(path) for kind, path in case.outputs.items()},
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        **segmentation.report.to_dict(),
        **({"asked": case.asked} if case.asked else {}),
        **(asked or {}),
    }
    if job.targets.statistics:
        report["statistics"] = statistics_of(segmentation.labels, table, volume)
    left_out = volume.source.left_out if volume.source is not None else ()
    report["left_out"] = [{"file": one.path.name, "reason": one.reason} for one in left_out]
    with staged() as stage:
        made_by = segmentation.report.model
        write_labels(stage(case.labels), segmentation.labels, like=volume, table=table, made_by=made_by)
        if case.tokens:
            stages = stage_table(len(segmentation.stage_scores))
            write_labels(stage(case.tokens), segmentation.tokens, table=stages)
        if case.score:
            write_volume(stage(case.score), segmentation.scores)
        if case.probability and segmentation.probability is not None:
            write_volume(stage(case.probability), segmentation.probability, like=volume)
        for label, path, mask in _masks(case, segmentation, table):
            alone = LabelTable((replace(label, index=1, group=None),))
            write_labels(stage(path), mask, like=volume, table=alone)
            report["outputs"][f"each: {label.name}"] = str(path)
        if case.surfaces:
            files = structure_files(case.surfaces, table.labels, f".{job.surface_format}")
            for name, path in write_surfaces(files, segmentation.labels, table, stage):
                report["outputs"][f"surfaces: {name}"] = str(path)
        if case.report:
            shared = without_names(report, left_out) if job.hash_names else report
            _write_json(stage(case.report), shareable(shared, hash_names=job.hash_names))
    return report


def _masks(
    case: PlannedCase, segmentation: Segmentation, table: LabelTable
) -> Iterator[tuple[Label, Path, Volume]]:
    """Each label that gets its own file, with that file and its mask of 0 and 1."""
    if case.each is None or segmentation.masks is None:
        return
    files = structure_files(case.each, table.labels, ".nii.gz")
    for label in table.labels:
        if files[label.index] in case.outputs.values():
            raise InputError(
                f"Two results would be written to '{files[label.index]}': give the files of single "
                "structures a folder of their own."
            )
        mask = segmentation.masks.array[label.index - 1].astype(np.uint8)
        yield label, files[label.index], segmentation.labels.with_array(mask)


def write_shared_report(path: Path, cases: list[dict[str, Any]], *, hash_names: bool = False) -> None:
    """Write the one report of a call with several inputs."""
    shared = [shareable(case, hash_names=hash_names) for case in cases]
    with staged() as stage:
        _write_json(stage(path), {"cases": shared})


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
