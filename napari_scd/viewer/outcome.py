"""What becomes of a result: accept, discard, undo, export, and looking at single structures."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.errors import InputError
from napari_scd.viewer import state
from napari_scd.viewer.files import stem_of
from napari_scd.viewer.saving import Export
from napari_scd.viewer.state import State, Status

if TYPE_CHECKING:
    from napari_scd.viewer.controller import Controller
    from napari_scd.viewer.lane import Flag


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
        try:
            layer, n_voxels = control.display.accept(result)
        except InputError as error:
            control.say(state.error(str(error)))
            return
        result.accepted = True
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

    def redo(self) -> None:
        """Accept again what was taken back."""
        layer = self._segmentation_layer()
        if layer is not None:
            layer.redo()

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

        def write(progress: Any, cancel: Flag) -> list[Path]:
            return job.write(path, maps=maps)

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
        return Export(result.view, result.table, frame, result.tokens, result.scores, result.report)

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
