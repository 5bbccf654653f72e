"""Exporting from the dock: where to, what, and the sentence that says it is done."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_scd.errors import InputError
from napari_scd.viewer.logic.accept import other_owner
from napari_scd.viewer.logic.accept_objects import fitted, joined_table
from napari_scd.viewer.logic.export import Export
from napari_scd.viewer.logic.failures import CannotSave
from napari_scd.viewer.logic.history import click_entry
from napari_scd.viewer.state import State, Status
from napari_scd.volume import stem_of

if TYPE_CHECKING:
    from napari_scd.cancel import CancelToken
    from napari_scd.viewer.layers import SourceView
    from napari_scd.viewer.logic.dock_state import DockState
    from napari_scd.viewer.logic.edits import HandEdits
    from napari_scd.viewer.logic.result import Result
    from napari_scd.viewer.logic.scan_object import ScanObject
    from napari_scd.viewer.logic.undo import Shown
    from napari_scd.volume import LabelTable


class Merged(NamedTuple):
    """Labels, their names and the objects among them, of a segmentation with a preview on top."""

    labels: np.ndarray
    table: LabelTable
    objects: tuple[ScanObject, ...]


class Saving:
    """Writes labels with their maps and provenance: what was accepted, with the preview on top."""

    def __init__(self, state: DockState, edits: HandEdits) -> None:
        self._state = state
        self._edits = edits

    @property
    def exportable(self) -> bool:
        """Whether there are labels to write."""
        return bool(self._frames())

    def labels_on_screen(self) -> np.ndarray | None:
        """Labels that an export of the chosen frame would write; None where there are none."""
        state = self._state
        if state.view is None or state.result is None:
            return None
        return self._collect(state.view, state.now).labels

    def suggestion(self) -> str:
        """Path to suggest: beside the image's file where it has one."""
        beside = self.beside_source()
        if beside is not None:
            return beside
        view = self._state.view
        name = "labels" if view is None else view.name.replace("/", "-")
        return str(Path.home() / f"{name}_scd.nii.gz")

    def beside_source(self) -> str | None:
        """Path beside the image's file; None where the image has no file."""
        view = self._state.view
        if view is None or not view.source or not view.source.get("path"):
            return None
        path = Path(view.source["path"])
        return str(path.with_name(f"{stem_of(path)}_scd.nii.gz"))

    def export(self, path: str | Path) -> None:
        """Write labels, token and score maps, provenance and label table beside each other.

        A scan with several frames gives files for the chosen frame, or for each frame that holds labels.
        """
        self._edits.look()
        jobs = [(frame_path(path, view), self._collect(view, shown)) for view, shown in self._frames()]
        jobs = [(target, export) for target, export in jobs if export.labels.any()]
        if not jobs:
            self._state.say(Status(State.READY, "Nothing to export: there are no labels."))
            return
        maps = self._state.choices.maps

        def write(progress: Any, cancel: CancelToken) -> list[list[Path]]:
            try:
                return [export.write(target, maps=maps) for target, export in jobs]
            except InputError as error:
                raise CannotSave(str(error)) from error

        previewed = any(export.previewed for _, export in jobs)
        self._state.submit("export", write, partial(self._on_exported, previewed))

    def _on_exported(self, previewed: bool, written: list[list[Path]]) -> None:
        first = written[0]
        if len(written) == 1:
            text = f"Saved {first[0].name} in {first[0].parent}, with {', '.join(f.name for f in first[1:])}."
        else:
            text = (
                f"Saved {len(written)} frames in {first[0].parent}: {first[0].name} to {written[-1][0].name}."
            )
        if previewed:
            text += " The preview was saved too, although it is not accepted yet."
        self._state.say(Status(State.DONE, text))

    def _frames(self) -> list[tuple[SourceView, Shown]]:
        """Return the frames to write, and what they hold."""
        state, view = self._state, self._state.view
        if view is None:
            return []
        if not state.choices.all_frames or view.n_frames == 1:
            return [(view, state.now)] if state.now.result is not None else []
        views = [view.at_frame(number) for number in range(view.n_frames)]
        found = [(one, state.shown.get((one.uid, one.frame))) for one in views]
        return [(one, shown) for one, shown in found if shown is not None and shown.result is not None]

    def _collect(self, view: SourceView, shown: Shown) -> Export:
        """Bring together the labels of a frame, and how they came about."""
        result = shown.result
        assert result is not None
        labels, table, objects = result.labels, result.table, result.objects
        if shown.preview is not None and shown.accepted is not None:
            labels, table, objects = self._merged(shown.preview, shown.accepted)
        clicks = [click_entry(click, result.view) for click in result.clicks]
        return Export(
            view=result.view,
            table=table,
            labels=np.array(labels),
            tokens=result.tokens,
            scores=result.scores,
            report=result.report | {"clicks": clicks},
            history=result.history,
            previewed=shown.preview is not None,
            objects=objects,
        )

    def _merged(self, preview: Result, accepted: Result) -> Merged:
        """Return what the segmentation would hold after Accept."""
        layer = self._state.store.layer(accepted.layer)
        if layer is None or other_owner(layer, preview):
            return Merged(preview.labels, preview.table, preview.objects)
        fitting = fitted(layer, preview)
        replaced = [one.replaces for one in fitting.objects if one.replaces]
        below = np.where(np.isin(accepted.labels, replaced), 0, accepted.labels)
        on_top = (fitting.labels > 0) & ((below == 0) if self._state.choices.protect else True)
        labels: np.ndarray = np.where(on_top, fitting.labels, below)
        new = {one.label for one in fitting.objects}
        kept = tuple(one for one in accepted.objects if one.label not in new)
        order = (kept, fitting.objects) if self._state.choices.protect else (fitting.objects, kept)
        return Merged(labels, joined_table(layer, fitting), (*order[0], *order[1]))


def frame_path(path: str | Path, view: SourceView) -> Path:
    """Return where a frame is written: the path itself for a 3D scan, with the frame's number otherwise.

    >>> from types import SimpleNamespace
    >>> frame_path("out.nii.gz", SimpleNamespace(n_frames=12, frame_number=4)).name
    'out_frame05.nii.gz'
    """
    path = Path(path)
    if view.n_frames == 1:
        return path
    stem = stem_of(path)
    digits = len(str(view.n_frames))
    return path.with_name(f"{stem}_frame{view.frame_number + 1:0{digits}d}{path.name[len(stem) :]}")
