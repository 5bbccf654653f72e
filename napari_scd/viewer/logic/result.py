"""What one image and frame hold: labels, tokens and scores, and how they came about."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import ndimage

from napari_scd.viewer.layers import Voxels
from napari_scd.viewer.logic.boxes import bins, bounding_box

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from napari_scd.viewer.layers import SourceView
    from napari_scd.viewer.logic.clicks import ClickRecord
    from napari_scd.viewer.logic.scan_object import ScanObject
    from napari_scd.volume import LabelTable, Volume


class Edit(NamedTuple):
    """Voxels changed by hand: (n,) flat indices into the frame, and (n,) their new labels, 0 = erased."""

    places: np.ndarray
    values: np.ndarray


@dataclass(eq=False)
class Result:
    """What one image and frame hold: a preview, or what was accepted of it.

    A result on screen is not changed any more, so that undo may bring it back: work on a `copy`.

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
    objects
        What was segmented from prompts, on top of base and clicks; of two that overlap the first one wins.
    current
        Label of the object that the next prompt corrects; 0 = it starts a new one.
    known_table
        The structures of the model with names alone, where `table` names objects as well.
    edits
        What was painted and erased by hand, on top of all.
    history
        How the labels came about (JSON values), oldest first.
    confidence : (z, y, x) uint8 or None
        Probability of the label that the model gave to a voxel in per cent, 0 where it did not look.
    sure
        Mean probability of each structure as the model found it, 0-1, by label.
    complete
        False after a cancelled run.
    accepted
        True for what the segmentation holds; `labels` are then those of the segmentation.
    layer
        `unique_id` of the Labels layer that holds an accepted result.
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
    objects: tuple[ScanObject, ...] = ()
    current: int = 0
    known_table: LabelTable | None = None
    edits: list[Edit] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    confidence: np.ndarray | None = None
    sure: dict[int, float] = field(default_factory=dict)
    complete: bool = True
    accepted: bool = False
    layer: Hashable = None
    key: object = None

    @property
    def named_table(self) -> LabelTable:
        """The structures that are not objects: those of models with names."""
        own = {one.label for one in self.objects}
        return replace(
            self.table, labels=tuple(entry for entry in self.table.labels if entry.index not in own)
        )

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

    def copy(self, **changes: Any) -> Result:
        """Return a copy whose lists may be changed, and whose arrays may be replaced."""
        lists = {name: list(getattr(self, name)) for name in ("clicks", "edits", "history")}
        return replace(self, **(lists | changes))

    def packed(self) -> Result:
        """Return a copy without the labels, to be kept for undo; `repaint` draws those of a preview again."""
        return self.copy(labels=np.zeros((0, 0, 0), np.uint8))

    def edited(self, edit: Edit, **changes: Any) -> Result:
        """Return a copy with voxels painted or erased."""
        result = self.copy(labels=self.labels.copy(), counts=self.counts.copy(), **changes)
        result._paint(edit)
        if not result.accepted:
            result.edits.append(edit)
        return result

    def names_at(self, edit: Edit) -> dict[str, int]:
        """Count the voxels of an edit by what they became."""
        values, counts = np.unique(edit.values, return_counts=True)
        return {
            "erased" if value == 0 else self.table.name_of(value): count
            for value, count in zip(values.tolist(), counts.tolist(), strict=True)
            if value == 0 or value in self.table.indices
        }

    def painted(self, edit: Edit) -> Result:
        """Return a copy that shows voxels as they were painted until it is drawn again."""
        result = self.copy(labels=self.labels.copy(), counts=self.counts.copy())
        result._paint(edit)
        return result

    def _paint(self, edit: Edit) -> None:
        flat = self.labels.reshape(-1)
        self.counts += bins(edit.values) - bins(flat[edit.places])
        self.counts[0] = 0
        flat[edit.places] = edit.values

    def repaint(self) -> None:
        """Draw the labels: the run over the volume, clicks, objects, then edits; count on the way."""
        if self.base is None or self.base_counts is None:
            self.labels, self.counts = np.zeros(self.view.shape, np.uint8), np.zeros(256, np.int64)
        else:
            self.labels, self.counts = self.base.copy(), self.base_counts.copy()
        for click in self.clicks:
            part = self.labels[click.box]
            before = bins(part)
            part[click.values > 0] = click.values[click.values > 0]
            self.counts += bins(part) - before
        for one in reversed(self.objects):
            part = self.labels[one.box]
            before = bins(part)
            part[one.inside] = one.label
            self.counts += bins(part) - before
        self.counts[0] = 0
        for edit in self.edits:
            self._paint(edit)

    def unclick(self, index: Sequence[int]) -> str:
        """Remove the topmost structure at a voxel; return its name, empty when there is none."""
        for number, click in reversed(list(enumerate(self.clicks))):
            if click.holds(index):
                del self.clicks[number]
                self._forget_edits(np.unique(click.values))
                self.repaint()
                return str(click.name)
        return self._remove_from_base(index)

    def _forget_edits(self, labels: np.ndarray) -> None:
        """Forget what was painted onto a structure that is removed."""
        kept = [(edit, (edit.values == 0) | ~np.isin(edit.values, labels)) for edit in self.edits]
        self.edits = [Edit(edit.places[keep], edit.values[keep]) for edit, keep in kept if keep.any()]

    def _remove_from_base(self, index: Sequence[int]) -> str:
        """Remove the connected part of a structure from the run over the volume."""
        label = 0 if self.base is None else int(self.base[tuple(index)])
        if self.base is None or self.base_counts is None or label == 0:
            return ""
        members = self.table.members_of_group(label)
        mask = np.isin(self.base, members)
        box = bounding_box(mask)
        parts, _ = ndimage.label(mask[box], structure=np.ones((3, 3, 3)))
        inside = tuple(i - side.start for i, side in zip(index, box, strict=True))
        part = parts == parts[inside]
        self.base, self.base_counts = self.base.copy(), self.base_counts - bins(self.base[box][part])
        self.base[box][part] = 0
        self._forget_edits(np.asarray(members))
        self.repaint()
        return str(self.table.group_name(label))


def counts_of(labels: np.ndarray) -> np.ndarray:
    """Return (256,) voxels of every label from 1 to 255 of an integer array."""
    known = labels if labels.dtype == np.uint8 else np.where(labels < 256, labels, 0).astype(np.uint8)
    counts = bins(known)
    counts[0] = 0
    return counts
