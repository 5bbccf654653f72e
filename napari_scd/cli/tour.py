"""The demo's work: sample in; scan, labels, token map, report and figure out; then napari."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.cli.cases import Case
from napari_scd.cli.console import out, print_json, say, warn
from napari_scd.cli.figure import Caption, draw_figure
from napari_scd.cli.progress import progress_bar
from napari_scd.cli.results import write_case
from napari_scd.cli.running import prepare, segment_volume
from napari_scd.cli.showing import show_in_napari
from napari_scd.cli.staging import make_folder, staged
from napari_scd.cli.tables import keep_text, run_line, side_table, tokens_text
from napari_scd.errors import InputError
from napari_scd.volume import load_icbm152, reorient, write_volume

if TYPE_CHECKING:
    from pathlib import Path

    from napari_scd.cli.segment import Order
    from napari_scd.volume import LabelTable, Volume


def run_demo(order: Order, folder: Path, *, view: bool, as_json: bool) -> None:
    """Segment the sample, write everything into a folder and say where.

    Parameters
    ----------
    order : Order
        Model, keep ratio and the points.
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
    sides_ml = volumes_by_side_ml(segmentation.labels, table)
    caption = _caption(segmentation.report.to_dict(), sides_ml)
    with staged() as stage:
        write_volume(stage(scan), volume)
        draw_figure(stage(figure), volume, segmentation, table, caption=caption)
    report = write_case(case, segmentation, table, volume=volume, points=order.points)
    files = {"scan": str(scan), **report["outputs"], "figure": str(figure)}
    if as_json:
        print_json({**report, "outputs": files, "volumes_by_side_ml": sides_ml})
    else:
        _print(report, sides_ml, table, files)
    if view:
        show_in_napari([scan, case.labels, *([case.tokens] if case.tokens else [])], folder / "napari.log")


def volumes_by_side_ml(labels: Volume, table: LabelTable) -> dict[str, dict[str, float]]:
    """Volume of every structure on the left and on the right of the midline (R = 0 mm), in ml."""
    turned, _ = reorient(labels, "SPL")
    index = np.argwhere(turned.array > 0)
    right_mm = -(index @ turned.affine[2, :3] + turned.affine[2, 3])
    values = turned.array[tuple(index.T)]
    return {
        label.name: {
            "left": float((values[right_mm < 0] == label.index).sum() * labels.voxel_ml),
            "right": float((values[right_mm >= 0] == label.index).sum() * labels.voxel_ml),
        }
        for label in table.labels
    }


def _caption(report: dict[str, Any], sides_ml: dict[str, dict[str, float]]) -> Caption:
    windows = report["n_windows"]
    below = (
        f"{report['model']} · keep {keep_text(report['keep'])} per stage · tokens of a window "
        f"{tokens_text(report['tokens'])} · {windows} windows in {report['seconds']['total']:.1f} s "
        f"on {report['device']}"
    )
    structures = {
        name: f"{name}: {ml['left']:.2f} ml left, {ml['right']:.2f} ml right" for name, ml in sides_ml.items()
    }
    return Caption("Both hippocampi of the ICBM152 T1, from one point each", below, structures)


def _print(
    report: dict[str, Any], sides_ml: dict[str, dict[str, float]], table: LabelTable, files: dict[str, str]
) -> None:
    for sentence in report["warnings"]:
        warn(sentence)
    out.print(side_table(sides_ml, table))
    say(run_line(report), style="dim")
    for kind, path in files.items():
        say(f"{kind:<8}{path}")
