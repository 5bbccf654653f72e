"""What becomes of a result: accept, discard, undo, export, and looking at single structures."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.errors import InputError
from napari_scd.viewer.layers import build as layers
from napari_scd.viewer.logic import state
from napari_scd.viewer.logic.export import Export
from napari_scd.viewer.logic.result import click_entry
from napari_scd.viewer.logic.state import CannotSave, State, Status
from napari_scd.viewer.plugin.files import stem_of

if TYPE_CHECKING:
    from napari_scd.cancel import CancelToken
    from napari_scd.viewer.logic.controller import Controller
    from napari_scd.volume import LabelTable


class Outcome:
    """The Result panel's actions."""

    def __init__(self, controller: Controller) -> None:
        self._control = controller

    def accept(self) -> None:
        """Write the preview into the segmentation, as one undo step."""
        control = self._control
        result = control.pending
        if result is None:
            control.say(Status(State.READY, "Nothing to accept: segment or click first."))
            return
        chosen = control.board.layer(control.choices.output)
        owner = other_owner(chosen, result.table) if chosen is not None else ""
        if owner:
            control.say(state.other_labels(chosen.name, owner))
            return
        try:
            layer, n_voxels = control.display.accept(result)
        except InputError as error:
            control.say(state.error(str(error)))
            return
        result.accepted = True
        self._count(layer)
        control.choices.output = layer.unique_id
        control.result_changed.emit(result)
        control.say(state.accepted(layer.name, n_voxels))
        path = self._autosave_path()
        if control.choices.autosave and path is not None:
            self.export(path)

    def discard(self) -> None:
        """Take the preview and its token maps away."""
        control = self._control
        if control.result is not None:
            control.display.clear(control.result, "preview", "tokens", "score", "clicks")
            control.result = None
            control.result_changed.emit(None)
        control.intake.say_ready()

    def undo(self) -> None:
        """Take the last accept back, whichever layer is selected."""
        layer = self._segmentation_layer()
        if layer is not None:
            layer.undo()
            self._count(layer)

    def redo(self) -> None:
        """Accept again what was taken back."""
        layer = self._segmentation_layer()
        if layer is not None:
            layer.redo()
            self._count(layer)

    def go_to(self, index: int) -> None:
        """Bring a structure on screen: the voxel of it nearest its middle."""
        result = self._control.result
        if result is None:
            return
        voxels = np.argwhere(result.labels == index)
        if len(voxels):
            nearest = np.square(voxels - voxels.mean(axis=0)).sum(axis=1).argmin()
            self._control.board.go_to(result.view, voxels[nearest].tolist())

    def isolate(self, index: int) -> None:
        """Show one structure alone, or all again (0)."""
        result = self._control.result
        if result is None:
            return
        for kind in ("preview", "seg"):
            layer = self._control.board.ours(result.view.uid, kind)
            if layer is not None:
                if index:
                    layer.selected_label = index
                layer.show_selected_label = index > 0

    def explode(self) -> None:
        """Add the tokens as a layer with an axis over the stages."""
        if self._control.result is not None:
            self._control.display.explode(self._control.result)

    # -- export ----------------------------------------------------------------------------------------------

    @property
    def exportable(self) -> bool:
        """Whether there are labels to write."""
        return self._control.result is not None

    def suggestion(self) -> str:
        """Path to suggest: beside the image's file where it has one."""
        result = self._control.result
        source = result.view.source if result is not None else None
        if source and source.get("path"):
            path = Path(source["path"])
            return str(path.with_name(f"{stem_of(path)}_scd.nii.gz"))
        name = result.view.name.replace("/", "-") if result is not None else "labels"
        return str(Path.home() / f"{name}_scd.nii.gz")

    def export(self, path: str | Path) -> None:
        """Write labels, token and score maps, provenance and label table beside each other."""
        job = self._export()
        if job is None:
            self._control.say(Status(State.READY, "Nothing to export: segment or click first."))
            return

        maps = self._control.choices.maps

        def write(progress: Any, cancel: CancelToken) -> list[Path]:
            try:
                return job.write(path, maps=maps)
            except InputError as error:
                raise CannotSave(str(error)) from error

        self._control.submit("export", write, partial(self._on_exported, path))

    def _on_exported(self, path: str | Path, files: list[Path]) -> None:
        names = ", ".join(file.name for file in files[1:])
        self._control.say(
            Status(State.DONE, f"Saved {Path(path).name} in {Path(path).parent}, with {names}.")
        )

    def _export(self) -> Export | None:
        result = self._control.result
        if result is None:
            return None
        layer = self._segmentation_layer() if result.accepted else None
        labels = np.asarray(layer.data) if layer is not None else self._painted()
        frame = labels[result.view.frame] if labels.ndim > 3 else labels
        clicks = [click_entry(click, result.view) for click in result.clicks]
        report = result.report | {"clicks": clicks}
        return Export(result.view, result.table, frame, result.tokens, result.scores, report)

    def _count(self, layer: Any) -> None:
        """Bring the volumes that napari shows under the mouse up to date, when the layer is of a model."""
        result = self._control.result
        if result is None or not _is_table(layer, result.table):
            return
        data, table, voxel_ml = layer.data, result.table, result.voxel_ml

        def count(progress: Any, cancel: CancelToken) -> dict[str, list[Any]]:
            return layers.features_of(layers.measure(np.asarray(data), table, voxel_ml), table)

        def show(features: dict[str, list[Any]]) -> None:
            layer.features = features

        self._control.submit("count", count, show, lasting=True, silent=True)

    def _painted(self) -> np.ndarray:
        result = self._control.result
        assert result is not None
        layer = self._control.board.ours(result.view.uid, "preview")
        return np.asarray(layer.data) if layer is not None else result.labels

    def _segmentation_layer(self) -> Any | None:
        control = self._control
        chosen = control.board.layer(control.choices.output)
        if chosen is not None:
            return chosen
        view = control.result.view if control.result is not None else control.view
        return control.board.ours(view.uid, "seg") if view is not None else None

    def _autosave_path(self) -> str | None:
        result = self._control.result
        source = result.view.source if result is not None else None
        return self.suggestion() if source and source.get("path") else None


def other_owner(layer: Any, table: LabelTable) -> str:
    """Name of the model whose labels a layer holds, when its numbers mean something else than `table`'s."""
    record = layer.metadata.get("scd")
    if not isinstance(record, dict) or "labels" not in record or record["labels"] == table.to_list():
        return ""
    return str(record.get("model", "another model"))


def _is_table(layer: Any, table: LabelTable) -> bool:
    record = layer.metadata.get("scd")
    return isinstance(record, dict) and record.get("labels") == table.to_list()
