"""Refine: an object starts from a label of a result, of the segmentation or of any Labels layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_scd.engine import OtherGrid, PreviousMask, Prompts
from napari_scd.errors import InputError
from napari_scd.viewer.layers import layer_matrix
from napari_scd.viewer.logic import prompt_sentences as sentences
from napari_scd.viewer.logic import status
from napari_scd.viewer.logic.accept_objects import table_in
from napari_scd.viewer.logic.boxes import bins
from napari_scd.viewer.logic.guess import used_names
from napari_scd.viewer.logic.objects import with_object
from napari_scd.viewer.logic.scan_object import ScanObject, not_looked, object_of, unused_name
from napari_scd.viewer.logic.wording import stem
from napari_scd.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Hashable

    from napari_scd.viewer.layers import SourceView
    from napari_scd.viewer.logic.dock_state import DockState
    from napari_scd.viewer.logic.edits import HandEdits
    from napari_scd.viewer.logic.object_list import ObjectList
    from napari_scd.viewer.logic.result import Result
    from napari_scd.viewer.logic.show_result import ResultLayers

MOST_LABELS = 60


class RefineSource(NamedTuple):
    """A label that an object may start from: its title, its layer's `unique_id` and its number."""

    title: str
    layer: Hashable
    label: int


class Refining:
    """Makes objects of masks, which further clicks correct."""

    def __init__(self, state: DockState, layers: ResultLayers, edits: HandEdits, objects: ObjectList) -> None:
        self._state = state
        self._layers = layers
        self._edits = edits
        self._objects = objects

    def sources(self) -> list[RefineSource]:
        """List the labels of all Labels layers, those of the preview and the segmentation first."""
        view = self._state.view
        if view is None:
            return []
        found = []
        for layer in self._state.store.masks(view.uid):
            names = {label.index: label.name for label in table_in(layer).labels}
            counts = _counted(_frame_of(layer, view))
            for label in np.flatnonzero(counts)[:MOST_LABELS].tolist():
                found.append(
                    RefineSource(
                        f"{names.get(label, f'label {label}')} ({layer.name})", layer.unique_id, label
                    )
                )
        if not found:
            self._state.say_again(sentences.NOTHING_TO_REFINE)
        return found

    def start(self, source: RefineSource) -> None:
        """Make an object of a label; the next click corrects it."""
        self._edits.look()
        state, view = self._state, self._state.view
        layer = state.store.layer(source.layer)
        if view is None or layer is None:
            return
        if state.choices.promptable is None:
            state.say(sentences.NO_PROMPTABLE)
            return
        preview = self._objects.preview()
        is_preview = layer == state.store.ours(view.uid, "preview")
        if is_preview and object_of(preview.objects, source.label) is not None:
            self._objects.select(source.label)
            return
        try:
            mask = _mask(layer, view, source.label)
        except InputError as error:
            state.say(status.error(str(error)))
            return
        accepted = state.now.accepted
        is_accepted = accepted is not None and layer.unique_id == accepted.layer
        names = {entry.index: entry.name for entry in table_in(layer).labels}
        name = names.get(source.label, layer.name)
        label = source.label if is_preview or is_accepted else self._objects.free_label()
        if not label:
            state.say(sentences.NO_LABELS_LEFT)
            return
        one = self._object(view, mask, label, name)
        if is_preview:
            preview = _without(preview, label)
        elif is_accepted:
            one = one._replace(replaces=label)
            preview = _with_free(preview, label, self._objects.free_label())
        else:
            one = one._replace(name=unused_name(one.name, used_names(state.now)))
        self._layers.put(with_object(preview, one, label), f"refining {one.name}")
        state.say_current()

    def _object(self, view: SourceView, mask: PreviousMask, label: int, name: str) -> ScanObject:
        ready = self._state.ready
        n_stages = 1 if ready is None else int(ready.checkpoint.network.config.n_stages)
        device = self._state.choices.device if ready is None else ready.plan.device
        z, y, x = (slice(low, low + n) for low, n in zip(mask.low, mask.inside.shape, strict=True))
        return ScanObject(
            label=label,
            name=name,
            prompts=Prompts(previous=mask),
            box=(z, y, x),
            inside=mask.inside,
            looked=not_looked(view, n_stages, stem(str(self._state.choices.promptable)), device),
        )


def _mask(layer: Any, view: SourceView, label: int) -> PreviousMask:
    """Cut a label out of a layer on the grid of the image."""
    same = tuple(layer.data.shape) == view.layer_shape
    if not same or not np.allclose(layer_matrix(layer), view.matrix, atol=1e-6):
        z, y, x = (int(n) for n in (1, 1, 1, *layer.data.shape)[-3:])
        raise OtherGrid((z, y, x), view.shape)
    return PreviousMask.of(Volume(np.asarray(layer.data)[view.frame], view.affine), label)


def _frame_of(layer: Any, view: SourceView) -> np.ndarray:
    data = np.asarray(layer.data)
    return data[view.frame] if data.shape == view.layer_shape else data


def _counted(labels: np.ndarray) -> np.ndarray:
    """Return voxels of every label, 0 for background."""
    if labels.dtype == np.uint8:
        counts = bins(labels)
    else:
        counts = np.bincount(np.clip(labels.reshape(-1), 0, 65535).astype(np.int64), minlength=1)
    counts[0] = 0
    return counts


def _without(preview: Result, label: int) -> Result:
    """Take a structure out of what models with names found: an object stands for it now."""
    changed = preview.copy(
        clicks=[
            click._replace(values=np.where(click.values == label, 0, click.values).astype(np.uint8))
            for click in preview.clicks
        ]
    )
    if changed.base is not None and changed.base_counts is not None:
        changed.base = np.where(changed.base == label, 0, changed.base).astype(np.uint8)
        changed.base_counts = changed.base_counts.copy()
        changed.base_counts[label] = 0
    changed.clicks = [click for click in changed.clicks if click.values.any()]
    return changed


def _with_free(preview: Result, label: int, instead: int) -> Result:
    """Give the object that has a label another one, as an object of the segmentation needs it."""
    objects = tuple(one._replace(label=instead) if one.label == label else one for one in preview.objects)
    return preview.copy(objects=objects)
