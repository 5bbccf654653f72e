"""Painting and erasing by hand: found by comparing the layers with what they held before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from napari_scd.viewer.logic.history import edit_entry
from napari_scd.viewer.logic.result import Edit, counts_of
from napari_scd.viewer.logic.strokes import split
from napari_scd.viewer.logic.undo import Shown, UndoStep, Written

if TYPE_CHECKING:
    from collections.abc import Hashable

    from napari_scd.viewer.logic.dock_state import DockState
    from napari_scd.viewer.logic.result import Result
    from napari_scd.viewer.logic.show_result import ResultLayers
    from napari_scd.viewer.logic.strokes import Stroke


class HandEdits:
    """Takes over what was painted and erased, so that legend, undo, accept and export know of it.

    What is painted and erased on objects of a promptable model is told as strokes, one by one.
    """

    stroked = Signal(object)  # Stroke

    def __init__(self, state: DockState, layers: ResultLayers) -> None:
        self._state = state
        self._layers = layers
        self._seen: dict[tuple[Hashable, tuple[int, ...]], np.ndarray] = {}  # by layer and frame

    def look(self) -> None:
        """Look for changes; called soon after the viewer tells of painting, and before labels are used."""
        place, view = self._state.place, self._state.view
        if place is None or view is None:
            return
        self._look_at_preview()
        accepted = self._state.now.accepted
        layer = None if accepted is None else self._state.store.layer(accepted.layer)
        if accepted is not None and layer is not None and tuple(layer.data.shape) == view.layer_shape:
            self._look_at_segmentation(layer, accepted)

    def remember(self, layer: Any, frame: tuple[int, ...]) -> None:
        """Note what the segmentation holds now, after we have written into it."""
        self._seen[layer.unique_id, frame] = np.array(layer.data[frame])

    def _look_at_preview(self) -> None:
        state = self._state
        shown, place = state.now, state.place
        preview = shown.preview
        layer = None if preview is None else state.store.ours(preview.view.uid, "preview")
        if preview is None or layer is None or place is None:
            return
        edit = _difference(preview.labels, np.asarray(layer.data)[preview.view.frame])
        if edit is None:
            return
        if preview.objects or preview.current or state.is_promptable:
            edit, strokes = split(edit, preview, layer.selected_label)
            self._take_strokes(preview, strokes)
            preview = state.now.preview
        if edit is None or preview is None:
            return
        shown = state.now
        entry = edit_entry("paint", preview.names_at(edit), accepted=False)
        after = Shown(preview.edited(edit, history=[*preview.history, entry]), shown.accepted)
        state.steps[place].add(UndoStep("painting", shown, after))
        state.shown[place] = after
        self._layers.count(layer, after.preview)
        state.result_changed.emit(after.preview)

    def _take_strokes(self, preview: Result, strokes: list[Stroke]) -> None:
        """Show what was painted on objects until it is answered, and tell of it."""
        place = self._state.place
        if not strokes or place is None:
            return
        for stroke in strokes:
            preview = preview.painted(stroke.edit)
        self._state.shown[place] = Shown(preview, self._state.now.accepted)
        for stroke in strokes:
            self.stroked.emit(stroke)

    def _look_at_segmentation(self, layer: Any, accepted: Result) -> None:
        state = self._state
        shown, place = state.now, state.place
        assert place is not None
        key = (layer.unique_id, place[1])
        now = np.asarray(layer.data)[place[1]]
        before = self._seen.get(key)
        if before is None or before.shape != now.shape:
            self._seen[key] = np.array(now)
            return
        edit = _difference(before, now)
        if edit is None:
            return
        written = Written(layer.unique_id, edit.places, before.reshape(-1)[edit.places], edit.values)
        before.reshape(-1)[edit.places] = edit.values
        entry = edit_entry("paint", accepted.names_at(edit), accepted=True)
        after = Shown(shown.preview, segmentation_of(accepted, layer, entry))
        self._layers.count(layer, after.accepted)
        state.steps[place].add(UndoStep("painting", shown, after, written))
        state.shown[place] = after
        state.result_changed.emit(after.result)


def segmentation_of(result: Result, layer: Any, entry: dict[str, Any] | None = None) -> Result:
    """Return an accepted result that holds what the segmentation layer holds now."""
    labels = np.array(np.asarray(layer.data)[result.view.frame])
    history = [*result.history, entry] if entry is not None else list(result.history)
    return result.copy(
        labels=labels,
        counts=counts_of(labels),
        accepted=True,
        layer=layer.unique_id,
        edits=[],
        history=history,
    )


def _difference(before: np.ndarray, now: np.ndarray) -> Edit | None:
    if before.shape != now.shape:
        return None
    places = np.flatnonzero(before.reshape(-1) != now.reshape(-1))
    return Edit(places, now.reshape(-1)[places].copy()) if places.size else None
