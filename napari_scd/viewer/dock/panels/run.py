"""Run: segment everything, click a structure, and stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

from napari_scd.viewer.dock.panels.busy_bar import BusyBar
from napari_scd.viewer.dock.panels.parts import Panel, flow

if TYPE_CHECKING:
    from napari_scd.engine import Progress

CLICK_ONLY = "This model finds one structure at a time: press K, then click it."


class RunPanel(Panel):
    """The two ways to a result; `progress_row` shows how far it is, and the dock keeps it in sight."""

    segment_wanted = Signal()
    click_toggled = Signal(bool)
    replay_wanted = Signal()
    cancel_wanted = Signal()

    def __init__(self) -> None:
        super().__init__("Run")
        self.segment = QPushButton("Segment volume (G)")
        self.segment.setObjectName("scd.run")
        self.click = QPushButton("Click to segment (K)")
        self.click.setObjectName("scd.click")
        self.click.setCheckable(True)
        self.replay = QPushButton("Replay clicks")
        self.replay.setObjectName("scd.replay")
        self.replay.setToolTip(
            "Repeat the clicks of the selected Points layer, or the last clicks: "
            "with another model, keep ratio or image, for example."
        )
        self.column.addLayout(flow(self.segment, self.click, self.replay))
        self.progress_row = QWidget(self)
        line = QHBoxLayout(self.progress_row)
        line.setContentsMargins(0, 0, 0, 0)
        self.bar = BusyBar()
        self.cancel = QPushButton("Cancel (Q)")
        self.cancel.setObjectName("scd.cancel")
        line.addWidget(self.bar, 1)
        line.addWidget(self.cancel)
        keep = self.progress_row.sizePolicy()
        keep.setRetainSizeWhenHidden(True)  # so that nothing moves under the mouse
        self.progress_row.setSizePolicy(keep)
        self.progress_row.hide()
        self.segment.clicked.connect(lambda: self.segment_wanted.emit())
        self.click.toggled.connect(self.click_toggled)
        self.replay.clicked.connect(lambda: self.replay_wanted.emit())
        self.cancel.clicked.connect(lambda: self.cancel_wanted.emit())

    def set_running(self, running: bool) -> None:
        """Show the progress row while something runs that can be stopped."""
        if running and not self.progress_row.isVisible():
            self.bar.wait()
        self.progress_row.setVisible(running)

    def set_busy(self, busy: bool) -> None:
        """Show that something runs whose length is not known."""
        if busy:
            self.bar.wait()
        self.progress_row.setVisible(busy)

    def show_progress(self, progress: Progress | None) -> None:
        """Move the bar."""
        if progress is not None:
            self.bar.show_progress(progress.done, progress.total)

    def set_can_segment(self, ready: bool, *, click_only: bool) -> None:
        """Offer whole volumes only where the model can do them."""
        self.segment.setEnabled(ready and not click_only)
        self.segment.setToolTip(CLICK_ONLY if click_only else "Segment every structure in the whole volume.")
        self.click.setEnabled(ready)
        self.replay.setEnabled(ready)
        if not ready:
            self.click.setChecked(False)
