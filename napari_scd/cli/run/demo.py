"""The demo's work: sample in; scan, labels, token map, report and figure out; then napari."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_scd.batch.figure import Caption, draw_figure
from napari_scd.batch.outputs import write_case
from napari_scd.batch.paths import Case
from napari_scd.batch.staging import make_folder, staged
from napari_scd.cli.console import out, print_json, say, warn
from napari_scd.cli.progress import progress_bar
from napari_scd.cli.run.segment import prepare, segment_volume
from napari_scd.cli.run.show import show_in_napari
from napari_scd.cli.run.tables import keep_text, run_line, side_table, tokens_text
from napari_scd.errors import InputError
from napari_scd.volume import load_icbm152, write_volume
from napari_scd.volume.sides import volumes_by_side

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_scd.cli.orders import Order
    from napari_scd.volume.sides import Sides


def run_demo(order: Order, folder: Path, *, view: bool, as_json: bool) -> None:
    """Segment the sample, write everything into a folder and say where.

    Parameters
    ----------
    order : Order
        Model, keep ratio, and the points for a model that takes clicks.
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
    runner = prepare(order)
    if runner.session.recipe.field != "click":
        runner = replace(runner, points=())
    with progress_bar("ICBM152 T1") as progress:
        segmentation = segment_volume(runner, volume, progress)
    make_folder(folder)
    table = runner.session.labels
    figure, scan = folder / "scd-demo.png", folder / "icbm152-t1.nii.gz"
    case = Case(
        source=scan,
        labels=folder / "icbm152-t1-labels.nii.gz",
        tokens=folder / "icbm152-t1-tokens.nii.gz",
        score=folder / "icbm152-t1-score.nii.gz",
        probability=None,
        report=folder / "report.json",
    )
    sides = volumes_by_side(segmentation.labels, table)
    caption = _caption(segmentation.report.to_dict(), sides, len(runner.points))
    with staged() as stage:
        write_volume(stage(scan), volume)
        draw_figure(stage(figure), volume, segmentation, table, caption=caption)
    report = write_case(case, segmentation, table, volume=volume, points=runner.points)
    files = {"scan": str(scan), **report["outputs"], "figure": str(figure)}
    if as_json:
        by_side = {row.name: row.to_dict() for row in sides}
        print_json({**report, "outputs": files, "volumes_by_side_ml": by_side})
    else:
        _print(report, sides, files)
    if view:
        show_in_napari([scan, case.labels, *([case.tokens] if case.tokens else [])], folder / "napari.log")


def _caption(report: dict[str, Any], sides: Sequence[Sides], n_points: int) -> Caption:
    windows = report["n_windows"]
    below = (
        f"{report['model']} \u00b7 keep {keep_text(report['keep'])} per stage \u00b7 tokens of a window "
        f"{tokens_text(report['tokens'])} \u00b7 {windows} windows in {report['seconds']['total']:.1f} s "
        f"on {report['device']}"
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
    for sentence in report["warnings"]:
        warn(sentence)
    out.print(side_table(sides))
    say(run_line(report), style="dim")
    for kind, path in files.items():
        say(f"{kind:<8}{path}")
