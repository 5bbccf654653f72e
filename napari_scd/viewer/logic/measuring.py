"""Structures on screen in numbers: what they measure, and how they changed since another label map."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from psygnal import Signal

from napari_scd.errors import InputError
from napari_scd.viewer.layers import layer_matrix, spatial_part
from napari_scd.viewer.state import State, Status
from napari_scd.volume import (
    LabelTable,
    Volume,
    atomic_path,
    changes_csv,
    compare_labels,
    measure_structures,
    statistics_csv,
)

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path

    from napari_scd.cancel import CancelToken
    from napari_scd.viewer.layers import SourceView
    from napari_scd.viewer.logic.dock_state import DockState
    from napari_scd.viewer.logic.edits import HandEdits
    from napari_scd.viewer.logic.result import Result
    from napari_scd.viewer.logic.save import Saving
    from napari_scd.volume import StructureChange, StructureStatistics


class Measurements(NamedTuple):
    """What was measured.

    Parameters
    ----------
    result
        What was on screen then.
    name
        Of the image, and of its frame where it has several.
    structures
        Those that are there.
    changes
        Since the label map `before`; empty where nothing was compared.
    before
        Name of the layer compared with; empty = none.
    """

    result: Result
    name: str
    structures: tuple[StructureStatistics, ...] = ()
    changes: tuple[StructureChange, ...] = ()
    before: str = ""

    def csv(self) -> str:
        """Return the table as CSV."""
        if self.before:
            return changes_csv(self.changes)
        return statistics_csv([(self.name, self.structures)])


class Measuring:
    """Measures what Export would write: what was accepted, with the preview on top."""

    measured = Signal(object)  # Measurements

    def __init__(self, state: DockState, edits: HandEdits, saving: Saving) -> None:
        self._state = state
        self._edits = edits
        self._saving = saving

    def measure(self) -> None:
        """Measure every structure on screen."""
        found = self._on_screen()
        if found is None:
            return
        view, result, labels = found
        self._state.say(Status(State.RUNNING, "Measuring the structures."))
        done = partial(self._on_measured, result, title_of(view))
        self._state.submit("measure", partial(_measure, view, labels, result.table), done)

    def compare_with(self, uid: Hashable) -> None:
        """Compare the structures on screen with those of another Labels layer, which counts as earlier."""
        found, layer = self._on_screen(), self._state.store.layer(uid)
        if found is None or layer is None:
            return
        view, result, labels = found
        try:
            before, table = _labels_in(layer, view)
        except InputError as error:
            self._state.say_again(str(error))
            return
        self._state.say(Status(State.RUNNING, f"Comparing with '{layer.name}'."))
        run = partial(_compare, before, Volume(labels, view.affine), table, result.table)
        done = partial(self._on_compared, result, title_of(view), layer.name)
        self._state.submit("measure", run, done)

    def comparable(self) -> list[Any]:
        """Return Labels layers that the structures on screen may be compared with."""
        state = self._state
        result, view = state.result, state.view
        if result is None or view is None:
            return []
        shown = None if result.layer is None else state.store.layer(result.layer)
        mine = [shown, *(state.store.ours(view.uid, kind) for kind in ("preview", "tokens"))]
        return [one for one in state.store.label_maps() if all(one is not other for other in mine)]

    def save(self, measurements: Measurements, path: Path) -> None:
        """Write a table as CSV."""

        def write(_progress: Any, _cancel: CancelToken) -> None:
            with atomic_path(path) as temporary:
                temporary.write_text(measurements.csv(), encoding="utf-8")

        saved = f"Saved {path.name} in {path.parent}."
        self._state.submit("export", write, lambda _: self._state.say_current(saved), replace=False)

    def _on_screen(self) -> tuple[SourceView, Result, np.ndarray] | None:
        self._edits.look()
        view, result = self._state.view, self._state.result
        labels = self._saving.labels_on_screen()
        if view is None or result is None or labels is None or not labels.any():
            self._state.say_again("Nothing to measure: segment or click first.")
            return None
        return view, result, labels

    def _on_measured(self, result: Result, name: str, rows: list[StructureStatistics]) -> None:
        there = tuple(row for row in rows if row.volume_ml)
        self.measured.emit(Measurements(result, name, structures=there))
        count = "1 structure" if len(there) == 1 else f"{len(there)} structures"
        self._state.say_current(f"Measured {count}.")

    def _on_compared(self, result: Result, name: str, before: str, changes: list[StructureChange]) -> None:
        there = tuple(change for change in changes if change.before_ml or change.after_ml)
        self.measured.emit(Measurements(result, name, changes=there, before=before))
        overlap = any(change.dice is not None for change in there)
        aside = "" if overlap else " The label maps do not overlap, so there is no Dice."
        self._state.say_current(f"Compared with '{before}'.{aside}")


def title_of(view: SourceView) -> str:
    """Name of an image, with its frame where it has several."""
    return view.name if view.n_frames == 1 else f"{view.name}, {view.frame_title.lower()}"


def affine_in_patient(view: SourceView) -> np.ndarray:
    """Return (4, 4), voxel index -> (S, P, L) mm in the patient: the file's where it is known."""
    record = view.source
    if record is not None and tuple(record["shape"]) == view.shape:
        return np.asarray(record["affine_spl"], float)
    return view.affine


def _measure(
    view: SourceView, labels: np.ndarray, table: LabelTable, _progress: Any, cancel: CancelToken
) -> list[StructureStatistics]:
    affine = affine_in_patient(view)
    scan = Volume(view.volume().array, affine)
    return measure_structures(Volume(labels, affine), table, scan, cancel=cancel)


def _compare(
    before: Volume,
    after: Volume,
    before_table: LabelTable | None,
    after_table: LabelTable,
    _progress: Any,
    _cancel: CancelToken,
) -> list[StructureChange]:
    return compare_labels(before, after, before_table, after_table)


def _labels_in(layer: Any, view: SourceView) -> tuple[Volume, LabelTable | None]:
    """Return the labels of a layer at the view's frame, and their names where the layer knows them."""
    data = np.asarray(layer.data)
    n_leading = data.ndim - 3
    frame = view.frame if data.shape[:-3] == view.frames_shape else (0,) * n_leading
    if n_leading < 0:
        raise InputError(f"'{layer.name}' is 2D: compare with a label map of a whole volume.")
    affine = view.world_to_mm @ spatial_part(layer_matrix(layer), frame)
    metadata = layer.metadata or {}
    entries = metadata.get("scd_labels") or (metadata.get("scd") or {}).get("labels")
    return Volume(data[frame], affine), LabelTable.from_list(entries) if entries else None
