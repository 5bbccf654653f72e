"""What can be done with the objects of a result: edit, measure, compare, take surfaces along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QCheckBox, QPushButton

from napari_scd.viewer.dock.below_canvas import BelowCanvas
from napari_scd.viewer.dock.measure_dock import TABLE_TITLE, MeasureDock
from napari_scd.viewer.dock.panels import EditPanel, Panel, flow

if TYPE_CHECKING:
    import napari

    from napari_scd.viewer.logic import Controller, Result


TABLE_SHARE = 0.4  # of the height of the canvas


class ObjectTools(Panel):
    """The row of buttons below the legend, and the edits of an object.

    Parameters
    ----------
    viewer
        The viewer whose window the table of measures opens in.
    controller
        Does the work.

    Attributes
    ----------
    below
        Where docks below the canvas open.
    """

    def __init__(self, viewer: napari.viewer.Viewer, controller: Controller) -> None:
        super().__init__()
        self.below = BelowCanvas(viewer)
        self._control = controller
        self._table: MeasureDock | None = None
        self.measure = QPushButton("Measure...")
        self.measure.setObjectName("scd.measure")
        self.measure.setToolTip(
            "Volumes, sides, intensities, surfaces and places of all structures, in a table below the image; "
            "compare with another label map; save surfaces."
        )
        self.confidence = QCheckBox("Show confidence")
        self.confidence.setObjectName("scd.confidence")
        self.confidence.setToolTip("Highlight voxels where the model was unsure of its label.")
        self.edit = EditPanel()
        self.column.addLayout(flow(self.measure, self.confidence))
        self.column.addWidget(self.edit)
        self.measure.clicked.connect(lambda: self._on_measure())
        self.confidence.toggled.connect(controller.show_confidence)
        self.edit.edit_wanted.connect(controller.objects.apply)
        controller.state.result_changed.connect(self._on_result)
        self._on_result(controller.result)

    def choose(self, index: int) -> None:
        """Choose the object to edit."""
        self.edit.object.choose(index)

    def close_table(self) -> None:
        """Remove the table of measures from the window."""
        table, self._table = self._table, None
        if table is not None and not table.gone:
            self.below.remove(table)

    def _on_measure(self) -> None:
        if self._table is None or self._table.gone:
            self._table = MeasureDock(self._control, self.below.forget)
            self.below.add(self._table, TABLE_TITLE, lambda _width, height: round(TABLE_SHARE * height))
        self._control.measuring.measure()

    def _on_result(self, result: Result | None) -> None:
        found = {} if result is None else result.found()
        self.edit.show_objects(None if result is None else result.table, found)
        self.confidence.setEnabled(result is not None and result.confidence is not None)
        self.measure.setEnabled(any(voxels.voxels for voxels in found.values()))
