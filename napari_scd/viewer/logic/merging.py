"""From the engine's answers to results, and one answer merged into another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.viewer.logic.boxes import bins
from napari_scd.viewer.logic.history import run_entry
from napari_scd.viewer.logic.result import Result
from napari_scd.volume import reorient

if TYPE_CHECKING:
    from napari_scd.engine import Segmentation
    from napari_scd.viewer.layers import SourceView
    from napari_scd.volume import LabelTable


def from_run(
    segmentation: Segmentation, view: SourceView, table: LabelTable, action: str = "segment"
) -> Result:
    """Return the result of a run.

    Token maps come in the model's axis order; napari cannot slice a layer whose axes run across the world's,
    so they are turned to it.

    Parameters
    ----------
    action
        What the run is called in the history.
    """
    tokens, _ = reorient(segmentation.tokens)
    scores, _ = reorient(segmentation.scores)
    stage_scores, _ = reorient(segmentation.tokens.with_array(segmentation.stage_scores))
    counts = _counted(segmentation, table)
    report = report_of(segmentation, view)
    return Result(
        view=view,
        table=table,
        labels=segmentation.labels.array,
        tokens=tokens,
        scores=scores,
        stage_scores=stage_scores.array,
        report=report,
        counts=counts,
        base=segmentation.labels.array,
        base_counts=counts,
        history=[run_entry(action, segmentation, report)],
        confidence=None if segmentation.confidence is None else segmentation.confidence.array,
        sure=_sure(segmentation, table),
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


def with_window(result: Result, segmentation: Segmentation, action: str) -> Result:
    """Return a result of the whole volume with the fresh labels and tokens of a part of it."""
    assert result.base is not None and result.base_counts is not None
    window = from_run(segmentation, result.view, result.table, action)
    window.confidence = _laid_over(window.confidence, result.confidence)
    base, region = result.base.copy(), segmentation.region
    base[region] = segmentation.labels.array[region]
    counts = result.base_counts + bins(base[region]) - bins(result.base[region])
    merge_tokens(window, result)
    merged = result.copy(
        base=base,
        base_counts=counts,
        tokens=window.tokens,
        scores=window.scores,
        stage_scores=window.stage_scores,
        confidence=window.confidence,
        history=_without_overwritten(result.history, window.history[0]) + window.history,
    )
    merged.repaint()
    return merged


def with_rest(result: Result, early: Result) -> Result:
    """Return a run that was stopped, filled in with what was on screen before the run came to it."""
    assert result.base is not None
    filled = result.copy(history=early.history + result.history)
    if early.base is not None:
        base = np.where(result.base == 0, early.base, result.base)
        filled = filled.copy(base=base, base_counts=bins(base))
    filled.repaint()
    filled.confidence = _laid_over(filled.confidence, early.confidence)
    merge_tokens(filled, early)
    return filled


def merge_confidence(newer: Result, older: Result) -> None:
    """Fill in the confidence that only the older result has; where both do, the newer one stands."""
    newer.confidence = _laid_over(newer.confidence, older.confidence)
    newer.sure = older.sure | newer.sure


def _laid_over(newer: np.ndarray | None, older: np.ndarray | None) -> np.ndarray | None:
    if newer is None or older is None or newer.shape != older.shape:
        return newer if newer is not None else older
    merged: np.ndarray = np.where(newer == 0, older, newer)
    return merged


def _sure(segmentation: Segmentation, table: LabelTable) -> dict[int, float]:
    """Mean probability of each structure that was found, by label."""
    named = segmentation.report.confidence or {}
    return {label.index: named[label.name] for label in table.labels if label.name in named}


def _without_overwritten(history: list[dict[str, Any]], newer: dict[str, Any]) -> list[dict[str, Any]]:
    """Drop the last entry when the newer one did the same, in the same region."""
    same = bool(history) and all(history[-1].get(name) == newer[name] for name in ("action", "region"))
    return history[:-1] if same else history


def _counted(segmentation: Segmentation, table: LabelTable) -> np.ndarray:
    """Return (256,) voxels of every label, from the run's own report."""
    counts = np.zeros(256, np.int64)
    for label in table.labels:
        counts[label.index] = segmentation.report.voxels[label.name]
    return counts
