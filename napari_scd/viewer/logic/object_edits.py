"""Edits of one object's shape: smooth, grow, shrink, fill, clean, interpolate; each is a step to undo."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_scd.viewer.layers import write_labels_into
from napari_scd.viewer.logic import status as sentences
from napari_scd.viewer.logic.edits import segmentation_of
from napari_scd.viewer.logic.history import shape_entry
from napari_scd.viewer.logic.objects import with_object
from napari_scd.viewer.logic.result import Edit
from napari_scd.viewer.logic.scan_object import from_voxels, object_of
from napari_scd.viewer.logic.undo import Shown, UndoStep, Written
from napari_scd.viewer.logic.wording import millilitres
from napari_scd.viewer.state import State, Status
from napari_scd.volume import reshape_mask

if TYPE_CHECKING:
    from napari_scd.cancel import CancelToken
    from napari_scd.viewer.logic.dock_state import DockState
    from napari_scd.viewer.logic.edits import HandEdits
    from napari_scd.viewer.logic.result import Result
    from napari_scd.viewer.logic.show_result import ResultLayers
    from napari_scd.volume import ShapeEdit


class EditWords(NamedTuple):
    """How an edit is spoken of: while it runs, when it is done, the unit of its amount."""

    running: str
    done: str
    unit: str = ""


class Reshaped(NamedTuple):
    """A change of an object's shape: its label, its voxels, its entry in the history, its step to undo."""

    label: int
    change: Edit
    entry: dict[str, Any]
    step: str


EDIT_WORDS = {
    "smooth": EditWords("Smoothing", "Smoothed", "mm"),
    "grow": EditWords("Growing", "Grew", "mm"),
    "shrink": EditWords("Shrinking", "Shrank", "mm"),
    "fill holes": EditWords("Filling holes of", "Filled holes of"),
    "keep largest part": EditWords("Looking for the largest part of", "Kept the largest part of"),
    "remove islands": EditWords("Removing islands of", "Removed islands of", "ml"),
    "interpolate slices": EditWords("Interpolating", "Interpolated"),
}


class ObjectEdits:
    """Changes the shape of one object of the preview or, where there is none, of the segmentation.

    Voxels that belong to other objects are never taken.
    """

    def __init__(self, state: DockState, layers: ResultLayers, edits: HandEdits) -> None:
        self._state = state
        self._layers = layers
        self._edits = edits

    def apply(self, index: int, edit: ShapeEdit) -> None:
        """Change the shape of an object, beside the thread that draws."""
        state = self._state
        self._edits.look()
        result = state.result
        if result is None or not result.counts[index]:
            state.say_again("Nothing to edit: choose an object that is there.")
            return
        words = EDIT_WORDS[edit.kind]
        state.say(Status(State.RUNNING, f"{words.running} {result.table.name_of(index)}."))
        run = partial(_difference_of, result.labels, index, edit, result.view.affine[:3, :3])
        state.submit("edit", run, partial(self._on_reshaped, result, index, edit), replace=False)

    def _on_reshaped(self, result: Result, index: int, edit: ShapeEdit, change: Edit) -> None:
        state = self._state
        self._edits.look()
        if state.status.state is State.CANCELLING:  # too late for the job, but not for us
            state.say_current(sentences.STOPPED)
            return
        if state.result is not result:
            state.say_current("The object changed meanwhile: edit it again.")
            return
        name, words = result.table.name_of(index), EDIT_WORDS[edit.kind]
        if not change.places.size:
            state.say_current(f"{words.running} {name} {_by(edit)}changed nothing.")
            return
        if change.places.size == result.counts[index] and not change.values.any():
            state.say_current(f"{words.running} {name} {_by(edit)}would leave nothing of it: not done.")
            return
        n_added = int(np.count_nonzero(change.values))
        n_removed = int(change.values.size - n_added)
        entry = shape_entry(edit, name, added=n_added, removed=n_removed, accepted=result.accepted)
        step = f"{words.running[0].lower()}{words.running[1:]} {name}"
        before = result.counts[index] * result.voxel_ml
        after = self._write(result, Reshaped(index, change, entry, step))
        now = after.counts[index] * after.voxel_ml
        state.say(
            sentences.reshaped(
                f"{words.done} {name} {_by(edit)}".strip(), millilitres(now), millilitres(before)
            )
        )

    def _write(self, result: Result, done: Reshaped) -> Result:
        """Put the change on screen as one step; return the result as it is then."""
        state, place = self._state, self._state.place
        assert place is not None
        shown, written = state.now, None
        if result.accepted:
            layer = state.store.layer(result.layer)
            assert layer is not None
            places, values = done.change
            before = np.asarray(layer.data)[place[1]].reshape(-1)[places]
            written = Written(layer.unique_id, places, before, values.astype(before.dtype))
            write_labels_into(layer, place[1], places, written.after)
            self._edits.remember(layer, place[1])
            after = Shown(None, segmentation_of(result, layer, done.entry))
            self._layers.count(layer, after.accepted)
        else:
            after = Shown(_edited(result, done), shown.accepted)
        state.steps[place].add(UndoStep(done.step, shown, after, written))
        self._layers.set_shown(place, after)
        assert after.result is not None
        return after.result


def _edited(result: Result, done: Reshaped) -> Result:
    """Return a preview with a change of shape; an object of prompts starts from its new shape."""
    after = result.edited(done.change, history=[*result.history, done.entry])
    one = object_of(result.objects, done.label)
    if one is None:
        return after
    taken = done.change.places
    kept = [(edit, ~np.isin(edit.places, taken)) for edit in result.edits]
    after.edits = [Edit(edit.places[keep], edit.values[keep]) for edit, keep in kept if keep.any()]
    return with_object(after, from_voxels(one, after.labels, after.view.affine), after.current)


def _difference_of(
    labels: np.ndarray,
    index: int,
    edit: ShapeEdit,
    steps_mm: np.ndarray,
    _progress: Any,
    cancel: CancelToken,
) -> Edit:
    """Return the voxels that an object gains from the background, or leaves to it."""
    before = labels == index
    after = reshape_mask(before, edit, steps_mm, cancel)
    added = np.flatnonzero(after & (labels == 0))
    removed = np.flatnonzero(before & ~after)
    values = np.concatenate([np.full(added.size, index, np.uint8), np.zeros(removed.size, np.uint8)])
    return Edit(np.concatenate([added, removed]), values)


def _by(edit: ShapeEdit) -> str:
    """Amount of an edit in words, with a space behind it; empty where it has none."""
    unit = EDIT_WORDS[edit.kind].unit
    if not unit:
        return ""
    return f"{'below' if unit == 'ml' else 'by'} {edit.amount:g} {unit} "
