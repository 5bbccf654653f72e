"""The demo's work: sample in; scan, labels, token map, report and figure out; then napari."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_scd.batch import (
    Caption,
    PlannedCase,
    Targets,
    draw_figure,
    make_folder,
    prepare,
    staged,
    write_case,
)
from napari_scd.cli.console import out, print_json, say, warn
from napari_scd.cli.progress import progress_bar
from napari_scd.cli.run.show import show_in_napari
from napari_scd.cli.run.tables import keep_text, run_line, side_table, tokens_text, windows_text
from napari_scd.errors import InputError
from napari_scd.volume import load_icbm152, volumes_by_side, write_volume

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_scd.batch import SegmentJob
    from napari_scd.volume import Sides


def targets_in(folder: Path) -> Targets:
    """Name the demo's files of results."""
    return Targets(
        labels=folder / "icbm152-t1-labels.nii.gz",
        tokens=folder / "icbm152-t1-tokens.nii.gz",
        score=folder / "icbm152-t1-score.nii.gz",
        report=folder / "report.json",
    )


def run_demo(job: SegmentJob, folder: Path, *, view: bool, as_json: bool) -> None:
    """Segment the sample, write everything into a folder and say where.

    Parameters
    ----------
    job : SegmentJob
        Its points are for a model that takes clicks; other models segment the whole brain.
    folder : Path
        Made when missing.
    view : bool
        Open napari, when there is a display.
    as_json : bool
        Print the report as JSON instead of a table.

    Raises
    ------
    InputError
        When the sample or the model is missing, or the folder cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"-o '{folder}' is a file: name a folder for the demo.")
    volume = load_icbm152()
    runner = prepare(job)
    if runner.session.recipe.field != "click":
        runner = replace(runner, job=replace(job, points=()))
    with progress_bar("ICBM152 T1") as progress:
        segmentation = runner.answer(volume, progress).segmentation
    make_folder(folder)
    table = runner.session.labels
    figure, scan = folder / "scd-demo.png", folder / "icbm152-t1.nii.gz"
    targets = job.targets
    case = PlannedCase(scan, scan.name, targets.labels, targets.tokens, targets.score, report=targets.report)
    sides = volumes_by_side(segmentation.labels, table)
    caption = _caption(segmentation.report.to_dict(), sides, len(runner.job.points))
    with staged() as stage:
        write_volume(stage(scan), volume)
        draw_figure(stage(figure), volume, segmentation, table, caption=caption)
    report = write_case(case, segmentation, table, volume, job=runner.job)
    files = {"scan": str(scan), **report["outputs"], "figure": str(figure)}
    if as_json:
        by_side = {row.name: row.to_dict() for row in sides}
        print_json({**report, "outputs": files, "volumes_by_side_ml": by_side})
    else:
        _print(report, sides, files)
    if view:
        show_in_napari([scan, case.labels, *([case.tokens] if case.tokens else [])], folder / "napari.log")


def _caption(report: dict[str, Any], sides: Sequence[Sides], n_points: int) -> Caption:
    below = (
        f"{report['model']} \u00b7 keep {keep_text(report['keep'])} per stage \u00b7 tokens of a window "
        f"{tokens_text(report['tokens'])} \u00b7 {windows_text(report['n_windows'])} in "
        f"{report['seconds']['total']:.1f} s on {report['device']}"
    )
    found = [row for row in sides if row.total_ml]
    lines = [(row.label.colour, _words(row)) for row in found]
    if n_points:
        return Caption("Both hippocampi of the ICBM152 T1, from one point each", below, lines)
    n_found = sum(1 for ml in report["volumes_ml"].values() if ml)
    return Caption(f"The ICBM152 T1 in {n_found} structures", below, lines)


def _words(row: Sides) -> str:
    if row.middle_ml:
        return f"{row.name} {row.middle_ml:.1f} ml"
    digits = 2 if row.total_ml < 10 else 0 if row.total_ml > 100 else 1
    return f"{row.name} {row.left_ml:.{digits}f} | {row.right_ml:.{digits}f} ml"


def _print(report: dict[str, Any], sides: Sequence[Sides], files: dict[str, str]) -> None:
    for sentence in (*report["warnings"], *report["misfits"]):
        warn(sentence)
    out.print(side_table(sides))
    say(run_line(report), style="dim")
    for kind, path in files.items():
        say(f"{kind:<8}{path}")
