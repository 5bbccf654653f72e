"""Advanced: settings that few people need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QLocale, QSignalBlocker, Signal
from qtpy.QtGui import QDoubleValidator
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QPushButton
from superqt import QCollapsible

from napari_scd.viewer.dock.panels.orientation import OrientationChooser
from napari_scd.viewer.dock.panels.parts import Chooser, PanelTitle, WrappingContent, form

if TYPE_CHECKING:
    from collections.abc import Sequence


class AdvancedPanel(QCollapsible):
    """Stride, blending, precision, batch, orientation, intensities and saving; collapsed at first."""

    changed = Signal(str, object)  # name of the choice, its new value
    refused = Signal(str)  # why a value cannot be used
    limits_wanted = Signal()

    def __init__(self) -> None:
        super().__init__("Advanced")
        self.setObjectName("scd.advanced")
        whole = self.layout()
        assert whole is not None
        whole.setContentsMargins(0, 0, 0, 0)
        content = WrappingContent()
        rows = form()
        content.setLayout(rows)
        self.stride = self._chooser("stride", [("the model's own", None)])
        self.stride.setToolTip("Step between windows in voxels: smaller is smoother and slower.")
        self.blending = self._chooser("blending", [("gaussian", "gaussian"), ("constant", "constant")])
        self.precision = self._chooser(
            "precision", [(name, name) for name in ("auto", "float32", "bfloat16")]
        )
        self.batch = self._chooser("batch", [("auto", None), *((str(n), n) for n in (1, 2, 4, 8))])
        self.orientation = OrientationChooser()
        self.orientation.chosen.connect(lambda axes: self.changed.emit("world_axes", axes))
        rows.addRow("Stride", self.stride)
        rows.addRow("Blending", self.blending)
        rows.addRow("Precision", self.precision)
        rows.addRow("Batch", self.batch)
        self.low, self.high = (self._limit(name) for name in ("low", "high"))
        self.as_shown = QPushButton("As shown")
        self.as_shown.setObjectName("scd.window.as_shown")
        self.as_shown.setToolTip("Take the contrast limits of the image layer.")
        self.as_shown.clicked.connect(lambda: self.limits_wanted.emit())
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self.low, 1)
        line.addWidget(self.high, 1)
        rows.addRow("Intensities", line)
        rows.addRow("", self.as_shown)
        self.live = QCheckBox("Live preview")
        self.live.setObjectName("scd.live")
        self.autosave = QCheckBox("Save after Accept")
        self.autosave.setObjectName("scd.autosave")
        self.live.setToolTip("Segment the visible window again while Keep moves.")
        self.autosave.setToolTip("Save labels beside the image's file after every Accept.")
        self.maps = QCheckBox("Export token maps")
        self.maps.setObjectName("scd.maps")
        self.maps.setChecked(True)
        self.maps.setToolTip("Export writes the token and score maps too.")
        rows.addRow(self.live)
        rows.addRow(self.autosave)
        rows.addRow(self.maps)
        rows.addRow(PanelTitle("Orientation"))
        rows.addRow(self.orientation)
        self.live.toggled.connect(lambda on: self.changed.emit("live", on))
        self.maps.toggled.connect(lambda on: self.changed.emit("maps", on))
        self.autosave.toggled.connect(lambda on: self.changed.emit("autosave", on))
        self.setContent(content)
        self.setCollapsedIcon("▸")
        self.setExpandedIcon("▾")
        self.collapse(animate=False)

    def set_window(self, window: tuple[float, float] | None) -> None:
        """Write the intensity window; None = the model's own."""
        for edit, limit in zip((self.low, self.high), window or (None, None), strict=True):
            edit.setText("" if limit is None else f"{limit:g}")

    def show_switches(self, *, live: bool, autosave: bool) -> None:
        """Set the two switches without emitting anything."""
        for box, on in ((self.live, live), (self.autosave, autosave)):
            with QSignalBlocker(box):
                box.setChecked(on)

    def set_strides(self, roi: Sequence[int], patch: int) -> None:
        """Offer strides that fit the model's window."""
        edge = min(roi)
        steps = sorted(
            {patch * max(round(edge * share / patch), 1) for share in (1, 0.75, 0.5, 0.25)}, reverse=True
        )
        self.stride.set_items([("the model's own", None), *((f"{step} voxels", step) for step in steps)])

    def _limit(self, name: str) -> QLineEdit:
        edit = QLineEdit()
        edit.setObjectName(f"scd.window.{name}")
        edit.setPlaceholderText("model's")
        edit.setMinimumWidth(40)
        edit.setToolTip(
            "Lowest and highest intensity the network sees, in the image's own numbers (HU for CT): "
            "what lies outside is clipped. Both empty: the model's own limits."
        )
        validator = QDoubleValidator()
        validator.setLocale(QLocale.c())
        edit.setValidator(validator)
        edit.editingFinished.connect(self._on_window)
        return edit

    def _on_window(self) -> None:
        texts = self.low.text(), self.high.text()
        if texts == ("", ""):
            self.changed.emit("window", None)
        elif all(texts):
            low, high = (float(text) for text in texts)
            if low < high:
                self.changed.emit("window", (low, high))
            else:
                self.refused.emit(
                    f"Intensities from {low:g} to {high:g} are not a range: the first must be lower."
                )

    def _chooser(self, name: str, items: Sequence[tuple[str, Any]]) -> Chooser:
        chooser = Chooser(f"scd.{name}")
        chooser.set_items(items)
        chooser.activated.connect(
            lambda _, name=name, chooser=chooser: self.changed.emit(name, chooser.value)
        )
        return chooser
