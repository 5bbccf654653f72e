"""What happens to a result: accept, discard, undo and redo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.errors import InputError
from napari_scd.viewer.layers import write_labels_into
from napari_scd.viewer.logic import status as sentences
from napari_scd.viewer.logic.accept_objects import (
    conflict,
    fitted,
    joined_table,
    set_table,
    with_earlier,
    without_replaced,
)
from napari_scd.viewer.logic.edits import segmentation_of
from napari_scd.viewer.logic.history import accept_entry
from napari_scd.viewer.logic.undo import Shown, UndoStep, Written
from napari_scd.viewer.state import State, Status

if TYPE_CHECKING:
    from napari_scd.viewer.logic.dock_state import DockState, Place
    from napari_scd.viewer.logic.edits import HandEdits
    from napari_scd.viewer.logic.result import Result
    from napari_scd.viewer.logic.show_result import ResultLayers


class Review:
    """Accepts and discards results, and undoes and redoes steps."""

    def __init__(self, state: DockState, layers: ResultLayers, edits: HandEdits) -> None:
        self._state = state
        self._layers = layers
        self._edits = edits

    def accept(self) -> bool:
        """Write the preview into the segmentation, as one step; return whether something was written.

        Where all frames were chosen, the previews of all frames are accepted, each as a step of its frame.
        """
        state = self._state
        self._edits.look()
        previews = self._to_accept()
        if not previews:
            state.say(Status(State.READY, "Nothing to accept: segment or click first."))
            return False
        if not any(preview.labels.any() for _, preview in previews):
            state.say(Status(State.PREVIEW, "Nothing to accept: the preview is empty."))
            return False
        layer = state.store.layer(state.choices.output)
        refusal = None if layer is None else _refusal(layer, previews[0][1])
        if refusal is not None:
            state.say(refusal)
            return False
        if layer is None:
            layer = self._layers.new_segmentation(previews[0][1])
            state.choices.output = layer.unique_id
        try:
            n_voxels = sum(self._accept_into(layer, place, preview) for place, preview in previews)
        except InputError as error:
            state.say(sentences.error(str(error)))
            return False
        if not n_voxels:
            state.say(sentences.nothing_new(layer.name, protect=state.choices.protect))
            return False
        n_objects = sum(len(preview.objects) for _, preview in previews)
        state.say(sentences.accepted(layer.name, n_voxels, n_objects))
        return True

    def _to_accept(self) -> list[tuple[Place, Result]]:
        state, here = self._state, self._state.place
        if here is None:
            return []
        places = [here]
        if state.choices.all_frames:
            places = sorted(
                (place for place in state.shown if place[0] == here[0]), key=lambda place: place[1]
            )
        found = [(place, state.shown.get(place, Shown()).preview) for place in places]
        return [(place, preview) for place, preview in found if preview is not None]

    def _accept_into(self, layer: Any, place: Place, preview: Result) -> int:
        """Accept one frame's preview; return how many voxels changed."""
        preview = fitted(layer, preview)
        written = self._write(layer, preview)
        if not written.places.size:
            return 0
        state = self._state
        shown, n_voxels = state.shown[place], int(written.places.size)
        self._edits.remember(layer, preview.view.frame)
        entry = accept_entry(layer.name, n_voxels, protect=state.choices.protect)
        accepted = segmentation_of(preview, layer, entry)
        if preview.objects or joined_table(layer, preview) != preview.table:
            table = joined_table(layer, preview)
            if "scd" in layer.metadata:  # other layers keep their own colours
                set_table(layer, table, preview.report)
            objects = tuple(one._replace(replaces=0) for one in preview.objects)
            accepted = accepted.copy(table=table, objects=objects)
        after = Shown(None, with_earlier(accepted, shown.accepted))
        state.steps[place].add(UndoStep("Accept", shown, after, written))
        self._layers.count(layer, after.accepted)
        self._layers.set_shown(place, after)
        return n_voxels

    def discard(self) -> None:
        """Remove the preview; what was accepted before stays."""
        state = self._state
        shown, place = state.now, state.place
        if place is None or shown.preview is None:
            state.say(Status(State.READY, "Nothing to discard: there is no preview."))
            return
        self._edits.look()
        after = Shown(None, shown.accepted)
        state.steps[place].add(UndoStep("Discard", state.now, after))
        self._layers.set_shown(place, after)
        state.say_current("Discarded the preview.")

    def forget_removed(self) -> None:
        """Follow layers that the user removed: images, previews and segmentations."""
        state = self._state
        if self._layers.drawing:
            return
        for uid in {uid for uid, _ in state.shown if state.store.layer(uid) is None}:
            for frame in [frame for image, frame in state.shown if image == uid]:
                del state.shown[uid, frame]
                state.steps.pop((uid, frame), None)
            self._layers.forget_image(uid)
        for place, shown in list(state.shown.items()):
            preview, accepted = shown
            if preview is not None and state.store.ours(place[0], "preview") is None:
                state.steps[place].add(UndoStep("removing the preview", shown, Shown(None, accepted)))
                preview = None
            if accepted is not None and state.store.layer(accepted.layer) is None:
                accepted = None
            if (preview, accepted) != shown:
                self._layers.set_shown(place, Shown(preview, accepted))
                if place == state.place:
                    state.say_current()

    def undo(self) -> None:
        """Undo the last step of the chosen image and frame, whichever layer is selected."""
        self._go("undo")

    def redo(self) -> None:
        """Redo the step that was undone last."""
        self._go("redo")

    def _go(self, way: str) -> None:
        state, place = self._state, self._state.place
        self._edits.look()
        steps = None if place is None else state.steps[place]
        step = None if steps is None else (steps.undo() if way == "undo" else steps.redo())
        if place is None or step is None:
            state.say(state.status._replace(sentence=f"Nothing to {way}."))
            return
        shown = step.before if way == "undo" else step.after
        layer = None
        if step.written is not None:
            layer = state.store.layer(step.written.layer)
            if layer is None:
                state.say(sentences.error(f"Cannot {way} {step.name}: its segmentation layer was removed."))
                return
            source, target = (step.written.after, step.written.before)[:: 1 if way == "undo" else -1]
            _replace(layer, place, step.written.places, source, target)
            self._edits.remember(layer, place[1])
        self._layers.set_shown(place, self._unpacked(shown))
        known = step.after.accepted or step.before.accepted
        if layer is not None and known is not None:
            self._layers.count(layer, segmentation_of(known, layer))
        state.say_current(f"{'Undid' if way == 'undo' else 'Redid'} {step.name}.")

    def _unpacked(self, shown: Shown) -> Shown:
        preview, accepted = (None if one is None else one.copy() for one in shown)
        if preview is not None:
            preview.repaint()
        if accepted is not None:
            layer = self._state.store.layer(accepted.layer)
            accepted = None if layer is None else segmentation_of(accepted, layer)
        return Shown(preview, accepted)

    def _write(self, layer: Any, preview: Result) -> Written:
        frame, labels = preview.view.frame, preview.labels.reshape(-1)
        places = np.union1d(np.flatnonzero(labels), without_replaced(layer, preview))
        before = np.asarray(layer.data)[frame].reshape(-1)[places]
        changed = before != labels[places]
        if self._state.choices.protect:
            changed &= np.isin(before, [0, *(one.replaces for one in preview.objects)])
        places = places[changed]
        new = labels[places].astype(before.dtype)
        write_labels_into(layer, frame, places, new)
        return Written(layer.unique_id, places, before[changed], new)


def other_owner(layer: Any, preview: Result) -> str:
    """Name of the model whose labels a layer holds, when its numbers mean something else than a preview's."""
    if not conflict(layer, preview):
        return ""
    return str(layer.metadata["scd"].get("model", "another model"))


def _refusal(layer: Any, preview: Result) -> Status | None:
    """Say why a layer cannot accept a preview; None when it can."""
    owner = other_owner(layer, preview)
    if owner:
        return sentences.other_labels(layer.name, owner)
    if tuple(layer.data.shape) != preview.view.layer_shape:
        return sentences.other_shape(layer.name, preview.view.layer_shape, tuple(layer.data.shape))
    return None


def _replace(layer: Any, place: Place, places: np.ndarray, source: np.ndarray, target: np.ndarray) -> None:
    """Restore labels where nothing else has changed them since the step."""
    there = np.asarray(layer.data)[place[1]].reshape(-1)[places] == source
    write_labels_into(layer, place[1], places[there], target[there])
