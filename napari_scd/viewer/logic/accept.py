"""What becomes of a result: accept, discard, undo and redo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.errors import InputError
from napari_scd.viewer import layers
from napari_scd.viewer.logic import status as sentences
from napari_scd.viewer.state import State, Status

if TYPE_CHECKING:
    from napari_scd.cancel import CancelToken
    from napari_scd.viewer.logic.dock_state import DockState
    from napari_scd.viewer.logic.result import Result
    from napari_scd.viewer.logic.show_result import ResultLayers
    from napari_scd.volume import LabelTable


class Review:
    """Accepts and discards results."""

    def __init__(self, state: DockState, layers: ResultLayers) -> None:
        self._state = state
        self._layers = layers

    def accept(self) -> Result | None:
        """Write the preview into the segmentation, as one undo step; return it when that was done."""
        state = self._state
        result = state.pending
        if result is None:
            state.say(Status(State.READY, "Nothing to accept: segment or click first."))
            return None
        chosen = state.store.layer(state.choices.output)
        owner = other_owner(chosen, result.table) if chosen is not None else ""
        if chosen is not None and owner:
            state.say(sentences.other_labels(chosen.name, owner))
            return None
        try:
            layer, n_voxels = self._layers.accept(result)
        except InputError as error:
            state.say(sentences.error(str(error)))
            return None
        result.accepted = True
        self._count(layer)
        state.choices.output = layer.unique_id
        state.result_changed.emit(result)
        state.say(sentences.accepted(layer.name, n_voxels))
        return result

    def discard(self) -> None:
        """Remove the preview and its token maps."""
        state = self._state
        if state.result is not None and state.place is not None:
            self._layers.clear(state.result, "preview", "tokens", "score", "clicks")
            del state.results[state.place]
            state.result_changed.emit(None)
        state.say_ready()

    def undo(self) -> None:
        """Undo the last accept, whichever layer is selected."""
        layer = self._layers.segmentation()
        if layer is not None:
            layer.undo()
            self._count(layer)

    def redo(self) -> None:
        """Accept again what was undone."""
        layer = self._layers.segmentation()
        if layer is not None:
            layer.redo()
            self._count(layer)

    def _count(self, layer: Any) -> None:
        """Bring the volumes that napari shows under the mouse up to date, when the layer is of a model."""
        result = self._state.result
        if result is None or not _is_table(layer, result.table):
            return
        data, table, voxel_ml = layer.data, result.table, result.voxel_ml

        def count(progress: Any, cancel: CancelToken) -> dict[str, list[Any]]:
            return layers.features_of(layers.measure(np.asarray(data), table, voxel_ml), table)

        def show(features: dict[str, list[Any]]) -> None:
            layer.features = features

        self._state.submit("count", count, show, lasting=True, silent=True)


def other_owner(layer: Any, table: LabelTable) -> str:
    """Name of the model whose labels a layer holds, when its numbers mean something else than `table`'s."""
    record = layer.metadata.get("scd")
    if not isinstance(record, dict) or "labels" not in record or record["labels"] == table.to_list():
        return ""
    return str(record.get("model", "another model"))


def _is_table(layer: Any, table: LabelTable) -> bool:
    record = layer.metadata.get("scd")
    return isinstance(record, dict) and record.get("labels") == table.to_list()
