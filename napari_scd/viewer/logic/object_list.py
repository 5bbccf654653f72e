"""The objects of the chosen image: those of the preview and those accepted; which one a prompt is for."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.viewer.layers import write_labels_into
from napari_scd.viewer.logic import prompt_sentences as sentences
from napari_scd.viewer.logic.accept_objects import rename_in, table_in
from napari_scd.viewer.logic.edits import segmentation_of
from napari_scd.viewer.logic.guess import used_names
from napari_scd.viewer.logic.history import removal_entry
from napari_scd.viewer.logic.objects import with_object, with_objects
from napari_scd.viewer.logic.result import Result
from napari_scd.viewer.logic.scan_object import (
    LARGEST_LABEL,
    free_label,
    from_voxels,
    not_looked,
    object_of,
    unused_name,
    was_changed,
)
from napari_scd.viewer.logic.undo import Shown, UndoStep, Written
from napari_scd.viewer.logic.wording import stem
from napari_scd.volume import LabelTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_scd.viewer.logic.dock_state import DockState
    from napari_scd.viewer.logic.edits import HandEdits
    from napari_scd.viewer.logic.scan_object import ScanObject
    from napari_scd.viewer.logic.show_result import ResultLayers


class ObjectRow(NamedTuple):
    """What a list shows of an object."""

    label: int
    name: str
    colour: tuple[int, int, int]
    volume_ml: float
    n_prompts: int
    current: bool
    accepted: bool
    guess: str


class ObjectList:
    """Names, chooses and removes objects."""

    def __init__(self, state: DockState, layers: ResultLayers, edits: HandEdits) -> None:
        self._state = state
        self._layers = layers
        self._edits = edits

    @property
    def here(self) -> tuple[ScanObject, ...]:
        """Objects of the preview, where it is of the image as it is now."""
        preview = self._state.same_image
        return () if preview is None else preview.objects

    @property
    def current(self) -> int:
        """Label of the object that the next prompt corrects, 0 = a new one."""
        preview = self._state.same_image
        return 0 if preview is None else preview.current

    def rows(self) -> list[ObjectRow]:
        """Return what a list shows: the accepted objects, then those of the preview."""
        preview, accepted = self._state.now
        shown = () if preview is None else preview.objects
        labels = {one.replaces or one.label for one in shown}
        kept = [] if accepted is None else [one for one in accepted.objects if one.label not in labels]
        rows = [self._row(one, accepted, accepted=True) for one in kept]
        return rows + [self._row(one, preview, accepted=False) for one in shown]

    def preview(self) -> Result:
        """Return a result to add objects to: the preview, or an empty one."""
        state = self._state
        if state.same_image is not None:
            return state.same_image.copy()
        assert state.view is not None
        ready, earlier = state.ready, state.now.result
        n_stages = 1 if ready is None else int(ready.checkpoint.network.config.n_stages)
        device = state.choices.device if ready is None else ready.plan.device
        looked = not_looked(state.view, n_stages, stem(str(state.choices.promptable)), device)
        return Result(
            view=state.view,
            table=LabelTable(()),
            labels=np.zeros(state.view.shape, np.uint8),
            counts=np.zeros(256, np.int64),
            history=[] if earlier is None else list(earlier.history),
            **looked._asdict(),
        )

    def free_label(self, also: Iterable[int] = (), wanted: int = 0) -> int:
        """Return a label that nothing of this image has: `wanted` where it is free; 0 when all are used."""
        used = {*also, *self._used_labels()}
        return wanted if 0 < wanted <= LARGEST_LABEL and wanted not in used else free_label(used)

    def new_name(self) -> str:
        """Return the name an object has until it is given one."""
        taken = {name.casefold() for name in used_names(self._state.now)}
        return next(name for n in count(1) if (name := f"object {n}") not in taken)

    def leave_current(self) -> bool:
        """Let no object be current; return whether there is a preview."""
        preview = self._state.same_image
        if preview is not None and preview.current:
            self._layers.put(preview.copy(current=0))
        return preview is not None

    def select(self, label: int) -> None:
        """Continue an object; one that was accepted comes into the preview again."""
        self._edits.look()
        preview, one = self.preview(), object_of(self.here, label)
        if one is None:
            accepted = self._state.now.accepted
            one = None if accepted is None else object_of(accepted.objects, label)
            if one is None or (preview.view.uid, preview.view.frame) != self._state.place:
                return
            assert accepted is not None
            if was_changed(one, accepted.labels):  # painted or edited since
                one = from_voxels(one, accepted.labels, accepted.view.affine)
            one = one._replace(replaces=label)
        self._layers.put(with_object(preview, one, one.label))
        self._state.say_current()

    def rename(self, label: int, name: str) -> None:
        """Give an object a name, with a number behind it where another one has it."""
        state, name = self._state, " ".join(name.split())
        preview, accepted = state.now
        one = None if preview is None else object_of(preview.objects, label)
        old = one or (None if accepted is None else object_of(accepted.objects, label))
        if old is None or name == old.name:
            return
        if not name or not name.isprintable():
            state.result_changed.emit(state.result)
            state.say_again(f"An object needs a name: it is still called {old.name}.")
            return
        others = [known for known in used_names((preview, accepted)) if known != old.name]
        new = old._replace(name=unused_name(name, others), guess="")
        if one is not None and preview is not None:
            self._layers.put(with_object(preview, new, preview.current), f"naming {new.name}")
        elif accepted is not None:
            self._rename_accepted(accepted, new)
        state.say_current(sentences.renamed(old.name, new.name))

    def remove(self, label: int) -> None:
        """Remove an object, from the preview or from what was accepted."""
        self._edits.look()
        state = self._state
        preview, accepted = state.now
        one = None if preview is None else object_of(preview.objects, label)
        if one is not None and preview is not None:
            self._remove_previewed(preview, one)
        elif accepted is not None and (one := object_of(accepted.objects, label)) is not None:
            self._remove_accepted(accepted, one)
        if one is not None:
            state.say_current(f"Removed {one.name}.")

    def redraw(self) -> None:
        """Draw the objects as they were answered, without what was painted for a prompt that was dropped."""
        preview, place = self._state.same_image, self._state.place
        if preview is not None and place is not None and preview.objects:
            again = preview.copy()
            again.repaint()
            self._layers.set_shown(place, Shown(again, self._state.now.accepted))

    def _used_labels(self) -> set[int]:
        preview, accepted = self._state.now
        tables = [result.table for result in (preview, accepted) if result is not None]
        output = self._state.store.layer(self._state.choices.output)
        tables += [] if output is None else [table_in(output)]
        if self._state.ready is not None and not self._state.is_promptable:
            tables.append(self._state.ready.checkpoint.labels)
        return {label for table in tables for label in table.indices}

    def _row(self, one: ScanObject, result: Result | None, *, accepted: bool) -> ObjectRow:
        assert result is not None
        current = not accepted and one.label == result.current
        size_ml = int(result.counts[one.label]) * result.voxel_ml
        return ObjectRow(
            one.label, one.name, one.colour, size_ml, one.n_prompts, current, accepted, one.guess
        )

    def _remove_previewed(self, preview: Result, one: ScanObject) -> None:
        rest = tuple(other for other in preview.objects if other.label != one.label)
        current = 0 if preview.current == one.label else preview.current
        after = with_objects(preview, rest, current)
        after.history.append(removal_entry(one.name, _middle(one), preview.view))
        step = f"removing {one.name}"
        if rest or preview.clicks or preview.base is not None:
            self._layers.put(after, step)
            return
        shown, place = self._state.now, self._state.place
        assert place is not None
        self._state.steps[place].add(UndoStep(step, shown, Shown(None, shown.accepted)))
        self._layers.set_shown(place, Shown(None, shown.accepted))

    def _remove_accepted(self, accepted: Result, one: ScanObject) -> None:
        state, place = self._state, self._state.place
        layer = state.store.layer(accepted.layer)
        if layer is None or place is None:
            return
        places = np.flatnonzero(np.asarray(layer.data)[place[1]] == one.label)
        before = np.full(places.size, one.label, np.asarray(layer.data).dtype)
        written = Written(layer.unique_id, places, before, np.zeros_like(before))
        write_labels_into(layer, place[1], places, written.after)
        self._edits.remember(layer, place[1])
        entry = removal_entry(one.name, _middle(one), accepted.view)
        objects = tuple(other for other in accepted.objects if other.label != one.label)
        after = Shown(state.now.preview, segmentation_of(accepted, layer, entry).copy(objects=objects))
        state.steps[place].add(UndoStep(f"removing {one.name}", state.now, after, written))
        self._layers.set_shown(place, after)
        self._layers.count(layer, after.accepted)

    def _rename_accepted(self, accepted: Result, new: ScanObject) -> None:
        place, layer = self._state.place, self._state.store.layer(accepted.layer)
        if layer is None or place is None:
            return
        objects = tuple(new if one.label == new.label else one for one in accepted.objects)
        table = rename_in(layer, accepted, new.label, new.name)
        renamed = accepted.copy(objects=objects, table=table)
        self._layers.set_shown(place, Shown(self._state.now.preview, renamed))


def _middle(one: ScanObject) -> list[int]:
    """Return the first place that was pointed at, else the middle of the object's box."""
    if one.prompts.included:
        return list(one.prompts.included[0])
    return [(side.start + side.stop) // 2 for side in one.box]
