"""Answers to prompts in the dock's terms: made by the worker, to spare the thread that draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from napari_scd.viewer.logic.boxes import bounding_box, shifted
from napari_scd.viewer.logic.merging import from_run
from napari_scd.viewer.logic.scan_object import Looked

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from napari_scd.engine import Segmentation
    from napari_scd.viewer.layers import SourceView
    from napari_scd.viewer.logic.boxes import Box
    from napari_scd.volume import LabelTable


class Prompted(NamedTuple):
    """Answer to the prompts of one object.

    Parameters
    ----------
    box, inside
        Its voxels: a box of the source grid, and (z, y, x) bool in it.
    looked
        Where the network looked for the latest prompt.
    keep
        Share of the tokens that each stage kept.
    entry
        What the history says of it.
    notes
        Sentences about it that the user should see.
    complete
        False when it was cancelled.
    """

    box: Box
    inside: np.ndarray
    looked: Looked
    keep: tuple[float, ...]
    entry: dict[str, Any]
    notes: tuple[str, ...]
    complete: bool


def prompted(
    segmentation: Segmentation, view: SourceView, table: LabelTable, known: Sequence[str]
) -> Prompted:
    """Return the engine's answer to prompts in the dock's terms; `known` warnings are shown elsewhere."""
    run = from_run(segmentation, view, table, "prompt")
    labels, region = segmentation.labels.array, segmentation.region
    box = shifted(bounding_box(labels[region]), region)
    return Prompted(
        box=box,
        inside=labels[box] > 0,
        looked=Looked(run.tokens, run.scores, run.stage_scores, run.report),
        keep=tuple(segmentation.report.keep),
        entry=run.history[0],
        notes=tuple(note for note in segmentation.report.warnings if note not in known),
        complete=segmentation.complete,
    )
