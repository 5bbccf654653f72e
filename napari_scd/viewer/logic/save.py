"""Exporting from the dock: where to, what, and the sentence that says it is done."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.errors import InputError
from napari_scd.viewer.logic.clicks import click_entry
from napari_scd.viewer.logic.export import Export
from napari_scd.viewer.logic.failures import CannotSave
from napari_scd.viewer.plugin import stem_of
from napari_scd.viewer.state import State, Status

if TYPE_CHECKING:
    from napari_scd.cancel import CancelToken
    from napari_scd.viewer.logic.dock_state import DockState
    from napari_scd.viewer.logic.show_result import ResultLayers


class Saving:
    """Writes the labels on screen, with their maps and provenance."""

    def __init__(self, state: DockState, layers: ResultLayers) -> None:
        self._state = state
        self._layers = layers

    @property
    def exportable(self) -> bool:
        """Whether there are labels to write."""
        return self._state.result is not None

    def suggestion(self) -> str:
        """Path to suggest: beside the image's file where it has one."""
        beside = self.beside_source()
        if beside is not None:
            return beside
        result = self._state.result
        name = result.view.name.replace("/", "-") if result is not None else "labels"
        return str(Path.home() / f"{name}_scd.nii.gz")

    def beside_source(self) -> str | None:
        """Path beside the image's file; None where the image has no file."""
        result = self._state.result
        source = result.view.source if result is not None else None
        if not source or not source.get("path"):
            return None
        path = Path(source["path"])
        return str(path.with_name(f"{stem_of(path)}_scd.nii.gz"))

    def export(self, path: str | Path) -> None:
        """Write labels, token and score maps, provenance and label table beside each other."""
        files = self._collect()
        if files is None:
            self._state.say(Status(State.READY, "Nothing to export: segment or click first."))
            return
        maps = self._state.choices.maps

        def write(progress: Any, cancel: CancelToken) -> list[Path]:
            try:
                return files.write(path, maps=maps)
            except InputError as error:
                raise CannotSave(str(error)) from error

        self._state.submit("export", write, partial(self._on_exported, path))

    def _on_exported(self, path: str | Path, files: list[Path]) -> None:
        names = ", ".join(file.name for file in files[1:])
        self._state.say(Status(State.DONE, f"Saved {Path(path).name} in {Path(path).parent}, with {names}."))

    def _collect(self) -> Export | None:
        result = self._state.result
        if result is None:
            return None
        layer = self._layers.segmentation() if result.accepted else None
        if layer is None:
            layer = self._state.store.ours(result.view.uid, "preview")
        labels = np.asarray(layer.data) if layer is not None else result.labels
        frame = labels[result.view.frame] if labels.ndim > 3 else labels
        clicks = [click_entry(click, result.view) for click in result.clicks]
        report = result.report | {"clicks": clicks}
        return Export(result.view, result.table, frame, result.tokens, result.scores, report)
