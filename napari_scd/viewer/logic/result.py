"""The result of one image and frame: labels, tokens and scores, merged from runs, clicks and windows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from napari_scd.viewer.layers import Voxels
from napari_scd.viewer.logic.boxes import bins, bounding_box
from napari_scd.volume import reorient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.engine import Segmentation
    from napari_scd.viewer.layers import SourceView
    from napari_scd.viewer.logic.clicks import ClickRecord
    from napari_scd.volume import LabelTable, Volume


@dataclass(eq=False)
class Result:
    """Everything a preview is drawn from.

    Parameters
    ----------
    view
        The image it belongs to.
    table
        The structures' names and colours.
    labels : (z, y, x) uint8
        On the image's grid.
    tokens, scores, stage_scores
        On the token grid, as the engine returned them.
    report
        The last run's report (JSON values).
    counts : (256,) int
        Voxels of every label above 0; kept up to date, because counting them all again takes too long.
    clicks
        Clicked structures, in the order of painting.
    base : (z, y, x) uint8 or None
        Labels of a run over the volume, which clicks are painted onto.
    complete
        False after a cancelled run.
    accepted
        True when it was written into the segmentation: then it is no preview any more.
    key
        What it was computed from, image and model; whoever shows it sets this.
    """

    view: SourceView
    table: LabelTable
    labels: np.ndarray
    tokens: Volume
    scores: Volume
    stage_scores: np.ndarray
    report: dict[str, Any]
    counts: np.ndarray
    clicks: list[ClickRecord] = field(default_factory=list)
    base: np.ndarray | None = None
    base_counts: np.ndarray | None = None
    complete: bool = True
    accepted: bool = False
    key: object = None

    @property
    def n_stages(self) -> int:
        """Pruning stages of the network."""
        return int(self.stage_scores.shape[0])

    @property
    def seconds_per_window(self) -> float | None:
        """What a window of the last run took in the network; None when none was computed."""
        seconds, windows = self.report["seconds"], int(self.report["n_windows"])
        network = seconds["prefix"] + seconds["rest"]
        return network / windows if windows and network > 0 else None

    @property
    def voxel_ml(self) -> float:
        """Millilitres in a voxel of the image."""
        return float(abs(np.linalg.det(self.view.affine[:3, :3]))) / 1000.0

    def found(self) -> dict[int, Voxels]:
        """Voxels and millilitres of every structure on screen."""
        return {
            i: Voxels(int(self.counts[i]), float(self.counts[i] * self.voxel_ml)) for i in self.table.indices
        }

    def repaint(self) -> None:
        """Draw the labels: the run over the volume, then the clicks; count them on the way."""
        if self.base is None or self.base_counts is None:
            self.labels, self.counts = np.zeros(self.view.shape, np.uint8), np.zeros(256, np.int64)
        else:
            self.labels, self.counts = self.base.copy(), self.base_counts.copy()
        for click in self.clicks:
            part = self.labels[click.box]
            before = bins(part)
            part[click.values > 0] = click.values[click.values > 0]
            self.counts += bins(part) - before
        self.counts[0] = 0

    def unclick(self, index: Sequence[int]) -> str:
        """Take away the topmost structure at a voxel; return its name, empty when there is none."""
        for click in reversed(self.clicks):
            if click.holds(index):
                self.clicks.remove(click)
                self.repaint()
                return str(click.name)
        return self._take_from_base(index)

    def _take_from_base(self, index: Sequence[int]) -> str:
        """Take the connected part of a structure out of the run over the volume."""
        label = 0 if self.base is None else int(self.base[tuple(index)])
        if self.base is None or self.base_counts is None or label == 0:
            return ""
        mask = np.isin(self.base, self.table.members_of_group(label))
        box = bounding_box(mask)
        parts, _ = ndimage.label(mask[box], structure=np.ones((3, 3, 3)))
        inside = tuple(i - side.start for i, side in zip(index, box, strict=True))
        part = parts == parts[inside]
        self.base, self.base_counts = self.base.copy(), self.base_counts - bins(self.base[box][part])
        self.base[box][part] = 0
        self.repaint()
        return str(self.table.group_name(label))


def from_run(segmentation: Segmentation, view: SourceView, table: LabelTable) -> Result:
    """Return the result of a run over the whole volume.

    Token maps come in the model's axis order; napari cannot slice a layer whose axes run across the world's,
    so they are turned to it.
    """
    tokens, _ = reorient(segmentation.tokens)
    scores, _ = reorient(segmentation.scores)
    stage_scores, _ = reorient(segmentation.tokens.with_array(segmentation.stage_scores))
    counts = _counted(segmentation, table)
    return Result(
        view=view,
        table=table,
        labels=segmentation.labels.array,
        tokens=tokens,
        scores=scores,
        stage_scores=stage_scores.array,
        report=report_of(segmentation, view),
        counts=counts,
        base=segmentation.labels.array,
        base_counts=counts,
        complete=segmentation.complete,
    )


def report_of(segmentation: Segmentation, view: SourceView) -> dict[str, Any]:
    """Return the run's report as JSON values, with the image's name and orientation."""
    report = segmentation.report.to_dict()
    report["n_stages"] = int(segmentation.stage_scores.shape[0])
    report["layer"] = view.name
    report["orientation_known"] = bool(view.orientation_known)
    report["intensity_window"] = None if view.window is None else list(view.window)
    return report


def merge_tokens(newer: Result, older: Result) -> None:
    """Fill in the tokens that only the older result computed; where both did, the newer one stands."""
    if newer.tokens.array.shape != older.tokens.array.shape or not np.allclose(
        newer.tokens.affine, older.tokens.affine
    ):
        return
    missing = newer.tokens.array == 0
    newer.tokens = newer.tokens.with_array(np.where(missing, older.tokens.array, newer.tokens.array))
    newer.scores = newer.scores.with_array(np.where(missing, older.scores.array, newer.scores.array))
    newer.stage_scores = np.where(missing[None], older.stage_scores, newer.stage_scores)


def merge_window(result: Result, segmentation: Segmentation) -> None:
    """Put a window's fresh labels and tokens into a result of the whole volume."""
    assert result.base is not None and result.base_counts is not None
    window = from_run(segmentation, result.view, result.table)
    base, region = result.base.copy(), segmentation.region
    base[region] = segmentation.labels.array[region]
    result.base_counts = result.base_counts + bins(base[region]) - bins(result.base[region])
    result.base = base
    result.repaint()
    merge_tokens(window, result)
    result.tokens, result.scores, result.stage_scores = window.tokens, window.scores, window.stage_scores


def fill_in(result: Result, ahead: Result) -> None:
    """Keep what was on screen ahead of a run that was stopped, where the run had not come yet."""
    assert result.base is not None
    if ahead.base is not None:
        result.base = np.where(result.base == 0, ahead.base, result.base)
        result.base_counts = bins(result.base)
        result.repaint()
    merge_tokens(result, ahead)


def _counted(segmentation: Segmentation, table: LabelTable) -> np.ndarray:
    """Return (256,) voxels of every label, from the run's own report."""
    counts = np.zeros(256, np.int64)
    for label in table.labels:
        counts[label.index] = segmentation.report.voxels[label.name]
    return counts
