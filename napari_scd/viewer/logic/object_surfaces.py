"""Surfaces of structures on screen: as layers, and as files for other programs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari_scd.viewer.layers import LabelSurface, surface_layer
from napari_scd.viewer.logic.measuring import affine_in_patient
from napari_scd.viewer.state import State, Status
from napari_scd.volume import (
    SURFACE_SUFFIXES,
    Volume,
    atomic_path,
    structure_files,
    surface_of,
    write_surface,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np

    from napari_scd.cancel import CancelToken
    from napari_scd.viewer.layers import SourceView
    from napari_scd.viewer.logic.dock_state import DockState
    from napari_scd.viewer.logic.edits import HandEdits
    from napari_scd.viewer.logic.save import Saving
    from napari_scd.volume import Label


class ObjectSurfaces:
    """Makes surfaces of what Export would write.

    Parameters
    ----------
    state, edits, saving
        Of the dock.
    look_again
        Is called when there are new surfaces: in 3D they take the place of labels.
    """

    def __init__(
        self, state: DockState, edits: HandEdits, saving: Saving, look_again: Callable[[], None]
    ) -> None:
        self._state = state
        self._edits = edits
        self._saving = saving
        self._look_again = look_again

    def show(self, names: Sequence[str]) -> None:
        """Add a Surface layer for each named structure; one that is there already is replaced."""
        view = self._state.view
        if view is not None:
            self._make(names, view.affine, partial(_surfaces, view), self._on_made)

    def save(self, names: Sequence[str], path: Path) -> None:
        """Write the surface of each named structure, in (left, posterior, superior) mm of the patient.

        A single structure is written to `path` itself; of several, each goes to a file that is named after
        `path` and the structure.
        """
        view = self._state.view
        if view is None:
            return
        path = path if path.suffix.lower() in SURFACE_SUFFIXES else path.with_name(f"{path.name}.stl")
        self._make(names, affine_in_patient(view), partial(_write, path), self._on_saved)

    def _make(
        self,
        names: Sequence[str],
        affine: np.ndarray,
        run: Callable[..., Any],
        done: Callable[[Any], None],
    ) -> None:
        self._edits.look()
        state, labels = self._state, self._saving.labels_on_screen()
        result = state.result
        if result is None or labels is None:
            state.say_again("No surfaces: segment or click first.")
            return
        there = set(names) & {result.table.name_of(i) for i in result.table.indices if (labels == i).any()}
        chosen = [label for label in result.table.labels if label.name in there]
        if not chosen:
            state.say_again("No surfaces: none of these structures is on screen.")
            return
        state.say(Status(State.RUNNING, "Making surfaces."))
        job = partial(run, Volume(labels, affine), chosen)
        state.submit("surfaces", job, done, partly=self._on_step, replace=False)

    def _on_step(self, name: str) -> None:
        self._state.say(Status(State.RUNNING, f"Making the surface of {name}."))

    def _on_made(self, made: tuple[SourceView, list[LabelSurface]]) -> None:
        view, found = made
        for one in found:
            self._state.store.replace(
                view.uid, f"surface {one.label.index} {view.frame}", surface_layer(one, view)
            )
        self._look_again()
        added = "a layer: switch to 3D to see it" if len(found) == 1 else "layers: switch to 3D to see them"
        self._state.say_current(f"{_counted(len(found))} added as {added}.")

    def _on_saved(self, files: list[Path]) -> None:
        if not files:
            self._state.say_current("Stopped: no surface was saved.")
            return
        where = files[0].name if len(files) == 1 else f"{files[0].name} to {files[-1].name}"
        self._state.say_current(f"Saved {_counted(len(files))} in {files[0].parent}: {where}.")


def _surfaces(
    view: SourceView, labels: Volume, chosen: Sequence[Label], progress: Any, cancel: CancelToken
) -> tuple[SourceView, list[LabelSurface]]:
    found = []
    for label in chosen:
        if cancel.cancelled:
            break
        progress(label.name)
        found.append(LabelSurface(label, surface_of(labels, label.index)))
    return view, found


def _write(
    path: Path, labels: Volume, chosen: Sequence[Label], progress: Any, cancel: CancelToken
) -> list[Path]:
    if len(chosen) == 1:
        files = {chosen[0].index: path}
    else:
        files = structure_files(path.with_suffix(""), chosen, path.suffix.lower())
    written: list[Path] = []
    for label in chosen:
        if cancel.cancelled:
            break
        progress(label.name)
        with atomic_path(files[label.index]) as temporary:
            write_surface(temporary, surface_of(labels, label.index))
        written.append(files[label.index])
    return written


def _counted(n: int) -> str:
    return "1 surface" if n == 1 else f"{n} surfaces"
