"""Edit: smooth, grow, fill, clean or interpolate one object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QPushButton, QVBoxLayout
from superqt import QCollapsible

from napari_scd.viewer.dock.panels.parts import Chooser, WrappingContent, flow, form
from napari_scd.volume import ShapeEdit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_scd.viewer.layers import Voxels
    from napari_scd.volume import LabelTable

_BUTTONS = {
    "smooth": ("Smooth", "Even out details smaller than Distance; the volume stays the same."),
    "grow": ("Grow", "Add what lies within Distance of the surface; other objects keep their voxels."),
    "shrink": ("Shrink", "Remove what lies within Distance of the surface."),
    "fill holes": ("Fill holes", "Fill cavities that are closed on all sides."),
    "keep largest part": ("Keep largest", "Keep the largest connected part."),
    "remove islands": ("Remove islands", "Remove connected parts smaller than Islands; the largest stays."),
    "interpolate slices": (
        "Interpolate slices",
        "Fill empty slices between painted ones: paint every few slices, then press this.",
    ),
}


class EditPanel(QCollapsible):
    """Edits of the chosen object; collapsed at first."""

    edit_wanted = Signal(int, object)  # label, ShapeEdit

    def __init__(self) -> None:
        super().__init__("Edit object")
        self.setObjectName("scd.edit")
        whole = self.layout()
        assert whole is not None
        whole.setContentsMargins(0, 0, 0, 0)
        content = WrappingContent()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        self.object = Chooser("scd.edit.object")
        self.distance = _amount("scd.edit.distance", " mm", (0.1, 50.0), 2.0)
        self.distance.setToolTip("How far to smooth, grow or shrink, in millimetres of the patient.")
        self.islands = _amount("scd.edit.islands", " ml", (0.01, 1000.0), 0.5)
        self.islands.setToolTip("Parts smaller than this are islands.")
        rows = form()
        rows.addRow("Object", self.object)
        rows.addRow("Distance", self.distance)
        rows.addRow("Islands below", self.islands)
        column.addLayout(rows)
        self._buttons = [self._button(kind) for kind in _BUTTONS]
        column.addLayout(flow(*self._buttons))
        self.setContent(content)
        self.setCollapsedIcon("▸")
        self.setExpandedIcon("▾")
        self.collapse(animate=False)
        self.show_objects(None, {})

    def show_objects(self, table: LabelTable | None, found: Mapping[int, Voxels]) -> None:
        """List the objects that can be edited; the chosen one stays while it is there."""
        there = [label for label in (table.labels if table is not None else ()) if label.index in found]
        there = [label for label in there if found[label.index].voxels]
        self.object.set_items([(label.name, label.index) for label in there])
        for part in (self.object, *self._buttons):
            part.setEnabled(bool(there))

    def _button(self, kind: str) -> QPushButton:
        text, hint = _BUTTONS[kind]
        button = QPushButton(text)
        button.setObjectName(f"scd.edit.{kind.replace(' ', '_')}")
        button.setToolTip(hint)
        button.clicked.connect(lambda: self._want(kind))
        return button

    def _want(self, kind: str) -> None:
        amounts = {"smooth": self.distance, "grow": self.distance, "shrink": self.distance}
        box = amounts.get(kind, self.islands if kind == "remove islands" else None)
        if self.object.value is not None:
            amount = 0.0 if box is None else round(box.value(), 2)
            self.edit_wanted.emit(int(self.object.value), ShapeEdit(kind, amount))


def _amount(name: str, unit: str, limits: tuple[float, float], start: float) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setObjectName(name)
    box.setSuffix(unit)
    box.setRange(*limits)
    box.setDecimals(1 if limits[0] >= 0.1 else 2)
    box.setSingleStep(0.5)
    box.setValue(start)
    return box
