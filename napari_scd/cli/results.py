"""A finished segmentation becomes files: labels, tokens, scores, probabilities, report."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from napari_scd.cli.stages import stage_table
from napari_scd.cli.staging import staged
from napari_scd.volume import write_labels, write_volume

if TYPE_CHECKING:
    from pathlib import Path

    from napari_scd.cli.cases import Case
    from napari_scd.cli.points import Point
    from napari_scd.engine import Segmentation
    from napari_scd.volume import LabelTable, Volume


def write_case(
    case: Case,
    segmentation: Segmentation,
    table: LabelTable,
    *,
    volume: Volume,
    points: tuple[Point, ...] = (),
) -> dict[str, Any]:
    """Write every wanted file of a case, all or none.

    Parameters
    ----------
    case : Case
    segmentation : Segmentation
    table : LabelTable
        Names and colours, kept in the label file.
    volume : Volume
        The input, whose file gives the labels' axis order and geometry.
    points : tuple of (R, A, S)
        In mm; goes into the report.

    Returns
    -------
    dict
        The report: what the engine says of the run, with input, points, files and time.

    Raises
    ------
    InputError
        When a file cannot be written; none is left behind then.
    """
    report = {
        "input": str(case.source),
        "points_ras_mm": [list(point) for point in points],
        "outputs": {kind: str(path) for kind, path in case.outputs.items()},
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        **segmentation.report.to_dict(),
    }
    with staged() as stage:
        write_labels(stage(case.labels), segmentation.labels, like=volume, table=table)
        if case.tokens:
            stages = stage_table(len(segmentation.stage_scores))
            write_labels(stage(case.tokens), segmentation.tokens, table=stages)
        if case.score:
            write_volume(stage(case.score), segmentation.scores)
        if case.probability and segmentation.probability is not None:
            write_volume(stage(case.probability), segmentation.probability, like=volume)
        if case.report:
            _write_json(stage(case.report), report)
    return report


def write_summary(path: Path, cases: list[dict[str, Any]]) -> None:
    """Write the one report of a call with several inputs."""
    with staged() as stage:
        _write_json(stage(path), {"cases": cases})


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
