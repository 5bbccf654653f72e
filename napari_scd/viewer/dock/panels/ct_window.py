"""The list of CT windows; shown for CT scans only."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_scd.viewer.dock.panels.parts import Chooser, form
from napari_scd.viewer.logic import CT_WINDOWS, window_with

Limits = tuple[float, float]


class CtWindowRow(QWidget):
    """Offers soft tissue, lung, bone and brain, and the way back to the limits the layer had."""

    chosen = Signal(object)  # (lowest, highest), None = the limits the layer had

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("scd.ct_window.row")
        self.windows = Chooser("scd.ct_window", parted_by=" L")
        hint = "Contrast limits of the image layer: level (L) and width (W) in Hounsfield units"
        self.windows.set_items(
            [("As opened", None), *((window.title, window.limits) for window in CT_WINDOWS)],
            hints=[hint] * (1 + len(CT_WINDOWS)),
        )
        rows = form()
        rows.addRow("CT window", self.windows)
        self.setLayout(rows)
        self.windows.activated.connect(lambda _: self.chosen.emit(self.windows.value))

    def show_limits(self, limits: Limits) -> None:
        """Name the window that has these limits."""
        window = window_with(limits)
        self.windows.choose(None if window is None else window.limits)
